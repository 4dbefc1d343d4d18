package gitsource

import (
	"container/heap"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Ancestor tells whether commit a is b or one that b came from.
func (m *Mirror) Ancestor(a, b string) (bool, error) {
	from, err := m.commit(a)
	if err != nil {
		return false, err
	}
	to, err := m.commit(b)
	if err != nil {
		return false, err
	}
	is, err := m.history().ancestor(from.Hash, to.Hash)
	if err != nil {
		return false, fmt.Errorf("looking in %s for %s before %s: %w", m.at, plain(a), plain(b), err)
	}
	return is, nil
}

// A history answers questions about what came before what.
type history struct {
	store *store
	known map[plumbing.Hash]*step
}

// A step is a commit as far as its place in history goes.
type step struct {
	hash    plumbing.Hash
	when    int64 // seconds since 1970
	parents []plumbing.Hash
	tree    plumbing.Hash
	marks   mark
	order   int // in which it was met, for a queue that is the same each time
}

// A mark says from where a commit was reached.
type mark uint8

const (
	fromOurs mark = 1 << iota
	fromTheirs
	stale  // a better common ancestor leads to it
	common = fromOurs | fromTheirs
)

func (m *Mirror) history() *history {
	return &history{store: m.store, known: map[plumbing.Hash]*step{}}
}

func (h *history) step(at plumbing.Hash) (*step, error) {
	if s := h.known[at]; s != nil {
		return s, nil
	}
	c := new(object.Commit)
	if err := h.store.must(at, c.Decode); err != nil {
		return nil, err
	}
	s := &step{hash: at, when: c.Committer.When.Unix(), parents: c.ParentHashes, tree: c.TreeHash, order: len(h.known)}
	h.known[at] = s
	return s, nil
}

// forget takes all marks away.
func (h *history) forget() {
	for _, s := range h.known {
		s.marks = 0
	}
}

func (h *history) ancestor(a, b plumbing.Hash) (bool, error) {
	if a == b {
		return true, nil
	}
	bases, err := h.paint([]plumbing.Hash{a}, []plumbing.Hash{b})
	if err != nil {
		return false, err
	}
	return slices.Contains(bases, a), nil
}

// bases are the best common ancestors of two lines, the newest first: those
// from which no other common ancestor came. Each line is given by the commits
// it ends with; there are several where it ends with a merge that is only
// thought of.
func (h *history) bases(ours, theirs []plumbing.Hash) ([]plumbing.Hash, error) {
	found, err := h.paint(ours, theirs)
	if err != nil || len(found) < 2 {
		return found, err
	}
	var best []plumbing.Hash
	for i, one := range found {
		others := slices.Concat(found[:i], found[i+1:])
		within, err := h.paint([]plumbing.Hash{one}, others)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(within, one) {
			best = append(best, one)
		}
	}
	return best, nil
}

// paint walks back from both ends, newest commits first, until what is left
// is known to be worse than what was found. Where clocks were wrong, some of
// the found may lie behind others.
func (h *history) paint(ours, theirs []plumbing.Hash) ([]plumbing.Hash, error) {
	h.forget()
	w := &walk{history: h}
	for _, at := range ours {
		if err := w.mark(at, fromOurs); err != nil {
			return nil, err
		}
	}
	for _, at := range theirs {
		if err := w.mark(at, fromTheirs); err != nil {
			return nil, err
		}
	}
	for w.fresh() {
		s := heap.Pop(&w.queue).(*step)
		marks := s.marks
		if marks&(common|stale) == common {
			if !slices.Contains(w.found, s) {
				w.found = append(w.found, s)
			}
			marks |= stale
		}
		for _, parent := range s.parents {
			if err := w.mark(parent, marks); err != nil {
				return nil, err
			}
		}
	}
	var bases []plumbing.Hash
	for _, s := range w.found {
		if s.marks&stale == 0 {
			bases = append(bases, s.hash)
		}
	}
	return bases, nil
}

// A walk is one painting.
type walk struct {
	*history
	queue queue
	found []*step
}

func (w *walk) mark(at plumbing.Hash, marks mark) error {
	s, err := w.step(at)
	if err != nil {
		return err
	}
	if s.marks&marks != marks {
		s.marks |= marks
		heap.Push(&w.queue, s)
	}
	return nil
}

// fresh tells whether anything better may still be found.
func (w *walk) fresh() bool {
	return slices.ContainsFunc(w.queue, func(s *step) bool { return s.marks&stale == 0 })
}

// A queue has the newest commits first.
type queue []*step

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].when != q[j].when {
		return q[i].when > q[j].when
	}
	return q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*step)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	*q = (*q)[:last]
	return s
}
