package planner

import (
	"cmp"
	"slices"
	"strings"
)

// An owner is the live resource that a text identifies.
type owner struct {
	object *object // nil if several are equally likely
	id     bool    // the text is its id, not another of its outputs
}

// linkLive finds out which live resource uses which: a value in a live spec
// that equals an output of another resource is a use of it.
//
// Ids, ARNs and names are unique, but not every output is: kinds that are
// part of a resource show its id as their own, and all endpoints of an
// account have the same owner. So a text belongs to the resource that has it
// as its id rather than to one with another output of that text, then to the
// one of the lowest rank, which comes first on the way up. A text that is
// still ambiguous identifies nothing, and neither does a list (what has a
// comma in it: zones), even if there is no other like it right now.
func (d *differ) linkLive() {
	d.owners = make(map[string]owner, 2*len(d.sorted))
	for _, s := range d.sorted {
		for _, o := range s.live {
			claim(d.owners, o.ID, owner{o, true})
			for out, text := range o.Outputs {
				if !strings.Contains(text, ",") {
					claim(d.owners, text, owner{o, out == "id"})
				}
			}
		}
	}
	for _, s := range d.sorted {
		for _, o := range s.live {
			o.link(d.owners)
			d.linkBacks(o)
		}
	}
}

// linkBacks tells what stands at the addresses that a live spec names with
// its values that o is reached through it.
func (d *differ) linkBacks(o *object) {
	o.spec.eachValue(func(_ *leaf, v *Value) {
		for _, with := range v.With {
			if s, ok := d.sites[with]; ok {
				for _, back := range s.live {
					back.backs = append(back.backs, o)
				}
			}
		}
	})
}

// claim records that text identifies c's object, unless another has a better
// claim. Objects claim in the order of their ranks.
func claim(owners map[string]owner, text string, c owner) {
	if text == "" {
		return
	}
	switch old, taken := owners[text]; {
	case !taken, c.id && !old.id:
		owners[text] = c
	case old.id && !c.id, old.object == nil, old.object == c.object:
	case old.object.site.trait.Rank == c.object.site.trait.Rank:
		owners[text] = owner{nil, c.id}
	}
}

func (o *object) link(owners map[string]owner) {
	var part, anyPart *object
	o.spec.eachValue(func(l *leaf, v *Value) {
		used := owners[v.Known].object
		if used == nil || used == o {
			return
		}
		if !slices.Contains(o.uses, used) {
			o.uses = append(o.uses, used)
			used.usedBy = append(used.usedBy, o)
		}
		if !o.mayBePartOf(used) {
			return
		}
		if anyPart == nil {
			anyPart = used
		}
		if part == nil && l.replace {
			part = used
		}
	})
	o.parent = cmp.Or(part, anyPart)
}

// mayBePartOf keeps parts from being parts of each other.
func (o *object) mayBePartOf(whole *object) bool {
	t, w := o.site.trait, whole.site.trait
	return t.Fades && (!w.Fades || w.Rank < t.Rank)
}

// users counts the resources at other addresses that use o.
func (o *object) users() int {
	n := 0
	for _, u := range o.usedBy {
		if u.site != o.site {
			n++
		}
	}
	return n
}
