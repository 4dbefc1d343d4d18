package gitsource

import (
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Changed are the paths of the files that differ between two commits or
// trees in contents or mode, or that one of them lacks; sorted. A file that
// was moved counts by both its paths.
func (m *Mirror) Changed(from, to string) ([]string, error) {
	a, _, err := m.root(from)
	if err != nil {
		return nil, err
	}
	b, _, err := m.root(to)
	if err != nil {
		return nil, err
	}
	c := &comparison{store: m.store}
	if err := c.trees("", 0, a, b); err != nil {
		return nil, err
	}
	slices.Sort(c.paths)
	return c.paths, nil
}

// mostChanged is how many files may differ. A tree may name one folder many
// times over and seem larger than it is.
const mostChanged = 500_000

// A comparison collects the paths that differ.
type comparison struct {
	store *store
	paths []string
}

// trees compares two folders; the zero hash is an empty one.
func (c *comparison) trees(dir string, nested int, a, b plumbing.Hash) error {
	switch {
	case a == b:
		return nil
	case nested > deepestFolder:
		return fmt.Errorf("folders are nested more than %d deep in %s…", deepestFolder, dir[:min(len(dir), 100)])
	case len(c.paths) > mostChanged:
		return fmt.Errorf("more than %d files differ", mostChanged)
	}
	olds, err := c.store.tree(a)
	if err != nil {
		return err
	}
	news, err := c.store.tree(b)
	if err != nil {
		return err
	}
	then := map[string]object.TreeEntry{}
	for _, e := range olds {
		then[e.Name] = e
	}
	for _, e := range news {
		old := then[e.Name]
		delete(then, e.Name)
		if err := c.entries(dir+e.Name, nested, old, e); err != nil {
			return err
		}
	}
	for name, old := range then {
		if err := c.entries(dir+name, nested, old, object.TreeEntry{}); err != nil {
			return err
		}
	}
	return nil
}

// entries compares what stands under one name; the zero entry is nothing.
func (c *comparison) entries(path string, nested int, a, b object.TreeEntry) error {
	if a.Mode == b.Mode && a.Hash == b.Hash {
		return nil
	}
	aTree, aFile := parts(a)
	bTree, bFile := parts(b)
	if aFile != bFile {
		c.paths = append(c.paths, path)
	}
	return c.trees(path+"/", nested+1, aTree, bTree)
}

// A file is a blob, a link or a submodule; the zero file is none.
type file struct {
	mode filemode.FileMode
	hash plumbing.Hash
}

// parts is an entry as a folder or as a file.
func parts(e object.TreeEntry) (plumbing.Hash, file) {
	if e.Mode == filemode.Dir {
		return e.Hash, file{}
	}
	return plumbing.ZeroHash, file{e.Mode, e.Hash}
}
