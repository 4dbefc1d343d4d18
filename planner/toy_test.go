package planner

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// The toy world has kinds enough to try every trait on. Its specs are one
// type, so that any resource may refer to any other.
type toySpec struct {
	Base  Value    `json:"base" plan:"replace"`        // what it stands on
	Class string   `json:"class" plan:"replace"`       // what it is
	Size  int      `json:"size"`                       // changes in place
	Zones []string `json:"zones" plan:"changes=zones"` // shows in an output
	Links []Value  `json:"links"`                      // what it uses
	Opts  toyOpts  `json:"opts"`
}

type toyOpts struct {
	On   bool  `json:"on"`
	Next Value `json:"next"`
}

func toyTraits() map[string]Trait {
	return map[string]Trait{
		"net":   {Rank: 10},
		"hub":   {Rank: 20, Shared: true},
		"door":  {Rank: 30, Guarded: true},
		"plug":  {Rank: 40, Alone: true},
		"label": {Rank: 50, Fades: true},
		"badge": {Rank: 55, Fades: true},
		"link":  {Rank: 60, Verbs: map[Action]string{Create: "accept", Delete: "reject"}},
	}
}

var (
	here  = Place{"home", "r1"}
	there = Place{"away", "r1"}
)

func toyAddr(path string) Addr {
	name, account, found := strings.Cut(path, "@")
	place := here
	if found {
		place = Place{account, "r1"}
	}
	a, err := ParsePath(name, place)
	if err != nil {
		panic(err) // a mistake in the test itself
	}
	return a
}

func ref(path string, with ...string) Value {
	var addrs []Addr
	for _, w := range with {
		addrs = append(addrs, toyAddr(w))
	}
	return Ref(toyAddr(path), "id", addrs...)
}

func want(path string, s toySpec) Resource {
	return Resource{Addr: toyAddr(path), Spec: s, Origin: "toy.cue:1", Group: Group{Service: strings.Trim(path[strings.Index(path, "/"):], "/")}}
}

func live(path, id string, s toySpec) Resource {
	return Resource{Addr: toyAddr(path), Spec: s, ID: id, Outputs: Outputs{"id": id, "arn": "arn:" + id, "zones": "zones:," + strings.Join(s.Zones, ",")}}
}

func state(rs ...Resource) State {
	st := State{Live: map[Addr][]Resource{}}
	for _, r := range rs {
		st.Live[r.Addr] = append(st.Live[r.Addr], r)
	}
	return st
}

// A world is a toy AWS: it makes what it is told to, and like AWS refuses to
// delete what something else uses, or to let two Alone resources stand at
// one address.
type world struct {
	objects map[string]Resource // by id
	last    map[Addr]string     // the id last made or updated
	made    int
}

func newWorld(rs ...Resource) *world {
	w := &world{objects: map[string]Resource{}, last: map[Addr]string{}}
	for _, r := range rs {
		w.objects[r.ID] = r
	}
	return w
}

func (w *world) state() State { return state(slices.Collect(maps.Values(w.objects))...) }

// apply takes the steps in any order that what they wait for allows: the
// plan's own if rng is nil.
func (w *world) apply(p *Plan, rng *rand.Rand) error {
	done := map[StepKey]bool{}
	for left := slices.Clone(p.Steps); len(left) > 0; {
		free := 0
		if rng != nil {
			free = rng.IntN(len(left))
		}
		for tries := 0; !allDone(left[free].WaitsFor, done); tries++ {
			if rng == nil || tries == len(left) {
				return fmt.Errorf("%s comes before a step it waits for", left[free].StepKey)
			}
			free = (free + 1) % len(left)
		}
		s := left[free]
		left = slices.Delete(left, free, free+1)
		if err := w.step(s); err != nil {
			return fmt.Errorf("%s: %w", s.StepKey, err)
		}
		done[s.StepKey] = true
	}
	return nil
}

func allDone(keys []StepKey, done map[StepKey]bool) bool {
	return !slices.ContainsFunc(keys, func(k StepKey) bool { return !done[k] })
}

func (w *world) step(s Step) error {
	if s.Action == Delete {
		return w.delete(s.Before)
	}
	resolved, err := Resolve(s.After.Spec, w.lookup)
	if err != nil {
		return err
	}
	r := live(s.Addr.Path(), s.Before.ID, resolved.(toySpec))
	r.Addr = s.Addr
	if s.Action == Create {
		if w.taken(s.Addr) {
			return errors.New("another one stands there")
		}
		w.made++
		r = live(s.Addr.Path(), fmt.Sprintf("%s-%d", s.Addr.Kind, w.made), resolved.(toySpec))
		r.Addr = s.Addr
	}
	if err := w.check(r); err != nil {
		return err
	}
	w.objects[r.ID], w.last[r.Addr] = r, r.ID
	return nil
}

func (w *world) taken(a Addr) bool {
	return toyTraits()[a.Kind].Alone && len(w.at(a)) > 0
}

func (w *world) at(a Addr) []Resource {
	return slices.DeleteFunc(slices.Collect(maps.Values(w.objects)), func(r Resource) bool { return r.Addr != a })
}

// lookup gives what the last step at an address made, as an applier would.
func (w *world) lookup(a Addr, out string) (string, bool) {
	text, ok := w.objects[w.last[a]].Outputs[out]
	return text, ok
}

// check refuses a resource that uses what is not there.
func (w *world) check(r Resource) error {
	for _, id := range uses(r) {
		if _, ok := w.objects[id]; !ok {
			return fmt.Errorf("uses %s, which does not stand", id)
		}
	}
	return nil
}

func uses(r Resource) []string {
	s := r.Spec.(toySpec)
	var ids []string
	for _, v := range append([]Value{s.Base, s.Opts.Next}, s.Links...) {
		if strings.Contains(v.Known, "-") {
			ids = append(ids, v.Known)
		}
	}
	return ids
}

func (w *world) delete(r Resource) error {
	if _, ok := w.objects[r.ID]; !ok {
		return errors.New("is not there")
	}
	for _, u := range w.objects {
		if !slices.Contains(uses(u), r.ID) || u.ID == r.ID {
			continue
		}
		if part := toyTraits()[u.Addr.Kind].Fades && u.Spec.(toySpec).Base.Known == r.ID; !part {
			return fmt.Errorf("%s (%s) still uses it", u.Addr, u.ID)
		}
		delete(w.objects, u.ID)
	}
	delete(w.objects, r.ID)
	return nil
}
