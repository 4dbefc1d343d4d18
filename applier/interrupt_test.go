package applier

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// toyFleet has all that a run can meet: chains, a shared root, a busy delete,
// a failure with a cascade, an endpoint that is usable before it is ready.
const toyFleet = `vpc; nlb: vpc; service: nlb; permission: service;
	endpoint/one@risk/us-east-1: service permission; acceptance: one; dns@risk/us-east-1: one acceptance;
	endpoint/two@risk/us-east-1: service permission; ~tags; -old; -older: old; refused: vpc; never: refused`

func toyNatures() map[string]nature {
	return map[string]nature{
		"vpc":        {call: time.Second, usable: time.Second},
		"nlb":        {call: 2 * time.Second, usable: 2 * time.Minute},
		"service":    {call: time.Second},
		"permission": {call: time.Second, busy: 2},
		"one":        {call: time.Second, usable: 10 * time.Second, needs: "acceptance", ready: time.Minute},
		"acceptance": {call: time.Second},
		"two":        {call: time.Second, usable: 5 * time.Second, ready: time.Minute},
		"dns":        {call: time.Second, usable: 3 * time.Minute},
		"tags":       {call: time.Second},
		"old":        {call: time.Second, busy: 3, usable: time.Minute},
		"older":      {call: time.Second, usable: time.Second},
		"refused":    {call: time.Second, err: errRefused},
	}
}

func countEvents(t *testing.T) int {
	n := 0
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(toyNatures())
		rep, err := w.apply(t, Applier{Observe: func(Event) { n++ }}, planText(toyFleet), nil)
		if rep.Interrupted != nil || rep.Count(Done) != 11 || err == nil {
			t.Fatalf("a run in peace: %s, %v", states(rep), err)
		}
	})
	return n
}

// An interruption at any event keeps further steps from starting, sees those
// under way through, and leaves a report that accounts for all.
func TestStopAtEachEvent(t *testing.T) {
	for at := range countEvents(t) + 1 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(toyNatures())
			stop := make(chan struct{})
			n, before := 0, 0
			if at == 0 {
				close(stop)
			}
			observe := func(e Event) {
				if n++; n == at {
					close(stop)
				} else if n > at && e.Kind == StepStarted {
					t.Errorf("stopped at event %d, yet: %s", at, Line(e))
				}
				if n <= at && e.Kind == StepStarted {
					before++
				}
			}
			rep, err := w.apply(t, Applier{Observe: observe}, planText(toyFleet), stop)
			if rep.Count(NotStarted)+rep.Count(Skipped)+before != len(rep.Results) {
				t.Errorf("stopped at event %d after %d starts: %s", at, before, states(rep))
			}
			if errors.Is(err, ErrStopped) != (rep.Interrupted != nil) {
				t.Errorf("stopped at event %d: error %v, interrupted %v", at, err, rep.Interrupted)
			}
			if whole := rep.Count(NotStarted)+rep.Count(Unfinished) == 0; whole != (rep.Interrupted == nil) {
				t.Errorf("stopped at event %d: interrupted %v: %s", at, rep.Interrupted, states(rep))
			}
			checkSeenThrough(t, w, rep)
		})
	}
}

// checkSeenThrough checks that nothing but what hangs on steps that were not
// taken, or was never let in, was left unfinished.
func checkSeenThrough(t *testing.T, w *world, rep *Report) {
	t.Helper()
	for _, res := range rep.Results {
		if res.State != Unfinished {
			continue
		}
		n := w.natures[res.Addr.Name]
		if n.busy == 0 && n.needs == "" && n.ready == 0 {
			t.Errorf("%s was not seen through: %s", res.Addr, res.Reason)
		}
		if n.busy > 0 && !strings.HasPrefix(res.Reason, "busy: ") {
			t.Errorf("%s was kept busy, but the report says %q", res.Addr, res.Reason)
		}
	}
}

// When the context ends at any event, Apply is back at once with a report
// that accounts for all.
func TestCancelAtEachEvent(t *testing.T) {
	for at := range countEvents(t) + 1 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(toyNatures())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := 0
			var cancelled time.Time
			end := func() { cancel(); cancelled = time.Now() }
			if at == 0 {
				end()
			}
			observe := func(e Event) {
				if n++; n == at {
					end()
				} else if n > at && e.Kind == StepStarted {
					t.Errorf("cancelled at event %d, yet: %s", at, Line(e))
				}
			}
			rep, err := w.applyIn(ctx, t, Applier{Observe: observe}, planText(toyFleet), nil)
			if took := time.Since(cancelled); took != 0 {
				t.Errorf("cancelled at event %d: back after %v", at, took)
			}
			whole := rep.Count(NotStarted)+rep.Count(Unfinished) == 0
			if errors.Is(err, context.Canceled) == whole {
				t.Errorf("cancelled at event %d: error %v: %s", at, err, states(rep))
			}
		})
	}
}

// A cancelled call may have had its effect: that is no failure, and is not
// called done.
func TestCancelInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]nature{"a": {call: time.Hour}, "b": {usable: time.Hour}, "c": {stuck: true}, "d": {busy: 1e6}})
		cause := errors.New("the lease was lost")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(cause) })
		rep, err := w.applyIn(ctx, t, Applier{}, planText("a; b; -c; -d; e: a"), nil)
		if want := "a unfinished; b unfinished; c unfinished; d unfinished; e not-started"; states(rep) != want {
			t.Errorf("got  %s\nwant %s", states(rep), want)
		}
		var reasons []string
		for _, res := range rep.Results {
			reasons = append(reasons, res.Reason)
		}
		want := "cut short while creating|provisioning|going|busy: calling: DependencyViolation: still in use|"
		if got := strings.Join(reasons, "|"); got != want {
			t.Errorf("reasons %s; want %s", got, want)
		}
		if !errors.Is(err, cause) || rep.Took != time.Minute {
			t.Errorf("error %v after %v", err, rep.Took)
		}
	})
}

// Stopped, a run does not wait for an endpoint whose acceptance it will not
// take any more, but it does for one that needs nobody.
func TestStopWithPendingAcceptance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]nature{
			"one": {needs: "acceptance"}, "slow": {call: 10 * time.Second}, "two": {ready: 5 * time.Minute},
		})
		stop := make(chan struct{})
		time.AfterFunc(5*time.Second, func() { close(stop) })
		rep, err := w.apply(t, Applier{}, planText("one; two; slow; acceptance: one slow"), stop)
		if want := "one unfinished; two done; slow done; acceptance not-started"; states(rep) != want {
			t.Errorf("got  %s\nwant %s", states(rep), want)
		}
		if rep.Results[0].Reason != "pendingAcceptance" || !errors.Is(err, ErrStopped) {
			t.Errorf("reason %q, error %v", rep.Results[0].Reason, err)
		}
		if rep.Results[0].Took > time.Minute {
			t.Errorf("one was waited for in vain for %v", rep.Results[0].Took)
		}
	})
}

// Nothing of a run is left when Apply is back, however it ended.
func TestNoGoroutineOutlivesApply(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			timer := time.AfterFunc(after, cancel)
			w := newWorld(toyNatures())
			_, err := w.applyIn(ctx, t, Applier{}, planText(toyFleet), nil)
			timer.Stop()
			synctest.Wait()
			if left := begun(); len(left) > 0 {
				t.Errorf("cancelled after %v (%v), there are still\n%s", after, err, strings.Join(left, "\n\n"))
			}
			cancel()
		})
	}
}

// begun are the goroutines that are in this package, but for the test's own.
func begun() []string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return slices.DeleteFunc(strings.Split(string(stacks), "\n\n"), func(stack string) bool {
		return !strings.Contains(stack, "linkfleet/applier.") || strings.Contains(stack, "applier.TestNoGoroutine")
	})
}

// Stopped, a run tries nothing again, and asks at once about what may have
// become ready meanwhile, however long the intervals had grown.
func TestStopIsPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]nature{"one": {needs: "acceptance"}, "acceptance": {busy: 1e6}})
		stop := make(chan struct{})
		time.AfterFunc(10*time.Minute, func() { close(stop) })
		rep, _ := w.apply(t, Applier{}, planText("one; acceptance: one"), stop)
		if want := "one unfinished; acceptance unfinished"; states(rep) != want {
			t.Errorf("got  %s\nwant %s", states(rep), want)
		}
		if late := rep.Took - 10*time.Minute; late > 2*time.Second {
			t.Errorf("back %v after the stop", late)
		}
	})
}

// What has half of its effect is not left so by a stop: a name that is off, to
// be turned on again, would stay off. It has its time for that, and no longer.
func TestStopBetweenHalves(t *testing.T) {
	for name, c := range map[string]struct {
		one  nature
		want string
		took time.Duration // at most, after the stop
	}{
		"the other half comes":    {nature{half: 2, busy: 5, call: time.Second}, "one done; slow done; two not-started", time.Minute},
		"it never comes":          {nature{half: 2, busy: 1e6}, "one failed; slow done; two skipped because of one", 15 * time.Minute},
		"it has not got that far": {nature{half: 20, busy: 30}, "one unfinished; slow done; two not-started", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(map[string]nature{"one": c.one, "slow": {call: 10 * time.Second}})
				stop := make(chan struct{})
				time.AfterFunc(5*time.Second, func() { close(stop) })
				rep, _ := w.apply(t, Applier{Parallelism: 2}, planText("~one; slow; two: one"), stop)
				if states(rep) != c.want {
					t.Errorf("got  %s\nwant %s", states(rep), c.want)
				}
				if late := rep.Took - 5*time.Second; late > c.took {
					t.Errorf("back %v after the stop", late)
				}
			})
		})
	}
}
