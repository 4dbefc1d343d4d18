package gitsource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// Merged is what a branch would be if another were merged into it.
type Merged struct {
	Base Commit
	// Tree is the hash of the merged files, for [Mirror.Tree]. The same two
	// commits give the same hash.
	Tree string
}

// Merge finds what base would be after head is merged into it, by refs or
// hashes that were fetched. The outcome is that of git merge with
// merge.renames=false and without attributes: whole files by what each side
// did to them since the last common ancestor, files that both changed line by
// line, and the ancestors merged first where there are several. A file that
// one side moved and the other changed is a conflict, then, and so is one that
// both changed if it has more than 1 MiB or 50,000 lines, or if it would take
// more than seconds to find what changed in it.
//
// The error may be a [*ConflictError] or an [*UnrelatedError].
func (m *Mirror) Merge(ctx context.Context, base, head string) (*Merged, error) {
	into, err := m.commit(base)
	if err != nil {
		return nil, err
	}
	from, err := m.commit(head)
	if err != nil {
		return nil, err
	}
	h := m.history()
	bases, err := h.bases([]plumbing.Hash{into.Hash}, []plumbing.Hash{from.Hash})
	if err != nil {
		return nil, fmt.Errorf("finding what %s and %s of %s came from: %w", plain(base), plain(head), m.at, err)
	}
	if len(bases) == 0 {
		return nil, &UnrelatedError{Base: plain(base), Head: plain(head)}
	}
	tree, err := m.merge(ctx, h, bases, line{into.TreeHash, []plumbing.Hash{into.Hash}}, line{from.TreeHash, []plumbing.Hash{from.Hash}})
	if conflict, ok := errors.AsType[*ConflictError](err); ok {
		conflict.Base, conflict.Head = plain(base), plain(head)
		return nil, conflict
	}
	if err != nil {
		return nil, fmt.Errorf("merging %s into %s of %s: %w", plain(head), plain(base), m.at, err)
	}
	return &Merged{Base: commitOf(into), Tree: tree.String()}, nil
}

// merge writes what the merge makes.
func (m *Mirror) merge(ctx context.Context, h *history, bases []plumbing.Hash, ours, theirs line) (plumbing.Hash, error) {
	merging := &merging{ctx: ctx, mirror: m, store: m.store, history: h, effort: &effort{ctx: ctx, left: mostEffort}}
	return merging.lines(bases, ours, theirs, 0)
}

// put adds an object that the mirror has not yet. The mirror is locked just
// meanwhile, so that nobody sweeps away a file that is being written, and
// nobody waits for a merge.
func (m *merging) put(kind plumbing.ObjectType, text []byte) (plumbing.Hash, error) {
	name := plumbing.ComputeHash(kind, text)
	if here, err := m.store.has(name); here || err != nil {
		return name, err
	}
	unlock, err := m.mirror.lock(m.ctx)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer unlock()
	return m.store.put(kind, text)
}

// A line of development is given by its files and by the commits it ends
// with. There are several of those where a merge is only thought of.
type line struct {
	tree plumbing.Hash
	tips []plumbing.Hash
}

// A merging is one Merge.
type merging struct {
	ctx     context.Context // of the Merge, which this is a part of
	mirror  *Mirror
	store   *store // the mirror's
	history *history
	effort  *effort
}

// lines merges two lines over their best common ancestors. Of several, one
// is made by merging them, the oldest first, as git does. Depth counts such
// merges within merges.
func (m *merging) lines(bases []plumbing.Hash, ours, theirs line, depth int) (plumbing.Hash, error) {
	const deepest = 50
	if depth > deepest {
		return plumbing.ZeroHash, fmt.Errorf("the branches were merged with each other crosswise more than %d deep: merge the base into the branch once more", deepest)
	}
	base, err := m.base(bases, depth)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	t := &treeMerge{merging: m, depth: depth, conflicts: map[string]bool{}}
	tree, err := t.trees("", 0, base.tree, ours.tree, theirs.tree)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if len(t.conflicts) > 0 {
		return plumbing.ZeroHash, &ConflictError{Paths: slices.Sorted(maps.Keys(t.conflicts))}
	}
	if tree.IsZero() {
		return m.put(plumbing.TreeObject, nil)
	}
	return tree, nil
}

// base is one ancestor of several; of none, it is without files.
func (m *merging) base(bases []plumbing.Hash, depth int) (line, error) {
	var all line
	for i, at := range slices.Backward(bases) {
		s, err := m.history.step(at)
		if err != nil {
			return line{}, err
		}
		one := line{s.tree, []plumbing.Hash{at}}
		if i == len(bases)-1 {
			all = one
			continue
		}
		before, err := m.history.bases(all.tips, one.tips)
		if err != nil {
			return line{}, err
		}
		if all.tree, err = m.lines(before, all, one, depth+1); err != nil {
			return line{}, err
		}
		all.tips = append(all.tips, at)
	}
	return all, nil
}
