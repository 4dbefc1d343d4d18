package planner

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// plan is what Diff has found so far.
func (d *differ) plan() *Plan {
	p := &Plan{
		Fleet:  d.in.Fleet,
		Commit: d.in.Commit,
		Notes:  slices.Concat(d.in.Notes, d.notes),
		Unread: maps.Clone(d.in.Live.Unread),

		Targets: sortedTargets(d.in.Targets),
		Shard:   d.in.Shard.name(),
	}
	order := d.part(d.order())
	p.Steps = make([]Step, 0, len(order))
	for _, n := range order {
		p.Steps = append(p.Steps, d.step(n))
		p.Facts = append(p.Facts, d.facts(n)...)
	}
	p.Facts = sortedFacts(p.Facts)
	p.Stands = d.stands(p.Steps)
	p.Blocked = slices.DeleteFunc(d.blocked(), func(b Blocked) bool { return !d.targeted(b.Group, b.Addr) })
	for _, s := range d.sorted {
		if s.verdict == unchanged {
			p.Unchanged++
		}
	}
	return p
}

// conclude adds what follows from the steps.
func (d *differ) conclude(p *Plan) {
	for _, remark := range d.in.Remarks {
		p.Notes = append(p.Notes, remark(p)...)
	}
	p.Notes = slices.DeleteFunc(sortedNotes(p.Notes), func(n Note) bool { return !d.targeted(n.Group, n.Addr) })
	for _, limit := range d.in.Limits {
		p.Limits = append(p.Limits, limit(p)...)
	}
}

// step is what n stands for.
func (d *differ) step(n *node) Step {
	s := n.site
	step := Step{StepKey: n.StepKey, Verb: s.trait.verb(n.Action), Replaces: n.replaces(), WaitsFor: n.waitsFor()}
	if n.old != nil {
		step.Before = n.old.Resource
		step.Before.Spec = n.old.spec.data()
	}
	switch {
	case n.readies != nil:
		step.After = Resource{Addr: s.addr, Group: n.old.Group, Spec: n.disarmed.data()}
		step.Fields, _ = compare(n.disarmed, n.old.spec, d.lookUp)
		return step
	case n.Action != Delete:
		step.After = Resource{
			Addr: s.addr, Group: s.want.Group, Origin: s.want.Origin, MayReplace: s.want.MayReplace,
			Spec: s.spec.resolve(d.lookUp).data(),
		}
	}
	if n.Action == Update || n.replaces() {
		step.Fields = s.fields
	}
	step.RestsOn = d.restsOn(n)
	return step
}

// restsOn are the resources that n's spec refers to and no step changes.
func (d *differ) restsOn(n *node) []Addr {
	if n.Action == Delete {
		return nil
	}
	var rests []Addr
	n.site.spec.eachValue(func(_ *leaf, v *Value) {
		refs := v.With
		if v.IsRef() {
			refs = append([]Addr{v.From}, refs...)
		}
		for _, at := range refs {
			if to := d.sites[at]; to != nil && to.kept != nil && to.arrive == nil {
				rests = append(rests, at)
			}
		}
	})
	slices.SortFunc(rests, Addr.Compare)
	return slices.Compact(rests)
}

// stands are the resources that steps rest on.
func (d *differ) stands(steps []Step) []Resource {
	at := map[Addr]bool{}
	for _, st := range steps {
		for _, a := range st.RestsOn {
			at[a] = true
		}
	}
	var rs []Resource
	for _, a := range slices.SortedFunc(maps.Keys(at), Addr.Compare) {
		kept := d.sites[a].kept
		r := kept.Resource
		r.Spec = kept.spec.data()
		rs = append(rs, r)
	}
	return rs
}

func (n *node) waitsFor() []StepKey {
	if len(n.waits) == 0 {
		return nil
	}
	waits := slices.SortedFunc(slices.Values(n.waits), func(a, b *node) int { return a.StepKey.Compare(b.StepKey) })
	waits = slices.Compact(waits)
	keys := make([]StepKey, len(waits))
	for i, on := range waits {
		keys[i] = on.StepKey
	}
	return keys
}

// Compare orders steps by address, action and id.
func (k StepKey) Compare(l StepKey) int {
	return cmp.Or(k.Addr.Compare(l.Addr), k.Action.order()-l.Action.order(), strings.Compare(k.ID, l.ID))
}

func (a Action) order() int { return slices.Index([]Action{"", Create, Update, Delete}, a) }

// String is the action and the address, and the id where it matters.
func (k StepKey) String() string {
	text := string(k.Action) + " " + k.Addr.String()
	if k.ID != "" {
		text += " (" + k.ID + ")"
	}
	return strings.TrimSpace(text)
}

// facts are the outputs of others that n's spec was filled in with.
func (d *differ) facts(n *node) []Fact {
	if n.Action == Delete || n.readies != nil {
		return nil
	}
	var facts []Fact
	n.site.spec.eachValue(func(_ *leaf, v *Value) {
		if !v.IsRef() {
			return
		}
		if text, known := d.lookUp(*v); known {
			facts = append(facts, Fact{Addr: v.From, Out: v.Out, Value: text})
		}
	})
	return facts
}

func sortedFacts(facts []Fact) []Fact {
	slices.SortFunc(facts, func(a, b Fact) int {
		return cmp.Or(a.Addr.Compare(b.Addr), strings.Compare(a.Out, b.Out))
	})
	return slices.Compact(facts)
}

// blocked is what is held, at sites and of steps. Of a replacement only the
// create is listed.
func (d *differ) blocked() []Blocked {
	blocked := slices.Clone(d.held)
	for _, n := range d.nodes {
		switch {
		case n.held == nil, n.readies != nil: // whose delete speaks for it
		case n.twin == nil:
			blocked = append(blocked, *n.held)
		case n.Action == Create:
			blocked = append(blocked, n.heldReplacement())
		}
	}
	slices.SortFunc(blocked, func(a, b Blocked) int { return a.StepKey.Compare(b.StepKey) })
	return blocked
}

// heldReplacement is why neither half of a replacement happens. If the one
// is held only because of the other, the other's reason counts.
func (n *node) heldReplacement() Blocked {
	b := *n.held
	if old := n.twin.held; n.spread && !n.twin.spread {
		b.Cause, b.Reason, b.Mend = old.Cause, "the old cannot go: "+old.Reason, old.Mend
	}
	b.Verb = verbReplace
	return b
}

// urgency orders the kinds of notes.
func (k NoteKind) urgency() int {
	return slices.Index([]NoteKind{NoteOutage, NoteWarning, NoteUnknown, NoteWaiting}, k)
}

func sortedNotes(notes []Note) []Note {
	slices.SortFunc(notes, func(a, b Note) int {
		return cmp.Or(
			a.Kind.urgency()-b.Kind.urgency(),
			strings.Compare(a.Group.Service, b.Group.Service),
			strings.Compare(a.Group.Consumer, b.Group.Consumer),
			a.Addr.Compare(b.Addr),
			strings.Compare(a.Text, b.Text),
		)
	})
	return notes
}
