package gitsource

import (
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// A linkWalk follows a symbolic link through a repository, to find out whether
// it may stand for a folder.
type linkWalk struct {
	tree *treeFS // the whole repository
	dir  string  // where the walk is; no part of it is a link
	left []string
	gone int // parts of paths that were gone over
}

// isVague tells whether a link in the walk's folder leads to a folder or a
// submodule, out of the repository, or through more than anybody writes. One
// that leads to a file is not vague, nor is one that leads nowhere.
func (l *linkWalk) isVague(link node) (bool, error) {
	if out, err := l.follow(link); out || err != nil {
		return true, err
	}
	for len(l.left) > 0 {
		const most = 100
		if l.gone++; l.gone > most {
			return true, nil
		}
		part := l.left[0]
		l.left = l.left[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if l.dir == "." {
				return true, nil
			}
			l.dir = path.Dir(l.dir)
			continue
		}
		if vague, done, err := l.enter(part); done || err != nil {
			return vague, err
		}
	}
	return true, nil
}

// enter goes on to what a folder has under a name. It is done where that is
// neither a folder nor a link.
func (l *linkWalk) enter(name string) (vague, done bool, err error) {
	folder, err := l.tree.find(l.dir)
	if err != nil {
		return true, true, err
	}
	entries, err := l.tree.entries(folder.hash)
	if err != nil {
		return true, true, err
	}
	i, there := search(entries, name)
	if !there {
		return false, true, nil
	}
	switch at := entries[i]; at.mode {
	case filemode.Dir:
		l.dir = path.Join(l.dir, name)
		return false, false, nil
	case filemode.Symlink:
		out, err := l.follow(at)
		return out, out, err
	case filemode.Submodule:
		return true, true, nil
	}
	return false, true, nil
}

// follow puts the parts of a link's path before those that are left, or tells
// that it leads out of the repository.
func (l *linkWalk) follow(link node) (out bool, err error) {
	const longest = 4096 // bytes of a path, as systems have it
	size, err := l.tree.store.size(link.hash)
	if err != nil || size > longest {
		return true, err
	}
	text, err := l.tree.store.blob(link.hash)
	if err != nil {
		return true, err
	}
	l.left = append(strings.Split(string(text), "/"), l.left...)
	return path.IsAbs(string(text)), nil
}
