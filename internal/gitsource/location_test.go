package gitsource

import (
	"strings"
	"testing"
)

func TestLocation(t *testing.T) {
	for text, want := range map[string]string{
		"https://github.com/acme/fleet.git":            "https://github.com/acme/fleet.git",
		"https://me:secret@github.com/acme/fleet":      "https://github.com/acme/fleet",
		"HTTPS://github.com:8443/acme/fleet":           "https://github.com:8443/acme/fleet",
		"https://[::1]:8443/acme/fleet":                "https://[::1]:8443/acme/fleet",
		"https://[::1]/acme/fleet":                     "https://[::1]/acme/fleet",
		"ssh://git@gitlab.example.com:2222/acme/f.git": "ssh://git@gitlab.example.com:2222/acme/f.git",
		"ssh://gitlab.example.com/acme/fleet":          "ssh://git@gitlab.example.com/acme/fleet",
		"ssh://me@host/~you/fleet":                     "me@host:~you/fleet",
		"git+ssh://deploy@host/acme/fleet":             "ssh://deploy@host/acme/fleet",
		"git@github.com:acme/fleet.git":                "git@github.com:acme/fleet.git",
		"github.com:acme/fleet.git":                    "git@github.com:acme/fleet.git",
		"git@host:/srv/fleet.git":                      "ssh://git@host/srv/fleet.git",
		"file:///srv/fleet.git":                        "/srv/fleet.git",
		"/srv/../srv/fleet.git":                        "/srv/fleet.git",
		"/srv/with:colon":                              "/srv/with:colon",
	} {
		got, err := parseLocation(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestLocationsThatAreNone(t *testing.T) {
	for _, text := range []string{"", "https://", "https://host", "https://host/", "ssh:///path", "git://host/x", "ftp://h/x", "https://h/x#y", "ssh://-oProxyCommand=x/y", "://x"} {
		if got, err := parseLocation(text); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}

// Mirrors of different repositories are different folders, and credentials
// make no difference.
func TestMirrorFolder(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{
		"https://github.com/acme/fleet", "https://github.com/acme/fleet.git", "https://github.com/acme-fleet", "https://github.com:444/acme/fleet",
		"http://github.com/acme/fleet", "ssh://github.com/acme/fleet", "ssh://me@github.com/acme/fleet", "github.com:acme/fleet", "/acme/fleet", "https://h/../../x",
		"https://h/" + strings.Repeat("long/", 100), "https://github.com/ACME/fleet",
	} {
		l, err := parseLocation(text)
		if err != nil {
			t.Fatal(err)
		}
		folder := l.folder()
		if other, there := seen[folder]; there {
			t.Errorf("%s and %s share %s", text, other, folder)
		}
		seen[folder] = text
		if strings.ContainsAny(folder, `/\:`) || strings.HasPrefix(folder, ".") || len(folder) > 100 {
			t.Errorf("%s has the folder %q", text, folder)
		}
	}
	plain, err := parseLocation("https://github.com/acme/fleet")
	if err != nil {
		t.Fatal(err)
	}
	with, err := parseLocation("https://me:secret@github.com/acme/fleet")
	if err != nil || plain.folder() != with.folder() {
		t.Errorf("got %s and %s, %v", plain.folder(), with.folder(), err)
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "example.com": false, "10.0.0.1": false, "localhost.example.com": false} {
		if got := (location{host: host}).loopback(); got != want {
			t.Errorf("%s: got %v", host, got)
		}
	}
}

func TestPlainText(t *testing.T) {
	for text, want := range map[string]string{
		"one line":                  "one line",
		" a\n\tb\x1b[31mred\x00":    "a b [31mred",
		"bad \xff utf8":             "bad ? utf8",
		strings.Repeat("ü", 300):    strings.Repeat("ü", 200) + "…",
		"right\u202eleft\u200bzero": "right left zero",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestShellQuoted(t *testing.T) {
	for text, want := range map[string]string{"/a b": "'/a b'", "it's": `'it'\''s'`, "a!b": `'a'\!'b'`, "$(x)`y`": "'$(x)`y`'"} {
		if got := shellQuoted(text); got != want {
			t.Errorf("%q: got %s; want %s", text, got, want)
		}
	}
}
