package planner

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
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
		for round := range 3 {
			fleet := randomFleet(rng)
			p := mustDiff(t, Input{Want: fleet, Live: w.state()})
			if len(p.Blocked) > 0 {
				t.Fatalf("seed %d, round %d: blocked %+v", seed, round, p.Blocked)
			}
			if err := w.apply(p, []*rand.Rand{nil, rng}[round%2]); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
			if again := mustDiff(t, Input{Want: fleet, Live: w.state()}); len(again.Steps)+len(again.Blocked) > 0 || again.Unchanged != len(fleet) {
				t.Fatalf("seed %d, round %d: second plan: %d unchanged of %d, steps %+v, blocked %+v", seed, round, again.Unchanged, len(fleet), again.Steps, again.Blocked)
			}
		}
		if p := mustDiff(t, Input{Live: w.state()}); w.apply(p, rng) != nil || len(w.objects) > 0 {
			t.Fatalf("seed %d: taking everything down leaves %v", seed, w.objects)
		}
	}
}

// randomInput is a fleet over a world left by another, with everything that
// can go wrong: duplicates, an unread place, rings, what nobody asks for.
func randomInput(t *testing.T, rng *rand.Rand) Input {
	w := newWorld()
	if err := w.apply(mustDiff(t, Input{Want: randomFleet(rng)}), rng); err != nil {
		t.Fatal(err)
	}
	in := Input{Fleet: "f", Commit: "c", Want: randomFleet(rng), Live: w.state(), Traits: toyTraits()}
	for addr, rs := range in.Live.Live {
		if rng.IntN(4) == 0 {
			twin := rs[0]
			twin.ID = "twin-" + twin.ID
			twin.Outputs = Outputs{"id": twin.ID}
			in.Live.Live[addr] = append(rs, twin)
		}
	}
	for i := range in.Want {
		in.Want[i].MayReplace = rng.IntN(2) == 0
		if s := in.Want[i].Spec.(toySpec); rng.IntN(8) == 0 {
			s.Links = append(s.Links, Ref(in.Want[rng.IntN(len(in.Want))].Addr, "id"))
			in.Want[i].Spec = s
		}
	}
	if rng.IntN(2) == 0 {
		in.Live.Unread = map[Place]string{there: "AccessDenied"}
	}
	in.Notes = []Note{{NoteWaiting, Group{"s", "c"}, toyAddr("net/a"), "x"}, {NoteOutage, Group{"s", "c"}, toyAddr("net/a"), "y"}, {NoteOutage, Group{"a", "c"}, toyAddr("net/a"), "z"}}
	return in
}

// permuted is in with everything that has no order in another order.
func permuted(rng *rand.Rand, in Input) Input {
	in.Want = shuffled(rng, in.Want)
	for i, r := range in.Want {
		in.Want[i].Spec = permutedSpec(rng, r.Spec.(toySpec))
	}
	live := map[Addr][]Resource{}
	for addr, rs := range in.Live.Live {
		live[addr] = shuffled(rng, rs)
		for i, r := range live[addr] {
			live[addr][i].Spec = permutedSpec(rng, r.Spec.(toySpec))
		}
	}
	in.Live.Live = live
	in.Notes = shuffled(rng, in.Notes)
	return in
}

func permutedSpec(rng *rand.Rand, s toySpec) toySpec {
	s.Zones, s.Links = shuffled(rng, s.Zones), shuffled(rng, s.Links)
	return s
}

func shuffled[T any](rng *rand.Rand, list []T) []T {
	list = slices.Clone(list)
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func rendered(t *testing.T, p *Plan) string {
	t.Helper()
	var b bytes.Buffer
	for _, render := range []func(io.Writer, *Plan) error{renders["txt"], renders["json"]} {
		if err := render(&b, p); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// The same input in another order gives the same bytes in every format.
func TestPermutation(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 3))
		in := randomInput(t, rng)
		first := rendered(t, mustDiff(t, in))
		for range 2 {
			if again := rendered(t, mustDiff(t, permuted(rng, in))); again != first {
				t.Fatalf("seed %d: the same input in another order gives another plan:\n%s\nfirst:\n%s", seed, again, first)
			}
		}
	}
}

// Whatever goes wrong, a plan can be taken: the steps that are left hold
// together, nothing is both planned and blocked, and the world refuses none.
// What is blocked does not make plan after plan find the same to do: after
// few of them there is nothing left but what is blocked.
func TestBlockedPlansAreSound(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 4))
		in := randomInput(t, rng)
		w := newWorld()
		for _, rs := range in.Live.Live {
			for _, r := range rs {
				w.objects[r.ID] = r
			}
		}
		w.made = 1000
		steps := 1
		for round := 0; steps > 0; round++ {
			p := mustDiff(t, in)
			checkSound(t, seed, in, p)
			if err := w.apply(p, rng); err != nil || round == 3 {
				t.Fatalf("seed %d, round %d: %v\n%s", seed, round, err, short(p))
			}
			in.Live.Live, steps = w.state().Live, len(p.Steps)
		}
	}
}

func checkSound(t *testing.T, seed uint64, in Input, p *Plan) {
	t.Helper()
	planned := map[StepKey]bool{}
	for _, s := range p.Steps {
		planned[s.StepKey] = true
		if _, unread := in.Live.Unread[s.Addr.Place]; unread {
			t.Fatalf("seed %d: %s is in an unread place", seed, s.StepKey)
		}
	}
	for _, b := range p.Blocked {
		if planned[b.StepKey] {
			t.Fatalf("seed %d: %s is both planned and blocked", seed, b.StepKey)
		}
	}
}
