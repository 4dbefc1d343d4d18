package gitsource

import (
	"fmt"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// An allowedSigner is a line of an allowed signers file.
type allowedSigner struct {
	names      string // separated by commas
	key        ssh.PublicKey
	namespaces string // patterns; empty: any
	// The key counts in between; zero: for ever.
	after, before time.Time
}

// parseAllowedSigners reads such a file. What it does not understand is an
// error, so that no restriction is lost.
func parseAllowedSigners(text string) ([]allowedSigner, error) {
	var all []allowedSigner
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		a, err := parseAllowedSigner(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of the allowed signers cannot be used: %w", number, err)
		}
		all = append(all, a)
	}
	return all, nil
}

func parseAllowedSigner(line string) (allowedSigner, error) {
	names, rest := firstWord(line)
	// What follows has the form of sshd's authorized_keys.
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return allowedSigner{}, fmt.Errorf("it is not of the form: names [options] kind-of-key key")
	}
	a := allowedSigner{names: names, key: key}
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			a.namespaces = value
		case "valid-after":
			a.after, err = parseKeyTime(value)
		case "valid-before":
			a.before, err = parseKeyTime(value)
		case "cert-authority":
			err = fmt.Errorf("certificate authorities are not supported; name each signer's own key")
		default:
			err = fmt.Errorf("the option %q is unknown", plain(name))
		}
		if err != nil {
			return allowedSigner{}, err
		}
	}
	return a, nil
}

// firstWord takes a word off a line; quotes may be around it.
func firstWord(line string) (word, rest string) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		word, rest, _ = strings.Cut(quoted, `"`)
		return word, rest
	}
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		return line, ""
	}
	return line[:end], line[end:]
}

// parseKeyTime reads YYYYMMDD[HHMM[SS]], in UTC with a Z behind it and in the
// local zone without, as ssh-keygen does.
func parseKeyTime(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) == len(layout) {
			if t, err := time.ParseInLocation(layout, digits, zone); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write it as YYYYMMDD or YYYYMMDDHHMMSS", plain(text))
}

// covers tells whether the key counts at a time.
func (a allowedSigner) covers(at time.Time) bool {
	return !at.Before(a.after) && (a.before.IsZero() || at.Before(a.before))
}

// hasNamespace holds a namespace against the patterns, of which one with an
// exclamation mark excludes.
func (a allowedSigner) hasNamespace(name string) bool {
	if a.namespaces == "" {
		return true
	}
	has := false
	for pattern := range strings.SplitSeq(a.namespaces, ",") {
		wanted, not := strings.CutPrefix(pattern, "!")
		if matched, err := path.Match(wanted, name); err != nil || !matched {
			continue
		}
		if not {
			return false
		}
		has = true
	}
	return has
}
