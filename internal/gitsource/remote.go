package gitsource

import (
	"context"

	"github.com/go-git/go-git/v5/plumbing"
)

// A remote is the repository that a mirror is of, by one of the ways to it.
type remote interface {
	// connect logs in and reads which refs there are.
	connect(ctx context.Context) (session, error)
}

// A session is one conversation with a remote.
type session interface {
	offers() offers
	// fetch adds to the mirror's objects what is asked for and all that it
	// refers to, at once or not at all.
	fetch(ctx context.Context, into *store, ask asking) error
	close()
}

// offers are what a repository has.
type offers struct {
	refs refs // with its HEAD as headRef
	// anyCommit is that it gives commits by hash, and not refs alone.
	anyCommit bool
}

// An asking is what a mirror wants and what it has.
type asking struct {
	wants, haves []plumbing.Hash
}

// newRemote prepares a way to a repository. It reads keys, so that what is
// wrong with them is said at once.
func newRemote(at location, o Options) (remote, error) {
	switch at.scheme {
	case "file":
		return &folderRemote{at: at}, nil
	case "ssh":
		return newSSHRemote(at, o.Auth)
	}
	return newHTTPRemote(at, o)
}
