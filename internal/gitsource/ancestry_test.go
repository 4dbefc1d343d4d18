package gitsource_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// TestAncestorIsThatOfGit asks for every pair of random histories, with
// clocks that were right and wrong.
func TestAncestorIsThatOfGit(t *testing.T) {
	const commits = 12
	r := gittest.New(t)
	var stream strings.Builder
	var histories []*randomHistory
	var branches []string
	for seed := range uint64(6) {
		h := newHistory(seed, commits)
		histories = append(histories, h)
		text := h.stream.String()
		if seed%2 == 1 {
			for n := range commits {
				text = strings.Replace(text, fmt.Sprintf("<a@b> %d ", 1_000_000_000+n), fmt.Sprintf("<a@b> %d ", 1_500_000_000+h.IntN(20)), 1)
			}
		}
		stream.WriteString(text)
		for n := range commits {
			branches = append(branches, h.branch(n))
		}
	}
	fastImport(t, r, stream.String())
	m := open(t, gitsource.Options{URL: r.Bare, Dir: t.TempDir()})
	fetch(t, m, branches...)
	for _, h := range histories {
		for a := range commits {
			before := r.Git("--git-dir", r.Bare, "branch", "--contains", h.branch(a), "--format", "%(refname:short)", "--list", fmt.Sprintf("s%d-*", h.seed))
			for b := range commits {
				want := strings.Contains(before+"\n", h.branch(b)+"\n")
				if got, err := m.Ancestor(h.branch(a), h.branch(b)); err != nil || got != want {
					t.Errorf("%s before %s: got %v, %v; want %v", h.branch(a), h.branch(b), got, err, want)
				}
			}
		}
	}
}
