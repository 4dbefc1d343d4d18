package gitsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Auth is who asks for a repository. The zero Auth asks https as nobody, and
// ssh with the keys of the agent.
type Auth struct {
	// Token is for https. The user beside it is the URL's, if it names one.
	Token Secret

	// KeyFile is for ssh: the path to a private key in PEM form, with its
	// passphrase. Without it the agent at SSH_AUTH_SOCK is asked.
	KeyFile    string
	Passphrase Secret
	// KnownHosts is a file as ssh(1) keeps it, in which the host's key has
	// to be. Empty: those of the user and of the system.
	KnownHosts string
}

// signers finds the keys to log in with. The returned function ends their
// use, as the context's end does.
func (a Auth) signers(ctx context.Context) ([]ssh.Signer, func(), error) {
	if a.KeyFile == "" {
		return agentSigners(ctx)
	}
	signer, err := a.signer()
	if err != nil {
		return nil, nil, err
	}
	return []ssh.Signer{signer}, func() {}, nil
}

// signer is the key in the file.
func (a Auth) signer() (ssh.Signer, error) {
	text, err := os.ReadFile(a.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the ssh key: %w", err)
	}
	signer, err := a.parse(text)
	if err != nil {
		return nil, fmt.Errorf("the ssh key in %s cannot be used: %w", a.KeyFile, err)
	}
	return signer, nil
}

func (a Auth) parse(text []byte) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(text)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); !locked {
		if err != nil {
			return nil, errors.New("it is no private key in PEM form")
		}
		return signer, nil
	}
	if a.Passphrase == "" {
		return nil, errors.New("it is encrypted; give its passphrase")
	}
	if signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(a.Passphrase)); err != nil {
		return nil, errors.New("its passphrase is wrong")
	}
	return signer, nil
}

// agentSigners are the keys of the agent, which may wait for somebody to
// unlock them, both now and when they sign.
func agentSigners(ctx context.Context) ([]ssh.Signer, func(), error) {
	path := os.Getenv("SSH_AUTH_SOCK")
	if path == "" {
		return nil, nil, errors.New("there is no ssh key: give one, or start ssh-agent, which SSH_AUTH_SOCK leads to")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, nil, fmt.Errorf("asking the ssh agent, to which SSH_AUTH_SOCK leads, for keys: %w", err)
	}
	stop := context.AfterFunc(ctx, closing(conn))
	done := func() { stop(); _ = conn.Close() }
	signers, err := agent.NewClient(conn).Signers()
	if err == nil && len(signers) == 0 {
		err = errors.New("it holds none; ssh-add adds them")
	}
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("asking the ssh agent, to which SSH_AUTH_SOCK leads, for keys: %w", err)
	}
	return signers, done, nil
}

// closing closes what was only read from.
func closing(c io.Closer) func() { return func() { _ = c.Close() } }
