package gitsource

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Tree is the files of a commit, or of a tree such as [Merged.Tree], from one
// of its folders downwards: "", "." or a path with slashes. Nothing is
// written anywhere, and contents are read when they are asked for.
//
// It implements [fs.ReadDirFS], [fs.ReadFileFS], [fs.StatFS] and
// [fs.ReadLinkFS]. Symbolic links are listed as such and never followed: to
// read one is an error. A submodule is listed as irregular and cannot be
// opened. Every file's time is that of the commit; a tree alone has none. The
// file system is the folder's alone: nothing above it is seen, as when the
// folder is given to schema.Load.
func (m *Mirror) Tree(ref, folder string) (fs.FS, error) {
	root, when, err := m.root(ref)
	if err != nil {
		return nil, err
	}
	t := newTreeFS(m.store, root, when)
	folder = path.Clean("/" + strings.ReplaceAll(folder, `\`, "/"))[1:]
	if folder == "" {
		return t, nil
	}
	at, err := t.find(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !at.IsDir() {
		return nil, fault(fs.ErrNotExist, nil, "%s of %s has no folder %s: check where the fleet's files are", plain(ref), m.at, folder)
	}
	if err != nil {
		return nil, err
	}
	below := newTreeFS(m.store, at.hash, when)
	below.top, below.at = t, folder
	return below, nil
}

// root is the tree that a ref, a commit or a tree leads to.
func (m *Mirror) root(ref string) (plumbing.Hash, time.Time, error) {
	at, err := m.object(ref)
	if err != nil {
		return plumbing.ZeroHash, time.Time{}, err
	}
	if at.Type() == plumbing.TreeObject {
		return at.Hash(), time.Time{}, nil
	}
	c, err := m.commit(ref)
	if err != nil {
		return plumbing.ZeroHash, time.Time{}, err
	}
	return c.TreeHash, c.Committer.When.UTC(), nil
}

// A treeFS is a tree as a file system.
type treeFS struct {
	store *store
	root  plumbing.Hash
	when  time.Time
	// top is the whole repository, and at where in it this folder is; they
	// tell where symbolic links lead.
	top *treeFS
	at  string

	mu      sync.Mutex
	folders map[plumbing.Hash][]node // that were read; each file is found through them
}

func newTreeFS(s *store, root plumbing.Hash, when time.Time) *treeFS {
	t := &treeFS{store: s, root: root, when: when, at: ".", folders: map[plumbing.Hash][]node{}}
	t.top = t
	return t
}

// find looks a path up, folder by folder.
func (t *treeFS) find(name string) (node, error) {
	at := node{tree: t, name: ".", mode: filemode.Dir, hash: t.root}
	if name == "." {
		return at, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if !at.IsDir() {
			return node{}, fs.ErrNotExist
		}
		entries, err := t.entries(at.hash)
		if err != nil {
			return node{}, err
		}
		i, there := search(entries, part)
		if !there {
			return node{}, fs.ErrNotExist
		}
		at = entries[i]
	}
	return at, nil
}

// lookup is find for what callers ask.
func (t *treeFS) lookup(op, name string) (node, error) {
	if !fs.ValidPath(name) {
		return node{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at, err := t.find(name)
	if err != nil {
		return node{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return t.tagged(at, name)
}

// tagged is a node that says of a symbolic link whether it may stand for a
// folder.
func (t *treeFS) tagged(n node, name string) (node, error) {
	if n.mode != filemode.Symlink {
		return n, nil
	}
	l := &linkWalk{tree: t.top, dir: path.Join(t.at, path.Dir(name))}
	var err error
	n.vague, err = l.isVague(n)
	return n, err
}

// search looks a name up in a folder.
func search(entries []node, name string) (int, bool) {
	return slices.BinarySearchFunc(entries, name, func(n node, name string) int { return strings.Compare(n.name, name) })
}

func (t *treeFS) Open(name string) (fs.File, error) {
	at, err := t.lookup("open", name)
	if err != nil {
		return nil, err
	}
	switch at.mode {
	case filemode.Dir:
		entries, err := t.ReadDir(name)
		return &openFolder{node: at, rest: entries}, err
	case filemode.Symlink:
		at, err = at.sized()
		return &openLink{at}, err
	}
	text, err := at.read("open", name)
	if err != nil {
		return nil, err
	}
	return newOpenFile(at, text), nil
}

func (t *treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	at, err := t.lookup("readdir", name)
	if err != nil {
		return nil, err
	}
	if !at.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a folder")}
	}
	nodes, err := t.entries(at.hash)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	entries := make([]fs.DirEntry, len(nodes))
	for i, n := range nodes {
		if entries[i], err = t.tagged(n, path.Join(name, n.name)); err != nil {
			return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
		}
	}
	return entries, nil
}

func (t *treeFS) ReadFile(name string) ([]byte, error) {
	at, err := t.lookup("read", name)
	if err != nil {
		return nil, err
	}
	return at.read("read", name)
}

func (t *treeFS) Stat(name string) (fs.FileInfo, error) { return t.Lstat(name) }

func (t *treeFS) Lstat(name string) (fs.FileInfo, error) {
	at, err := t.lookup("stat", name)
	if err != nil {
		return nil, err
	}
	return at.sized()
}

func (t *treeFS) ReadLink(name string) (string, error) {
	at, err := t.lookup("readlink", name)
	if err != nil {
		return "", err
	}
	if at.mode != filemode.Symlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	text, err := t.store.blob(at.hash)
	return string(text), err
}

// A node is a file or a folder of a tree.
type node struct {
	tree *treeFS
	name string
	mode filemode.FileMode
	hash plumbing.Hash
	size int64
	// vague is of a symbolic link that may stand for a folder.
	vague bool
}

func (n node) Name() string       { return n.name }
func (n node) IsDir() bool        { return n.mode == filemode.Dir }
func (n node) Type() fs.FileMode  { return n.Mode().Type() }
func (n node) ModTime() time.Time { return n.tree.when }
func (n node) Size() int64        { return n.size }
func (n node) Sys() any           { return nil }

func (n node) Info() (fs.FileInfo, error) { return n.sized() }

// String is for people, as the fs package writes entries.
func (n node) String() string { return fs.FormatDirEntry(n) }

func (n node) Mode() fs.FileMode {
	switch n.mode {
	case filemode.Dir:
		return fs.ModeDir | 0o555
	case filemode.Symlink:
		if n.vague {
			return fs.ModeSymlink | fs.ModeIrregular | 0o444
		}
		return fs.ModeSymlink | 0o444
	case filemode.Submodule:
		return fs.ModeIrregular
	case filemode.Executable:
		return 0o555
	}
	return 0o444
}

// sized is the node with its size, which lists of files do not need.
func (n node) sized() (node, error) {
	if n.IsDir() || n.mode == filemode.Submodule {
		return n, nil
	}
	var err error
	n.size, err = n.tree.store.size(n.hash)
	return n, err
}

// read is the contents of a file.
func (n node) read(op, name string) ([]byte, error) {
	var err error
	switch n.mode {
	case filemode.Dir:
		err = errors.New("is a folder")
	case filemode.Symlink:
		err = errors.New("is a symbolic link, which is not followed")
	case filemode.Submodule:
		err = errors.New("is a submodule, which is not fetched")
	}
	var text []byte
	if err == nil {
		text, err = n.tree.store.blob(n.hash)
	}
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return text, nil
}

// entries are a folder's, by name. Git sorts folders differently.
func (t *treeFS) entries(folder plumbing.Hash) ([]node, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if nodes, known := t.folders[folder]; known {
		return nodes, nil
	}
	raw, err := t.store.tree(folder)
	if err != nil {
		return nil, err
	}
	nodes := make([]node, 0, len(raw))
	for _, e := range raw {
		if err := goodName(e); err != nil {
			return nil, err
		}
		nodes = append(nodes, node{tree: t, name: e.Name, mode: e.Mode, hash: e.Hash})
	}
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.name, b.name) })
	for i := range len(nodes) - 1 {
		if nodes[i].name == nodes[i+1].name {
			return nil, fmt.Errorf("the tree %s has %q twice, which only a forged tree has", folder, nodes[i].name)
		}
	}
	t.folders[folder] = nodes
	return nodes, nil
}

// goodName refuses what Git never makes, so that nobody joins it to a path.
func goodName(e object.TreeEntry) error {
	if e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") || !utf8.ValidString(e.Name) {
		return fmt.Errorf("the name %q cannot be that of a file: rename it", e.Name)
	}
	return nil
}
