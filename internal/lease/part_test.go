package lease

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func acquirePart(t *testing.T, s *Shared, name, group string) *Held {
	t.Helper()
	h, err := s.Part(name, group).Acquire(t.Context(), Holder{Who: name})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// wantHeld wants the lease to be refused because of a holder.
func wantHeld(t *testing.T, l Lease, by string) {
	t.Helper()
	held, err := l.Acquire(t.Context(), Holder{Who: "eve"})
	if err == nil {
		giveBack(t, held)
	}
	if why, ok := errors.AsType[*HeldError](err); !ok || why.Holder.Who != by {
		t.Errorf("got %v, want it to be held by %s", err, by)
	}
}

// Those of a group act side by side for as long as they like; the whole and
// another group wait until the last of them is gone for the lease's duration.
func TestPartsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, _ := shelf.party()
		b, _ := shelf.party()
		c, _ := shelf.party()
		one, two := acquirePart(t, a, "0/2", "two"), acquirePart(t, b, "1/2", "two")
		for range 20 {
			time.Sleep(11 * time.Second)
			if closed(one.Lost()) || closed(two.Lost()) {
				t.Fatalf("lost: %v, %v", one.Err(), two.Err())
			}
		}
		wantHeld(t, c.Part("0/2", "two"), "0/2")
		giveBack(t, one)
		giveBack(t, acquirePart(t, a, "0/2", "two"))
		if _, err := c.Acquire(t.Context(), Holder{}); err == nil {
			t.Error("the whole was taken beside a part")
		}
		if _, err := c.Part("0/3", "three").Acquire(t.Context(), Holder{}); err == nil {
			t.Error("another group acts beside this one")
		}
		giveBack(t, two)
		began := time.Now()
		whole := acquire(t, c, "carol")
		if waited := time.Since(began); waited > 2*defaultDuration {
			t.Errorf("the group's lease ended after %s", waited)
		}
		wantHeld(t, a.Part("0/2", "two"), "carol")
		giveBack(t, whole)
		giveBack(t, acquirePart(t, a, "0/2", "two"))
	})
}

// A part that waits to see whether a holder of the whole is gone goes with the
// others of its group, whoever comes first.
func TestGroupTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		dead, wire := shelf.party()
		gone := acquire(t, dead, "dead")
		wire.set(func(b *board) { b.cut = true })
		var all sync.WaitGroup
		for i := range 4 {
			s, _ := shelf.party()
			all.Go(func() {
				time.Sleep(time.Duration(i) * 7 * time.Second)
				giveBack(t, acquirePart(t, s, fmt.Sprint(i), "four"))
			})
		}
		all.Wait()
		_ = gone.Release(t.Context())
	})
}

// A part that was killed is free again after the lease's duration, while the
// others go on.
func TestPartIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, wire := shelf.party()
		b, _ := shelf.party()
		dead, other := acquirePart(t, a, "0/2", "two"), acquirePart(t, b, "1/2", "two")
		wire.set(func(b *board) { b.cut = true })
		began := time.Now()
		again := acquirePart(t, b, "0/2", "two")
		if waited := time.Since(began); waited < defaultDuration {
			t.Errorf("taken after %s", waited)
		}
		if !closed(dead.Over()) || closed(other.Lost()) {
			t.Errorf("the dead one was told %v, the other %v", dead.Err(), other.Err())
		}
		_ = dead.Release(t.Context())
		giveBack(t, again)
		giveBack(t, other)
	})
}

// A part that cannot have the fleet gives itself back.
func TestPartIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, _ := shelf.party()
		b, _ := shelf.party()
		whole := acquire(t, a, "alice")
		wantHeld(t, b.Part("0/2", "two"), "alice")
		giveBack(t, whole)
		if e := readEntry(shelf.records["payments/0/2"]); e.id != "" {
			t.Errorf("the part is still held by %v", e.Holder)
		}
	})
}

// A part that did not get through to its group leaves the others in peace.
func TestGroupIsLeftInPeace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, _ := shelf.party()
		b, wire := shelf.party()
		held := acquirePart(t, a, "0/2", "two")
		b.Records = &flakyFleet{wire}
		if _, err := b.Part("1/2", "two").Acquire(t.Context(), Holder{}); !errors.Is(err, errCut) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		if closed(held.Lost()) {
			t.Errorf("lost: %v", held.Err())
		}
		giveBack(t, held)
	})
}

// A flakyFleet loses the answer to each write of the fleet's lease.
type flakyFleet struct{ *board }

func (f *flakyFleet) PutIf(ctx context.Context, key string, next, was map[string]string) (bool, error) {
	ok, err := f.board.PutIf(ctx, key, next, was)
	if key == "payments" {
		return false, errCut
	}
	return ok, err
}

// Who loses the part alone, or the fleet alone, has lost both.
func TestEitherIsLost(t *testing.T) {
	for _, key := range []string{"payments", "payments/0/2"} {
		t.Run(key, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shelf := newShelf()
				a, _ := shelf.party()
				held := acquirePart(t, a, "0/2", "two")
				shelf.seize(key)
				<-held.Over()
				if why, ok := errors.AsType[*LostError](held.Err()); !ok || why.By == nil || why.By.Who != "bob" {
					t.Errorf("lost because of: %v", held.Err())
				}
				giveBack(t, held)
			})
		})
	}
}

// Parties want the whole or parts in two divisions; they are cut off, hang and
// die. Never do two hold the same, nor anybody beside the whole, nor those of
// two divisions.
func TestNeverBesideOthers(t *testing.T) {
	seeds := 30
	if testing.Short() {
		seeds = 5
	}
	var together, alone atomic.Int64
	t.Cleanup(func() {
		if together.Load() == 0 || alone.Load() == 0 {
			t.Errorf("%d parts acted together, and %d had the whole: the storm shows nothing", together.Load(), alone.Load())
		}
	})
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := dividedStorm(t, rand.New(rand.NewPCG(uint64(seed), 2)))
				together.Add(f.together)
				alone.Add(f.alone)
			})
		})
	}
}

func dividedStorm(t *testing.T, random *rand.Rand) *floor {
	shelf, stage := newShelf(), &floor{acting: map[string]bool{}}
	var mu sync.Mutex
	roll := func(n int) int { mu.Lock(); defer mu.Unlock(); return random.IntN(n) }
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for range 6 {
				time.Sleep(time.Duration(roll(300_000)) * time.Millisecond)
				s, wire := shelf.party()
				what := []string{"", "", "two 0", "two 1", "two 2", "three 0"}[roll(6)]
				held, err := wanted(s, what).Acquire(context.Background(), Holder{Who: what})
				if _, ok := errors.AsType[*HeldError](err); err != nil && !ok {
					t.Errorf("%q: %v", what, err)
				}
				if err != nil {
					continue
				}
				stage.enter(t, what)
				fate(held, wire, roll)
				stage.leave(what)
				_ = held.Release(context.Background())
			}
		})
	}
	all.Wait()
	return stage
}

// wanted is the lease of "group name", or of the whole.
func wanted(s *Shared, what string) Lease {
	if group, name, ok := strings.Cut(what, " "); ok {
		return s.Part(name+"/"+group, group)
	}
	return s
}

// A floor is where those who hold a lease act.
type floor struct {
	sync.Mutex
	acting          map[string]bool
	together, alone int64
}

func (f *floor) enter(t *testing.T, what string) {
	f.Lock()
	defer f.Unlock()
	group, _, _ := strings.Cut(what, " ")
	for other := range f.acting {
		of, _, _ := strings.Cut(other, " ")
		if other == what || of != group || what == "" {
			t.Errorf("%q acts, and so does %q", what, other)
		}
		f.together++
	}
	if what == "" {
		f.alone++
	}
	f.acting[what] = true
}

func (f *floor) leave(what string) {
	f.Lock()
	defer f.Unlock()
	delete(f.acting, what)
}
