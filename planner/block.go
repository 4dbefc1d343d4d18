package planner

import (
	"fmt"
	"strings"

	"github.com/linkfleet/linkfleet/planner/dag"
)

// hold keeps a step from being taken. The first reason stands.
func (n *node) hold(cause Cause, reason, mend string) {
	if n.held != nil {
		return
	}
	n.held = &Blocked{StepKey: n.StepKey, Verb: n.site.trait.verb(n.Action), Group: n.group(), Cause: cause, Reason: reason, Mend: mend}
}

func (n *node) group() Group {
	if n.Action == Delete || n.readies != nil {
		return n.old.Group
	}
	return n.site.want.Group
}

// hold holds the deletes that unread places forbid, and whatever waits for
// something that is held.
func (d *differ) hold() {
	if unread := unreadPlaces(d.in.Live.Unread); len(unread) > 0 {
		reason := fmt.Sprintf("something in %s may use it, which could not be read", list(unread))
		for _, n := range d.nodes {
			if n.Action == Delete && n.site.trait.Shared {
				n.hold(CauseUnread, reason, "")
			}
		}
	}
	d.cascade()
}

// list names places, at most three of them.
func list(places []Place) string {
	var names []string
	for _, p := range places {
		names = append(names, p.String())
	}
	return enumerate(names, 3)
}

// cascade holds what waits for something held. Reasons name the root.
func (d *differ) cascade() {
	waiters := make([][]*node, len(d.nodes))
	for _, n := range d.nodes {
		for _, on := range n.waits {
			waiters[on.place] = append(waiters[on.place], n)
		}
		if n.twin != nil { // a replacement happens whole or not at all
			waiters[n.twin.place] = append(waiters[n.twin.place], n)
		}
		if n.readies != nil { // for nothing, if the delete does not come
			waiters[n.readies.place] = append(waiters[n.readies.place], n)
		}
	}
	for _, root := range d.nodes {
		if root.held != nil {
			spread(root, waiters)
		}
	}
}

func spread(root *node, waiters [][]*node) {
	reason := root.held.needed()
	if root.Action == Delete {
		reason = fmt.Sprintf("waits for the delete of %s (%s), which is blocked", root.Addr, root.ID)
	}
	for queue := []*node{root}; len(queue) > 0; queue = queue[1:] {
		for _, n := range waiters[queue[0].place] {
			if n.held == nil {
				n.hold(CauseDepends, reason, "")
				n.spread = true
				queue = append(queue, n)
			}
		}
	}
}

// order sorts the steps that are not held. Those that would have to wait for
// each other, and what waits for them, it holds.
func (d *differ) order() []*node {
	for {
		g := d.graph()
		order, err := g.Sort(nil)
		if err == nil {
			return order
		}
		for _, c := range g.Cycles(nil) {
			reason := "no order is possible: " + pathText(c.Path)
			for _, n := range c.Nodes {
				n.hold(CauseCycle, reason, wayOut(c))
			}
		}
		d.cascade()
	}
}

// graph has the steps that are not held, in the order of ties.
func (d *differ) graph() *dag.Graph[*node] {
	g := &dag.Graph[*node]{}
	for _, n := range d.nodes {
		if n.held == nil {
			g.Add(n)
		}
	}
	for _, n := range d.nodes {
		if n.held != nil {
			continue
		}
		for _, on := range n.waits {
			g.Edge(n, on) // on is not held, or n would be
		}
	}
	return g
}

func pathText(path []*node) string {
	steps := make([]string, len(path))
	for i, n := range path {
		steps[i] = n.text()
	}
	return strings.Join(steps, " waits for ")
}

// text is the step in words; both halves of a replacement say which.
func (n *node) text() string {
	verb := n.site.trait.verb(n.Action)
	switch {
	case n.readies != nil:
		return fmt.Sprintf("unprotect %s (%s)", n.Addr, n.ID)
	case n.Action == Delete && n.replaces():
		return fmt.Sprintf("%s the old %s (%s)", verb, n.Addr, n.ID)
	case n.replaces():
		return fmt.Sprintf("%s the new %s", verb, n.Addr)
	default:
		return fmt.Sprintf("%s %s", verb, n.Addr)
	}
}

// wayOut is how to get round a cycle: without the users that survive.
func wayOut(c dag.Cycle[*node]) string {
	for _, n := range c.Nodes {
		if n.Action != Delete && !n.site.deletesFirst {
			return fmt.Sprintf("take %s out of the fleet, apply, and put it back", n.Addr)
		}
	}
	return ""
}

// refuse holds what the rules refuse in p, and tells whether they do.
func (d *differ) refuse(p *Plan) bool {
	nodes := make(map[StepKey]*node, len(d.nodes))
	for _, n := range d.nodes {
		nodes[n.StepKey] = n
	}
	refused := false
	for _, rule := range d.in.Rules {
		for _, b := range rule(p) {
			// A rule can only take away: what it says of other than steps
			// means nothing.
			if n := nodes[b.StepKey]; n != nil && n.held == nil {
				n.hold(b.Cause.orRefused(), b.Reason, b.Mend)
				refused = true
			}
		}
	}
	if refused {
		d.cascade()
	}
	return refused
}

func (c Cause) orRefused() Cause {
	if c == "" {
		return CauseRefused
	}
	return c
}
