// Package dag keeps a graph of what waits for what, puts it in order, names
// its cycles and walks it with many workers at once.
//
// It is generic and knows nothing of plans: the planner sorts steps with it,
// the applier walks them, and reading is a walk over a graph without edges.
package dag

import "slices"

// A Graph is a set of nodes, some of which wait for others. The zero Graph
// is empty and ready for use. Reading it from many goroutines is safe;
// changing it is not.
type Graph[K comparable] struct {
	nodes []K
	index map[K]int
	waits [][]int // by index of a node: the nodes it waits for
}

// Add makes sure that the graph has node k. The order of first addition is
// the order of [Graph.Nodes], and of everything that has no other order.
func (g *Graph[K]) Add(k K) { g.add(k) }

// Edge makes node k wait for node on, and adds whichever is not there yet.
// The same edge twice is the same as once.
func (g *Graph[K]) Edge(k, on K) {
	i, j := g.add(k), g.add(on)
	g.waits[i] = append(g.waits[i], j)
}

func (g *Graph[K]) add(k K) int {
	if i, ok := g.index[k]; ok {
		return i
	}
	if g.index == nil {
		g.index = make(map[K]int)
	}
	i := len(g.nodes)
	g.index[k] = i
	g.nodes = append(g.nodes, k)
	g.waits = append(g.waits, nil)
	return i
}

// Len is the number of nodes.
func (g *Graph[K]) Len() int { return len(g.nodes) }

// Has tells whether k is a node.
func (g *Graph[K]) Has(k K) bool {
	_, ok := g.index[k]
	return ok
}

// Nodes are all nodes in the order they were added.
func (g *Graph[K]) Nodes() []K { return slices.Clone(g.nodes) }

// WaitsFor are the nodes k waits for, in the order they were added to the
// graph, each once.
func (g *Graph[K]) WaitsFor(k K) []K {
	i, ok := g.index[k]
	if !ok {
		return nil
	}
	on := slices.Clone(g.waits[i])
	slices.Sort(on)
	return g.keys(slices.Compact(on))
}

// Reverse is the graph with every edge turned round: what was waited for
// waits. The nodes keep their order.
func (g *Graph[K]) Reverse() *Graph[K] {
	r := &Graph[K]{}
	for _, k := range g.nodes {
		r.Add(k)
	}
	for j, waiters := range g.waiters() {
		r.waits[j] = waiters
	}
	return r
}

// waiters gives, by index of a node, the nodes that wait for it.
func (g *Graph[K]) waiters() [][]int {
	w := make([][]int, len(g.nodes))
	for i, on := range g.waits {
		for _, j := range on {
			w[j] = append(w[j], i)
		}
	}
	return w
}

func (g *Graph[K]) keys(indices []int) []K {
	if len(indices) == 0 {
		return nil
	}
	ks := make([]K, len(indices))
	for n, i := range indices {
		ks[n] = g.nodes[i]
	}
	return ks
}
