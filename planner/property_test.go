package planner

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// randomFleet asks for random resources, each referring to earlier kinds.
// Alone kinds are only stood on by what falls with them (see randomSpec).
func randomFleet(rng *rand.Rand) []Resource {
	var fleet []Resource
	for _, kind := range []string{"net", "hub", "door", "plug", "label", "link"} {
		for i := range 4 {
			if rng.IntN(3) == 0 {
				continue
			}
			r := want(fmt.Sprintf("%s/n%d", kind, i), randomSpec(rng, kind, fleet))
			r.MayReplace = true
			if rng.IntN(3) == 0 && kind != "label" {
				r.Addr.Place = there
			}
			if r.Spec.(toySpec).Base.IsRef() || kind != "label" {
				fleet = append(fleet, r)
			}
		}
	}
	return fleet
}

func randomSpec(rng *rand.Rand, kind string, fleet []Resource) toySpec {
	s := toySpec{Class: string("ab"[rng.IntN(2)]), Size: rng.IntN(3), Opts: toyOpts{On: rng.IntN(2) == 0}}
	for i := range rng.IntN(3) {
		s.Zones = append(s.Zones, fmt.Sprint("z", i+rng.IntN(2)))
	}
	pick := func() Value {
		r := fleet[rng.IntN(len(fleet))]
		if k := r.Addr.Kind; k == "label" || k == "plug" {
			return Value{} // nobody can move away from what is Alone
		}
		return Ref(r.Addr, []string{"id", "id", "id", "zones"}[rng.IntN(4)])
	}
	if len(fleet) == 0 {
		return s
	}
	if v := pick(); v.IsRef() {
		s.Base = Ref(v.From, "id")
	}
	for range rng.IntN(3) {
		if v := pick(); v.IsRef() && kind != "label" {
			s.Links = append(s.Links, v)
		}
	}
	if rng.IntN(3) == 0 {
		v := pick()
		v.With = []Addr{fleet[rng.IntN(len(fleet))].Addr}
		if v.IsRef() && kind != "label" {
			s.Opts.Next = v
		}
	}
	return s
}

func mustDiff(t *testing.T, in Input) *Plan {
	t.Helper()
	if in.Traits == nil {
		in.Traits = toyTraits()
	}
	p, err := Diff(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// From any fleet to any other, in the planned order, the world never
// refuses, and a second plan finds nothing to do.
func TestConverges(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 2))
		w := newWorld()
		for round := range 4 {
			fleet := randomFleet(rng)
			p := mustDiff(t, Input{Want: fleet, Live: w.state()})
			if len(p.Blocked) > 0 {
				t.Fatalf("seed %d, round %d: blocked %+v", seed, round, p.Blocked)
			}
			if err := w.apply(p); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
			if again := mustDiff(t, Input{Want: fleet, Live: w.state()}); len(again.Steps)+len(again.Blocked) > 0 || again.Unchanged != len(fleet) {
				t.Fatalf("seed %d, round %d: second plan: %d unchanged of %d, steps %+v, blocked %+v", seed, round, again.Unchanged, len(fleet), again.Steps, again.Blocked)
			}
		}
		if p := mustDiff(t, Input{Live: w.state()}); w.apply(p) != nil || len(w.objects) > 0 {
			t.Fatalf("seed %d: taking everything down leaves %v", seed, w.objects)
		}
	}
}
