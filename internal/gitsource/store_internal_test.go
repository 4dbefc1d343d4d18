package gitsource

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
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
		})
	}
}
