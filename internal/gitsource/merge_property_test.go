package gitsource_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// A version is the files of a commit: each a mode and a text.
type version map[string][2]string

// A randomHistory is a few commits that branch, change the same files and
// merge crosswise, written for git fast-import.
type randomHistory struct {
	*rand.Rand
	seed     uint64
	versions []version
	stream   strings.Builder
	// where is the path of the file that is being written. Each has lines of
	// its own: before git 2.50 its merges follow renames, whatever is set.
	where string
}

func newHistory(seed uint64, commits int) *randomHistory {
	h := &randomHistory{Rand: rand.New(rand.NewPCG(seed, 4)), seed: seed}
	first := version{}
	for range 3 + h.IntN(4) {
		first[h.path()] = h.file()
	}
	h.commit(first)
	for n := 1; n < commits; n++ {
		parents := []int{max(0, n-1-h.IntN(4))}
		files := maps.Clone(h.versions[parents[0]])
		if other := max(0, n-1-h.IntN(4)); h.IntN(3) == 0 && other != parents[0] {
			parents = append(parents, other)
			h.mix(files, h.versions[other])
		}
		for range h.IntN(4) {
			h.edit(files)
		}
		h.commit(files, parents...)
	}
	return h
}

func (h *randomHistory) path() string {
	h.where = []string{"a", "b", "c", "d/a", "d/b", "d/e/a", "f", "f/a", "f/b", "g.x", "g/x", "g-x"}[h.IntN(12)]
	return h.where
}

func (h *randomHistory) file() [2]string {
	switch h.IntN(12) {
	case 0:
		return [2]string{"120000", h.line()}
	case 1:
		return [2]string{"100755", h.text(h.IntN(12))}
	case 2:
		return [2]string{"100644", "\x00" + h.line()}
	case 3:
		return [2]string{"100644", ""}
	}
	return [2]string{"100644", h.text(h.IntN(25))}
}

// line is one of few, so that lines are often alike.
func (h *randomHistory) line() string {
	return []string{"{", "}", "", "x", "y", "z", "one", "two"}[h.IntN(8)]
}

func (h *randomHistory) text(n int) string {
	var lines []string
	for range n {
		lines = append(lines, h.fresh())
	}
	text := strings.Join(lines, "\n")
	if h.IntN(8) > 0 && n > 0 {
		text += "\n"
	}
	return text
}

func (h *randomHistory) fresh() string {
	if h.IntN(2) == 0 {
		return h.line()
	}
	return fmt.Sprint(h.where, h.IntN(1000))
}

// mix takes what the other has in part.
func (h *randomHistory) mix(files, other version) {
	for _, path := range slices.Sorted(maps.Keys(other)) {
		if h.IntN(2) == 0 {
			h.put(files, path, other[path])
		}
	}
}

func (h *randomHistory) edit(files version) {
	paths := slices.Sorted(maps.Keys(files))
	if len(paths) == 0 || h.IntN(8) == 0 {
		h.put(files, h.path(), h.file())
		return
	}
	path := paths[h.IntN(len(paths))]
	f := files[path]
	h.where = path
	switch {
	case h.IntN(10) == 0:
		delete(files, path)
	case f[0] != "120000" && h.IntN(10) == 0:
		files[path] = [2]string{map[string]string{"100644": "100755", "100755": "100644"}[f[0]], f[1]}
	case h.IntN(12) == 0:
		files[path] = h.file()
	default:
		files[path] = [2]string{f[0], h.changed(f[1])}
	}
}

// changed has a few lines put in, replaced or taken away.
func (h *randomHistory) changed(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for range 1 + h.IntN(2) {
		at := h.IntN(len(lines))
		gone := min(h.IntN(3), len(lines)-at)
		var more []string
		for range h.IntN(3) {
			more = append(more, h.fresh()+"\n")
		}
		lines = slices.Replace(lines, at, at+gone, more...)
		if len(lines) == 0 {
			break
		}
	}
	return strings.Join(lines, "")
}

// put keeps a path either a file or a folder.
func (h *randomHistory) put(files version, path string, f [2]string) {
	for there := range files {
		if strings.HasPrefix(there, path+"/") || strings.HasPrefix(path, there+"/") {
			delete(files, there)
		}
	}
	files[path] = f
}

func (h *randomHistory) branch(n int) string { return fmt.Sprintf("s%d-%d", h.seed, n) }

func (h *randomHistory) commit(files version, parents ...int) {
	n := len(h.versions)
	h.versions = append(h.versions, files)
	fmt.Fprintf(&h.stream, "commit refs/heads/%s\ncommitter A <a@b> %d +0000\ndata 1\nx\n", h.branch(n), 1_000_000_000+n)
	for i, p := range parents {
		fmt.Fprintf(&h.stream, "%s refs/heads/%s\n", []string{"from", "merge"}[i], h.branch(p))
	}
	h.stream.WriteString("deleteall\n")
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&h.stream, "M %s inline %s\ndata %d\n%s\n", files[path][0], path, len(files[path][1]), files[path][1])
	}
	h.stream.WriteString("\n")
}

// fastImport makes commits as git fast-import is told.
func fastImport(t *testing.T, r *gittest.Repo, stream string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = r.Bare, strings.NewReader(stream)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git fast-import: %v\n%s", err, out)
	}
}

// gitMerge is what git makes of it: a tree, or the paths in conflict.
func gitMerge(t *testing.T, dir, base, head string) (tree string, conflicts []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "-c", "merge.renames=false", "merge-tree", "--write-tree", "--name-only", "--no-messages", base, head)
	cmd.Dir = dir
	out, err := cmd.Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() == 1 {
		return "", lines[1:]
	}
	if err != nil {
		t.Fatalf("git merge-tree %s %s: %v", base, head, err)
	}
	return lines[0], nil
}

// mergesVariable says how many random histories to merge.
const mergesVariable = "LINKFLEET_MERGE_SEEDS"

// Whatever was done on two branches, our merge is git's.
func TestMergeIsThatOfGit(t *testing.T) {
	const commits = 14
	seeds := uint64(20)
	if text := os.Getenv(mergesVariable); text != "" {
		var err error
		if seeds, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	for from := uint64(0); from < seeds; from += 10 {
		t.Run(fmt.Sprint("seeds from ", from), func(t *testing.T) {
			t.Parallel()
			compareMerges(t, from, min(from+10, seeds), commits)
		})
	}
}

func compareMerges(t *testing.T, from, to uint64, commits int) {
	r := gittest.New(t)
	if _, err := r.Try("merge-tree", "--write-tree", "-h"); err != nil && !strings.Contains(err.Error(), "--write-tree") {
		t.Skip("this git's merge-tree does not merge: it is older than 2.38")
	}
	var stream strings.Builder
	var histories []*randomHistory
	var branches []string
	for seed := from; seed < to; seed++ {
		h := newHistory(seed, commits)
		histories = append(histories, h)
		stream.WriteString(h.stream.String())
		for n := range commits {
			branches = append(branches, h.branch(n))
		}
	}
	fastImport(t, r, stream.String())
	m := open(t, gitsource.Options{URL: r.Bare, Dir: t.TempDir()})
	fetch(t, m, branches...)
	clean, conflicting := 0, 0
	for _, h := range histories {
		for range 12 {
			base, head := h.branch(h.IntN(commits)), h.branch(h.IntN(commits))
			want, wantPaths := gitMerge(t, r.Bare, base, head)
			got, err := m.Merge(t.Context(), base, head)
			conflict, isConflict := errors.AsType[*gitsource.ConflictError](err)
			switch {
			case isConflict && want == "":
				conflicting++
				comparePaths(t, base+" "+head, conflict.Paths, wantPaths)
			case err != nil:
				t.Errorf("%s %s: %v; git has no conflict", base, head, err)
			case want == "":
				t.Errorf("%s %s merge to %s; git has a conflict in %v", base, head, got.Tree, wantPaths)
			case got.Tree != want:
				t.Errorf("%s %s merge to %s, and git's to %s", base, head, got.Tree, want)
			default:
				clean++
			}
		}
	}
	t.Logf("%d merges were clean, and %d in conflict", clean, conflicting)
	if clean < 10 || conflicting < 10 {
		t.Errorf("%d merges were clean, and %d in conflict: too few to tell", clean, conflicting)
	}
}

// comparePaths holds conflicts against git's, which gives a file that stands
// where a folder is the name of its branch besides.
func comparePaths(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i, path := range want {
		name, _, _ := strings.Cut(filepath.ToSlash(path), "~")
		want[i] = name
	}
	slices.Sort(want)
	if want = slices.Compact(want); !slices.Equal(got, want) {
		t.Errorf("%s conflict in %v; git says %v", what, got, want)
	}
}
