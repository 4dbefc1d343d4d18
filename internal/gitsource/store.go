package gitsource

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// look asks for what is stored. Of a failure it makes sure with a second look:
// another process may have repacked the mirror, or fetched since the first.
func (s *store) look(ask func(storage.Storer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := ask(s.files)
	if err == nil {
		return nil
	}
	if err := s.reopen(); err != nil {
		return err
	}
	err = ask(s.files)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return errMissing
	}
	return err
}

// with reads an object.
func (s *store) with(h plumbing.Hash, read func(plumbing.EncodedObject) error) error {
	return s.look(func(files storage.Storer) error {
		o, err := files.EncodedObject(plumbing.AnyObject, h)
		if err != nil {
			return err
		}
		return read(o)
	})
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

// must is for objects that others in the mirror refer to.
func (s *store) must(h plumbing.Hash, read func(plumbing.EncodedObject) error) error {
	return s.blame(h, s.with(h, read))
}

// blame marks the mirror as damaged where an object that must be there is
// missing or cannot be made sense of, and not where the system does not let it
// be read: that passes, or copying it anew would not mend it.
func (s *store) blame(h plumbing.Hash, err error) error {
	switch {
	case err == nil:
		return nil
	case unreadable(err):
		return fmt.Errorf("object %s in the mirror %s cannot be read; try again, and look at the disk and at how many files may be open: %w", h, s.dir, err)
	}
	// If it cannot be marked, the next that reads it finds it out as well.
	_ = os.WriteFile(filepath.Join(s.dir, damageFile), nil, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New(err.Error()) // a file of the mirror's, and not of the tree that is read
	}
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

// size is how many bytes a blob has. The blob itself is not read: it may be
// more than there is memory for.
func (s *store) size(h plumbing.Hash) (size int64, err error) {
	err = s.look(func(files storage.Storer) error {
		size, err = files.EncodedObjectSize(h)
		return err
	})
	return size, s.blame(h, err)
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
