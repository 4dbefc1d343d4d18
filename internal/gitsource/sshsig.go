package gitsource

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

const sshArmor = "-----BEGIN SSH SIGNATURE-----"

// sshMagic begins a signature, and what is signed.
const sshMagic = "SSHSIG"

// gitNamespace keeps signatures for other purposes from counting here.
const gitNamespace = "git"

// An sshSignature is what OpenSSH's PROTOCOL.sshsig describes, behind the
// magic.
type sshSignature struct {
	Version   uint32
	PublicKey []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
}

// verifySSH checks that payload is signed by a key that was allowed at a
// time, and says whose it is.
func verifySSH(payload []byte, armor, allowedSigners string, at time.Time) (string, error) {
	allowed, err := parseAllowedSigners(allowedSigners)
	if err != nil {
		return "", err
	}
	sig, key, err := parseSSHSignature(armor)
	if err != nil {
		return "", err
	}
	if sig.Namespace != gitNamespace {
		return "", fmt.Errorf("its SSH signature is for %q and not for git", plain(sig.Namespace))
	}
	if err := sig.verify(key, payload); err != nil {
		return "", err
	}
	return whose(allowed, key, at)
}

func parseSSHSignature(armor string) (*sshSignature, ssh.PublicKey, error) {
	malformed := errors.New("its SSH signature is malformed")
	block, _ := pem.Decode([]byte(armor))
	if block == nil {
		return nil, nil, malformed
	}
	binary, ok := bytes.CutPrefix(block.Bytes, []byte(sshMagic))
	sig := new(sshSignature)
	if !ok || ssh.Unmarshal(binary, sig) != nil || sig.Version != 1 {
		return nil, nil, malformed
	}
	key, err := ssh.ParsePublicKey(sig.PublicKey)
	if err != nil {
		return nil, nil, fmt.Errorf("the key of its SSH signature is of an unknown kind (%s)", plain(err.Error()))
	}
	return sig, key, nil
}

// verify checks the signature, whoever's key it is.
func (s *sshSignature) verify(key ssh.PublicKey, payload []byte) error {
	var digest []byte
	switch s.Hash {
	case "sha256":
		sum := sha256.Sum256(payload)
		digest = sum[:]
	case "sha512":
		sum := sha512.Sum512(payload)
		digest = sum[:]
	default:
		return fmt.Errorf("its SSH signature is by the hash %q, which does not count", plain(s.Hash))
	}
	proof := new(ssh.Signature)
	if ssh.Unmarshal(s.Signature, proof) != nil {
		return errors.New("its SSH signature is malformed")
	}
	if proof.Format == ssh.KeyAlgoRSA { // over SHA-1
		return errors.New("its SSH signature is by ssh-rsa with SHA-1, which does not count")
	}
	signed := ssh.Marshal(struct{ Namespace, Reserved, Hash, Digest string }{s.Namespace, s.Reserved, s.Hash, string(digest)})
	if key.Verify(append([]byte(sshMagic), signed...), proof) != nil {
		return errors.New("its SSH signature does not fit: the commit is not as it was signed")
	}
	return nil
}

// whose finds a key among the allowed ones.
func whose(allowed []allowedSigner, key ssh.PublicKey, at time.Time) (string, error) {
	outside := false
	for _, a := range allowed {
		switch {
		case !bytes.Equal(a.key.Marshal(), key.Marshal()):
		case !a.covers(at) || !a.hasNamespace(gitNamespace):
			outside = true
		default:
			return plain(strings.ReplaceAll(a.names, ",", ", ")), nil
		}
	}
	if outside {
		return "", fmt.Errorf("its SSH key %s is allowed, but not for git or not at the commit's time", ssh.FingerprintSHA256(key))
	}
	return "", fmt.Errorf("its SSH key %s is none of the allowed signers; if the signer may change the fleet, add the key", ssh.FingerprintSHA256(key))
}
