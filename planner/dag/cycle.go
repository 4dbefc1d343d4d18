package dag

import (
	"fmt"
	"slices"
	"strings"
)

// A CycleError says that nodes wait for each other in a ring.
type CycleError[K comparable] struct {
	// Path is one shortest way round: each node waits for the next, and the
	// last is the first again.
	Path []K
}

func (e *CycleError[K]) Error() string {
	names := make([]string, len(e.Path))
	for i, k := range e.Path {
		names[i] = fmt.Sprint(k)
	}
	return "cycle: " + strings.Join(names, " waits for ")
}

// A Cycle is a knot of nodes each of which waits, over others, for itself.
type Cycle[K comparable] struct {
	// Path is one shortest way round through the knot's first node. The
	// last node is the first again.
	Path []K
	// Nodes are all nodes of the knot in order.
	Nodes []K
}

// Cycles are the knots of the graph. Order, in a knot and among them, is
// compare's, or that of addition if compare is nil.
func (g *Graph[K]) Cycles(compare func(a, b K) int) []Cycle[K] {
	rank := g.ranks(compare)
	byRank := func(i, j int) int { return rank[i] - rank[j] }
	var knots [][]int
	for _, knot := range g.components() {
		if len(knot) > 1 || slices.Contains(g.waits[knot[0]], knot[0]) {
			slices.SortFunc(knot, byRank)
			knots = append(knots, knot)
		}
	}
	slices.SortFunc(knots, func(a, b []int) int { return byRank(a[0], b[0]) })
	var cycles []Cycle[K]
	for _, knot := range knots {
		cycles = append(cycles, Cycle[K]{Path: g.keys(g.ring(knot, byRank)), Nodes: g.keys(knot)})
	}
	return cycles
}

// ring is a shortest way from the first node of a knot to itself.
func (g *Graph[K]) ring(knot []int, byRank func(i, j int) int) []int {
	inside := make(map[int]bool, len(knot))
	for _, i := range knot {
		inside[i] = true
	}
	start := knot[0]
	from := map[int]int{}
	for frontier := []int{start}; len(frontier) > 0; {
		i := frontier[0]
		frontier = frontier[1:]
		on := slices.Clone(g.waits[i])
		slices.SortFunc(on, byRank)
		for _, j := range on {
			if j == start {
				return trace(from, start, i)
			}
			if _, seen := from[j]; !seen && inside[j] {
				from[j] = i
				frontier = append(frontier, j)
			}
		}
	}
	return nil // not reached: a knot has a way round through each of its nodes
}

// trace is the way from start to end by the steps in from, and to start again.
func trace(from map[int]int, start, end int) []int {
	path := []int{start}
	for i := end; i != start; i = from[i] {
		path = append(path, i)
	}
	path = append(path, start)
	slices.Reverse(path)
	return path
}

// components are the strongly connected components (Tarjan 1972), without
// recursion: a chain of dependencies may be longer than a stack is deep.
func (g *Graph[K]) components() [][]int {
	t := &tarjan{
		waits:   g.waits,
		number:  make([]int, len(g.nodes)),
		low:     make([]int, len(g.nodes)),
		onStack: make([]bool, len(g.nodes)),
	}
	for i := range g.nodes {
		if t.number[i] == 0 {
			t.visit(i)
		}
	}
	return t.found
}

type tarjan struct {
	waits       [][]int
	number, low []int // number is 0 for a node not seen yet
	count       int
	stack       []int
	onStack     []bool
	calls       []call
	found       [][]int
}

// A call stands for one level of the recursion: a node and how many of its
// edges have been followed.
type call struct{ node, edge int }

func (t *tarjan) visit(root int) {
	t.enter(root)
	for len(t.calls) > 0 {
		c := &t.calls[len(t.calls)-1]
		if c.edge == len(t.waits[c.node]) {
			t.leave()
			continue
		}
		j := t.waits[c.node][c.edge]
		c.edge++
		switch {
		case t.number[j] == 0:
			t.enter(j)
		case t.onStack[j]:
			t.low[c.node] = min(t.low[c.node], t.number[j])
		}
	}
}

func (t *tarjan) enter(i int) {
	t.count++
	t.number[i], t.low[i] = t.count, t.count
	t.stack, t.onStack[i] = append(t.stack, i), true
	t.calls = append(t.calls, call{node: i})
}

func (t *tarjan) leave() {
	i := t.calls[len(t.calls)-1].node
	t.calls = t.calls[:len(t.calls)-1]
	if len(t.calls) > 0 {
		parent := t.calls[len(t.calls)-1].node
		t.low[parent] = min(t.low[parent], t.low[i])
	}
	if t.low[i] != t.number[i] {
		return
	}
	start := len(t.stack) - 1
	for t.stack[start] != i {
		start--
	}
	component := slices.Clone(t.stack[start:])
	t.stack = t.stack[:start]
	for _, j := range component {
		t.onStack[j] = false
	}
	t.found = append(t.found, component)
}
