package gitsource

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// headRef is where a mirror keeps what the repository's HEAD is at.
const headRef = "refs/linkfleet/HEAD"

// refs are the names that a mirror has for commits. They lie in Git's own
// packed-refs file, all of them, so that one rename replaces one state by
// the next and no reader sees half of it.
type refs map[string]plumbing.Hash

const packedRefs = "packed-refs"

func readRefs(dir string) (refs, error) {
	text, err := os.ReadFile(filepath.Join(dir, packedRefs))
	if errors.Is(err, fs.ErrNotExist) {
		return refs{}, nil
	}
	if err != nil {
		return nil, err
	}
	all := refs{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		hash, name, ok := strings.Cut(line, " ")
		if !ok || !isHash(hash) || !strings.HasPrefix(name, "refs/") {
			return nil, fmt.Errorf("%s in %s is damaged", packedRefs, dir)
		}
		all[name] = plumbing.NewHash(hash)
	}
	return all, nil
}

func (r refs) write(dir string) error {
	var text bytes.Buffer
	text.WriteString("# pack-refs with: sorted \n")
	for _, name := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&text, "%s %s\n", r[name], name)
	}
	return replaceFile(filepath.Join(dir, packedRefs), text.Bytes())
}

// candidates are the full names that a name may stand for, in the order in
// which they count.
func candidates(name string) []string {
	switch {
	case name == "HEAD":
		return []string{headRef}
	case strings.HasPrefix(name, "refs/"):
		return []string{name}
	}
	return []string{"refs/heads/" + name, "refs/tags/" + name}
}

var hashText = regexp.MustCompile(`^[0-9a-f]{40}$`)

// isHash tells whether text is the whole name of an object.
func isHash(text string) bool { return hashText.MatchString(text) }

// replaceFile puts text where readers find the old one or the new one whole,
// whenever the writer is killed. One writer at a time.
func replaceFile(path string, text []byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
