package gitsource_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
	"github.com/linkfleet/linkfleet/schema"
)

// variety commits every kind of thing that a tree may hold.
func variety(t *testing.T) (*gitsource.Mirror, *gittest.Repo, string) {
	t.Helper()
	r := gittest.New(t)
	for name, text := range map[string]string{
		"a.cue": "package fleet\n", "empty": "", "a/b/c.cue": "c", "a/b/d": strings.Repeat("long\n", 1000), "a-b": "sorted otherwise by Git", "ä/ö": "ü",
		"run.sh": "#!/bin/sh\n",
	} {
		r.Write(name, text)
	}
	if err := os.Symlink("../../etc/passwd", filepath.Join(r.Work, "a/link")); err != nil {
		t.Skip(err)
	}
	if err := os.Chmod(filepath.Join(r.Work, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.Git("add", "-A")
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("12", 20)+",a/module")
	r.Git("commit", "-q", "-m", "all kinds")
	m := open(t, gitsource.Options{URL: r.Work, Dir: t.TempDir()})
	fetch(t, m, "main")
	return m, r, r.Git("rev-parse", "HEAD")
}

func TestTree(t *testing.T) {
	m, r, hash := variety(t)
	files, err := m.Tree(hash, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		got = append(got, e.Type().String()[:1]+" "+path)
		return err
	})
	want := []string{"d .", "d a", "- a-b", "- a.cue", "d a/b", "- a/b/c.cue", "- a/b/d", "L a/link", "? a/module", "- empty", "- run.sh", "d ä", "- ä/ö"}
	slices.Sort(want)
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	info, err := fs.Stat(files, "a/b/d")
	if err != nil || info.Size() != 5000 || info.Mode() != 0o444 || !info.ModTime().Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %v, %v", info, err)
	}
	if info, err := fs.Stat(files, "run.sh"); err != nil || info.Mode() != 0o555 {
		t.Errorf("got %v, %v", info, err)
	}
	r.Git("rm", "-q", "--cached", "a/module", "a/link")
	r.Git("commit", "-q", "-m", "nothing that cannot be read")
	fetch(t, m, "main")
	if files, err = m.Tree("main", ""); err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(files, "a.cue", "empty", "a/b/c.cue", "a/b/d", "a-b", "ä/ö", "run.sh"); err != nil {
		t.Error(err)
	}
	tree := r.Git("rev-parse", "HEAD^{tree}")
	same, err := m.Tree(tree, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(same, "c.cue"); string(text) != "c" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestWhatATreeDoesNotOpen(t *testing.T) {
	m, _, hash := variety(t)
	files, err := m.Tree(hash, ".")
	if err != nil {
		t.Fatal(err)
	}
	for name, say := range map[string]string{
		"a/link":        "symbolic link, which is not followed",
		"a/link/passwd": "file does not exist",
		"a/module":      "submodule",
		"a.cue/x":       "file does not exist",
		"none":          "file does not exist",
		"../a.cue":      "invalid argument",
		"/a.cue":        "invalid argument",
	} {
		if _, err := fs.ReadFile(files, name); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("reading %s: %v; want %q", name, err, say)
		}
		if f, err := files.Open(name); err == nil {
			if n, err := f.Read(make([]byte, 10)); n > 0 || err == nil {
				t.Errorf("%s was read", name)
			}
		}
	}
	if to, err := fs.ReadLink(files, "a/link"); to != "../../etc/passwd" || err != nil {
		t.Errorf("got %q, %v", to, err)
	}
	if info, err := fs.Stat(files, "a/link"); err != nil || info.Mode().Type() != fs.ModeSymlink|fs.ModeIrregular {
		t.Errorf("got %v, %v", info, err)
	}
}

func TestFolderOfATree(t *testing.T) {
	m, _, hash := variety(t)
	for _, folder := range []string{"a/b", "a/b/", "/a/b", "./a/b", "a//b", "a/x/../b"} {
		files, err := m.Tree(hash, folder)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := fstest.TestFS(files, "c.cue", "d"); err != nil {
			t.Errorf("%s: %v", folder, err)
		}
	}
	for _, folder := range []string{"none", "a.cue", "a/link", "a/module"} {
		if _, err := m.Tree(hash, folder); err == nil || !strings.Contains(err.Error(), "has no folder "+folder) {
			t.Errorf("%s: %v", folder, err)
		}
	}
	if _, err := m.Tree(strings.Repeat("ab", 20), ""); !errors.Is(err, gitsource.ErrUnknownRef) {
		t.Errorf("got %v", err)
	}
}

// Git never makes such trees; whoever can push may all the same.
func TestForgedTree(t *testing.T) {
	r := gittest.New(t)
	r.Commit("main", "1", gittest.Files{"a": "1\n"})
	blob := r.Git("rev-parse", "main:a")
	raw := func(names ...string) string {
		var text strings.Builder
		for _, name := range names {
			text.WriteString("100644 " + name + "\x00")
			for i := 0; i < len(blob); i += 2 {
				text.WriteByte(hex(blob[i])<<4 | hex(blob[i+1]))
			}
		}
		return text.String()
	}
	for _, names := range [][]string{{".."}, {"."}, {"a/b"}, {"a", "a"}, {"\xff"}} {
		name := filepath.Join(t.TempDir(), "tree")
		if err := os.WriteFile(name, []byte(raw(names...)), 0o600); err != nil {
			t.Fatal(err)
		}
		tree := r.Git("hash-object", "-t", "tree", "--literally", "-w", name)
		r.Git("update-ref", "refs/heads/forged", r.Git("commit-tree", "-m", "x", tree))
		m := open(t, gitsource.Options{URL: r.Work, Dir: t.TempDir()})
		if err := m.Fetch(t.Context(), "forged"); err != nil {
			continue // refused by go-git already
		}
		files, err := m.Tree("forged", "")
		if err == nil {
			_, err = fs.ReadDir(files, ".")
		}
		if err == nil {
			t.Errorf("a tree with %q was listed", names)
		}
	}
}

func hex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

func TestFleetOfACommit(t *testing.T) {
	example := os.DirFS("../../fleet.example")
	today := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, dir := range []string{"", "teams/payments"} {
		r := gittest.New(t)
		err := fs.WalkDir(example, ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := fs.ReadFile(example, name)
			r.Write(filepath.Join(dir, name), string(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		hash := r.Record("a fleet")
		m := open(t, gitsource.Options{URL: r.Work, Dir: t.TempDir()})
		fetch(t, m, "main")
		files, err := m.Tree(hash, dir)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := schema.LoadFS(t.Context(), files, today)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		want, _, err := schema.Load(t.Context(), filepath.Join(r.Work, dir), today)
		if err != nil || got.Name != want.Name || len(got.Services) != len(want.Services) {
			t.Errorf("%s: got %s of %d services, %v", dir, got.Name, len(got.Services), err)
		}
	}
}

func TestTreeIsReadByMany(t *testing.T) {
	m, _, hash := variety(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			files, err := m.Tree(hash, "")
			if err == nil {
				err = fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
					if err == nil && e.Type().IsRegular() {
						_, err = fs.ReadFile(files, name)
					}
					return err
				})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Go(func() { fetch(t, m, "main") })
	group.Wait()
}

// What stands for a folder and is none is listed so that nobody takes it for
// nothing: a submodule, and a link to one, to a folder, or to where nobody can
// tell. Where the fleet is not, that matters to nobody.
func TestLinksToFolders(t *testing.T) {
	r := gittest.New(t)
	base, err := os.ReadFile("../../schema/testdata/base.cue")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"fleet/base.cue": string(base), "fleet/teams/x.txt": "x", "shared/a.cue": "package fleet\n", "README.md": "x\n"} {
		r.Write(name, text)
	}
	vague := map[string]string{
		"up": "..", "here": ".", "shared": "../shared", "twice": "shared", "around": "../fleet/teams/../../shared/.",
		"through": "teams/../here/teams", "out": "../../shared", "absolute": "/etc", "loop": "loop", "module": "../module",
	}
	clear := map[string]string{
		"README.md": "../README.md", "LICENSE": "../none", "far": "shared/a.cue", "farther": "here/here/teams/x.txt", "broken": "base.cue/x", "nowhere": "none/../../../..",
	}
	for _, links := range []map[string]string{vague, clear} {
		for name, to := range links {
			if err := os.Symlink(to, filepath.Join(r.Work, "fleet", name)); err != nil {
				t.Skip(err)
			}
		}
	}
	r.Git("add", "-A")
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("12", 20)+",module")
	r.Git("commit", "-q", "-m", "links")
	m := open(t, gitsource.Options{URL: r.Work, Dir: t.TempDir()})
	fetch(t, m, "main")
	files, err := m.Tree("main", "fleet")
	if err != nil {
		t.Fatal(err)
	}
	for _, links := range []map[string]string{vague, clear} {
		for name, to := range links {
			info, err := fs.Lstat(files, name)
			if err != nil {
				t.Fatal(err)
			}
			_, want := vague[name]
			if is := info.Mode()&fs.ModeIrregular != 0; is != want || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("%s, which leads to %s, is %v", name, to, info.Mode())
			}
		}
	}
	faulty := func(want string) {
		t.Helper()
		fetch(t, m, "main")
		files, err := m.Tree("main", "fleet")
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = schema.LoadFS(t.Context(), files, time.Now())
		if got := fmt.Sprint(err); want == "" && strings.Contains(got, "this is a") || !strings.Contains(got, want) {
			t.Errorf("loading the fleet: %s; want %q", got, want)
		}
	}
	faulty("this is a symbolic link to a folder")
	for name := range vague {
		r.Git("rm", "-q", "--cached", "fleet/"+name)
	}
	r.Git("commit", "-q", "-m", "links to files, and a submodule elsewhere")
	faulty("")
	if files, err = m.Tree("main", "fleet"); err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(files, "base.cue", "README.md", "far", "nowhere"); err != nil {
		t.Error(err)
	}
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("12", 20)+",fleet/consumers")
	r.Git("commit", "-q", "-m", "the consumers are a submodule")
	faulty("consumers:1:1: this is a submodule, which is not fetched; put the folder itself here")
}
