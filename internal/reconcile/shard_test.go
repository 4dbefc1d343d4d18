package reconcile_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

func TestParseShard(t *testing.T) {
	for _, text := range []string{"0/1", "3/4", "255/256"} {
		if s, err := reconcile.ParseShard(text); err != nil || s.String() != text {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "1", "/", "1/", "/2", "2/2", "0/0", "-1/2", "+0/2", "0/257", "1/2/3", "a/b", " 0/2"} {
		if s, err := reconcile.ParseShard(text); err == nil {
			t.Errorf("%q is taken for %v", text, s)
		}
	}
}

// shardsTable is where the lease of a divided fleet is.
var shardsTable = schema.Lease{Account: "platform", Region: "us-east-1", Table: leaseTable}

// newShard is one of several appliers of a commit, in a process of its own.
func newShard(t *testing.T, s *stage.Stage, shard reconcile.Shard, commit string) *reconcile.Run {
	t.Helper()
	r := s.Run()
	r.Commit, r.Holder = commit, lease.Holder{Who: "shard " + shard.String(), Commit: commit}
	var err error
	if r.Lease, err = reconcile.LeaseOf(t.Context(), r.API, r.Fleet, "", nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Divide(shard); err != nil {
		t.Fatal(err)
	}
	return r
}

// dividedStage is a lottery's world with a table for leases.
func dividedStage(t *testing.T, l *stage.Lottery) *stage.Stage {
	t.Helper()
	w := l.World()
	id := l.None().Accounts[shardsTable.Account].ID
	region := w.Accounts[id].Regions[shardsTable.Region]
	region.Tables = map[string]awssim.WorldTable{leaseTable: {HashKey: awsapi.RecordKey}}
	w.Accounts[id].Regions[shardsTable.Region] = region
	return stage.New(t, w, l.None())
}

// Shards that run side by side do together what a run of the whole fleet does,
// whatever moves between them. What one needs of another comes a round later.
func TestShardsDoTheWhole(t *testing.T) {
	const turns, some = 3, 4
	seeds(t, seedsVariable, some, func(t *testing.T, seed uint64) {
		l := stage.NewLottery(seed)
		s := dividedStage(t, l)
		for turn := range turns {
			s.Fleet = l.Next()
			if turn == turns-1 {
				s.Fleet = l.None()
			}
			s.Fleet.Lease = &shardsTable
			roundsOfShards(t, s, 2+int(seed+uint64(turn))%2, fmt.Sprintf("commit-%d", turn))
			time.Sleep(time.Minute) // the group's lease ends
		}
		if left := s.Live().Live; len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// roundsOfShards lets all shards run side by side until there is nothing left
// that a run of the whole could do. Partners may come meanwhile.
func roundsOfShards(t *testing.T, s *stage.Stage, count int, commit string) {
	t.Helper()
	const most = 5
	for range most {
		var all sync.WaitGroup
		shards := make([]*reconcile.Run, count)
		for i := range shards { // all of them first: the stage may write to the fleet
			shards[i] = newShard(t, s, reconcile.Shard{Index: i, Count: count}, commit)
		}
		for _, r := range shards {
			all.Go(func() { oneShard(t, r) })
		}
		all.Wait()
		if len(s.Plan().Steps) == 0 {
			return
		}
	}
	var text strings.Builder
	_ = planner.Text(&text, s.Plan(), planner.TextOptions{})
	t.Errorf("after %d rounds of %d shards there is still something to do:\n%s", most, count, text.String())
}

// oneShard is one run of a shard. That the others' steps change its own plan
// before it has its lease is no failure.
func oneShard(t *testing.T, r *reconcile.Run) {
	plan, err := r.Plan(t.Context())
	if err != nil || len(plan.Steps) == 0 {
		if err != nil {
			t.Error(err)
		}
		return
	}
	res, err := r.Apply(t.Context(), nil, plan)
	if _, changed := errors.AsType[*reconcile.ChangedError](err); changed {
		return
	}
	if err = errors.Join(err, res.Err()); err != nil {
		t.Errorf("%s: %v", r.Holder.Who, err)
	}
}

// While a shard acts nobody else does: not who wants the whole, nor shards of
// another number or of another commit.
func TestShardsKeepOthersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := stage.NewLottery(1)
		s := dividedStage(t, l)
		s.Guarded = true // the stage is not to write to a fleet that runs read
		for len(s.Fleet.Services) == 0 {
			s.Fleet = l.Next()
		}
		s.Fleet.Lease = &shardsTable
		var all sync.WaitGroup
		for i := range 2 {
			r := newShard(t, s, reconcile.Shard{Index: i, Count: 2}, "one")
			all.Go(func() { oneShard(t, r) })
		}
		time.Sleep(30 * time.Second) // a load balancer takes minutes
		whole := s.Run()
		var err error
		if whole.Lease, err = reconcile.LeaseOf(t.Context(), whole.API, whole.Fleet, "", nil); err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]*reconcile.Run{
			"the whole":      whole,
			"another number": newShard(t, s, reconcile.Shard{Index: 2, Count: 3}, "one"),
			"another commit": newShard(t, s, reconcile.Shard{Index: 1, Count: 2}, "two"),
			"the same shard": newShard(t, s, reconcile.Shard{Index: busyShard(s.Fleet), Count: 2}, "one"),
		} {
			_, err := r.Apply(t.Context(), nil, mustPlan(t, r))
			held, ok := errors.AsType[*lease.HeldError](err)
			if !ok || !strings.HasPrefix(held.Holder.Who, "shard ") {
				t.Errorf("%s: %v", name, err)
			}
		}
		all.Wait()
	})
}

// busyShard is one of two that has a service.
func busyShard(f *schema.Fleet) int {
	accounts := map[string]bool{}
	for _, service := range f.Services {
		accounts[service.Account] = true
	}
	return len(accounts) - 1
}

func mustPlan(t *testing.T, r *reconcile.Run) *planner.Plan {
	t.Helper()
	plan, err := r.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// A lease that is a file cannot keep shards on other machines out.
func TestShardsNeedTable(t *testing.T) {
	r := &reconcile.Run{Lease: &lease.File{Fleet: "grid", Path: t.TempDir() + "/lease"}}
	if err := r.Divide(reconcile.Shard{Index: 0, Count: 2}); err == nil || r.Shard != nil || !strings.Contains(err.Error(), "fleet: lease: dynamodb") {
		t.Errorf("got %v", err)
	}
}
