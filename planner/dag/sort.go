package dag

import (
	"container/heap"
	"slices"
)

// Sort is every node after all the nodes it waits for. Of the nodes that
// could come next the least by compare does; nodes that compare equal, or
// all if compare is nil, come in the order they were added. The answer
// therefore depends on the graph and compare alone.
//
// A graph with a cycle has no such order: the error is a [*CycleError].
func (g *Graph[K]) Sort(compare func(a, b K) int) ([]K, error) {
	rank := g.ranks(compare)
	q := newQueue(g, rank)
	order := make([]int, 0, len(g.nodes))
	for q.Len() > 0 {
		i := q.next()
		order = append(order, i)
		q.done(i)
	}
	if len(order) < len(g.nodes) {
		return nil, &CycleError[K]{Path: g.Cycles(compare)[0].Path}
	}
	return g.keys(order), nil
}

// ranks gives, by index of a node, its place when all are sorted by compare.
func (g *Graph[K]) ranks(compare func(a, b K) int) []int {
	rank := make([]int, len(g.nodes))
	for i := range rank {
		rank[i] = i
	}
	if compare == nil {
		return rank
	}
	byRank := slices.Clone(rank)
	slices.SortStableFunc(byRank, func(i, j int) int { return compare(g.nodes[i], g.nodes[j]) })
	for r, i := range byRank {
		rank[i] = r
	}
	return rank
}

// A queue holds the nodes that wait for nothing that is not done, least rank
// first.
type queue struct {
	ready   []int // heap, by rank
	rank    []int
	missing []int // by index of a node: how many edges still hold it back
	waiters [][]int
}

func newQueue[K comparable](g *Graph[K], rank []int) *queue {
	q := &queue{rank: rank, missing: make([]int, len(g.nodes)), waiters: g.waiters()}
	for i, on := range g.waits {
		q.missing[i] = len(on)
		if len(on) == 0 {
			q.ready = append(q.ready, i)
		}
	}
	heap.Init(q)
	return q
}

// next takes the node that comes first.
func (q *queue) next() int { return heap.Pop(q).(int) }

// done lets go of the nodes that waited for i alone.
func (q *queue) done(i int) {
	for _, w := range q.waiters[i] {
		if q.missing[w]--; q.missing[w] == 0 {
			heap.Push(q, w)
		}
	}
}

// Len, Less, Swap, Push and Pop are heap.Interface.
func (q *queue) Len() int           { return len(q.ready) }
func (q *queue) Less(a, b int) bool { return q.rank[q.ready[a]] < q.rank[q.ready[b]] }
func (q *queue) Swap(a, b int)      { q.ready[a], q.ready[b] = q.ready[b], q.ready[a] }
func (q *queue) Push(x any)         { q.ready = append(q.ready, x.(int)) }
func (q *queue) Pop() any {
	last := len(q.ready) - 1
	i := q.ready[last]
	q.ready = q.ready[:last]
	return i
}
