package planner

import (
	"cmp"
	"fmt"
	"slices"
)

// A node is a step on its way into the plan.
type node struct {
	StepKey
	site  *site
	old   *object // what is updated or deleted
	place int     // in differ.nodes
	twin  *node   // the other half of a replacement
	// readies is the delete that this update only makes possible, by giving
	// the resource the spec disarmed.
	readies  *node
	disarmed spec
	waits    []*node // in no particular order, perhaps with repetitions

	held   *Blocked // why the step is not taken; nil if it is
	spread bool     // held only because of another step that is
}

// makeNodes turns verdicts into steps.
func (d *differ) makeNodes() {
	d.nodes = make([]*node, 0, len(d.sorted))
	for _, s := range d.sorted {
		for _, o := range s.live {
			if s.departs(o) {
				d.addDelete(s, o)
			}
		}
		switch s.verdict {
		case toCreate, toUpdate, toReplace:
			d.addArrival(s)
		}
	}
	slices.SortStableFunc(d.nodes, func(a, b *node) int {
		return cmp.Or(a.site.trait.Rank-b.site.trait.Rank, a.StepKey.Compare(b.StepKey))
	})
	for i, n := range d.nodes {
		n.place = i
	}
}

// departs tells whether o is to be deleted by a step: it is unwanted, the
// old of a replacement, or a duplicate.
func (s *site) departs(o *object) bool {
	if s.trait.Fades || s.verdict == heldBack {
		return false
	}
	return o != s.kept || s.verdict == toReplace
}

func (d *differ) addDelete(s *site, o *object) {
	o.leave = &node{site: s, old: o, StepKey: StepKey{Action: Delete, Addr: s.addr, ID: o.ID}}
	d.nodes = append(d.nodes, o.leave)
	if s.trait.Disarm == nil {
		return
	}
	if disarmed, needed := s.trait.Disarm(o.spec.data()); needed {
		n := &node{site: s, old: o, readies: o.leave, StepKey: StepKey{Action: Update, Addr: s.addr, ID: o.ID}}
		n.disarmed, _ = d.types.open(disarmed) // of the type that o's has, which has been opened
		d.nodes = append(d.nodes, n)
		o.disarm = n
	}
}

func (d *differ) addArrival(s *site) {
	s.arrive = &node{site: s, StepKey: StepKey{Action: Create, Addr: s.addr}}
	switch s.verdict {
	case toUpdate:
		s.arrive.Action = Update
		s.arrive.old = s.kept
	case toReplace:
		if leave := s.kept.leave; leave != nil {
			s.arrive.twin, leave.twin = leave, s.arrive
		}
	}
	d.nodes = append(d.nodes, s.arrive)
}

// replaces tells whether n is part of a replacement.
func (n *node) replaces() bool {
	return n.twin != nil || n.Action == Create && n.site.verdict == toReplace
}

// connect makes steps wait for each other.
func (d *differ) connect() {
	for _, s := range d.sorted {
		if s.arrive != nil {
			d.connectArrival(s)
		}
		for _, o := range s.live {
			if o.leave != nil {
				d.connectDeparture(o)
			} else if s.trait.Fades && o != s.kept && s.verdict != heldBack {
				d.noteLingering(o)
			}
		}
	}
	for _, s := range d.sorted {
		s.connectParting()
		for _, o := range s.live {
			o.connectDisarming()
		}
	}
}

// connectArrival lets what refers to resources wait until they stand, and
// the old of a replacement until its users have moved to the new.
func (d *differ) connectArrival(s *site) {
	n := s.arrive
	for _, o := range s.live {
		if s.deletesFirst && o.leave != nil {
			n.waitFor(o.leave) // duplicates would stand in the way as well
		}
	}
	if n.twin != nil && !s.deletesFirst {
		n.twin.waitFor(n)
	}
	s.spec.eachValue(func(_ *leaf, v *Value) {
		if to := d.sites[v.From]; v.IsRef() {
			if _, known := d.lookUp(*v); !known || !v.AsIs {
				d.await(n, v.From)
			}
			if s.kept != nil && to.verdict == toReplace && !to.deletesFirst && to.kept.leave != nil {
				to.kept.leave.waitFor(n)
			}
		}
		for _, with := range v.With {
			if n.Action != Update || !v.AsIs || !d.uses(s.kept, *v) {
				d.await(n, with)
			}
		}
	})
}

// uses tells whether a live resource is at a wanted value already.
func (d *differ) uses(o *object, want Value) (found bool) {
	text, known := d.lookUp(want)
	if !known {
		return false
	}
	o.spec.eachValue(func(_ *leaf, v *Value) { found = found || v.Known == text })
	return found
}

// await lets n wait for whatever makes the resource at an address stand.
func (d *differ) await(n *node, on Addr) {
	to, ok := d.sites[on]
	switch {
	case !ok || to.want == nil:
		n.hold(CauseDepends, fmt.Sprintf("needs %s, which the fleet does not ask for", on), "")
	case to.verdict == heldBack:
		n.hold(CauseDepends, to.trouble.needed(), "")
	case to.arrive != nil:
		n.waitFor(to.arrive)
	}
}

func (n *node) waitFor(on *node) { n.waits = append(n.waits, on) }

// connectDeparture lets a delete wait until nobody uses the resource any
// more: each user's own delete, or the update that moves it away.
func (d *differ) connectDeparture(o *object) {
	for _, user := range o.usedBy {
		n, goesAlong := d.letsGo(user, o)
		switch {
		case goesAlong:
		case n != nil:
			o.leave.waitFor(n)
		default:
			o.leave.hold(CauseDepends, stillUsed(user), "")
		}
	}
	for _, reached := range o.backs {
		if n := reached.lastStep(); n != nil && reached.whole() != o {
			o.leave.waitFor(n)
		}
	}
}

// connectParting has the old of what cannot stand beside its successor stay
// until nothing but to make that is left to do. Else its users would be without
// for as long as all else takes, or for good if that fails.
func (s *site) connectParting() {
	n := s.arrive
	if n == nil || n.twin == nil || !s.trait.Alone {
		return
	}
	for _, on := range n.waits {
		if on.site != s && !on.reaches(n.twin, map[*node]bool{}) {
			n.twin.waitFor(on)
		}
	}
}

// reaches tells whether n waits for on, directly or not.
func (n *node) reaches(on *node, seen map[*node]bool) bool {
	if n == on {
		return true
	}
	if seen[n] {
		return false
	}
	seen[n] = true
	return slices.ContainsFunc(n.waits, func(next *node) bool { return next.reaches(on, seen) })
}

// connectDisarming has what is protected stay so until nothing but its own
// delete is left to do.
func (o *object) connectDisarming() {
	if o.disarm != nil {
		o.disarm.waits = slices.Clone(o.leave.waits)
		o.leave.waitFor(o.disarm)
	}
}

// lastStep is what happens to o in the plan: its delete, or the update that
// may move it elsewhere; nil if it stays as it is.
func (o *object) lastStep() *node {
	if whole := o.whole(); whole.leave != nil {
		return whole.leave
	}
	if o == o.site.kept {
		return o.site.arrive
	}
	return nil
}

func stillUsed(by *object) string {
	who := fmt.Sprintf("%s (%s)", by.site.addr, by.ID)
	switch by.site.verdict {
	case heldBack:
		if t := by.site.trouble; t != nil {
			return fmt.Sprintf("%s uses it, and is blocked itself: %s", who, t.Reason)
		}
		return fmt.Sprintf("%s uses it, and %s could not be read in full", who, by.site.addr.Place)
	case refused:
		return fmt.Sprintf("%s uses it, and its replacement is refused", who)
	default:
		return fmt.Sprintf("%s uses it, and stays", who)
	}
}

// letsGo is the step after which user no longer uses o; nil if there is
// none. GoesAlong: user is part of o and goes when o goes.
func (d *differ) letsGo(user, o *object) (n *node, goesAlong bool) {
	whole := user.whole()
	switch {
	case whole == o:
		return nil, true
	case whole.leave != nil:
		return whole.leave, false
	case d.movesAway(user, o):
		return user.site.arrive, false
	}
	return nil, false
}

// whole is what o comes and goes with: o itself or, if o is Fades and not to
// stay, what it is part of.
func (o *object) whole() *object {
	for o.site.trait.Fades && o.goes() && o.parent != nil {
		o = o.parent // of a lower rank or not Fades, so this ends
	}
	return o
}

// goes tells whether a live resource is not to stay as the one it is.
func (o *object) goes() bool {
	return o.site.verdict != heldBack && (o != o.site.kept || o.site.verdict == toReplace)
}

// movesAway tells whether the step at user's site ends the use of o.
func (d *differ) movesAway(user, o *object) bool {
	s := user.site
	if s.arrive == nil || user != s.kept {
		return false
	}
	stays := false
	s.spec.eachValue(func(_ *leaf, v *Value) {
		if text, known := d.lookUp(*v); known && d.owners[text].object == o {
			stays = true
		}
	})
	return !stays
}

// noteLingering warns of a Fades resource that nobody wants and that does
// not go, because what it is part of stays.
func (d *differ) noteLingering(o *object) {
	whole := o.whole()
	if whole.leave != nil {
		return
	}
	part := "what it is part of"
	if whole != o {
		part = whole.site.addr.String()
	}
	d.notes = append(d.notes, Note{
		Kind: NoteWarning, Group: o.Group, Addr: o.site.addr,
		Text: fmt.Sprintf("%s is not wanted, but cannot be deleted by itself; it goes with %s", o.ID, part),
	})
}
