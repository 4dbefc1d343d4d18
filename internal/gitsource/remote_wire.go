package gitsource

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// A wireSession speaks Git's pack protocol, whichever way it goes.
type wireSession struct {
	at    location
	wire  transport.UploadPackSession
	can   *capability.List
	offer offers
	// blame finds the kind of a failure of this way.
	blame func(error) error
}

// greet reads what the server has.
func greet(ctx context.Context, at location, wire transport.UploadPackSession, blame func(error) error) (*wireSession, error) {
	says, err := wire.AdvertisedReferencesContext(ctx)
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("asking %s for its refs: %w", at, context.Cause(ctx))
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		err = emptyFault(at, err)
	case err != nil:
		err = blame(err)
	case len(says.Shallows) > 0:
		err = shallowFault(at)
	}
	if err != nil {
		_ = wire.Close()
		return nil, err
	}
	s := &wireSession{at: at, wire: wire, can: says.Capabilities, blame: blame, offer: offers{refs: refs{}}}
	for name, h := range says.References {
		s.offer.refs[name] = h
	}
	if says.Head != nil {
		s.offer.refs[headRef] = *says.Head
	}
	s.offer.anyCommit = s.can.Supports(capability.AllowReachableSHA1InWant)
	return s, nil
}

func emptyFault(at location, cause error) error {
	return fault(ErrEmpty, cause, "%s is an empty repository: push a first commit to it", at)
}

// shallowFault is for a repository that lacks the history of what it offers,
// as clones do that CI makes. A mirror of it would be taken for damaged.
func shallowFault(at location) error {
	return fault(ErrShallow, nil, "%s is a shallow clone, and merges and earlier commits are found in the history that it lacks: complete it with git fetch --unshallow, or name the repository that it is of", at)
}

func (s *wireSession) offers() offers { return s.offer }

// close may find the connection closed by the other side.
func (s *wireSession) close() { _ = s.wire.Close() }

func (s *wireSession) fetch(ctx context.Context, into *store, ask asking) error {
	req, err := s.request(ask)
	if err != nil {
		return err
	}
	err = s.receive(ctx, into, req)
	if ctx.Err() != nil {
		return fmt.Errorf("fetching from %s: %w", s.at, context.Cause(ctx))
	}
	return err
}

func (s *wireSession) request(ask asking) (*packp.UploadPackRequest, error) {
	req := packp.NewUploadPackRequestFromCapabilities(s.can)
	req.Wants, req.Haves = ask.wants, ask.haves
	if s.can.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, fmt.Errorf("asking %s for objects alone: %w", s.at, err)
		}
	}
	return req, nil
}

// receive has the server's pack in the mirror.
func (s *wireSession) receive(ctx context.Context, into *store, req *packp.UploadPackRequest) (err error) {
	answer, err := s.wire.UploadPack(ctx, req)
	if err != nil {
		return s.blame(err)
	}
	defer func() { err = errors.Join(err, answer.Close()) }()
	repo, err := git.PlainOpen(into.dir)
	if err != nil {
		return fmt.Errorf("writing the mirror of %s: %w", s.at, err)
	}
	if err := packfile.UpdateObjectStorage(repo.Storer, packOf(answer, req.Capabilities)); err != nil {
		return fault(nil, err, "fetching from %s broke off (%s): try again", s.at, plain(err.Error()))
	}
	return nil
}

// packOf is the pack in an answer, without what the server says beside it.
func packOf(answer io.Reader, agreed *capability.List) io.Reader {
	switch {
	case agreed.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, answer)
	case agreed.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, answer)
	}
	return answer
}
