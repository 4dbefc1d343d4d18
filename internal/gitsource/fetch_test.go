package gitsource_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// ways are all the ways to a repository.
func ways(r *gittest.Repo) map[string]gitsource.Options {
	web, shell := r.HTTP(), r.SSH()
	return map[string]gitsource.Options{
		"http":   {URL: web.URL, Auth: gitsource.Auth{Token: gitsource.Secret(web.Token)}},
		"ssh":    {URL: shell.URL, Auth: gitsource.Auth{KeyFile: shell.KeyFile, KnownHosts: shell.KnownHosts}},
		"folder": {URL: r.Bare},
		"file":   {URL: "file://" + r.Bare},
		"work":   {URL: r.Work},
	}
}

// overWire runs a test by http, by ssh and by path.
func overWire(t *testing.T, test func(*testing.T, *gittest.Repo, gitsource.Options)) {
	for _, way := range []string{"http", "ssh", "folder"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			o := ways(r)[way]
			o.Dir = t.TempDir()
			test(t, r, o)
		})
	}
}

func open(t testing.TB, o gitsource.Options) *gitsource.Mirror {
	t.Helper()
	m, err := gitsource.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func fetch(t testing.TB, m *gitsource.Mirror, refs ...string) {
	t.Helper()
	if err := m.Fetch(t.Context(), refs...); err != nil {
		t.Fatal(err)
	}
}

// at checks what a ref is at; empty: unknown.
func at(t testing.TB, m *gitsource.Mirror, ref, want string) {
	t.Helper()
	got, err := m.Commit(ref)
	if want == "" {
		if !errors.Is(err, gitsource.ErrUnknownRef) {
			t.Errorf("%s is at %+v, %v; want it unknown", ref, got, err)
		}
		return
	}
	if err != nil || got.Hash != want {
		t.Errorf("%s is at %+v, %v; want %s", ref, got, err, want)
	}
}

func TestFetch(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit("main", "The first\n\nmore", gittest.Files{"a.cue": "package fleet\n"})
	for way, o := range ways(r) {
		t.Run(way, func(t *testing.T) {
			o.Dir = t.TempDir()
			m := open(t, o)
			at(t, m, "main", "")
			fetch(t, m, "main")
			got, err := m.Commit("main")
			if err != nil || got.Hash != first || got.Subject != "The first" || got.Author != "Ada" || got.Time.IsZero() {
				t.Errorf("got %+v, %v", got, err)
			}
			files, err := m.Tree(first, ".")
			if err != nil {
				t.Fatal(err)
			}
			if text, err := fs.ReadFile(files, "a.cue"); string(text) != "package fleet\n" {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}

func TestFetchWhatIsNew(t *testing.T) {
	overWire(t, func(t *testing.T, r *gittest.Repo, o gitsource.Options) {
		first := r.Commit("main", "1", gittest.Files{"a": "1\n"})
		m := open(t, o)
		fetch(t, m, "main")
		second := r.Commit("main", "2", gittest.Files{"a": "1\n2\n"})
		side := r.Commit("side", "3", gittest.Files{"b": "3\n"})
		r.SetRef("refs/pull/7/head", side)
		r.Git("tag", "-a", "-m", "v1", "v1", first)
		r.Git("push", "-q", "origin", "v1")
		at(t, m, "main", first)
		fetch(t, m, "main", "refs/pull/7/head", "v1", "HEAD")
		at(t, m, "main", second)
		at(t, m, "refs/heads/main", second)
		at(t, m, "HEAD", second)
		at(t, m, "refs/pull/7/head", side)
		at(t, m, "v1", first)
		at(t, m, side, side)
		at(t, m, "side", "")
		fetch(t, m, "main")
		again := open(t, o)
		at(t, again, "main", second)
	})
}

func TestFetchFollowsForce(t *testing.T) {
	overWire(t, func(t *testing.T, r *gittest.Repo, o gitsource.Options) {
		first := r.Commit("main", "1", gittest.Files{"a": "1\n"})
		old := r.Commit("main", "2", gittest.Files{"a": "2\n"})
		m := open(t, o)
		fetch(t, m, "main")
		r.Reset("main", first)
		fetch(t, m, "main")
		at(t, m, "main", first)
		other := r.Commit("main", "other", gittest.Files{"a": "3\n"})
		fetch(t, m, "main")
		at(t, m, "main", other)
		at(t, m, old, old) // a fleet may still be at it
	})
}

func TestDeletedBranchIsForgotten(t *testing.T) {
	overWire(t, func(t *testing.T, r *gittest.Repo, o gitsource.Options) {
		r.Commit("main", "1", gittest.Files{"a": "1\n"})
		gone := r.Commit("gone", "2", gittest.Files{"a": "2\n"})
		m := open(t, o)
		fetch(t, m, "main", "gone")
		at(t, m, "gone", gone)
		r.DeleteBranch("gone")
		r.Checkout("main")
		below := r.Commit("gone2", "3", gittest.Files{"a": "3\n"})
		r.SetRef("refs/heads/gone/below", below)
		err := m.Fetch(t.Context(), "gone")
		if !errors.Is(err, gitsource.ErrUnknownRef) || !strings.Contains(err.Error(), "its branches are gone/below, gone2, main") {
			t.Errorf("got %v", err)
		}
		at(t, m, "gone", "")
		fetch(t, m, "gone/below")
		at(t, m, "gone/below", below)
	})
}

func TestFetchByHash(t *testing.T) {
	overWire(t, func(t *testing.T, r *gittest.Repo, o gitsource.Options) {
		first := r.Commit("main", "1", gittest.Files{"a": "1\n"})
		r.Commit("main", "2", gittest.Files{"a": "2\n"})
		m := open(t, o)
		fetch(t, m, first)
		at(t, m, first, first)
		fetch(t, m, first, "main")
		if err := m.Fetch(t.Context(), strings.Repeat("12", 20)); err == nil {
			t.Error("a commit that is nowhere was fetched")
		}
	})
}

func TestFetchByHashWhereItIsNotAllowed(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit("main", "1", gittest.Files{"a": "1\n"})
	second := r.Commit("main", "2", gittest.Files{"a": "2\n"})
	r.Git("-C", r.Bare, "config", "uploadpack.allowReachableSHA1InWant", "false")
	o := ways(r)["http"]
	o.Dir = t.TempDir()
	m := open(t, o)
	err := m.Fetch(t.Context(), first)
	if !errors.Is(err, gitsource.ErrUnknownRef) || !strings.Contains(err.Error(), "fetch a branch") {
		t.Errorf("got %v", err)
	}
	fetch(t, m, second)
	at(t, m, first, first)
}

func TestManyFetchesBecomeOnePack(t *testing.T) {
	const commits = 55
	r := gittest.New(t)
	h := newHistory(1, commits)
	fastImport(t, r, h.stream.String())
	o := gitsource.Options{URL: r.Bare, Dir: t.TempDir()}
	m, reader := open(t, o), open(t, o)
	want := map[string]string{}
	for n := range commits {
		fetch(t, m, h.branch(n))
		c, err := m.Commit(h.branch(n))
		if err != nil {
			t.Fatal(err)
		}
		want[h.branch(n)] = c.Hash
		at(t, reader, h.branch(0), want[h.branch(0)])
	}
	packs, err := filepath.Glob(filepath.Join(o.Dir, "*.git/objects/pack/*.pack"))
	if err != nil || len(packs) == 0 || len(packs) > 10 {
		t.Fatalf("there are %d packs, %v", len(packs), err)
	}
	for branch, hash := range want {
		at(t, reader, branch, hash)
		at(t, m, branch, hash)
	}
	mirror := strings.TrimSuffix(filepath.Dir(packs[0]), "/objects/pack")
	if out, err := r.Try("-C", mirror, "fsck", "--strict"); err != nil {
		t.Errorf("git finds fault with the mirror: %v %s", err, out)
	}
}

func TestSeveralFetchAtOnce(t *testing.T) {
	r := gittest.New(t)
	for n := range 5 {
		r.Commit("main", "c", gittest.Files{"a": strings.Repeat("x\n", n)})
	}
	head := r.Git("rev-parse", "HEAD")
	o := ways(r)["http"]
	o.Dir = t.TempDir()
	done := make(chan error)
	shared := open(t, o)
	for n := range 6 {
		go func() {
			m, err := shared, error(nil)
			if n%2 == 0 {
				m, err = gitsource.Open(t.Context(), o)
			}
			if err == nil {
				err = m.Fetch(t.Context(), "main")
			}
			if err == nil {
				var c gitsource.Commit
				if c, err = m.Commit("main"); c.Hash != head {
					err = errors.Join(err, errors.New("at "+c.Hash))
				}
			}
			done <- err
		}()
	}
	for range 6 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestCanceledFetch(t *testing.T) {
	overWire(t, func(t *testing.T, r *gittest.Repo, o gitsource.Options) {
		r.Commit("main", "1", gittest.Files{"a": "1\n"})
		m := open(t, o)
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		cancel(enough)
		if err := m.Fetch(ctx, "main"); !errors.Is(err, enough) && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		fetch(t, m, "main")
	})
}

// A mirror may be found in any state.
func TestDamagedMirror(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(mirror string) error
	}{
		{"no HEAD", func(m string) error { return os.Remove(filepath.Join(m, "HEAD")) }},
		{"no objects", func(m string) error { return os.RemoveAll(filepath.Join(m, "objects")) }},
		{"empty index", func(m string) error { return each(m, "*.idx", func(p string) error { return truncate(p, 0) }) }},
		{"half an index", func(m string) error { return each(m, "*.idx", func(p string) error { return truncate(p, 1100) }) }},
		{"half a pack", func(m string) error { return each(m, "*.pack", func(p string) error { return truncate(p, 30) }) }},
		{"index without its pack", func(m string) error { return each(m, "*.pack", os.Remove) }},
		{"pack without its index", func(m string) error { return each(m, "*.idx", os.Remove) }},
		{"refs cut off", func(m string) error { return truncate(filepath.Join(m, "packed-refs"), 40) }},
		{"left behind", func(m string) error {
			return os.WriteFile(filepath.Join(m, "objects/pack/tmp_pack_1"), []byte("PACK"), 0o600)
		}},
		{"a file in its place", func(m string) error {
			return errors.Join(os.RemoveAll(m), os.WriteFile(m, nil, 0o600))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := gittest.New(t)
			first := r.Commit("main", "1", gittest.Files{"a": "1\n"})
			o := ways(r)["folder"]
			o.Dir = t.TempDir()
			running := open(t, o)
			fetch(t, running, "main")
			mirrors, err := filepath.Glob(filepath.Join(o.Dir, "*.git"))
			if err != nil || len(mirrors) != 1 {
				t.Fatal(mirrors, err)
			}
			if err := tt.damage(mirrors[0]); err != nil {
				t.Fatal(err)
			}
			fetch(t, running, "main")
			at(t, running, "main", first)
			if err := tt.damage(mirrors[0]); err != nil {
				t.Fatal(err)
			}
			later := open(t, o)
			fetch(t, later, "main")
			at(t, later, "main", first)
			if left, err := filepath.Glob(filepath.Join(mirrors[0], "objects/pack/tmp_*")); len(left) > 0 {
				t.Error(left, err)
			}
		})
	}
}

// What the system does not let be read may be whole: what no ref leads to any
// more would be lost with it.
func TestUnreadableMirrorStays(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit("main", "1", gittest.Files{"a": "1\n"})
	gone := r.Commit("main", "2", gittest.Files{"a": "2\n"})
	o := gitsource.Options{URL: r.Bare, Dir: t.TempDir()}
	m := open(t, o)
	fetch(t, m, "main")
	r.Reset("main", first)
	fetch(t, m, "main")
	mirrors, err := filepath.Glob(filepath.Join(o.Dir, "*.git"))
	if err != nil || len(mirrors) != 1 {
		t.Fatal(mirrors, err)
	}
	// A link to itself is an error that permissions cannot be for root.
	refs := filepath.Join(mirrors[0], "packed-refs")
	if err := errors.Join(os.Rename(refs, refs+".aside"), os.Symlink(refs, refs)); err != nil {
		t.Skip(err)
	}
	if _, err := gitsource.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "remove the folder") {
		t.Errorf("opening: %v", err)
	}
	if err := m.Fetch(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "remove the folder") {
		t.Errorf("fetching: %v", err)
	}
	if err := os.Rename(refs+".aside", refs); err != nil {
		t.Fatal(err)
	}
	fetch(t, m, "main")
	at(t, m, "main", first)
	at(t, m, gone, gone)
}

// Damage below the top shows when it is read, and is mended by the next fetch.
func TestDamageDeepInAMirror(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit("main", "1", gittest.Files{"deep/a": strings.Repeat("some text\n", 50)})
	o := ways(r)["folder"]
	o.Dir = t.TempDir()
	m := open(t, o)
	fetch(t, m, "main")
	files, err := m.Tree(first, "")
	if err != nil {
		t.Fatal(err)
	}
	packs, err := filepath.Glob(filepath.Join(o.Dir, "*.git/objects/pack/*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(packs[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(files, "deep/a"); err == nil {
		t.Fatal("read a file of a pack that is gone")
	}
	fetch(t, m, "main")
	if files, err = m.Tree(first, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(files, "deep/a"); err != nil {
		t.Error(err)
	}
}

func each(mirror, pattern string, do func(string) error) error {
	found, err := filepath.Glob(filepath.Join(mirror, "objects/pack", pattern))
	for _, path := range found {
		err = errors.Join(err, do(path))
	}
	return err
}

// truncate cuts a file off, also one that is not to be written.
func truncate(path string, size int64) error {
	return errors.Join(os.Chmod(path, 0o600), os.Truncate(path, size))
}
