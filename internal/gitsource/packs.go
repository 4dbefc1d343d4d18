package gitsource

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// sweep removes what a killed process left behind: files it was writing, and
// the one half of a pack and its index without the other. An index that was
// cut off would otherwise be taken for the whole one when the same pack
// arrives again.
func sweep(dir string) error {
	packs := filepath.Join(dir, "objects", "pack")
	entries, err := os.ReadDir(packs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name()] = true
	}
	for name := range there {
		base, isIndex := strings.CutSuffix(name, ".idx")
		pack, isPack := strings.CutSuffix(name, ".pack")
		if strings.HasPrefix(name, "tmp_") || isIndex && !there[base+".pack"] || isPack && !there[pack+".idx"] {
			if err := os.Remove(filepath.Join(packs, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// mostPacks is how many a mirror has before they become one: each fetch adds
// one, and each is searched for an object.
const mostPacks = 50

// repack makes one pack of many. All objects stay, also those that no ref
// leads to any more: a fleet may still be at such a commit. The mirror is
// locked; other readers find the new pack when they miss the old one.
func (m *Mirror) repack() error {
	old, err := filepath.Glob(filepath.Join(m.dir, "objects", "pack", "*.pack"))
	if err != nil || len(old) <= mostPacks {
		return err
	}
	repo, err := git.PlainOpen(m.dir)
	if err != nil {
		return err
	}
	var all []plumbing.Hash
	objects, err := repo.Storer.IterEncodedObjects(plumbing.AnyObject)
	if err != nil {
		return err
	}
	if err := objects.ForEach(func(o plumbing.EncodedObject) error { all = append(all, o.Hash()); return nil }); err != nil {
		return err
	}
	made, err := packObjects(repo.Storer, repo.Storer, all)
	if err != nil {
		return err
	}
	for _, pack := range old {
		base := strings.TrimSuffix(pack, ".pack")
		if strings.HasSuffix(base, made.String()) {
			continue
		}
		// What a kill leaves of a pair is swept away.
		if err := errors.Join(os.Remove(pack), os.Remove(base+".idx")); err != nil {
			return err
		}
	}
	return nil
}

// packObjects writes objects of one store into another, as a pack.
func packObjects(from storer.EncodedObjectStorer, into any, all []plumbing.Hash) (pack plumbing.Hash, err error) {
	const window = 10 // objects that each is compared with to store a difference; Git's own default
	w, err := packWriter(into)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	pack, err = packfile.NewEncoder(w, from, false).Encode(all, window)
	return pack, errors.Join(err, w.Close())
}

func packWriter(into any) (io.WriteCloser, error) {
	packs, ok := into.(storer.PackfileWriter)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return packs.PackfileWriter()
}
