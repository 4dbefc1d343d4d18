package gitsource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

const sshPort = "22"

// An sshRemote is a repository behind ssh.
type sshRemote struct {
	at    location
	auth  Auth
	hosts *hostCheck
}

func newSSHRemote(at location, auth Auth) (*sshRemote, error) {
	if at.password != "" {
		return nil, errors.New("the ssh URL holds a password, which forges do not take: leave it away and give a key")
	}
	hosts, err := newHostCheck(auth.KnownHosts)
	if err != nil {
		return nil, err
	}
	if auth.KeyFile != "" { // the agent is asked when it is time
		if _, err := auth.signer(); err != nil {
			return nil, err
		}
	}
	return &sshRemote{at: at, auth: auth, hosts: hosts}, nil
}

func (r *sshRemote) address() string { return net.JoinHostPort(r.at.host, cmp.Or(r.at.port, sshPort)) }

func (r *sshRemote) connect(ctx context.Context) (session, error) {
	var wire *sshWire
	client, err := r.login(ctx)
	if err == nil {
		wire, err = newSSHWire(ctx, client, r.at.path)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("connecting to %s: %w", r.at, context.Cause(ctx))
	case err != nil:
		return nil, r.blame(err)
	}
	return greet(ctx, r.at, wire, func(err error) error { return r.refused(wire, err) })
}

// login connects and shows a key, within the time that people wait for it.
func (r *sshRemote) login(ctx context.Context) (*ssh.Client, error) {
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := r.shake(ctx)
	if err != nil && ctx.Err() != nil { // what it broke off is not to blame
		err = context.Cause(ctx)
	}
	return client, err
}

// shake connects and shows a key, until the context ends.
func (r *sshRemote) shake(ctx context.Context) (*ssh.Client, error) {
	signers, done, err := r.auth.signers(ctx)
	if err != nil {
		return nil, fault(ErrDenied, err, "%s", err)
	}
	defer done()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.address())
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, closing(conn))()
	c, channels, requests, err := ssh.NewClientConn(conn, r.address(), &ssh.ClientConfig{
		User:              r.at.sshUser(),
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signers...)},
		HostKeyCallback:   r.hosts.verify,
		HostKeyAlgorithms: r.hosts.algorithms(r.address()),
	})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// blame says why there was no login.
func (r *sshRemote) blame(err error) error {
	if known, ok := errors.AsType[*faultError](err); ok {
		return fault(known.kind, err, "fetching %s: %s", r.at, known.text)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fault(ErrUnreachable, err, "%s does not answer in time, or the ssh agent waits for somebody: check the URL's host, the network in between, and the agent", r.at)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fault(ErrDenied, err, "%s does not accept the key: add its public part to the repository's deploy keys", r.at)
	case netFailure(err) != "":
		return fault(ErrUnreachable, err, "%s cannot be reached (%s): check the URL's host and port, and the network in between", r.at, netFailure(err))
	}
	return fault(ErrUnreachable, err, "%s does not answer as an ssh server does (%s): check the URL's host and port", r.at, plain(err.Error()))
}

// refused says why the server showed no repository: it tells so beside the
// conversation.
func (r *sshRemote) refused(wire *sshWire, err error) error {
	said := plain(wire.told())
	if said == "" {
		said = plain(err.Error())
	}
	if wire.asked {
		return fault(nil, err, "fetching from %s broke off (%s): try again", r.at, said)
	}
	return fault(ErrNoRepository, err, "there is no repository at %s, or the key may not see it (the server says: %s): check the URL and the key's access", r.at, said)
}
