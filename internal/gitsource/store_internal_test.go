package gitsource

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// emptyStore is a store with one blob.
func emptyStore(t *testing.T) (*store, plumbing.Hash) {
	t.Helper()
	s := &store{dir: t.TempDir()}
	if _, err := git.PlainInit(s.dir, true); err != nil {
		t.Fatal(err)
	}
	if err := s.refresh(); err != nil {
		t.Fatal(err)
	}
	h, err := s.put(plumbing.BlobObject, []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	return s, h
}

// What the system does not let be read for a moment may be whole, and the
// mirror may hold what no ref leads to any more.
func TestPassingFailuresAreNoDamage(t *testing.T) {
	for name, tt := range map[string]struct {
		err     error
		damaged bool
	}{
		"too many open files":   {&fs.PathError{Op: "open", Path: "x.pack", Err: syscall.EMFILE}, false},
		"input/output error":    {&fs.PathError{Op: "read", Path: "x.pack", Err: syscall.EIO}, false},
		"not allowed":           {&fs.PathError{Op: "open", Path: "x.pack", Err: syscall.EACCES}, false},
		"a file that is gone":   {&fs.PathError{Op: "open", Path: "x.pack", Err: syscall.ENOENT}, true},
		"an object that is not": {plumbing.ErrObjectNotFound, true},
		"nonsense in an object": {errors.New("zlib: invalid checksum"), true},
	} {
		t.Run(name, func(t *testing.T) {
			s, h := emptyStore(t)
			err := s.must(h, func(plumbing.EncodedObject) error { return tt.err })
			_, missing := os.Stat(filepath.Join(s.dir, damageFile))
			if err == nil || (missing == nil) != tt.damaged || strings.Contains(err.Error(), "cloned anew") != tt.damaged {
				t.Errorf("marked as damaged: %v, with %v; want %v", missing == nil, err, tt.damaged)
			}
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a tree seems to lack a file: %v", err)
			}
		})
	}
}

// A merge waits for nobody, and keeps nobody waiting, while it compares.
func TestMergeNeedsNoLock(t *testing.T) {
	s, _ := emptyStore(t)
	m := &Mirror{dir: s.dir + ".git", store: s}
	tree := func(text string) plumbing.Hash {
		blob, err := s.put(plumbing.BlobObject, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		h, err := s.put(plumbing.TreeObject, append([]byte("100644 a\x00"), blob[:]...))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	commit := func(text string, parents ...plumbing.Hash) plumbing.Hash {
		c := &object.Commit{TreeHash: tree(text), ParentHashes: parents}
		o := new(plumbing.MemoryObject)
		if err := c.Encode(o); err != nil {
			t.Fatal(err)
		}
		raw, err := bytesOf(o)
		if err != nil {
			t.Fatal(err)
		}
		h, err := s.put(plumbing.CommitObject, raw)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	base := commit("1\n")
	ours, theirs := commit("2\n", base), commit("3\n", base)
	unlock, err := m.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := m.Merge(ctx, ours.String(), theirs.String()); err == nil || !strings.Contains(err.Error(), "conflicts") {
		t.Errorf("got %v", err)
	}
	forward, err := m.Merge(ctx, base.String(), theirs.String())
	if err != nil || forward.Tree != tree("3\n").String() {
		t.Errorf("got %v, %v", forward, err)
	}
}
