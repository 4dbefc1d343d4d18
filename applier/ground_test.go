package applier

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// resting is a plan whose steps rest on what they wait for, which stands
// before the run and is not changed by it.
func resting(text string, grounds ...string) *planner.Plan {
	p := planText(text)
	for _, name := range grounds {
		live := toyStep("~" + name).Before
		p.Stands = append(p.Stands, live)
		for i := range p.Steps {
			p.Steps[i].RestsOn = append(p.Steps[i].RestsOn, live.Addr)
		}
	}
	return p
}

// What an interrupted run left on its way is waited for as if this run had
// made it.
func TestGrounds(t *testing.T) {
	for _, c := range []struct {
		name    string
		plan    *planner.Plan
		natures map[string]nature
		on      map[string]time.Duration // from when the grounds stand
		want    string
		after   time.Duration // not before
		err     string
	}{
		{name: "on its way", plan: resting("a; b: a", "ground"), on: map[string]time.Duration{"ground": 2 * time.Minute},
			want: "a done; b done", after: 2 * time.Minute},
		{name: "there already", plan: resting("a", "ground"), on: map[string]time.Duration{"ground": 0},
			want: "a done"},
		{name: "usable is enough", plan: resting("a", "ground"), natures: map[string]nature{"ground": {limbo: true}},
			on: map[string]time.Duration{"ground": 0}, want: "a done"},
		{name: "a broken one is left to AWS's judgement", plan: resting("a", "ground"), natures: map[string]nature{"ground": {broken: "rejected"}},
			on: map[string]time.Duration{"ground": 0}, want: "a done"},
		{name: "never", plan: resting("a; b: a", "ground"), want: "a failed; b skipped because of a",
			err: "thing/a@main/us-east-1: creating: thing/ground@main/us-east-1, which it rests on, is still provisioning after 15m; run again to go on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(c.natures)
				for name, d := range c.on {
					w.since[name] = time.Now().Add(d)
				}
				rep, err := w.apply(t, Applier{}, c.plan, nil)
				if got := states(rep); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if took := time.Since(w.start); took < c.after {
					t.Errorf("took %v, want at least %v", took, c.after)
				}
				switch {
				case c.err == "" && err != nil:
					t.Error(err)
				case c.err != "" && (err == nil || err.Error() != c.err):
					t.Errorf("error %v, want %s", err, c.err)
				}
			})
		})
	}
}

// Waiting for grounds ends with a stop, and with the context.
func TestGroundsAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(nil), make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(stop) })
		rep, _ := w.apply(t, Applier{}, resting("a", "ground"), stop)
		if got := states(rep); got != "a not-started" || time.Since(w.start) > 2*time.Minute {
			t.Errorf("%s after %v", got, time.Since(w.start))
		}
	})
}

// One question is asked about all grounds of a kind in a place.
func TestGroundsAreAskedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(nil)
		w.since["g"], w.since["h"] = time.Now(), time.Now()
		if _, err := w.apply(t, Applier{}, resting("a", "g", "h"), nil); err != nil {
			t.Fatal(err)
		}
		if len(w.asked) != 2 || w.asked[0] != "0s thing@main/us-east-1: g h" {
			t.Errorf("asked %q", w.asked)
		}
	})
}
