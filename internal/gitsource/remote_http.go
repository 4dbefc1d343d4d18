package gitsource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// An httpRemote is a repository behind https.
type httpRemote struct {
	at   location
	auth *githttp.BasicAuth // nil: nobody in particular
}

// newHTTPRemote takes the token of Auth, or else the URL's credentials.
func newHTTPRemote(at location, o Options) (*httpRemote, error) {
	if at.scheme == "http" && !at.loopback() && !o.PlainHTTP {
		return nil, fmt.Errorf("%s would be fetched unencrypted: use https://, or allow plain http for it", at)
	}
	r := &httpRemote{at: at}
	user, password := at.user, string(o.Auth.Token)
	if password == "" {
		password = at.password
	}
	if password == "" && at.user != "" { // https://TOKEN@host/path
		user, password = "", at.user
	}
	if password != "" {
		r.auth = &githttp.BasicAuth{Username: cmp.Or(user, tokenUser), Password: strings.TrimSpace(password)}
	}
	return r, nil
}

// tokenUser is a name that the forges take beside a token: GitHub asks for
// this one with an App's token, and GitLab and Gitea for any. GitLab's job and
// deploy tokens have users of their own, which the URL names.
const tokenUser = "x-access-token"

func (r *httpRemote) connect(ctx context.Context) (session, error) {
	to, err := transport.NewEndpoint(r.at.String())
	if err != nil {
		return nil, fmt.Errorf("the URL of %s cannot be used: %w", r.at, err)
	}
	var auth transport.AuthMethod
	if r.auth != nil {
		auth = r.auth
	}
	wire, err := githttp.NewClient(&http.Client{Transport: http.DefaultTransport}).NewUploadPackSession(to, auth)
	if err != nil {
		return nil, r.blame(err)
	}
	return greet(ctx, r.at, wire, r.blame)
}

func (r *httpRemote) blame(err error) error {
	// go-git's wrapping of what it did not expect hides it from errors.As.
	var wrapped *plumbing.UnexpectedError
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var status *githttp.Err
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired) && r.auth == nil:
		return fault(ErrDenied, err, "%s asks for credentials: give a token that may read the repository", r.at)
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return fault(ErrDenied, err, "%s does not accept the token: check that it has not expired and that its user name is right", r.at)
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return fault(ErrDenied, err, "%s does not let the token read it: give the token read access to the repository's contents", r.at)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fault(ErrNoRepository, err, "there is no repository at %s, or the token may not see it: check the URL and the token's access", r.at)
	case errors.As(err, &status):
		return fault(ErrUnreachable, err, "%s answers with HTTP status %d: try again, or look at the forge's status page", r.at, status.StatusCode())
	case netFailure(err) != "":
		return fault(ErrUnreachable, err, "%s cannot be reached (%s): check the URL's host, and the network and proxy in between", r.at, netFailure(err))
	}
	return fault(ErrNoRepository, err, "%s does not answer as a Git server does: check the URL", r.at)
}
