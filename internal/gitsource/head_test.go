package gitsource_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/linkfleet/linkfleet/internal/gitsource"
)

// A repo is a repository with the files of a fleet in its folder fleet, and
// others beside it.
type repo struct {
	t    *testing.T
	dir  string
	tree *git.Worktree
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	r := &repo{t: t, dir: t.TempDir()}
	made, err := git.PlainInit(r.dir, false)
	if err == nil {
		r.tree, err = made.Worktree()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *repo) write(name, text string) {
	r.t.Helper()
	full := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o666); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repo) commit(names ...string) string {
	r.t.Helper()
	for _, name := range names {
		if _, err := r.tree.Add(name); err != nil {
			r.t.Fatal(err)
		}
	}
	who := &object.Signature{Name: "t", Email: "t@example.com", When: time.Unix(1e9, 0)}
	hash, err := r.tree.Commit("some", &git.CommitOptions{Author: who, AllowEmptyCommits: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return hash.String()
}

// checkout is of a commit that repo made.
func checkout(hash string, dirty bool) gitsource.Checkout {
	return gitsource.Checkout{
		Commit: gitsource.Commit{Hash: hash, Subject: "some", Author: "t", Time: time.Unix(1e9, 0).UTC()},
		Dirty:  dirty,
	}
}

func TestNoCommit(t *testing.T) {
	r := newRepo(t)
	for _, dir := range []string{t.TempDir(), r.dir} {
		got, err := gitsource.Head(dir)
		if err != nil || got != (gitsource.Checkout{}) {
			t.Errorf("Head(%s) = %+v, %v; want no commit", dir, got, err)
		}
	}
}

func TestHead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*repo)
		dirty  bool
	}{
		{"as committed", func(*repo) {}, false},
		{"changed", func(r *repo) { r.write("fleet/a.cue", "package other") }, true},
		{"changed below", func(r *repo) { r.write("fleet/services/b.cue", "package other") }, true},
		{"changed and back", func(r *repo) { r.write("fleet/a.cue", "x"); r.write("fleet/a.cue", "package fleet\n") }, false},
		{"line ends of Windows", func(r *repo) { r.write("fleet/a.cue", "package fleet\r\n") }, false},
		{"added", func(r *repo) { r.write("fleet/new.cue", "package fleet") }, true},
		{"added where Git ignores it", func(r *repo) { r.write(".gitignore", "*.cue"); r.write("fleet/new.cue", "x") }, true},
		{"taken away", func(r *repo) { os.Remove(filepath.Join(r.dir, "fleet/services/b.cue")) }, true},
		{"not CUE", func(r *repo) { r.write("fleet/README.md", "other") }, false},
		{"beside it", func(r *repo) { r.write("other/c.cue", "other") }, false},
		{"a link to elsewhere", func(r *repo) {
			os.Remove(filepath.Join(r.dir, "fleet/link.cue"))
			os.Symlink("services/b.cue", filepath.Join(r.dir, "fleet/link.cue"))
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepo(t)
			r.write("fleet/a.cue", "package fleet\n")
			r.write("fleet/services/b.cue", "package fleet\n")
			r.write("fleet/README.md", "text")
			r.write("other/c.cue", "package other\n")
			if err := os.Symlink("a.cue", filepath.Join(r.dir, "fleet/link.cue")); err != nil {
				t.Skip(err)
			}
			hash := r.commit("fleet", "other")
			tt.change(r)
			got, err := gitsource.Head(filepath.Join(r.dir, "fleet"))
			if err != nil {
				t.Fatal(err)
			}
			if want := checkout(hash, tt.dirty); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestWholeRepository has the fleet at the top of the repository.
func TestWholeRepository(t *testing.T) {
	r := newRepo(t)
	r.write("a.cue", "package fleet")
	hash := r.commit("a.cue")
	got, err := gitsource.Head(r.dir)
	if want := checkout(hash, false); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// TestNotInCommit has a folder that the commit knows nothing of.
func TestNotInCommit(t *testing.T) {
	r := newRepo(t)
	hash := r.commit()
	r.write("fleet/a.cue", "package fleet")
	got, err := gitsource.Head(filepath.Join(r.dir, "fleet"))
	if want := checkout(hash, true); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestLinkToRepository(t *testing.T) {
	r := newRepo(t)
	r.write("fleet/a.cue", "package fleet")
	hash := r.commit("fleet")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(r.dir, link); err != nil {
		t.Skip(err)
	}
	got, err := gitsource.Head(filepath.Join(link, "fleet"))
	if want := checkout(hash, false); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestBrokenRepository(t *testing.T) {
	r := newRepo(t)
	hash := r.commit()
	objects := filepath.Join(r.dir, ".git/objects", hash[:2])
	if err := os.RemoveAll(objects); err != nil {
		t.Fatal(err)
	}
	_, err := gitsource.Head(r.dir)
	if err == nil || !strings.Contains(err.Error(), r.dir) {
		t.Errorf("got error %v; want one that names %s", err, r.dir)
	}
}
