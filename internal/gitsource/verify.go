package gitsource

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// ErrUntrusted is that a commit is not signed, or not by one of the keys, or
// not as it is.
var ErrUntrusted = errors.New("the commit is not signed by one of the given keys")

// Keys are whose signatures count.
type Keys struct {
	// OpenPGP are public keys in armor, as gpg --export --armor writes them;
	// each text may hold several.
	OpenPGP []string
	// AllowedSigners are SSH keys with names, in the form that git reads
	// from gpg.ssh.allowedSignersFile: see ALLOWED SIGNERS in ssh-keygen(1).
	// A certificate authority cannot be given.
	AllowedSigners string
}

// Verify makes sure that a commit is signed by one of the keys, and says
// whose key it is: the first user id of OpenPGP by the alphabet, or the names
// beside the SSH key. A key counts if it held when the commit was signed, by
// what that says of it; an OpenPGP key that was revoked since does not. It is
// the commit alone that is signed, not those before it: whoever signs a merge
// answers for what comes with it.
func (m *Mirror) Verify(hash string, keys Keys) (signer string, err error) {
	at, err := m.object(hash)
	if err != nil {
		return "", err
	}
	c, err := m.commit(hash)
	if err != nil {
		return "", err
	}
	raw, err := bytesOf(at)
	if err != nil {
		return "", fmt.Errorf("reading commit %s of %s: %w", c.Hash, m.at, err)
	}
	who := "commit " + c.Hash.String()[:12]
	payload, signature, err := signed(raw)
	switch {
	case err != nil:
		return "", fault(ErrUntrusted, err, "%s cannot be trusted: %s", who, err)
	case signature == "":
		return "", fault(ErrUntrusted, nil, "%s is not signed, and only signed commits are applied: sign it with git commit -S", who)
	case strings.HasPrefix(signature, sshArmor):
		signer, err = verifySSH(payload, signature, keys.AllowedSigners, c.Committer.When)
	case strings.HasPrefix(signature, "-----BEGIN PGP "):
		signer, err = verifyOpenPGP(c, payload, keys.OpenPGP)
	default:
		err = errors.New("its signature is neither of OpenPGP nor of SSH")
	}
	if err != nil {
		return "", fault(ErrUntrusted, err, "%s cannot be trusted: %s", who, err)
	}
	return signer, nil
}

// signed divides a commit into what was signed and the signature, which
// stands among its headers. See gitformat-signature(5).
func signed(raw []byte) (payload []byte, signature string, err error) {
	head, message, _ := bytes.Cut(raw, []byte("\n\n"))
	var kept bytes.Buffer
	var found strings.Builder
	count, inside := 0, false
	for line := range strings.Lines(string(head) + "\n") {
		text, begins := strings.CutPrefix(line, "gpgsig ")
		more, continues := strings.CutPrefix(line, " ")
		switch {
		case begins:
			count, inside = count+1, true
			found.WriteString(text)
		case inside && continues:
			found.WriteString(more)
		default:
			inside = false
			kept.WriteString(line)
		}
	}
	if count > 1 {
		return nil, "", errors.New("it has more than one signature")
	}
	kept.WriteByte('\n')
	kept.Write(message)
	return kept.Bytes(), found.String(), nil
}

// verifyOpenPGP tries each key.
func verifyOpenPGP(c *object.Commit, payload []byte, keys []string) (string, error) {
	// go-git checks what it reads of a commit, written anew. That must be
	// all there is.
	again := new(plumbing.MemoryObject)
	if err := c.EncodeWithoutSignature(again); err != nil {
		return "", fmt.Errorf("reading what was signed: %w", err)
	}
	if text, err := bytesOf(again); err != nil || !bytes.Equal(text, payload) {
		return "", errors.New("it is not written as Git writes commits")
	}
	outdated := ""
	for _, block := range armored(keys) {
		entity, err := c.Verify(block)
		if errors.Is(err, pgperrors.ErrKeyExpired) {
			entity, err = heldThen(block, payload, c.PGPSignature)
		}
		switch {
		case err == nil:
			return nameOf(entity), nil
		case errors.Is(err, pgperrors.ErrUnknownIssuer):
		case errors.Is(err, pgperrors.ErrKeyExpired): // another block may be the same key, renewed
			outdated = "the key of its OpenPGP signature has expired; export the renewed key and put it in the place of the old one"
		case errors.Is(err, pgperrors.ErrSignatureExpired):
			outdated = "its OpenPGP signature has expired, or the renewed key is to be exported and put in the place of the old one"
		default:
			return "", fmt.Errorf("its OpenPGP signature is not valid (%s)", plain(err.Error()))
		}
	}
	if outdated != "" {
		return "", errors.New(outdated)
	}
	return "", errors.New("its OpenPGP signature is by none of the given keys; if the signer may change the fleet, add the public key")
}

// heldThen judges a key that has expired since by the time of the signature,
// so that what was applied once can be applied again. It is for a key that was
// not revoked, which is looked at before. Whoever gets hold of a key that has
// expired can sign for a time when it had not, as with SSH's keys and
// valid-before: to take a key back, revoke it or leave it out.
func heldThen(block string, payload []byte, signature string) (*openpgp.Entity, error) {
	keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(block))
	if err != nil {
		return nil, err
	}
	when, err := signedAt(signature)
	if err != nil {
		return nil, err
	}
	then := &packet.Config{Time: func() time.Time { return when }}
	return openpgp.CheckArmoredDetachedSignature(keys, bytes.NewReader(payload), strings.NewReader(signature), then)
}

// signedAt is when a signature says that it was made; one that says itself
// until when it counts may not count any more.
func signedAt(signature string) (time.Time, error) {
	block, err := armor.Decode(strings.NewReader(signature))
	if err != nil {
		return time.Time{}, err
	}
	first, err := packet.Read(block.Body)
	if err != nil {
		return time.Time{}, err
	}
	s, ok := first.(*packet.Signature)
	switch {
	case !ok:
		return time.Time{}, errors.New("it begins with something else")
	case s.SigExpired(time.Now()):
		return time.Time{}, pgperrors.ErrSignatureExpired
	}
	return s.CreationTime, nil
}

// nameOf is the first user id by the alphabet.
func nameOf(key *openpgp.Entity) string {
	if names := slices.Sorted(maps.Keys(key.Identities)); len(names) > 0 {
		return plain(names[0])
	}
	return fmt.Sprintf("%X", key.PrimaryKey.Fingerprint)
}

// armored divides texts into blocks of keys, of which go-git reads one.
func armored(texts []string) []string {
	const begin, end = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
	var blocks []string
	for _, text := range texts {
		for {
			_, rest, found := strings.Cut(text, begin)
			if !found {
				break
			}
			var block string
			block, text, _ = strings.Cut(rest, end)
			blocks = append(blocks, begin+block+end+"\n")
		}
	}
	return blocks
}
