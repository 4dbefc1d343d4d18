package dag

import (
	"context"
	"errors"
)

// A State is how a node fared in a walk.
type State int

// The states of a node after a walk.
const (
	// NotStarted: the walk was stopped before the node's turn came.
	NotStarted State = iota
	// Done: visited without error.
	Done
	// Failed: visited, with an error.
	Failed
	// Skipped: not visited, because something it waits for failed.
	Skipped
)

// String is the state in words.
func (s State) String() string {
	switch s {
	case Done:
		return "done"
	case Failed:
		return "failed"
	case Skipped:
		return "skipped"
	default:
		return "not started"
	}
}

// An Outcome is what became of one node.
type Outcome[K comparable] struct {
	Node  K
	State State
	// Err is what the visit returned; nil unless State is Failed.
	Err error
	// Because is the failed node at the root of a skip. Of several it is the
	// one added first to the graph. It is the zero K unless State is Skipped.
	Because K
}

// Options say how a walk goes.
type Options struct {
	// Workers is how many nodes may be visited at the same time; fewer than
	// one means one.
	Workers int
	// Stop, once closed, keeps further nodes from starting, while running
	// visits go on undisturbed. Nil never stops.
	Stop <-chan struct{}
}

// Walk visits the nodes of g, each after all it waits for were visited
// without error, independent ones side by side. Of the nodes that could
// start, the one added first to the graph does.
//
// A failed node does not end the walk: what waits for it is skipped, the
// rest goes on. When ctx ends or o.Stop closes no further node starts. In
// every case Walk returns only when no visit runs any more. Visits get ctx;
// it is theirs to honour.
//
// There is one outcome for each node, in the order of [Graph.Nodes]. A graph
// with a cycle is not walked at all; the error is a [*CycleError].
func Walk[K comparable](ctx context.Context, g *Graph[K], o Options, visit func(context.Context, K) error) ([]Outcome[K], error) {
	order, err := g.Sort(nil)
	if err != nil {
		return nil, err
	}
	w := &walk[K]{
		graph:    g,
		queue:    newQueue(g, g.ranks(nil)),
		outcomes: make([]Outcome[K], g.Len()),
		results:  make(chan result),
	}
	for i, k := range g.nodes {
		w.outcomes[i].Node = k
	}
	w.run(ctx, o, visit)
	w.explainSkips(order)
	return w.outcomes, nil
}

// Failures joins the errors of the failed nodes, in the order of the
// outcomes; nil if none failed. Skipped nodes add nothing: their root says
// it all.
func Failures[K comparable](outcomes []Outcome[K]) error {
	var errs []error
	for _, o := range outcomes {
		if o.State == Failed {
			errs = append(errs, o.Err)
		}
	}
	return errors.Join(errs...)
}

type walk[K comparable] struct {
	graph    *Graph[K]
	queue    *queue
	outcomes []Outcome[K]
	results  chan result
}

type result struct {
	node int
	err  error
}

// run starts nodes and takes their results; all state is this goroutine's
// own. Whether to stop is asked before each start, so there is no need to
// wait for anything but results.
func (w *walk[K]) run(ctx context.Context, o Options, visit func(context.Context, K) error) {
	for running := 0; ; running-- {
		for running < max(o.Workers, 1) && w.queue.Len() > 0 && !stopped(ctx, o.Stop) {
			i := w.queue.next()
			running++
			go func() { w.results <- result{i, visit(ctx, w.graph.nodes[i])} }()
		}
		if running == 0 {
			return
		}
		w.take(<-w.results)
	}
}

func (w *walk[K]) take(r result) {
	if r.err != nil {
		w.outcomes[r.node].State, w.outcomes[r.node].Err = Failed, r.err
		return
	}
	w.outcomes[r.node].State = Done
	w.queue.done(r.node)
}

func stopped(ctx context.Context, stop <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return true
	case <-stop:
		return true
	default:
		return false
	}
}

// explainSkips marks, after the walk, what a failure kept from starting. It
// goes by the topological order so that the answer does not depend on which
// of two failures came first.
func (w *walk[K]) explainSkips(order []K) {
	const none = -1
	roots := make([]int, len(order)) // by index of a node: the failure behind it
	for _, k := range order {
		i := w.graph.index[k]
		roots[i] = none
		if w.outcomes[i].State == Failed {
			roots[i] = i
			continue
		}
		for _, j := range w.graph.waits[i] {
			if roots[j] != none && (roots[i] == none || roots[j] < roots[i]) {
				roots[i] = roots[j]
			}
		}
		if roots[i] != none {
			w.outcomes[i].State, w.outcomes[i].Because = Skipped, w.graph.nodes[roots[i]]
		}
	}
}
