package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
)

const leaseTable = "leases"

// leasedStage is a small fleet in a world with a table for leases, in the
// provider's account.
func leasedStage(t *testing.T) *stage.Stage {
	t.Helper()
	g := stage.Grid{Services: 1, Consumers: 2}
	w := g.World()
	provider := w.Accounts[stage.GridProvider]
	region := provider.Regions[stage.GridRegion]
	region.Tables = map[string]awssim.WorldTable{leaseTable: {HashKey: awsapi.RecordKey}}
	provider.Regions[stage.GridRegion] = region
	w.Accounts[stage.GridProvider] = provider
	return stage.New(t, w, g.Fleet())
}

// A wire is one applier's way to AWS, which can be cut: wholly, as for a
// process that was killed, or to the records of the lease alone.
type wire struct {
	under       http.RoundTripper
	dead, apart atomic.Bool
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.dead.Load() || w.apart.Load() && strings.Contains(r.Header.Get("Authorization"), "/dynamodb/") {
		return nil, io.ErrUnexpectedEOF
	}
	return w.under.RoundTrip(r)
}

// A leaseholder is one process that applies the fleet.
type leaseholder struct {
	*reconcile.Run
	*wire
	name string
}

// form is where a lease is kept.
type form func(t *testing.T, api *awsapi.API) lease.Lease

func inTable(t *testing.T, api *awsapi.API) lease.Lease {
	t.Helper()
	place, err := api.Place(t.Context(), planner.Place{Account: "provider", Region: stage.GridRegion})
	if err != nil {
		t.Fatal(err)
	}
	return &lease.Shared{Records: place.Records(leaseTable), Fleet: "grid"}
}

func inFile(path string) form {
	return func(*testing.T, *awsapi.API) lease.Lease { return &lease.File{Fleet: "grid", Path: path} }
}

func newApplier(t *testing.T, s *stage.Stage, name string, kept form) *leaseholder {
	t.Helper()
	w := &wire{under: s.Sim.Client().Transport}
	api, err := awsapi.New(t.Context(), awsapi.Options{
		Accounts: reconcile.Accounts(s.Fleet, false), SessionName: name, Transport: w,
		Credentials: &awsapi.Credentials{AccessKeyID: "AKIAHUB", SecretAccessKey: "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &leaseholder{name: name, wire: w, Run: &reconcile.Run{
		Fleet: s.Fleet, API: api, Lease: kept(t, api), Holder: lease.Holder{Who: name},
	}}
}

// apply plans and applies once.
func (a *leaseholder) apply(ctx context.Context) (*reconcile.Result, error) {
	plan, err := a.Plan(ctx)
	if err != nil || len(plan.Steps) == 0 {
		return &reconcile.Result{Left: plan}, err
	}
	return a.Apply(ctx, nil, plan)
}

// changes are the calls that change what the fleet is about, by who made them.
func changes(calls []awssim.Call) []awssim.Call {
	var found []awssim.Call
	for _, c := range calls {
		reads := strings.HasPrefix(c.Operation, "Describe") || strings.HasPrefix(c.Operation, "Get") || strings.HasPrefix(c.Operation, "List")
		if !reads && !c.Actor && c.Service != "dynamodb" && c.Service != "sts" {
			found = append(found, c)
		}
	}
	return found
}

// wantTurns wants nobody to act again after another has, and gives those who
// acted, in their order.
func wantTurns(t *testing.T, calls []awssim.Call) (order []string) {
	t.Helper()
	seen, last := map[string]bool{}, ""
	for _, c := range changes(calls) {
		if c.Session == last {
			continue
		}
		if seen[c.Session] {
			t.Errorf("%s acts again after %s: call %d, %s at %s", c.Session, last, c.N, c.Operation, c.Time.Format(time.TimeOnly))
		}
		seen[c.Session], last = true, c.Session
		order = append(order, c.Session)
	}
	return order
}

// Of those who start together one does everything; the others are told who.
func TestOneActs(t *testing.T) {
	for _, n := range []int{2, 10} {
		for name, kept := range map[string]form{"file": inFile(filepath.Join(t.TempDir(), "lease")), "DynamoDB": inTable} {
			t.Run(fmt.Sprintf("%d over %s", n, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := leasedStage(t)
					acted, told := crowd(t, s, n, kept)
					if acted != 1 || told != n-1 {
						t.Errorf("%d acted and %d were told, want 1 and %d", acted, told, n-1)
					}
					if order := wantTurns(t, s.Sim.Calls()); len(order) != 1 {
						t.Errorf("these acted: %q", order)
					}
					s.WantEmpty()
				})
			})
		}
	}
}

// crowd lets n appliers start together. It counts those that did everything
// and those that were told who does.
func crowd(t *testing.T, s *stage.Stage, n int, kept form) (acted, told int) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		a := newApplier(t, s, fmt.Sprintf("applier-%d", i), kept)
		all.Go(func() {
			res, err := a.apply(t.Context())
			mu.Lock()
			defer mu.Unlock()
			if held, ok := errors.AsType[*lease.HeldError](err); ok {
				told++
				if !strings.HasPrefix(held.Holder.Who, "applier-") || held.Holder.Who == a.name {
					t.Errorf("%s was told: %v", a.name, err)
				}
				return
			}
			if err != nil || res.Err() != nil {
				t.Errorf("%s: %v, %v", a.name, err, res.Err())
				return
			}
			acted++
		})
	}
	all.Wait()
	return acted, told
}

// Who planned before another acted does not act on that plan.
func TestStalePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leasedStage(t)
		kept := inFile(filepath.Join(t.TempDir(), "lease"))
		late := newApplier(t, s, "late", kept)
		plan, err := late.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if res, err := newApplier(t, s, "early", kept).apply(t.Context()); err != nil || res.Err() != nil {
			t.Fatal(err, res.Err())
		}
		res, err := late.Apply(t.Context(), nil, plan)
		changed, ok := errors.AsType[*reconcile.ChangedError](err)
		if !ok || changed.Was != plan.ShortDigest() || len(res.Reports) > 0 || len(res.Left.Steps) > 0 {
			t.Errorf("got %v", err)
		}
		if order := wantTurns(t, s.Sim.Calls()); len(order) != 1 || order[0] != "early" {
			t.Errorf("these acted: %q", order)
		}
	})
}

// A holder that cannot reach its lease starts no step once it may be lost, and
// is quiet before another acts.
func TestLossStopsSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leasedStage(t)
		first := newApplier(t, s, "first", inTable)
		cut := time.Now().Add(45 * time.Second) // the load balancer is coming up
		time.AfterFunc(time.Until(cut), func() { first.apart.Store(true) })
		res, err := first.apply(t.Context())
		lost, ok := errors.AsType[*lease.LostError](res.Lost)
		if !ok || !res.Interrupted() || !errors.Is(res.Err(), lost) {
			t.Fatalf("lost: %v, interrupted: %v, error: %v, %v", res.Lost, res.Interrupted(), res.Err(), err)
		}
		for _, c := range changes(s.Sim.Calls()) {
			if late := c.Time.Sub(cut); late > 27*time.Second {
				t.Errorf("%s came %s after the lease was cut off", c.Operation, late)
			}
		}
		goOn(t, s)
		if order := wantTurns(t, s.Sim.Calls()); len(order) < 2 {
			t.Errorf("only these acted: %q", order)
		}
	})
}

// goOn lets an applier start every minute until nothing is left to do. The
// first may find what AWS has not finished.
func goOn(t *testing.T, s *stage.Stage) {
	t.Helper()
	const most = 5
	for i := range most {
		a := newApplier(t, s, fmt.Sprintf("next-%d", i), inTable)
		res, err := a.apply(t.Context())
		if err = errors.Join(err, res.Err()); err == nil {
			break
		}
		t.Logf("%s: %v", a.name, err)
		time.Sleep(time.Minute)
	}
	s.WantEmpty()
}

// Appliers keep starting, and those that act are killed or cut off from their
// lease at any moment. Never do two act at a time, and in the end all is done
// once.
func TestHoldersDie(t *testing.T) {
	seeds := 4
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { dying(t, rand.New(rand.NewPCG(uint64(seed), 4))) })
		})
	}
}

func dying(t *testing.T, random *rand.Rand) {
	s := leasedStage(t)
	var all sync.WaitGroup
	for i := range 8 {
		a := newApplier(t, s, fmt.Sprintf("applier-%02d", i), inTable)
		all.Go(func() { _, _ = a.apply(t.Context()) })
		fate, after := &a.dead, time.Duration(random.IntN(150_000))*time.Millisecond
		if random.IntN(3) == 0 {
			fate = &a.apart
		}
		all.Go(func() {
			time.Sleep(after)
			fate.Store(true)
		})
		time.Sleep(time.Duration(random.IntN(60_000)) * time.Millisecond)
	}
	all.Wait()
	goOn(t, s)
	if order := wantTurns(t, s.Sim.Calls()); len(order) < 2 {
		t.Errorf("only these acted: %q", order)
	}
	for addr, rs := range s.Live().Live {
		if len(rs) > 1 {
			t.Errorf("%s is there %d times", addr, len(rs))
		}
	}
}

// A lease that cannot be had stops everything before the first step.
func TestNoTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leasedStage(t)
		a := newApplier(t, s, "applier", func(t *testing.T, api *awsapi.API) lease.Lease {
			place, err := api.Place(t.Context(), planner.Place{Account: "provider", Region: stage.GridRegion})
			if err != nil {
				t.Fatal(err)
			}
			return &lease.Shared{Records: place.Records("ghost"), Fleet: "grid"}
		})
		_, err := a.apply(t.Context())
		const want = "looking who holds the lease of fleet grid: there is no DynamoDB table ghost; make it with a partition key fleet of type String: "
		if err == nil || !strings.HasPrefix(awsapi.Explain(err), want) {
			t.Errorf("got %s", awsapi.Explain(err))
		}
		if calls := changes(s.Sim.Calls()); len(calls) > 0 {
			t.Errorf("%d changes", len(calls))
		}
	})
}
