package planner

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Diff compares what in.Want asks for with what in.Live says stands, and
// plans the way from one to the other. It changes nothing in its input, and
// the order of anything in it does not matter.
//
// Wanted and live resources are matched by address. A reference to a
// resource that stays is what its output is now; one to a resource that is
// created, replaced, or updated so that the output may change, is known only
// after the apply, and so is a difference.
//
// What cannot or must not be done is no error but a [Blocked] of the plan,
// and the rest goes on:
//
//   - Nothing is done in a place that could not be read, nor with what needs
//     something there; no Shared resource is deleted as long as any place is
//     unread.
//   - The replacement of a Guarded resource is refused without MayReplace.
//     The resource stays as it is, and what refers to it goes on with what
//     it is.
//   - A delete of something that a surviving resource uses is held back.
//   - Steps that would have to wait for each other are held back together.
//   - What a rule refuses is held back.
//   - What is not of in.Targets or in.Shard, nor needed by it, is left out.
//   - What in.Shard needs of services that are not its own is held back.
//   - So is whatever waits for something held back; a replacement happens
//     whole or not at all.
//
// A Fades resource is never deleted by a step. Unwanted, it goes with the
// resource it is part of: the one its first replace-tagged reference points
// to (its first reference of any sort, if none is so tagged). If that one
// stays, so does the faded resource, and a warning note says so.
//
// An error is a programming error in a kind or in the caller: a kind without
// a Trait, a spec that [CheckSpec] refuses, two wanted resources at one
// address. It lists all of them.
func Diff(in Input) (*Plan, error) {
	d, err := newDiffer(in)
	if err != nil {
		return nil, err
	}
	d.linkLive()
	d.decide()
	d.makeNodes()
	d.connect()
	d.hold()
	p := d.plan()
	for d.refuse(p) { // each time something more, so this ends
		p = d.plan()
	}
	d.conclude(p)
	if in.Shard != nil {
		err = p.limitAsWhole(in)
	}
	return p, err
}

// A differ is one run of Diff.
type differ struct {
	in     Input
	types  layouts
	sites  map[Addr]*site
	sorted []*site // by rank, then address
	nodes  []*node // in the order ties are broken by
	owners map[string]owner
	held   []Blocked // at sites; nodes have their own
	notes  []Note
}

// A site is all there is to one address.
type site struct {
	addr   Addr
	trait  Trait
	want   *Resource // nil if nobody wants it
	spec   spec      // of want
	live   []*object // by ID
	unread bool

	verdict  verdict
	kept     *object // the one of live that want is matched with
	fields   []Field // differences of want from kept
	changing []string
	// deletesFirst: the old must be gone before the new is created.
	deletesFirst bool
	// trouble is why nothing is done here; set if the verdict is heldBack or
	// refused.
	trouble *Blocked

	arrive *node // its create or update
}

// An object is one live resource.
type object struct {
	Resource
	site   *site
	spec   spec
	uses   []*object // by values in its spec, in the order of the struct
	usedBy []*object
	backs  []*object // what is reached through it: see Value.With
	parent *object   // of a Fades resource: what it is part of

	leave  *node // its delete
	disarm *node // the update that makes its delete possible; nil if none
}

// output is what AWS chose.
func (o *object) output(out string) (string, bool) {
	if text, ok := o.Outputs[out]; ok {
		return text, true
	}
	return o.ID, out == "id" && o.ID != ""
}

// A verdict is what is to be done at a site.
type verdict int

const (
	undecided verdict = iota
	unwanted          // what stands goes
	unchanged
	toCreate
	toUpdate
	toReplace
	refused  // should be replaced, must not be: stays as it is
	heldBack // nothing can be said
)

func newDiffer(in Input) (*differ, error) {
	if in.Shard != nil {
		in.Rules = append(slices.Clip(in.Rules), in.Shard.keepOff)
	}
	d := &differ{in: in, types: layouts{}, sites: make(map[Addr]*site, max(len(in.Want), len(in.Live.Live)))}
	var errs []error
	for i := range in.Want {
		errs = append(errs, d.addWant(&in.Want[i]))
	}
	for addr, rs := range in.Live.Live {
		for _, r := range rs {
			errs = append(errs, d.addLive(addr, r))
		}
	}
	if err := errors.Join(sortedErrors(errs)...); err != nil {
		return nil, err
	}
	d.sorted = slices.SortedFunc(maps.Values(d.sites), func(a, b *site) int {
		return cmp.Or(a.trait.Rank-b.trait.Rank, a.addr.Compare(b.addr))
	})
	for _, s := range d.sorted {
		slices.SortFunc(s.live, func(a, b *object) int { return cmp.Compare(a.ID, b.ID) })
		s.live = slices.CompactFunc(s.live, func(a, b *object) bool { return a.ID == b.ID })
	}
	return d, nil
}

// sortedErrors drops nils and sorts by text, because errors come in the
// order of a map.
func sortedErrors(errs []error) []error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs
}

func (d *differ) site(addr Addr) (*site, error) {
	if s, ok := d.sites[addr]; ok {
		return s, nil
	}
	trait, ok := d.in.Traits[addr.Kind]
	if !ok {
		return nil, fmt.Errorf("%s: kind %q has no trait", addr, addr.Kind)
	}
	_, unread := d.in.Live.Unread[addr.Place]
	s := &site{addr: addr, trait: trait, unread: unread}
	d.sites[addr] = s
	return s, nil
}

func (d *differ) addWant(r *Resource) error {
	s, err := d.site(r.Addr)
	if err != nil {
		return err
	}
	if s.want != nil {
		return fmt.Errorf("%s: wanted twice, at %s and %s", r.Addr, min(s.want.Origin, r.Origin), max(s.want.Origin, r.Origin))
	}
	s.want = r
	if s.spec, err = d.types.open(r.Spec); err != nil {
		return fmt.Errorf("%s: wanted: %w", r.Addr, err)
	}
	return nil
}

func (d *differ) addLive(addr Addr, r Resource) error {
	s, err := d.site(addr)
	if err != nil {
		return err
	}
	if r.Addr != addr {
		return fmt.Errorf("%s: live resource of another address, %s, stands under it", addr, r.Addr)
	}
	o := &object{Resource: r, site: s}
	if o.spec, err = d.types.open(r.Spec); err != nil {
		return fmt.Errorf("%s: live: %w", addr, err)
	}
	if want := s.want; want != nil && s.spec.v.IsValid() && reflect.TypeOf(want.Spec) != reflect.TypeOf(r.Spec) {
		return fmt.Errorf("%s: the wanted spec is a %T, the live one a %T", addr, want.Spec, r.Spec)
	}
	o.spec.eachValue(func(l *leaf, v *Value) {
		if v.IsRef() {
			err = fmt.Errorf("%s: live: %s refers to %s instead of being known", addr, l.path, v.From)
		}
	})
	s.live = append(s.live, o)
	return err
}
