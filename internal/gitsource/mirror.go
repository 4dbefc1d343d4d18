// Package gitsource reads a fleet's files from Git, without a git program and
// without a work tree: it tells which commit a folder is at, keeps mirrors of
// repositories, fetches what is new, and shows the files of a commit, or of
// what a branch would be after a merge, as a file system.
//
// A mirror has the whole history of what was fetched into it; it is never
// shallow. What was applied last is looked for behind or before a branch, and
// healed from, just when the repository lags or the branch was moved back by
// force, and then the repository cannot be asked any more for history that
// was left out.
package gitsource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Options say which repository, and where its mirror is kept.
type Options struct {
	// URL is https://host/path, ssh://user@host:port/path, user@host:path,
	// file:///path or a local path. Credentials in it count where Auth has
	// none, but show up in shell histories and process lists.
	URL string
	// Dir is the folder of mirrors. It is made if need be. Each repository
	// has one mirror in it, which later processes go on with, and which
	// several processes may use at once.
	Dir  string
	Auth Auth
	// PlainHTTP allows http:// to other hosts than this one: whoever listens
	// in reads the token and can change the fleet.
	PlainHTTP bool
	// Patience is how long a fetch may take; zero is 10 minutes. A host that
	// takes a connection and then says nothing would hold up all who wait for
	// the mirror.
	Patience time.Duration
}

// A Mirror is a local copy of a repository. It may be used by several
// goroutines. See [Open].
type Mirror struct {
	at       location
	remote   remote
	patience time.Duration
	dir      string
	store    *store
}

// Open opens the mirror of a repository, or makes an empty one. It does not
// ask the repository; [Mirror.Fetch] does. A mirror that a killed process or
// a full disk left damaged is begun anew.
func Open(ctx context.Context, o Options) (*Mirror, error) {
	at, err := parseLocation(o.URL)
	if err != nil {
		return nil, err
	}
	const patience = 10 * time.Minute
	m := &Mirror{at: at, patience: cmp.Or(o.Patience, patience)}
	if m.remote, err = newRemote(at, o); err != nil {
		return nil, err
	}
	if o.Dir == "" {
		return nil, errors.New("no folder is given for mirrors of repositories: name one that only you can write to")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for the mirror of %s: %w", at, err)
	}
	m.dir = filepath.Join(o.Dir, at.folder()+".git")
	m.store = &store{dir: m.dir}
	unlock, err := m.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := m.prepare(); err != nil {
		return nil, err
	}
	return m, nil
}

// URL is where the repository is, without credentials.
func (m *Mirror) URL() string { return m.at.String() }

func (m *Mirror) lock(ctx context.Context) (unlock func(), err error) {
	return lock(ctx, strings.TrimSuffix(m.dir, ".git")+".lock")
}

// prepare makes sure of a mirror that works and holds no remains: an old one,
// or an empty one. The mirror is locked.
func (m *Mirror) prepare() error {
	err := sound(m.dir)
	switch {
	case err == nil:
		err = sweep(m.dir)
	case unreadable(err):
		return fmt.Errorf("the mirror of %s cannot be read: let this user read it, or remove the folder %s: %w", m.at, m.dir, err)
	default: // whatever is there
		if err = os.RemoveAll(m.dir); err == nil {
			_, err = git.PlainInit(m.dir, true)
		}
	}
	if err == nil {
		err = m.store.refresh()
	}
	if err != nil {
		return fmt.Errorf("making the mirror of %s in %s: %w", m.at, m.dir, err)
	}
	return nil
}

// unreadable tells whether it is the system that does not let a mirror be
// read. It may be whole then, and holds what no ref leads to any more.
func unreadable(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	switch errno {
	case syscall.ENOTDIR, syscall.EISDIR, syscall.EINVAL: // the last for a place in a file that is none
		return false
	}
	return ok && !errors.Is(errno, fs.ErrNotExist)
}

// sound tells what is wrong with a mirror, if its every ref does not have its
// commit and that commit's files, at the top at least; deeper damage shows
// where it is read.
func sound(dir string) error {
	switch _, err := os.Stat(filepath.Join(dir, damageFile)); {
	case err == nil:
		return errors.New("it was found damaged")
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	s := &store{dir: dir}
	if err := s.refresh(); err != nil {
		return err
	}
	all, err := readRefs(dir)
	if err != nil {
		return err
	}
	for _, h := range all {
		if err := s.soundAt(h); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) soundAt(h plumbing.Hash) error {
	at, err := s.peel(h)
	if err != nil || at.Type() != plumbing.CommitObject {
		return err // a tag may be of anything
	}
	var c object.Commit
	if err := c.Decode(at); err != nil {
		return err
	}
	return s.with(c.TreeHash, new(object.Tree).Decode)
}

// peel follows annotated tags to what they are of.
func (s *store) peel(h plumbing.Hash) (at plumbing.EncodedObject, err error) {
	const longest = 10 // tags of tags are a curiosity; a mirror cannot hold a cycle
	for range longest {
		if err := s.with(h, func(o plumbing.EncodedObject) error { at = o; return nil }); err != nil {
			return nil, err
		}
		if at.Type() != plumbing.TagObject {
			return at, nil
		}
		var t object.Tag
		if err := t.Decode(at); err != nil {
			return nil, err
		}
		h = t.Target
	}
	return nil, fmt.Errorf("%s is a tag of a tag, more than %d deep", h, longest)
}

// Commit is the commit that a ref is at: a branch's or tag's name, a whole
// ref (refs/pull/7/head), HEAD, or a commit's hash. It knows what was fetched
// last. What it does not know is [ErrUnknownRef].
func (m *Mirror) Commit(ref string) (Commit, error) {
	c, err := m.commit(ref)
	if err != nil {
		return Commit{}, err
	}
	return commitOf(c), nil
}

func (m *Mirror) commit(ref string) (*object.Commit, error) {
	at, err := m.object(ref)
	if err != nil {
		return nil, err
	}
	if at.Type() != plumbing.CommitObject {
		return nil, fault(ErrUnknownRef, nil, "%s in %s is a %s and no commit: name a branch or a commit", plain(ref), m.at, at.Type())
	}
	c := new(object.Commit)
	if err := c.Decode(at); err != nil {
		return nil, fmt.Errorf("reading commit %s of %s: %w", at.Hash(), m.at, err)
	}
	return c, nil
}

// object is what a ref or a hash names, tags followed.
func (m *Mirror) object(ref string) (plumbing.EncodedObject, error) {
	unknown := fault(ErrUnknownRef, nil, "the mirror of %s has no %s: fetch it, or check its spelling", m.at, plain(ref))
	h := plumbing.NewHash(ref)
	if !isHash(ref) {
		all, err := readRefs(m.dir)
		if err != nil {
			return nil, fmt.Errorf("reading the mirror of %s: %w", m.at, err)
		}
		if h, err = all.find(ref); err != nil {
			return nil, unknown
		}
	}
	at, err := m.store.peel(h)
	if errors.Is(err, errMissing) {
		return nil, unknown
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s in the mirror of %s: %w", plain(ref), m.at, err)
	}
	return at, nil
}

// find is where a name leads.
func (r refs) find(name string) (plumbing.Hash, error) {
	for _, full := range candidates(name) {
		if h, ok := r[full]; ok {
			return h, nil
		}
	}
	return plumbing.ZeroHash, ErrUnknownRef
}
