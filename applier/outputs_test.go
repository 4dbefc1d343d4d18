package applier

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/linkfleet/linkfleet/planner"
)

// A scribe writes down the specs it is given, and makes resources whose
// outputs tell which action made them.
type scribe struct {
	*world
	got map[string]string // by name: the values of its spec
}

func (s *scribe) note(r planner.Resource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var values []string
	for _, v := range r.Spec.(toySpec).On {
		values = append(values, v.Known)
	}
	s.got[r.Addr.Name] = strings.Join(values, " ")
}

func (s *scribe) Create(_ context.Context, want planner.Resource) (Made, error) {
	s.note(want)
	s.since[want.Addr.Name] = s.start
	return Made{ID: "new", Outputs: planner.Outputs{"id": "new-" + want.Addr.Name}}, nil
}

func (s *scribe) Update(_ context.Context, was, want planner.Resource) (Made, error) {
	s.note(want)
	s.since[want.Addr.Name] = s.start
	return Made{ID: was.ID, Outputs: planner.Outputs{"id": was.ID, "name": "updated-" + want.Addr.Name}}, nil
}

// Values come from what earlier steps made, from what an update found, and
// from the plan's facts; never from what is deleted.
func TestValuesAreResolved(t *testing.T) {
	thing := func(name string) planner.Addr { return toyStep(name).Addr }
	p := planText("new; ~old; uses: new old; -twin")
	p.Facts = []planner.Fact{{Addr: thing("still"), Out: "arn", Value: "arn:still"}, {Addr: thing("still"), Out: "id", Value: "id-still"}}
	replacement := toyStep("twin")
	replacement.After.Spec = toySpec{}
	p.Steps = slices.Insert(p.Steps, 0, replacement)
	on := func(values ...planner.Value) toySpec { return toySpec{On: values} }
	for i := range p.Steps {
		switch s := &p.Steps[i]; s.Addr.Name {
		case "uses":
			s.WaitsFor = append(s.WaitsFor, replacement.StepKey)
			s.After.Spec = on(planner.Known("plain"), planner.Ref(thing("new"), "id"), planner.Ref(thing("old"), "name"),
				planner.Ref(thing("still"), "arn"), planner.Ref(thing("still"), "id"), planner.Ref(thing("twin"), "id"))
		case "new":
			s.After.Spec = on(planner.Ref(thing("old"), "id"))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := &scribe{world: newWorld(nil), got: map[string]string{}}
		rep, err := (&Applier{Parallelism: 1, Actuators: map[string]Actuator{"thing": s}}).Apply(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"twin": "", "old": "", "new": "id-old",
			"uses": "arn:still id-still new-new new-twin plain updated-old", // lists are sets: sorted
		}
		if !maps.Equal(s.got, want) {
			t.Errorf("specs came with %v; want %v", s.got, want)
		}
		if made, kept := rep.Results[1].Made, rep.Results[2].Made; made != "new" || kept != "id-old" {
			t.Errorf("the report names %q for a create and %q for an update", made, kept)
		}
	})
}

// A value nobody has fails its step before any call.
func TestValueNobodyHas(t *testing.T) {
	tests := []struct{ name, from, out string }{
		{"an output that was not made", "a", "dnsName"},
		{"of what is deleted", "-c", "id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := planText("a; -c; b: a")
				from := toyStep(tt.from).Addr
				p.Steps[2].After.Spec = toySpec{On: []planner.Value{planner.Ref(from, tt.out)}}
				w := newWorld(nil)
				_, err := w.apply(t, Applier{}, p, nil)
				want := fmt.Sprintf("thing/b@main/us-east-1: creating: output %s of %s is not known", tt.out, from)
				if fmt.Sprint(err) != want || len(w.calls) != 2 {
					t.Errorf("error %v after calls %v; want %s", err, w.calls, want)
				}
			})
		})
	}
}
