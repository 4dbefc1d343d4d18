package gitsource_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// tool skips the test where a program is missing.
func tool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed, and this test checks what it signs: %v", name, err)
	}
}

// run runs a program and returns what it prints.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// sshKey makes a key and returns its file and its public half.
func sshKey(t *testing.T, kind ...string) (file, public string) {
	t.Helper()
	tool(t, "ssh-keygen")
	file = filepath.Join(t.TempDir(), "key")
	run(t, nil, "ssh-keygen", append([]string{"-q", "-N", "", "-C", "tests", "-f", file, "-t"}, kind...)...)
	text, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return file, strings.TrimSpace(string(text))
}

// sign commits what the clone has, signed, and gives it to a mirror.
func sign(t *testing.T, r *gittest.Repo, settings ...string) (*gitsource.Mirror, string) {
	t.Helper()
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		r.Git("config", name, value)
	}
	r.Write("a.cue", "package fleet\n")
	hash := r.Record("Signed\n\nwith a body\n", "-S")
	m := open(t, gitsource.Options{URL: r.Work, Dir: t.TempDir()})
	fetch(t, m, "main")
	return m, hash
}

// refuses checks that a commit is not trusted, and what is said.
func refuses(t *testing.T, m *gitsource.Mirror, hash string, keys gitsource.Keys, say string) {
	t.Helper()
	who, err := m.Verify(hash, keys)
	if !errors.Is(err, gitsource.ErrUntrusted) || !strings.Contains(err.Error(), say) || !strings.Contains(err.Error(), hash[:12]) {
		t.Errorf("signed by %q, %v; want an error that says %q", who, err, say)
	}
}

func TestSignedBySSH(t *testing.T) {
	for _, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		t.Run(kind, func(t *testing.T) {
			file, public := sshKey(t, kind)
			_, other := sshKey(t, "ed25519")
			m, hash := sign(t, gittest.New(t), "gpg.format=ssh", "user.signingkey="+file)
			for _, line := range []string{
				"ada@example.com " + public,
				"# a comment\n\n" + "bob@example.com " + other + "\nada@example.com " + public + "\n",
				`ada@example.com namespaces="git,file" ` + public,
				`ada@example.com valid-after="20250101Z",valid-before="20270101Z" ` + public,
				`"ada@example.com" namespaces="g*" ` + public,
			} {
				if who, err := m.Verify(hash, gitsource.Keys{AllowedSigners: line}); err != nil || who != "ada@example.com" {
					t.Errorf("%s: got %q, %v", line, who, err)
				}
			}
			for line, say := range map[string]string{
				"":                                             "none of the allowed signers",
				"bob@example.com " + other:                     "none of the allowed signers",
				"a namespaces=\"file\" " + public:              "not for git",
				"a namespaces=\"*,!git\" " + public:            "not for git",
				"a valid-before=\"20251231Z\" " + public:       "not at the commit's time",
				"a valid-after=\"20270101\" " + public:         "not at the commit's time",
				"a valid-after=\"soon\" " + public:             `line 1 of the allowed signers cannot be used: "soon" is no time`,
				"a cert-authority " + public:                   "certificate authorities are not supported",
				"a verified-by=\"me\" " + public:               `the option "verified-by" is unknown`,
				"ada@example.com":                              "names [options]",
				"bob@example.com " + other + "\nx ssh-rsa AAA": "line 2",
			} {
				refuses(t, m, hash, gitsource.Keys{AllowedSigners: line}, say)
			}
		})
	}
}

func TestUnsigned(t *testing.T) {
	_, public := sshKey(t, "ed25519")
	r := gittest.New(t)
	hash := r.Commit("main", "1", gittest.Files{"a": "1\n"})
	m := open(t, gitsource.Options{URL: r.Bare, Dir: t.TempDir()})
	fetch(t, m, "main")
	refuses(t, m, hash, gitsource.Keys{AllowedSigners: "ada " + public}, "is not signed")
}

// TestTampered signs commits and changes them afterwards.
func TestTampered(t *testing.T) {
	file, public := sshKey(t, "ed25519")
	r := gittest.New(t)
	m, hash := sign(t, r, "gpg.format=ssh", "user.signingkey="+file)
	keys := gitsource.Keys{AllowedSigners: "ada " + public}
	if _, err := m.Verify(hash, keys); err != nil {
		t.Fatal(err)
	}
	raw := r.Git("cat-file", "commit", hash) + "\n"
	begin := strings.Index(raw, "gpgsig ")
	end := strings.Index(raw, " -----END SSH SIGNATURE-----\n") + len(" -----END SSH SIGNATURE-----\n")
	signature := raw[begin:end]
	for _, tt := range []struct{ name, text, say string }{
		{"message", strings.Replace(raw, "with a body", "with another body", 1), "does not fit"},
		{"header added", strings.Replace(raw, "gpgsig ", "parent "+hash+"\ngpgsig ", 1), "does not fit"},
		{"two signatures", strings.Replace(raw, signature, signature+signature, 1), "more than one signature"},
		{"no armor", strings.Replace(raw, "BEGIN SSH SIGNATURE", "BEGIN SOME SIGNATURE", 1), "neither of OpenPGP nor of SSH"},
		{"cut off", raw[:begin] + "gpgsig -----BEGIN SSH SIGNATURE-----\n U1NIU0lH\n -----END SSH SIGNATURE-----\n" + raw[end:], "malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "commit")
			if err := os.WriteFile(name, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			forged := r.Git("hash-object", "-t", "commit", "--literally", "-w", name)
			r.Git("update-ref", "refs/heads/forged", forged)
			fetch(t, m, "forged")
			refuses(t, m, forged, keys, tt.say)
		})
	}
}

// A signature for another purpose is none for Git.
func TestSignedForSomethingElse(t *testing.T) {
	file, public := sshKey(t, "ed25519")
	r := gittest.New(t)
	r.Write("a.cue", "package fleet\n")
	hash := r.Record("Unsigned")
	raw := r.Git("cat-file", "commit", hash) + "\n"
	text := filepath.Join(t.TempDir(), "commit")
	if err := os.WriteFile(text, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, nil, "ssh-keygen", "-Y", "sign", "-f", file, "-n", "file", text)
	signature, err := os.ReadFile(text + ".sig")
	if err != nil {
		t.Fatal(err)
	}
	header := "gpgsig " + strings.ReplaceAll(strings.TrimSpace(string(signature)), "\n", "\n ") + "\n"
	forged := strings.Replace(raw, "\n\n", "\n"+header+"\n", 1)
	if err := os.WriteFile(text, []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	at := r.Git("hash-object", "-t", "commit", "-w", text)
	r.Git("update-ref", "refs/heads/forged", at)
	m := open(t, gitsource.Options{URL: r.Work, Dir: t.TempDir()})
	fetch(t, m, "forged")
	refuses(t, m, at, gitsource.Keys{AllowedSigners: "ada " + public}, `is for "file" and not for git`)
}

// A gpg has keys of its own, and a clock that tests set.
type gpg struct {
	*testing.T
	home string
}

func newGPG(t *testing.T) *gpg {
	t.Helper()
	tool(t, "gpg")
	home, err := os.MkdirTemp("", "gpg") // a short path: gpg's sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() // as far as it runs
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	return &gpg{t, home}
}

// at runs gpg at a time.
func (g *gpg) at(when string, args ...string) string {
	g.Helper()
	return run(g.T, []string{"GNUPGHOME=" + g.home}, "gpg", append([]string{"--batch", "-q", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", "--faked-system-time", when + "!"}, args...)...)
}

func (g *gpg) export(name string) string {
	g.Helper()
	return g.at("20260102T000000", "--armor", "--export", name)
}

// signer is a program that signs as git asks it to, at a time.
func (g *gpg) signer(when string) string {
	g.Helper()
	program := filepath.Join(g.home, "sign"+when)
	script := "#!/bin/sh\nexec gpg --homedir '" + g.home + "' --batch -q --faked-system-time " + when + "! \"$@\"\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		g.Fatal(err)
	}
	return program
}

// Who signed while the key held, signed for good, as with SSH's keys. Whoever
// does so later, or with a key that was taken back, does not.
func TestSignedByKeysThatExpire(t *testing.T) {
	g := newGPG(t)
	const name = "Ada <ada@example.com>"
	g.at("20251201T000000", "--quick-gen-key", name, "ed25519", "sign", "2026-02-01")
	expiring := g.export(name)
	r := gittest.New(t)
	m, early := sign(t, r, "gpg.program="+g.signer("20260102T000000"), "user.signingkey="+name)
	if who, err := m.Verify(early, gitsource.Keys{OpenPGP: []string{expiring}}); err != nil || who != name {
		t.Errorf("signed in its time: %q, %v", who, err)
	}
	g.at("20260201T000000", "--quick-set-expire", strings.TrimSpace(g.fingerprint(name)), "0")
	renewed := g.export(name)
	r.Git("config", "gpg.program", g.signer("20260301T000000"))
	late := r.Record("Signed late", "-S", "--allow-empty")
	fetch(t, m, "main")
	refuses(t, m, late, gitsource.Keys{OpenPGP: []string{expiring}}, "the key of its OpenPGP signature has expired; export the renewed key")
	for _, keys := range [][]string{{renewed}, {expiring, renewed}, {expiring + "\n" + renewed}, {renewed, expiring}} {
		if who, err := m.Verify(late, gitsource.Keys{OpenPGP: keys}); err != nil || who != name {
			t.Errorf("with a key that was renewed: %q, %v", who, err)
		}
	}
	revocation := filepath.Join(g.home, "openpgp-revocs.d", strings.TrimSpace(g.fingerprint(name))+".rev")
	text, err := os.ReadFile(revocation)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(revocation, []byte(strings.Replace(string(text), "\n:-----BEGIN", "\n-----BEGIN", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	g.at("20260302T000000", "--import", revocation)
	for _, hash := range []string{early, late} {
		refuses(t, m, hash, gitsource.Keys{OpenPGP: []string{g.export(name)}}, "revoked")
	}
}

func (g *gpg) fingerprint(name string) string {
	g.Helper()
	for line := range strings.Lines(g.at("20260102T000000", "--with-colons", "--fingerprint", name)) {
		if rest, ok := strings.CutPrefix(line, "fpr:"); ok {
			return strings.Trim(rest, ":\n")
		}
	}
	g.Fatal("no fingerprint")
	return ""
}

func TestSignedByOpenPGP(t *testing.T) {
	g := newGPG(t)
	made := func(name string) string {
		g.at("20251201T000000", "--quick-gen-key", name, "ed25519", "sign", "never")
		return g.export(name)
	}
	ada, bob := made("Ada <ada@example.com>"), made("Bob <bob@example.com>")
	r := gittest.New(t)
	m, hash := sign(t, r, "gpg.program="+g.signer("20260102T000000"), "user.signingkey=Ada <ada@example.com>")
	for _, keys := range []gitsource.Keys{{OpenPGP: []string{ada}}, {OpenPGP: []string{bob, ada}}, {OpenPGP: []string{bob + "\n" + ada}}} {
		if who, err := m.Verify(hash, keys); err != nil || who != "Ada <ada@example.com>" {
			t.Errorf("got %q, %v", who, err)
		}
	}
	refuses(t, m, hash, gitsource.Keys{OpenPGP: []string{bob}}, "by none of the given keys")
	refuses(t, m, hash, gitsource.Keys{}, "by none of the given keys")
	_, public := sshKey(t, "ed25519")
	refuses(t, m, hash, gitsource.Keys{AllowedSigners: "ada " + public}, "by none of the given keys")
	name := filepath.Join(t.TempDir(), "commit")
	for change, say := range map[string]string{"Signed": "not valid", "\ncommitter": "not"} {
		text := strings.Replace(r.Git("cat-file", "commit", hash)+"\n", change, map[string]string{"Signed": "Forged", "\ncommitter": "\nsome thing\ncommitter"}[change], 1)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		forged := r.Git("hash-object", "-t", "commit", "--literally", "-w", name)
		r.Git("update-ref", "refs/heads/forged", forged)
		fetch(t, m, "forged")
		refuses(t, m, forged, gitsource.Keys{OpenPGP: []string{ada}}, say)
	}
}
