package lease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A board is records in memory, as one process sees them.
type board struct {
	*shelf
	mu      sync.Mutex
	cut     bool // no request arrives
	silent  bool // no answer arrives: the effect happens
	slow    time.Duration
	changes int
}

// A shelf is the records themselves.
type shelf struct {
	sync.Mutex
	records map[string]map[string]string
}

var errCut = errors.New("no route to the records")

// trouble is what happens to a request before and after its effect.
func (b *board) trouble(ctx context.Context) (before, after error) {
	b.mu.Lock()
	cut, silent, slow := b.cut, b.silent, b.slow
	b.mu.Unlock()
	if slow > 0 && !until(ctx, slow) {
		return ctx.Err(), nil
	}
	switch {
	case cut:
		return errCut, nil
	case silent:
		return nil, errCut
	}
	return ctx.Err(), nil
}

func (b *board) set(change func(*board)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *board) Get(ctx context.Context, key string) (map[string]string, error) {
	before, after := b.trouble(ctx)
	if before != nil {
		return nil, before
	}
	b.Lock()
	defer b.Unlock()
	return maps.Clone(b.records[key]), after
}

func (b *board) PutIf(ctx context.Context, key string, next, was map[string]string) (bool, error) {
	before, after := b.trouble(ctx)
	if before != nil {
		return false, before
	}
	b.Lock()
	defer b.Unlock()
	have, ok := b.records[key]
	if ok != (was != nil) {
		return false, after
	}
	for name, value := range was {
		if have[name] != value {
			return false, after
		}
	}
	b.records[key] = maps.Clone(next)
	b.changes++
	return true, after
}

// entry is the record of the fleet payments, read as another party would.
func (s *shelf) entry() map[string]string {
	s.Lock()
	defer s.Unlock()
	return maps.Clone(s.records["payments"])
}

// seize puts an entry of bob's where that of a holder is.
func (s *shelf) seize(key string) entry {
	s.Lock()
	defer s.Unlock()
	bob := entry{id: "bob's", version: 99, duration: time.Minute, Holder: Holder{Who: "bob"}}
	s.records[key] = bob.record()
	return bob
}

func newShelf() *shelf { return &shelf{records: map[string]map[string]string{}} }

// party is a contender with a connection of its own.
func (s *shelf) party() (*Shared, *board) {
	b := &board{shelf: s}
	return &Shared{Records: b, Fleet: "payments"}, b
}

func acquire(t *testing.T, s *Shared, who string) *Held {
	t.Helper()
	h, err := s.Acquire(t.Context(), Holder{Who: who})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// release gives a lease back at the end of a test.
func giveBack(t *testing.T, h *Held) {
	t.Helper()
	if err := h.Release(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestOneHoldsTheOtherIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, _ := shelf.party()
		b, _ := shelf.party()
		held := acquire(t, a, "alice")
		time.Sleep(time.Hour)
		began := time.Now()
		_, err := b.Acquire(t.Context(), Holder{Who: "bob"})
		if by, ok := errors.AsType[*HeldError](err); !ok || by.Holder.Who != "alice" || time.Since(began) > 15*time.Second {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
		giveBack(t, held)
		giveBack(t, acquire(t, b, "bob"))
		if closed(held.Lost()) || held.Err() != nil {
			t.Errorf("a released lease counts as lost: %v", held.Err())
		}
	})
}

// Who waits for a holder that ends in order gets the lease.
func TestReleaseWhileWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, _ := shelf.party()
		b, _ := shelf.party()
		held := acquire(t, a, "alice")
		b.Watching = func(h Holder) {
			if h.Who != "alice" {
				t.Errorf("watching %v", h)
			}
			giveBack(t, held)
		}
		giveBack(t, acquire(t, b, "bob"))
	})
}

// A holder that is gone keeps others out for as long as its lease lasts, and
// versions go on rising.
func TestTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, wire := shelf.party()
		b, _ := shelf.party()
		dead := acquire(t, a, "alice")
		time.Sleep(time.Minute)
		wire.set(func(b *board) { b.cut = true })
		before := readEntry(shelf.entry())
		began := time.Now()
		held := acquire(t, b, "bob")
		if waited := time.Since(began); waited < defaultDuration || waited > defaultDuration*3/2 {
			t.Errorf("took over after %s", waited)
		}
		if after := readEntry(shelf.entry()); after.version <= before.version || after.Who != "bob" {
			t.Errorf("version %d came after %d, of %s", after.version, before.version, after.Who)
		}
		if !closed(dead.Lost()) || !closed(dead.Over()) {
			t.Error("the old holder does not know that it lost the lease")
		}
		if err := dead.Release(t.Context()); !errors.Is(err, errCut) {
			t.Errorf("release: %v", err)
		}
		wire.set(func(b *board) { b.cut = false })
		if now := readEntry(shelf.entry()); now.Who != "bob" {
			t.Errorf("now of %s", now.Who)
		}
		giveBack(t, held)
	})
}

// A lost holder knows it in time: it starts nothing after two thirds of the
// lease, and is quiet before anybody may take over.
func TestLossByItself(t *testing.T) {
	for name, trouble := range map[string]func(*board){
		"cut off": func(b *board) { b.cut = true },
		"hanging": func(b *board) { b.slow = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shelf := newShelf()
				a, wire := shelf.party()
				held := acquire(t, a, "alice")
				wire.set(trouble)
				began := time.Now()
				<-held.Lost()
				lost := time.Since(began)
				<-held.Over()
				over := time.Since(began)
				if lost > 20*time.Second || over > 27*time.Second || over <= lost {
					t.Errorf("lost after %s, over after %s", lost, over)
				}
				if why, ok := errors.AsType[*LostError](held.Err()); !ok || why.By != nil {
					t.Errorf("lost because of: %v", held.Err())
				}
				wire.set(func(b *board) { b.cut, b.slow = false, 0 })
				giveBack(t, held)
			})
		})
	}
}

// Answers that are lost after the effect do no harm, as long as some come.
func TestLostAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, wire := shelf.party()
		held := acquire(t, a, "alice")
		for range 20 {
			time.Sleep(9 * time.Second)
			wire.set(func(b *board) { b.silent = true })
			time.Sleep(4 * time.Second)
			wire.set(func(b *board) { b.silent = false })
		}
		if closed(held.Lost()) {
			t.Errorf("lost: %v", held.Err())
		}
		wire.set(func(b *board) { b.silent = true })
		time.Sleep(12 * time.Second)
		wire.set(func(b *board) { b.silent = false })
		giveBack(t, held)
		if e := readEntry(shelf.entry()); e.id != "" {
			t.Errorf("still held by %v", e.Holder)
		}
	})
}

// An acquisition whose answer was lost for good is taken back.
func TestAcquireTidies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, wire := shelf.party()
		a.Records = &flaky{board: wire}
		if _, err := a.Acquire(t.Context(), Holder{Who: "alice"}); !errors.Is(err, errCut) {
			t.Fatalf("got %v", err)
		}
		if e := readEntry(shelf.entry()); e.id != "" || wire.changes != 2 {
			t.Errorf("held by %v after %d changes", e.Holder, wire.changes)
		}
	})
}

// A flaky board loses the answer to each write.
type flaky struct{ *board }

func (f *flaky) PutIf(ctx context.Context, key string, next, was map[string]string) (bool, error) {
	_, _ = f.board.PutIf(ctx, key, next, was)
	return false, errCut
}

// What takes the lease away is noticed with the next renewal, and Release
// leaves it to its new holder.
func TestReleaseIsConditional(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, _ := shelf.party()
		held := acquire(t, a, "alice")
		bob := shelf.seize("payments")
		<-held.Over()
		if why, ok := errors.AsType[*LostError](held.Err()); !ok || why.By == nil || why.By.Who != "bob" {
			t.Errorf("lost because of: %v", held.Err())
		}
		giveBack(t, held)
		if e := readEntry(shelf.entry()); e.id != bob.id || e.version != bob.version {
			t.Errorf("the lease of bob is now %+v", e)
		}
	})
}

// The time of day may say what it likes, to anybody.
func TestTimeOfDayJumps(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forward": 1000 * time.Hour, "back": -1000 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shelf := newShelf()
				a, _ := shelf.party()
				b, _ := shelf.party()
				var mu sync.Mutex
				ahead := time.Duration(0)
				clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(ahead) }
				a.wall, b.wall = clock, clock
				held := acquire(t, a, "alice")
				for range 10 {
					time.Sleep(7 * time.Second)
					mu.Lock()
					ahead += jump
					mu.Unlock()
					if _, err := b.Acquire(t.Context(), Holder{Who: "bob"}); err == nil {
						t.Fatal("taken from a holder that is there")
					}
				}
				if closed(held.Lost()) {
					t.Errorf("lost: %v", held.Err())
				}
				giveBack(t, held)
			})
		})
	}
}

// A holder that wakes up from sleep, in which its own clock stood still, looks
// at once who holds the lease now.
func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		a, _ := shelf.party()
		var mu sync.Mutex
		slept := time.Duration(0)
		a.wall = func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(slept) }
		held := acquire(t, a, "alice")
		time.Sleep(2 * time.Second)
		shelf.seize("payments")
		mu.Lock()
		slept = time.Hour
		mu.Unlock()
		woke := time.Now()
		<-held.Over()
		if d := time.Since(woke); d > time.Second {
			t.Errorf("noticed after %s", d)
		}
		giveBack(t, held)
	})
}

// Whatever the record says, it keeps nobody out for ever.
func TestStrangeRecords(t *testing.T) {
	for name, record := range map[string]map[string]string{
		"empty":      {},
		"garbage":    {idField: "x", versionField: "many", durationField: "always", processField: "-", sinceField: "noon"},
		"for ever":   {idField: "x", versionField: "7", durationField: "100000h"},
		"a negative": {idField: "x", versionField: "-7", durationField: "-1s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shelf := newShelf()
				shelf.records["payments"] = record
				a, _ := shelf.party()
				began := time.Now()
				giveBack(t, acquire(t, a, "alice"))
				if time.Since(began) > 2*longestDuration {
					t.Errorf("after %s", time.Since(began))
				}
			})
		})
	}
}

// Ten parties come and go, are cut off, hang and die. At no time do two of
// them act.
func TestNeverTwo(t *testing.T) {
	seeds := 30
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { storm(t, rand.New(rand.NewPCG(uint64(seed), 1))) })
		})
	}
}

func storm(t *testing.T, random *rand.Rand) {
	const parties = 10
	shelf, acting, turns := newShelf(), make(chan int, 1), 0
	var all sync.WaitGroup
	var mu sync.Mutex
	roll := func(n int) int { mu.Lock(); defer mu.Unlock(); return random.IntN(n) }
	for i := range parties {
		all.Go(func() {
			for range 5 {
				time.Sleep(time.Duration(roll(60_000)) * time.Millisecond)
				party, wire := shelf.party()
				held, err := party.Acquire(t.Context(), Holder{Who: fmt.Sprint(i)})
				if err != nil {
					if _, ok := errors.AsType[*HeldError](err); !ok {
						t.Errorf("%d: %v", i, err)
					}
					continue
				}
				select {
				case acting <- i:
				default:
					t.Errorf("%d acts, and so does another", i)
					_ = held.Release(t.Context())
					return
				}
				mu.Lock()
				turns++
				mu.Unlock()
				fate(held, wire, roll)
				<-acting
				_ = held.Release(t.Context())
			}
		})
	}
	all.Wait()
	if turns < 2 {
		t.Errorf("only %d turns", turns)
	}
}

// fate lets a holder work for a while, undisturbed or not, until it must stop.
func fate(held *Held, wire *board, roll func(int) int) {
	work := time.Duration(roll(120_000)) * time.Millisecond
	switch roll(4) {
	case 0:
		wire.set(func(b *board) { b.cut = true })
	case 1:
		wire.set(func(b *board) { b.slow = time.Duration(roll(40)) * time.Second })
	case 2:
		wire.set(func(b *board) { b.silent = true })
	}
	select {
	case <-held.Over():
	case <-time.After(work):
		wire.set(func(b *board) { b.cut, b.slow, b.silent = false, 0, false })
	}
}

// What was rolled out last is kept for those who come after, whoever held the
// lease meanwhile and however that ended, and nobody holds it who must not
// follow on that.
func TestRolloutIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		holds := func(rollout string, told ...string) *Held {
			t.Helper()
			s, _ := shelf.party()
			s.Rollout = rollout
			var asked []string
			s.Follows = func(commit string) error { asked = append(asked, commit); return nil }
			h := acquire(t, s, "alice")
			if !slices.Equal(asked, told) {
				t.Errorf("the holder was asked about %v, want %v", asked, told)
			}
			return h
		}
		giveBack(t, holds("a"))
		giveBack(t, holds("", "a"))
		giveBack(t, holds("b", "a"))
		never, _ := shelf.party()
		errNever := errors.New("not after that")
		never.Rollout, never.Follows = "a", func(string) error { return errNever }
		if _, err := never.Acquire(t.Context(), Holder{}); !errors.Is(err, errNever) {
			t.Errorf("got %v", err)
		}
		dead, wire := shelf.party()
		dead.Rollout = "c"
		gone := acquire(t, dead, "dead")
		wire.set(func(b *board) { b.cut = true })
		giveBack(t, holds("", "c"))
		_ = gone.Release(t.Context())

		one, _ := shelf.party()
		one.Rollout = "d"
		part := acquirePart(t, one, "0/2", "of 2 at d")
		time.Sleep(time.Minute)
		two, _ := shelf.party()
		two.Rollout, two.Follows = "d", func(commit string) error {
			if commit != "d" {
				t.Errorf("the second part was asked about %s", commit)
			}
			return nil
		}
		other := acquirePart(t, two, "1/2", "of 2 at d")
		giveBack(t, part)
		time.Sleep(time.Minute)
		giveBack(t, other)
		giveBack(t, holds("", "d"))
	})
}
