package gitsource

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// A hostCheck holds a host's key against known_hosts files.
type hostCheck struct {
	files []string
	check ssh.HostKeyCallback
}

// newHostCheck reads one file, or those that ssh reads. The file that is
// named has to be there.
func newHostCheck(file string) (*hostCheck, error) {
	h := &hostCheck{files: []string{file}}
	if file == "" {
		var err error
		if h.files, err = usualKnownHosts(); err != nil {
			return nil, err
		}
	}
	var err error
	if h.check, err = knownhosts.New(h.files...); err != nil {
		return nil, fmt.Errorf("reading the keys of known hosts: %w", err)
	}
	return h, nil
}

func usualKnownHosts() ([]string, error) {
	var there []string
	usual := []string{"/etc/ssh/ssh_known_hosts"}
	if home, err := os.UserHomeDir(); err == nil {
		usual = append(usual, filepath.Join(home, ".ssh", "known_hosts"))
	}
	for _, file := range usual {
		_, err := os.Stat(file)
		switch {
		case err == nil:
			there = append(there, file)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("reading the keys of known hosts: %w", err)
		}
	}
	return there, nil
}

// algorithms are those in which the host's known keys are. Without this
// choice a host that has several keys might show one that is not known.
func (h *hostCheck) algorithms(address string) []string {
	nobody, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	known, ok := errors.AsType[*knownhosts.KeyError](h.check(address, nowhere{}, nobody))
	if !ok {
		return nil
	}
	var all []string
	for _, key := range known.Want {
		kind := key.Key.Type()
		if kind == ssh.KeyAlgoRSA { // what signs with such a key nowadays
			all = append(all, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			all = append(all, kind)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// nowhere is the address of no connection.
type nowhere struct{}

func (nowhere) Network() string { return "tcp" }
func (nowhere) String() string  { return "0.0.0.0:0" }

// verify is what the handshake asks.
func (h *hostCheck) verify(address string, from net.Addr, key ssh.PublicKey) error {
	err := h.check(address, from, key)
	known, wrong := errors.AsType[*knownhosts.KeyError](err)
	revoked, isRevoked := errors.AsType[*knownhosts.RevokedError](err)
	switch {
	case isRevoked:
		return fault(ErrHostKey, err, "the key of %s is revoked in %s: ask who runs the host for its new key", address, revoked.Revoked.Filename)
	case wrong && len(known.Want) > 0:
		return fault(ErrHostKey, err, "the key of %s is not the one in %s line %d: somebody may be in between; if the host has a new key, put it there (it shows %s)",
			address, known.Want[0].Filename, known.Want[0].Line, ssh.FingerprintSHA256(key))
	case wrong:
		return fault(ErrHostKey, err, "the key of %s is unknown: compare %s with what the forge publishes, and add it by ssh-keyscan%s >> %s",
			address, ssh.FingerprintSHA256(key), scanArguments(address), h.target())
	}
	return err
}

// target is the file to add a host to.
func (h *hostCheck) target() string {
	if len(h.files) > 0 {
		return h.files[len(h.files)-1]
	}
	return "~/.ssh/known_hosts"
}

func scanArguments(address string) string {
	host, port, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		return " " + address
	case port == sshPort:
		return " " + host
	}
	return " -p " + port + " " + host
}
