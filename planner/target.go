package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// ParseTarget reads the name of a part of a fleet: "services/fraud" or
// "services/fraud/consumers/risk".
func ParseTarget(text string) (Group, error) {
	parts := strings.Split(text, "/")
	switch {
	case slices.Contains(parts, ""):
	case len(parts) == 2 && parts[0] == "services":
		return Group{Service: parts[1]}, nil
	case len(parts) == 4 && parts[0] == "services" && parts[2] == "consumers":
		return Group{Service: parts[1], Consumer: parts[3]}, nil
	}
	return Group{}, fmt.Errorf("%q names no part of a fleet; write services/NAME or services/NAME/consumers/NAME", text)
}

// Target is the name of a group, as [ParseTarget] reads it.
func (g Group) Target() string {
	if g.Consumer == "" {
		return "services/" + g.Service
	}
	return "services/" + g.Service + "/consumers/" + g.Consumer
}

// holds tells whether inner is g or, if g is a service, of one of its
// consumers.
func (g Group) holds(inner Group) bool {
	return g.Service == inner.Service && (g.Consumer == "" || g.Consumer == inner.Consumer)
}

// targeted tells whether what is of a group and at an address is of the part
// that the plan is limited to.
func (d *differ) targeted(g Group, at Addr) bool {
	if d.in.Shard != nil && !d.in.Shard.Holds(g.Service, at.Place) {
		return false
	}
	return len(d.in.Targets) == 0 || slices.ContainsFunc(d.in.Targets, func(t Group) bool { return t.holds(g) })
}

// part is what of the steps in order the plan is limited to, and what that
// needs, wherever it is.
func (d *differ) part(order []*node) []*node {
	if len(d.in.Targets) == 0 && d.in.Shard == nil {
		return order
	}
	needed := map[*node]bool{}
	for _, n := range order {
		if d.targeted(n.group(), n.Addr) {
			n.need(needed)
		}
	}
	return slices.DeleteFunc(order, func(n *node) bool { return !needed[n] })
}

// need adds n, what it waits for and, because a replacement happens whole,
// its other half.
func (n *node) need(needed map[*node]bool) {
	if needed[n] {
		return
	}
	needed[n] = true
	for _, on := range n.waits {
		on.need(needed)
	}
	if n.twin != nil {
		n.twin.need(needed)
	}
}

func sortedTargets(targets []Group) []Group {
	targets = slices.SortedFunc(slices.Values(targets), func(a, b Group) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Consumer, b.Consumer))
	})
	return slices.Compact(targets)
}

// targetsText names the part that a plan is limited to.
func (p *Plan) targetsText() string {
	names := make([]string, len(p.Targets))
	for i, t := range p.Targets {
		names[i] = Clean(t.Target())
	}
	return strings.Join(names, ", ")
}
