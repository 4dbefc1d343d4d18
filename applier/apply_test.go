package applier

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

func TestApplyStates(t *testing.T) {
	tests := []struct {
		name    string
		plan    string
		natures map[string]nature
		want    string
		err     string // what Err says
	}{
		{name: "nothing to do", plan: "", want: ""},
		{name: "every action", plan: "a; ~b: a; -c: b", want: "a done; b done; c done"},
		{name: "a refusal and its cascade", plan: "a; b: a; c: b; d",
			natures: map[string]nature{"a": {err: errRefused}},
			want:    "a failed; b skipped because of a; c skipped because of a; d done",
			err:     "thing/a@main/us-east-1: creating: AccessDenied: not you"},
		{name: "the verbs", plan: "~a; -b",
			natures: map[string]nature{"a": {err: errRefused}, "b": {err: errRefused}},
			want:    "a failed; b failed",
			err: "thing/a@main/us-east-1: updating: AccessDenied: not you\n" +
				"thing/b@main/us-east-1: deleting id-b: AccessDenied: not you"},
		{name: "of two roots the first of the plan", plan: "a; b; c: a b",
			natures: map[string]nature{"a": {call: time.Second, err: errRefused}, "b": {err: errRefused}},
			want:    "a failed; b failed; c skipped because of a",
			err: "thing/a@main/us-east-1: creating: AccessDenied: not you\n" +
				"thing/b@main/us-east-1: creating: AccessDenied: not you"},
		{name: "broken", plan: "a; b: a",
			natures: map[string]nature{"a": {broken: "rejected"}},
			want:    "a failed; b skipped because of a",
			err:     "thing/a@main/us-east-1: creating: AWS says rejected"},
		{name: "broken after it was usable", plan: "a; b: a",
			natures: map[string]nature{"a": {ready: time.Minute, late: "expired"}},
			want:    "a failed; b done",
			err:     "thing/a@main/us-east-1: creating: AWS says expired"},
		{name: "broken before a dependent's turn came", plan: "a; slow; b: a slow; c: b",
			natures: map[string]nature{"a": {ready: time.Minute, late: "expired"}, "slow": {call: time.Hour}},
			want:    "a failed; slow done; b skipped because of a; c skipped because of a",
			err:     "thing/a@main/us-east-1: creating: AWS says expired"},
		{name: "stuck", plan: "a; b: a",
			natures: map[string]nature{"a": {stuck: true}},
			want:    "a failed; b skipped because of a",
			err:     "thing/a@main/us-east-1: creating: still provisioning after 15m; run again to go on"},
		{name: "stuck on the way out", plan: "-a",
			natures: map[string]nature{"a": {stuck: true}},
			want:    "a failed",
			err:     "thing/a@main/us-east-1: deleting id-a: still there after 15m; run again to go on"},
		{name: "usable for ever", plan: "a; b: a",
			natures: map[string]nature{"a": {limbo: true}},
			want:    "a failed; b done",
			err:     "thing/a@main/us-east-1: creating: usable but still pending after 15m; run again to go on"},
		{name: "pending until its dependent is there", plan: "endpoint; acceptance: endpoint; dns: endpoint acceptance",
			natures: map[string]nature{"endpoint": {needs: "acceptance"}, "acceptance": {call: time.Hour}},
			want:    "endpoint done; acceptance done; dns done"},
		{name: "pending for ever, for its dependent failed", plan: "endpoint; acceptance: endpoint",
			natures: map[string]nature{"endpoint": {needs: "acceptance"}, "acceptance": {err: errRefused}},
			want:    "endpoint unfinished because of acceptance; acceptance failed",
			err:     "thing/acceptance@main/us-east-1: creating: AccessDenied: not you"},
		{name: "pending for ever, for its dependent was skipped", plan: "service; endpoint; acceptance: service endpoint",
			natures: map[string]nature{"endpoint": {needs: "acceptance"}, "service": {err: errRefused}},
			want:    "service failed; endpoint unfinished because of service; acceptance skipped because of service",
			err:     "thing/service@main/us-east-1: creating: AccessDenied: not you"},
		{name: "ready although a dependent failed", plan: "a; b: a",
			natures: map[string]nature{"b": {err: errRefused}},
			want:    "a done; b failed",
			err:     "thing/b@main/us-east-1: creating: AccessDenied: not you"},
		{name: "busy for a while", plan: "-a; b: a",
			natures: map[string]nature{"a": {busy: 9}},
			want:    "a done; b done"},
		{name: "busy for ever", plan: "-a; b: a",
			natures: map[string]nature{"a": {busy: 1e6}},
			want:    "a failed; b skipped because of a",
			err:     "thing/a@main/us-east-1: deleting id-a: still busy after 15m; run again to go on: calling: DependencyViolation: still in use"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &planner.Plan{}
				if tt.plan != "" {
					p = planText(tt.plan)
				}
				rep, err := newWorld(tt.natures).apply(t, Applier{}, p, nil)
				if got := states(rep); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
				if fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
					t.Errorf("error:\n%v\nwant:\n%s", err, tt.err)
				}
			})
		})
	}
}

// What a plan asks for and nobody can do is refused before the first step.
func TestApplyRefusesPlan(t *testing.T) {
	backwards := planText("a; b")
	backwards.Steps[0].WaitsFor = []planner.StepKey{backwards.Steps[1].StepKey}
	tests := []struct {
		name, want string
		plan       *planner.Plan
		kinds      []string
	}{
		{"unknown kind", `gadget/b@main/us-east-1: there is no way to change resources of kind "gadget"`,
			planText("thing/a; gadget/b"), []string{"thing"}},
		{"order", "thing/a@main/us-east-1: it waits for the create of thing/b@main/us-east-1, which does not come before it",
			backwards, []string{"thing"}},
		{"twice", "thing/a@main/us-east-1: its create is there twice", planText("a; a"), []string{"thing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(nil)
			a := Applier{Actuators: map[string]Actuator{}}
			for _, k := range tt.kinds {
				a.Actuators[k] = w
			}
			rep, err := a.Apply(t.Context(), tt.plan, nil)
			if err == nil || !strings.HasSuffix(err.Error(), ": "+tt.want) {
				t.Errorf("error %v; want …: %s", err, tt.want)
			}
			if len(w.calls) > 0 || rep.Count(NotStarted) != len(tt.plan.Steps) {
				t.Errorf("called %v; report %s", w.calls, states(rep))
			}
		})
	}
}

func TestErrKeepsCauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]nature{"a": {err: errRefused}})
		_, err := w.apply(t, Applier{}, planText("a"), nil)
		if !errors.Is(err, errRefused) {
			t.Errorf("%v does not wrap what the actuator said", err)
		}
	})
}

// Dependents start when what they wait for is usable, not when it is ready,
// and independent steps do not wait for each other.
func TestOrderInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]nature{
			"a": {call: time.Second, usable: 2 * time.Second, ready: 10 * time.Minute},
			"x": {call: time.Minute},
		})
		if _, err := w.apply(t, Applier{}, planText("a; b: a; x"), nil); err != nil {
			t.Fatal(err)
		}
		// a is made after 1s, asked about at 1.1s, 2.1s and 3.6s, then usable.
		want := "0s create a; 0s create x; 3.6s create b"
		got := strings.Join(w.calls, "; ")
		if alike := strings.Replace(got, "0s create x; 0s create a", "0s create a; 0s create x", 1); alike != want {
			t.Errorf("calls: %s; want %s", got, want)
		}
	})
}

func TestParallelism(t *testing.T) {
	var names []string
	natures := map[string]nature{}
	for i := range 40 {
		name := fmt.Sprint("s", i)
		names = append(names, name)
		natures[name] = nature{call: time.Second, usable: time.Hour}
	}
	tests := []struct {
		parallelism, want int
	}{{0, 16}, {1, 1}, {7, 7}, {100, 40}}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(natures)
			rep, err := w.apply(t, Applier{Parallelism: tt.parallelism, Timeout: 2 * time.Hour}, planText(strings.Join(names, ";")), nil)
			if err != nil || w.mostCalls != tt.want {
				t.Errorf("parallelism %d: %d calls at a time, error %v; want %d", tt.parallelism, w.mostCalls, err, tt.want)
			}
			// What waits an hour holds up nobody.
			if rep.Took > time.Hour+2*time.Minute {
				t.Errorf("parallelism %d took %v", tt.parallelism, rep.Took)
			}
		})
	}
}

// A retry that is due waits for a slot like everybody else.
func TestBusyKeepsParallelism(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]nature{
			"a": {call: time.Second, busy: 3}, "b": {call: time.Second, busy: 2}, "c": {call: time.Minute},
		})
		rep, err := w.apply(t, Applier{Parallelism: 1}, planText("-a; -b; c"), nil)
		if err != nil || w.mostCalls != 1 {
			t.Errorf("%d calls at a time, %v, %s", w.mostCalls, err, states(rep))
		}
	})
}

// A step that is skipped while it waits for a slot gives the slot back.
func TestSkippedInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// x has the only slot from about 10s on, b waits for it from about 20s
		// on, and a breaks after 60s.
		w := newWorld(map[string]nature{
			"a": {ready: time.Minute, late: "expired"}, "ten": {usable: 10 * time.Second}, "twenty": {usable: 20 * time.Second},
			"x": {call: 2 * time.Minute},
		})
		rep, _ := w.apply(t, Applier{Parallelism: 1}, planText("a; ten; twenty; x: ten; b: a twenty; y: x; z: y"), nil)
		if want := "a failed; ten done; twenty done; x done; b skipped because of a; y done; z done"; states(rep) != want {
			t.Errorf("got  %s\nwant %s", states(rep), want)
		}
	})
}

// Skips are told in the order of the plan.
func TestSkipsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var skipped []string
		a := Applier{Observe: func(e Event) {
			if e.Kind == StepSkipped {
				skipped = append(skipped, e.Addr.Name)
			}
		}}
		w := newWorld(map[string]nature{"a": {err: errRefused}})
		if _, err := w.apply(t, a, planText("a; b: a; c: b; d: a; e: c d"), nil); err == nil || strings.Join(skipped, " ") != "b c d e" {
			t.Errorf("skipped %v, error %v", skipped, err)
		}
	})
}

// Speed divides every wait and nothing else.
func TestSpeed(t *testing.T) {
	for _, speed := range []float64{0, 1, 60} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(map[string]nature{"a": {stuck: true}, "b": {busy: 1e6}})
			rep, err := w.apply(t, Applier{Speed: speed}, planText("a; -b"), nil)
			want := 15 * time.Minute
			if speed > 1 {
				want /= time.Duration(speed)
			}
			if rep.Took < want-want/30 || rep.Took > want+want/30 {
				t.Errorf("speed %v: gave up after %v; want about %v", speed, rep.Took, want)
			}
			if !strings.Contains(err.Error(), "after 15m;") {
				t.Errorf("the error speaks of another time than AWS's: %v", err)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]nature{
			"endpoint":   {call: time.Second, usable: 5 * time.Second, needs: "acceptance"},
			"acceptance": {call: 500 * time.Millisecond, busy: 2},
			"dns":        {err: errRefused},
		})
		var lines []string
		a := Applier{Observe: func(e Event) { lines = append(lines, Line(e)) }}
		if _, err := w.apply(t, a, planText("endpoint; acceptance: endpoint; dns: acceptance; alarm: dns"), nil); err == nil {
			t.Error("no error of a run with a failure")
		}
		want := []string{
			"[0/4] create thing/endpoint@main/us-east-1: started",
			"[0/4] create thing/endpoint@main/us-east-1: waiting: provisioning (1.1s)",
			"[0/4] create thing/endpoint@main/us-east-1: waiting: pendingAcceptance (9.2s)",
			"[0/4] create thing/acceptance@main/us-east-1: started",
			"[0/4] create thing/acceptance@main/us-east-1: waiting: busy: calling: DependencyViolation: still in use (500ms)",
			"[1/4] create thing/endpoint@main/us-east-1: done: available (13.3s)",
			"[2/4] create thing/acceptance@main/us-east-1: done: available (4.1s)",
			"[2/4] create thing/dns@main/us-east-1: started",
			"[3/4] create thing/dns@main/us-east-1: failed: creating: AccessDenied: not you (0s)",
			"[4/4] create thing/alarm@main/us-east-1: skipped: because of thing/dns@main/us-east-1",
		}
		if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("events:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
		}
	})
}
