package gitsource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// deepestFolder is how deep folders may be nested to be merged.
const deepestFolder = 1000

// A treeMerge merges the files of two lines over those of a third.
//
// Where depth is above 0 the outcome is itself only an ancestor, and a
// conflict is no end: the file becomes what git makes of it then, the older
// version or a text with both.
type treeMerge struct {
	*merging
	depth     int
	conflicts map[string]bool
}

// versions are one thing as the common ancestor and the two lines have it.
type versions[T comparable] struct{ base, ours, theirs T }

// settled tells whether at most one side changed it, and to what.
func (v versions[T]) settled() (T, bool) {
	switch {
	case v.ours == v.theirs, v.theirs == v.base:
		return v.ours, true
	case v.ours == v.base:
		return v.theirs, true
	}
	var none T
	return none, false
}

// trees merges a folder. The zero hash is one without files, of which Git has
// none.
func (t *treeMerge) trees(dir string, nested int, base, ours, theirs plumbing.Hash) (plumbing.Hash, error) {
	if tree, ok := (versions[plumbing.Hash]{base, ours, theirs}).settled(); ok {
		return tree, nil
	}
	if t.ctx.Err() != nil {
		return plumbing.ZeroHash, context.Cause(t.ctx)
	}
	if nested > deepestFolder {
		return plumbing.ZeroHash, fmt.Errorf("folders are nested more than %d deep in %s…", deepestFolder, dir[:min(len(dir), 100)])
	}
	names, entries, err := t.side(base, ours, theirs)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	var merged []object.TreeEntry
	for _, name := range names {
		e, err := t.entry(dir+name, nested, entries[name])
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if !e.Hash.IsZero() {
			e.Name = name
			merged = append(merged, e)
		}
	}
	return t.write(merged)
}

// side puts the entries of three folders side by side. The names are sorted.
func (t *treeMerge) side(base, ours, theirs plumbing.Hash) ([]string, map[string]versions[object.TreeEntry], error) {
	all := map[string]versions[object.TreeEntry]{}
	var names []string
	for i, tree := range []plumbing.Hash{base, ours, theirs} {
		entries, err := t.store.tree(tree)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range entries {
			v, known := all[e.Name]
			if !known {
				names = append(names, e.Name)
			}
			*[]*object.TreeEntry{&v.base, &v.ours, &v.theirs}[i] = e
			all[e.Name] = v
		}
	}
	slices.Sort(names)
	return names, all, nil
}

// entry merges what stands under one name. The zero entry is nothing.
func (t *treeMerge) entry(path string, nested int, v versions[object.TreeEntry]) (object.TreeEntry, error) {
	var trees versions[plumbing.Hash]
	var files versions[file]
	trees.base, files.base = parts(v.base)
	trees.ours, files.ours = parts(v.ours)
	trees.theirs, files.theirs = parts(v.theirs)
	folder, err := t.trees(path+"/", nested+1, trees.base, trees.ours, trees.theirs)
	if err != nil {
		return object.TreeEntry{}, err
	}
	f, err := t.file(path, files)
	switch {
	case err != nil:
		return object.TreeEntry{}, err
	case folder.IsZero():
		return object.TreeEntry{Mode: f.mode, Hash: f.hash}, nil
	case f != file{}: // a folder here, a file there; in an ancestor the folder stays
		t.undecided(path, f)
	}
	return object.TreeEntry{Mode: filemode.Dir, Hash: folder}, nil
}

// file merges a file. The zero file is none.
func (t *treeMerge) file(path string, v versions[file]) (file, error) {
	if f, ok := v.settled(); ok {
		return f, nil
	}
	none := file{}
	switch {
	case v.ours == none || v.theirs == none: // changed here, deleted there
		return t.undecided(path, v.base), nil
	case kindOf(v.ours) != kindOf(v.theirs):
		return t.undecided(path, v.base), nil
	case kindOf(v.base) != kindOf(v.ours):
		v.base.hash = plumbing.ZeroHash
	}
	mode, clean := mergeModes(v)
	if !clean {
		t.undecided(path, file{})
	}
	hash, err := t.contents(path, versions[plumbing.Hash]{v.base.hash, v.ours.hash, v.theirs.hash}, kindOf(v.ours))
	return file{mode, hash}, err
}

// undecided is a conflict, or in an ancestor the older version.
func (t *treeMerge) undecided(path string, base file) file {
	if t.depth == 0 {
		t.conflicts[path] = true
	}
	return base
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

// kindOf is what a file is, whether it can be executed or not.
func kindOf(f file) filemode.FileMode {
	if f.mode == filemode.Executable || f.mode == filemode.Deprecated {
		return filemode.Regular
	}
	return f.mode
}

func mergeModes(v versions[file]) (mode filemode.FileMode, clean bool) {
	if v.ours.mode == v.theirs.mode || v.ours.mode == v.base.mode {
		return v.theirs.mode, true
	}
	return v.ours.mode, v.theirs.mode == v.base.mode
}

// contents merges what is in a file. The zero hash is nothing.
func (t *treeMerge) contents(path string, v versions[plumbing.Hash], kind filemode.FileMode) (plumbing.Hash, error) {
	if hash, ok := v.settled(); ok {
		return hash, nil
	}
	if kind != filemode.Regular {
		t.undecided(path, file{})
		return v.base, nil
	}
	texts, isText, err := t.texts(v)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if !isText {
		t.undecided(path, file{})
		return v.base, nil
	}
	const markerSize = 7 // of git's conflict markers, which grow with each depth
	text, clean, err := t.effort.mergeLines(texts.base, texts.ours, texts.theirs, markerSize+2*t.depth)
	switch {
	case errors.Is(err, errTooMuch), err == nil && !clean && t.depth == 0:
		t.undecided(path, file{})
		return v.base, nil
	case err != nil:
		return plumbing.ZeroHash, err
	}
	return t.put(plumbing.BlobObject, text)
}

// textVersions are the texts of a file.
type textVersions struct{ base, ours, theirs []byte }

// texts reads three versions, if all are texts of a size that people write.
func (t *treeMerge) texts(v versions[plumbing.Hash]) (texts textVersions, ok bool, err error) {
	for _, one := range []struct {
		hash plumbing.Hash
		text *[]byte
	}{{v.base, &texts.base}, {v.ours, &texts.ours}, {v.theirs, &texts.theirs}} {
		if one.hash.IsZero() {
			continue
		}
		const largest, mostLines = 1 << 20, 50_000
		if size, err := t.store.size(one.hash); err != nil || size > largest {
			return texts, false, err
		}
		if *one.text, err = t.store.blob(one.hash); err != nil || isBinary(*one.text) {
			return texts, false, err
		}
		if bytes.Count(*one.text, []byte{'\n'}) > mostLines {
			return texts, false, nil
		}
	}
	return texts, true, nil
}

// isBinary goes by a zero byte near the beginning, as git does.
func isBinary(text []byte) bool {
	const near = 8000
	return bytes.IndexByte(text[:min(len(text), near)], 0) >= 0
}

// write stores a folder; without entries it is none.
func (t *treeMerge) write(entries []object.TreeEntry) (plumbing.Hash, error) {
	if len(entries) == 0 {
		return plumbing.ZeroHash, nil
	}
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	var text bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&text, "%o %s\x00", uint32(e.Mode), e.Name)
		text.Write(e.Hash[:])
	}
	return t.put(plumbing.TreeObject, text.Bytes())
}

// sortName is what Git sorts entries by.
func sortName(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}
