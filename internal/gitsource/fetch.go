package gitsource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Fetch brings the mirror up to date in some refs: branches or tags by name,
// others in full (refs/pull/7/head, refs/merge-requests/7/head), HEAD, or
// commits by hash. Only what is new is transferred. A ref that was moved by
// force is followed, and one that the repository does not have any more is
// forgotten, asked for or not.
//
// The whole history of a ref is fetched, since merges and ancestors are found
// in it.
//
// Fetch waits for another process that fetches into the same mirror. It takes
// no longer than [Options] say. It may be killed at any time: what it had
// fetched counts only when all of it was there, and a damaged mirror is cloned
// anew.
func (m *Mirror) Fetch(ctx context.Context, refs ...string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, m.patience, fault(ErrUnreachable, context.DeadlineExceeded,
		"it took longer than %s: look whether the repository's host answers, and how fast", m.patience))
	defer cancel()
	unlock, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := m.prepare(); err != nil {
		return err
	}
	s, err := m.remote.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	return m.update(ctx, s, refs)
}

// update fetches by a session.
func (m *Mirror) update(ctx context.Context, s session, names []string) error {
	old, err := readRefs(m.dir)
	if err != nil {
		return fmt.Errorf("reading the mirror of %s: %w", m.at, err)
	}
	next := old.pruned(s.offers().refs)
	found, wants, err := m.choose(s.offers(), names)
	if err != nil {
		return errors.Join(err, m.keep(next))
	}
	if err := m.transfer(ctx, s, wants, old); err != nil {
		return err
	}
	maps.Copy(next, found)
	if err := m.keep(next); err != nil {
		return err
	}
	if err := m.repack(); err != nil {
		return fmt.Errorf("repacking the mirror of %s: %w", m.at, err)
	}
	return m.store.refresh()
}

// keep makes refs those of the mirror.
func (m *Mirror) keep(all refs) error {
	if err := all.write(m.dir); err != nil {
		return fmt.Errorf("writing the refs of the mirror of %s: %w", m.at, err)
	}
	return nil
}

// pruned leaves out what the repository has not any more.
func (r refs) pruned(offered refs) refs {
	kept := maps.Clone(r)
	maps.DeleteFunc(kept, func(name string, _ plumbing.Hash) bool {
		_, there := offered[name]
		return !there
	})
	return kept
}

// choose finds what names stand for at the repository: the refs to keep, and
// the objects to have.
func (m *Mirror) choose(o offers, names []string) (refs, []plumbing.Hash, error) {
	found, wants := refs{}, []plumbing.Hash{}
	for _, name := range names {
		if isHash(name) {
			if err := m.obtainable(o, plumbing.NewHash(name)); err != nil {
				return nil, nil, err
			}
			wants = append(wants, plumbing.NewHash(name))
			continue
		}
		full := ""
		for _, candidate := range slices.Backward(candidates(name)) {
			if _, there := o.refs[candidate]; there {
				full = candidate
			}
		}
		if full == "" {
			return nil, nil, m.unknown(o, name)
		}
		found[full] = o.refs[full]
		wants = append(wants, o.refs[full])
	}
	return found, wants, nil
}

// obtainable tells whether a commit can be had by its hash.
func (m *Mirror) obtainable(o offers, h plumbing.Hash) error {
	if here, err := m.store.has(h); here || err != nil {
		return err
	}
	if o.anyCommit || slices.Contains(slices.Collect(maps.Values(o.refs)), h) {
		return nil
	}
	return fault(ErrUnknownRef, nil, "%s gives no commits by hash, and none of its refs is at %s: fetch a branch that holds it", m.at, h)
}

// unknown says what there is instead.
func (m *Mirror) unknown(o offers, name string) error {
	const most = 5
	var branches []string
	for ref := range o.refs {
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			branches = append(branches, plain(branch))
		}
	}
	slices.Sort(branches)
	has := "it has no branches"
	switch n := len(branches); {
	case n > most:
		has = fmt.Sprintf("its branches are %s and %d more", strings.Join(branches[:most], ", "), n-most)
	case n > 0:
		has = "its branches are " + strings.Join(branches, ", ")
	}
	return fault(ErrUnknownRef, nil, "%s has no %s (%s): check the ref's spelling, or whether it was deleted", m.at, plain(name), has)
}

// transfer has the wanted objects in the mirror.
func (m *Mirror) transfer(ctx context.Context, s session, wants []plumbing.Hash, old refs) error {
	var ask asking
	for _, h := range wants {
		// A commit that is here is here with all it refers to: objects
		// arrive in packs that are whole, or do not count.
		here, err := m.store.has(h)
		if err != nil {
			return err
		}
		if !here && !slices.Contains(ask.wants, h) {
			ask.wants = append(ask.wants, h)
		}
	}
	if len(ask.wants) == 0 {
		return nil
	}
	ask.haves = m.haves(old)
	if err := s.fetch(ctx, m.store, ask); err != nil {
		return err
	}
	if err := m.store.refresh(); err != nil {
		return err
	}
	for _, h := range ask.wants {
		if here, err := m.store.has(h); !here {
			return fault(nil, err, "%s did not send %s though it offered it: try again", m.at, h)
		}
	}
	return nil
}

// haves are commits that the repository may have too: what the refs are at,
// and some before those, for refs that were moved back by force.
func (m *Mirror) haves(old refs) []plumbing.Hash {
	const most = 256
	seen := map[plumbing.Hash]bool{}
	next := slices.SortedFunc(maps.Values(old), func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	var haves []plumbing.Hash
	for len(next) > 0 && len(haves) < most {
		h := next[0]
		next = next[1:]
		if seen[h] {
			continue
		}
		seen[h] = true
		var c object.Commit
		if m.store.with(h, c.Decode) != nil { // a tag
			continue
		}
		haves = append(haves, h)
		next = append(next, c.ParentHashes...)
	}
	return haves
}
