package gitsource

import (
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
// use.
func (a Auth) signers() ([]ssh.Signer, func(), error) {
	if a.KeyFile == "" {
		return agentSigners()
	}
	text, err := os.ReadFile(a.KeyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the ssh key: %w", err)
	}
	signer, err := a.parse(text)
	if err != nil {
		return nil, nil, fmt.Errorf("the ssh key in %s cannot be used: %w", a.KeyFile, err)
	}
	return []ssh.Signer{signer}, func() {}, nil
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

func agentSigners() ([]ssh.Signer, func(), error) {
	path := os.Getenv("SSH_AUTH_SOCK")
	if path == "" {
		return nil, nil, errors.New("there is no ssh key: give one, or start ssh-agent, which SSH_AUTH_SOCK leads to")
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, nil, fmt.Errorf("asking the ssh agent for keys: %w", err)
	}
	signers, err := agent.NewClient(conn).Signers()
	if err == nil && len(signers) == 0 {
		err = errors.New("it holds none; ssh-add adds them")
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("asking the ssh agent for keys: %w", err), conn.Close())
	}
	return signers, closing(conn), nil
}

// closing closes what was only read from.
func closing(c io.Closer) func() { return func() { _ = c.Close() } }
