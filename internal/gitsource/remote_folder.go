package gitsource

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage"
)

// A folderRemote is a repository on this machine, bare or with a work tree.
type folderRemote struct{ at location }

func (r *folderRemote) connect(context.Context) (session, error) {
	repo, err := git.PlainOpenWithOptions(r.at.path, &git.PlainOpenOptions{EnableDotGitCommonDir: true})
	if err != nil {
		return nil, fault(ErrNoRepository, err, "%s is not a Git repository: give the folder that holds .git, or a bare repository", r.at)
	}
	ends, err := repo.Storer.Shallow()
	if err != nil {
		return nil, fmt.Errorf("reading where the history in %s begins: %w", r.at, err)
	}
	if len(ends) > 0 {
		return nil, shallowFault(r.at)
	}
	s := &folderSession{at: r.at, from: repo.Storer, offered: offers{refs: refs{}, anyCommit: true}}
	return s, s.readRefs(repo)
}

// A folderSession copies from a folder.
type folderSession struct {
	at      location
	from    storage.Storer
	offered offers
}

func (s *folderSession) readRefs(repo *git.Repository) error {
	all, err := repo.References()
	if err != nil {
		return fmt.Errorf("reading the refs of %s: %w", s.at, err)
	}
	err = all.ForEach(func(ref *plumbing.Reference) error {
		// What leads nowhere, such as HEAD before the first commit, is no offer.
		to, err := storer.ResolveReference(s.from, ref.Name())
		if err != nil {
			return nil
		}
		name := ref.Name().String()
		if name == "HEAD" {
			name = headRef
		}
		s.offered.refs[name] = to.Hash()
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the refs of %s: %w", s.at, err)
	}
	if len(s.offered.refs) == 0 {
		return emptyFault(s.at, nil)
	}
	return nil
}

func (s *folderSession) offers() offers { return s.offered }

func (s *folderSession) close() {}

func (s *folderSession) fetch(ctx context.Context, into *store, ask asking) error {
	c := &copying{session: s, into: into, seen: map[plumbing.Hash]bool{}}
	for _, h := range ask.wants {
		if err := c.add(ctx, h); err != nil {
			return err
		}
	}
	repo, err := git.PlainOpen(into.dir)
	if err == nil {
		_, err = packObjects(s.from, repo.Storer, c.all)
	}
	if err != nil {
		return fmt.Errorf("copying objects from %s: %w", s.at, err)
	}
	return nil
}

// A copying collects what is to be copied.
type copying struct {
	session *folderSession
	into    *store
	seen    map[plumbing.Hash]bool
	all     []plumbing.Hash
}

// add adds an object and all it refers to, as far as the mirror has it not.
func (c *copying) add(ctx context.Context, first plumbing.Hash) error {
	for next := []plumbing.Hash{first}; len(next) > 0; {
		h := next[len(next)-1]
		next = next[:len(next)-1]
		if c.seen[h] {
			continue
		}
		c.seen[h] = true
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("copying objects from %s: %w", c.session.at, context.Cause(ctx))
		}
		if here, err := c.into.has(h); here || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		o, err := c.session.from.EncodedObject(plumbing.AnyObject, h)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return fault(ErrUnknownRef, err, "%s lacks %s: check the hash, or the repository with git fsck", c.session.at, h)
		}
		if err != nil {
			return fmt.Errorf("reading %s in %s: %w", h, c.session.at, err)
		}
		c.all = append(c.all, h)
		refers, err := referred(o)
		if err != nil {
			return fmt.Errorf("reading %s in %s: %w", h, c.session.at, err)
		}
		next = append(next, refers...)
	}
	return nil
}

// referred are the objects that an object refers to. A submodule's commit is
// of another repository.
func referred(o plumbing.EncodedObject) ([]plumbing.Hash, error) {
	switch o.Type() {
	case plumbing.CommitObject:
		var c object.Commit
		err := c.Decode(o)
		return append(c.ParentHashes, c.TreeHash), err
	case plumbing.TagObject:
		var t object.Tag
		err := t.Decode(o)
		return []plumbing.Hash{t.Target}, err
	case plumbing.TreeObject:
		var t object.Tree
		err := t.Decode(o)
		var refers []plumbing.Hash
		for _, e := range t.Entries {
			if e.Mode != filemode.Submodule {
				refers = append(refers, e.Hash)
			}
		}
		return refers, err
	}
	return nil, nil
}
