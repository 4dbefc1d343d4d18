package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner/dag"
)

// decide gives every site its verdict: what is referred to before what
// refers to it.
func (d *differ) decide() {
	for _, s := range d.inReferenceOrder() {
		if s.trouble == nil {
			d.decideSite(s)
		}
	}
	for _, s := range d.sorted {
		if s.trouble != nil {
			d.held = append(d.held, *s.trouble)
		}
	}
}

// inReferenceOrder sorts the sites so that values can be looked up as they
// come. Sites that refer to each other in a ring are held back at once.
func (d *differ) inReferenceOrder() []*site {
	g := &dag.Graph[*site]{}
	knotted := map[*site]bool{}
	d.addReferences(g, knotted)
	order, err := g.Sort(nil)
	if err == nil {
		return order
	}
	for _, c := range g.Cycles(nil) {
		for _, s := range c.Nodes {
			knotted[s] = true
			s.holdBack(CauseCycle, "its spec needs an output of itself: "+ringText(c.Path), "give one of them a value that does not come from the next")
		}
	}
	acyclic := &dag.Graph[*site]{}
	d.addReferences(acyclic, knotted)
	order, _ = acyclic.Sort(nil) // every ring has lost its edges
	return order
}

func ringText(path []*site) string {
	addrs := make([]string, len(path))
	for i, s := range path {
		addrs[i] = s.addr.String()
	}
	return strings.Join(addrs, " needs ")
}

// addReferences adds all sites, with edges to what they refer to, except
// from the knotted ones.
func (d *differ) addReferences(g *dag.Graph[*site], knotted map[*site]bool) {
	for _, s := range d.sorted {
		g.Add(s)
	}
	for _, s := range d.sorted {
		if s.want == nil || knotted[s] {
			continue
		}
		s.spec.eachValue(func(_ *leaf, v *Value) {
			if to, ok := d.sites[v.From]; ok && v.IsRef() {
				g.Edge(s, to)
			}
		})
	}
}

func (d *differ) decideSite(s *site) {
	switch {
	case s.unread && s.want == nil:
		s.verdict = heldBack // what stands there is not known, and nobody asks
	case s.unread:
		s.holdBack(CauseUnread, fmt.Sprintf("%s could not be read: %s", s.addr.Place, d.in.Live.Unread[s.addr.Place]), "")
	case s.want == nil:
		s.verdict = unwanted
	default:
		if reason, mend := d.unresolvable(s); reason != "" {
			s.holdBack(CauseDepends, reason, mend)
			return
		}
		d.decideWanted(s)
	}
}

func (d *differ) decideWanted(s *site) {
	if len(s.live) == 0 {
		s.verdict = toCreate
		return
	}
	s.kept = d.choose(s)
	s.fields, s.changing = compare(s.spec, s.kept.spec, d.lookUp)
	switch {
	case len(s.fields) == 0:
		s.verdict = unchanged
	case !replacing(s.fields):
		s.verdict = toUpdate
	case s.trait.Guarded && !s.want.MayReplace:
		s.refuseReplacement()
	default:
		s.verdict = toReplace
		s.deletesFirst = s.trait.Alone || s.restsOnDeletesFirst()
	}
}

// restsOnDeletesFirst tells whether s must go first because what it uses
// does. The old then has nothing to stand on while the new is made.
func (s *site) restsOnDeletesFirst() bool {
	return slices.ContainsFunc(s.kept.uses, func(u *object) bool {
		return u.site.verdict == toReplace && u.site.deletesFirst && u == u.site.kept
	})
}

// choose picks, of several live resources at one address, the one to keep:
// one that need not be replaced, then the one that most others use, then the
// one with the least to change, then the one with the smallest id.
func (d *differ) choose(s *site) *object {
	if len(s.live) == 1 {
		return s.live[0]
	}
	fields := make(map[*object][]Field, len(s.live))
	for _, o := range s.live {
		fields[o], _ = compare(s.spec, o.spec, d.lookUp)
	}
	return slices.MinFunc(s.live, func(a, b *object) int {
		return cmp.Or(
			falseFirst(replacing(fields[a]), replacing(fields[b])),
			cmp.Compare(b.users(), a.users()),
			cmp.Compare(len(fields[a]), len(fields[b])),
			strings.Compare(a.ID, b.ID),
		)
	})
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// lookUp is the text of a value of a wanted spec as far as it is known
// before the apply. Its site must have been decided.
func (d *differ) lookUp(v Value) (string, bool) {
	if !v.IsRef() {
		return v.Known, true
	}
	s := d.sites[v.From]
	switch s.verdict {
	case unchanged, refused:
		return s.kept.output(v.Out)
	case toUpdate:
		if !slices.Contains(s.changing, v.Out) {
			return s.kept.output(v.Out)
		}
	}
	return "", false
}

// unresolvable says why a reference of s cannot be looked up, not even after
// the apply; "" if all can.
func (d *differ) unresolvable(s *site) (reason, mend string) {
	s.spec.eachValue(func(_ *leaf, v *Value) {
		if reason == "" && v.IsRef() {
			reason, mend = d.unresolvableRef(*v)
		}
	})
	return reason, mend
}

func (d *differ) unresolvableRef(v Value) (reason, mend string) {
	to, ok := d.sites[v.From]
	switch {
	case !ok || to.want == nil:
		return fmt.Sprintf("needs %s, which the fleet does not ask for", v.From), ""
	case to.verdict == heldBack:
		return to.trouble.needed(), ""
	case to.verdict == unchanged || to.verdict == refused:
		if _, known := to.kept.output(v.Out); !known {
			return fmt.Sprintf("needs %s of %s, which AWS has not given it yet", v.Out, v.From), "plan again in a while"
		}
	}
	return "", ""
}

// needed is the reason of whatever needs what b is about: it names the root,
// so that a chain does not have to be followed.
func (b *Blocked) needed() string {
	if b.Cause == CauseDepends {
		return b.Reason
	}
	return fmt.Sprintf("needs %s, %s", b.Addr, b.Cause.short())
}

func (c Cause) short() string {
	switch c {
	case CauseUnread:
		return "whose place could not be read"
	case CauseRefused:
		return "which is refused"
	case CauseCycle:
		return "which is in a cycle"
	default:
		return "which is blocked"
	}
}

// holdBack blocks a wanted resource. What would have to be done is known
// only if nothing stands there.
func (s *site) holdBack(cause Cause, reason, mend string) {
	s.verdict = heldBack
	key := StepKey{Addr: s.addr}
	if len(s.live) == 0 && !s.unread {
		key.Action = Create
	}
	s.trouble = &Blocked{
		StepKey: key, Verb: s.trait.verb(key.Action), Group: s.want.Group,
		Cause: cause, Reason: reason, Mend: mend,
	}
}

func (s *site) refuseReplacement() {
	s.verdict = refused
	s.trouble = &Blocked{
		StepKey: StepKey{Action: Create, Addr: s.addr}, Verb: verbReplace, Group: s.want.Group,
		Cause:  CauseRefused,
		Reason: fmt.Sprintf("consumers depend on %s; a change of %s would replace it", s.kept.ID, replacedPaths(s.fields)),
		Mend:   "if that is meant, put `allowReplace: true` beside the resource" + at(s.want.Origin) + ", else take the change back",
	}
}

func at(origin string) string {
	if origin == "" {
		return " in its CUE"
	}
	return " at " + origin
}

// verbReplace is the word for a replacement.
const verbReplace = "replace"

// verb is the word for an action; "" for none.
func (t Trait) verb(a Action) string {
	return cmp.Or(t.Verbs[a], string(a))
}
