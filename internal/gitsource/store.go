package gitsource

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage"
)

// A store holds the objects of a mirror. What go-git keeps in memory of it is
// not made for several goroutines, nor for another process that adds and
// repacks objects meanwhile; a store is, once it was refreshed.
type store struct {
	dir string

	mu    sync.Mutex
	files storage.Storer
}

// errMissing is that a store does not have an object.
var errMissing = errors.New("the mirror does not have the object")

// damageFile marks a mirror that lacks what it should have, so that the next
// process clones it anew.
const damageFile = "damaged"

// reopen looks again at what is there.
func (s *store) reopen() error {
	repo, err := git.PlainOpen(s.dir)
	if err != nil {
		return fmt.Errorf("reading the mirror in %s: %w", s.dir, err)
	}
	s.files = repo.Storer
	return nil
}

// refresh makes the store see what another has written.
func (s *store) refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reopen()
}

// with reads an object. Of a failure it makes sure with a second look:
// another process may have repacked the mirror, or fetched since the first.
func (s *store) with(h plumbing.Hash, read func(plumbing.EncodedObject) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	once := func() error {
		o, err := s.files.EncodedObject(plumbing.AnyObject, h)
		if err != nil {
			return err
		}
		return read(o)
	}
	err := once()
	if err == nil {
		return nil
	}
	if err := s.reopen(); err != nil {
		return err
	}
	err = once()
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return errMissing
	}
	return err
}

// has tells whether the object is there.
func (s *store) has(h plumbing.Hash) (bool, error) {
	err := s.with(h, func(plumbing.EncodedObject) error { return nil })
	if errors.Is(err, errMissing) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for %s in the mirror in %s: %w", h, s.dir, err)
	}
	return true, nil
}

// must is for objects that others in the mirror refer to. Where one is
// missing or unreadable the mirror is damaged.
func (s *store) must(h plumbing.Hash, read func(plumbing.EncodedObject) error) error {
	err := s.with(h, read)
	if err == nil {
		return nil
	}
	// If it cannot be marked, the next that reads it finds it out as well.
	_ = os.WriteFile(filepath.Join(s.dir, damageFile), nil, 0o600)
	return fmt.Errorf("object %s in the mirror %s cannot be read; the mirror is cloned anew when it is fetched next: %w", h, s.dir, err)
}

// tree reads the entries of a tree, as they are sorted there.
func (s *store) tree(h plumbing.Hash) ([]object.TreeEntry, error) {
	if h.IsZero() {
		return nil, nil
	}
	var t object.Tree
	err := s.must(h, t.Decode)
	return t.Entries, err
}

// size is how many bytes a blob has.
func (s *store) size(h plumbing.Hash) (size int64, err error) {
	err = s.must(h, func(o plumbing.EncodedObject) error {
		size = o.Size()
		return nil
	})
	return size, err
}

func (s *store) blob(h plumbing.Hash) (text []byte, err error) {
	err = s.must(h, func(o plumbing.EncodedObject) error {
		text, err = bytesOf(o)
		return err
	})
	return text, err
}

func bytesOf(o plumbing.EncodedObject) ([]byte, error) {
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close() // of an object that was read
	return io.ReadAll(r)
}

// put adds an object and returns its name. What is there already stays.
func (s *store) put(kind plumbing.ObjectType, text []byte) (plumbing.Hash, error) {
	o := new(plumbing.MemoryObject)
	o.SetType(kind)
	if _, err := o.Write(text); err != nil {
		return plumbing.ZeroHash, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files.HasEncodedObject(o.Hash()) == nil {
		return o.Hash(), nil
	}
	return s.files.SetEncodedObject(o)
}
