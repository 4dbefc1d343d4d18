package gitsource_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// forked is a repository whose main and pull changed since they parted.
func forked(t *testing.T, before, main, pull gittest.Files) (*gitsource.Mirror, *gittest.Repo) {
	t.Helper()
	r := gittest.New(t)
	r.Commit("main", "before", before)
	r.Commit("pull", "pull", pull)
	r.Commit("main", "main", main)
	m := open(t, gitsource.Options{URL: r.Bare, Dir: t.TempDir()})
	fetch(t, m, "main", "pull")
	return m, r
}

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

func TestMerge(t *testing.T) {
	m, r := forked(t,
		gittest.Files{"both": lines("1", "2", "3", "4", "5", "6"), "a/main": "old\n", "a/pull": "old\n"},
		gittest.Files{"both": lines("1", "zwei", "3", "4", "5", "6"), "a/main": "new\n", "more/main": "x\n"},
		gittest.Files{"both": lines("1", "2", "3", "4", "5", "6", "sieben"), "a/pull": "new\n"})
	got, err := m.Merge(t.Context(), "main", "pull")
	if err != nil {
		t.Fatal(err)
	}
	if got.Base.Subject != "main" {
		t.Errorf("got %+v", got)
	}
	again, err := m.Merge(t.Context(), "main", "pull")
	if err != nil || again.Tree != got.Tree {
		t.Errorf("got %+v, %v; want %s again", again, err, got.Tree)
	}
	files, err := m.Tree(got.Tree, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"both": lines("1", "zwei", "3", "4", "5", "6", "sieben"), "a/main": "new\n", "a/pull": "new\n", "more/main": "x\n"} {
		if text, err := fs.ReadFile(files, name); string(text) != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", name, text, err, want)
		}
	}
	r.Merge("main", "pull")
	fetch(t, m, "main")
	if came := r.Git("rev-parse", "main^{tree}"); came != got.Tree {
		t.Errorf("the merge that came has other files: %s; want %s", came, got.Tree)
	}
	done, err := m.Merge(t.Context(), "main", "pull")
	if err != nil || done.Tree != got.Tree {
		t.Errorf("got %+v, %v", done, err)
	}
}

func TestMergeForward(t *testing.T) {
	r := gittest.New(t)
	r.Commit("main", "before", gittest.Files{"a": "1\n"})
	head := r.Commit("pull", "pull", gittest.Files{"a": "2\n"})
	m := open(t, gitsource.Options{URL: r.Bare, Dir: t.TempDir()})
	fetch(t, m, "main", "pull")
	got, err := m.Merge(t.Context(), "main", "pull")
	if err != nil || got.Tree != r.Git("rev-parse", head+"^{tree}") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestMergeConflicts(t *testing.T) {
	m, _ := forked(t,
		gittest.Files{"a/both": "1\n2\n3\n", "clean": "1\n", "touching": "1\n2\n"},
		gittest.Files{"a/both": "1\nzwei\n3\n", "new": "main\n", "clean": "2\n", "touching": "eins\n2\n"},
		gittest.Files{"a/both": "1\ndeux\n3\n", "new": "pull\n", "touching": "1\nzwei\n"})
	_, err := m.Merge(t.Context(), "main", "pull")
	conflict, ok := errors.AsType[*gitsource.ConflictError](err)
	if !ok || !slices.Equal(conflict.Paths, []string{"a/both", "new", "touching"}) {
		t.Fatalf("got %v", err)
	}
	if want := "pull conflicts with main in a/both, new, touching: merge main into it and push again"; err.Error() != want {
		t.Errorf("got %q; want %q", err, want)
	}
	many := &gitsource.ConflictError{Base: "main", Head: "pull", Paths: strings.Split("abcdefgh", "")}
	if want := "in a, b, c, d, e and 3 more:"; !strings.Contains(many.Error(), want) {
		t.Errorf("got %q; want %q", many, want)
	}
}

func TestMergeOfStrangers(t *testing.T) {
	r := gittest.New(t)
	r.Commit("main", "main", gittest.Files{"a": "1\n"})
	r.Git("checkout", "-q", "--orphan", "other")
	r.Git("commit", "-q", "-m", "other", "--allow-empty")
	r.Git("push", "-q", "origin", "other")
	m := open(t, gitsource.Options{URL: r.Bare, Dir: t.TempDir()})
	fetch(t, m, "main", "other")
	_, err := m.Merge(t.Context(), "main", "other")
	if unrelated, ok := errors.AsType[*gitsource.UnrelatedError](err); !ok || unrelated.Base != "main" || unrelated.Head != "other" {
		t.Errorf("got %v", err)
	}
	if is, err := m.Ancestor("main", "other"); is || err != nil {
		t.Errorf("got %v, %v", is, err)
	}
	if _, err := m.Merge(t.Context(), "main", "none"); !errors.Is(err, gitsource.ErrUnknownRef) {
		t.Errorf("got %v", err)
	}
}

func TestMergeToNothing(t *testing.T) {
	r := gittest.New(t)
	r.Commit("main", "before", gittest.Files{"a": "1\n", "b": "1\n"})
	r.Remove("pull", "pull", "a")
	r.Remove("main", "main", "b")
	m := open(t, gitsource.Options{URL: r.Bare, Dir: t.TempDir()})
	fetch(t, m, "main", "pull")
	got, err := m.Merge(t.Context(), "main", "pull")
	if err != nil || got.Tree != "4b825dc642cb6eb9a060e54bf8d69288fbee4904" {
		t.Fatalf("got %+v, %v", got, err)
	}
	files, err := m.Tree(got.Tree, "")
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := fs.ReadDir(files, "."); len(entries) > 0 || err != nil {
		t.Errorf("got %v, %v", entries, err)
	}
}

func TestCanceledMerge(t *testing.T) {
	m, _ := forked(t, gittest.Files{"a": "1\n"}, gittest.Files{"b": "1\n"}, gittest.Files{"c": "1\n"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Merge(ctx, "main", "pull"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A file whose lines are all alike offers no line to split it at.
func TestMergeOfLinesAllAlike(t *testing.T) {
	same := strings.Repeat("same\n", 300)
	m, r := forked(t, gittest.Files{"a": "first\n" + same + "last\n"},
		gittest.Files{"a": "changed\n" + same + "last\n"},
		gittest.Files{"a": "first\n" + same + same + "changed\n"})
	got, err := m.Merge(t.Context(), "main", "pull")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "git", "merge-tree", "--write-tree", "main", "pull")
	cmd.Dir = r.Work
	if want, err := cmd.Output(); err != nil || strings.TrimSpace(string(want)) != got.Tree {
		t.Errorf("got %s; git makes %s of it (%v)", got.Tree, want, err)
	}
}

// Strangers' files are merged too, and must hold nobody up.
func TestMergeOfHugeFiles(t *testing.T) {
	blank := strings.Repeat("\n", 60)
	apart := func(between string) string { // each line is the only one to split at, and the first of them
		var b strings.Builder
		for i := range 24_000 {
			fmt.Fprintf(&b, "%d\n%s", i, strings.ReplaceAll(between, "#", fmt.Sprint(i)))
		}
		return b.String()
	}
	for name, tt := range map[string]struct{ base, main, pull string }{
		"lines":        {blank, "x\n" + blank, strings.Repeat("\n", 16<<20)},
		"bytes":        {"1\n2\n3\n", "1\n2\n3\n4\n", strings.Repeat("x", 2<<20) + "\n2\n3\n"},
		"lines, fewer": {blank, "x\n" + blank, strings.Repeat("\n", 60_000)},
		"lines apart":  {apart(""), apart("") + "x\n", apart("x#\n")},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := forked(t, gittest.Files{"a": tt.base}, gittest.Files{"a": tt.main}, gittest.Files{"a": tt.pull})
			began := time.Now()
			_, err := m.Merge(t.Context(), "main", "pull")
			if conflict, ok := errors.AsType[*gitsource.ConflictError](err); !ok || !slices.Equal(conflict.Paths, []string{"a"}) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}
