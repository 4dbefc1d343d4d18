package gitsource_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// attempt opens and fetches main.
func attempt(t *testing.T, o gitsource.Options) error {
	t.Helper()
	o.Dir = t.TempDir()
	m, err := gitsource.Open(t.Context(), o)
	if err == nil {
		err = m.Fetch(t.Context(), "main")
	}
	return err
}

// silent is a port that nobody listens at.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestFailures(t *testing.T) {
	full, empty := gittest.New(t), gittest.New(t)
	full.Commit("main", "1", gittest.Files{"a": "1\n"})
	web, shell := full.HTTP(), full.SSH()
	emptyWeb, emptyShell := empty.HTTP(), empty.SSH()
	otherKey, _ := sshKey(t, "ed25519")
	locked := filepath.Join(t.TempDir(), "locked")
	run(t, nil, "ssh-keygen", "-q", "-N", "secret-phrase", "-f", locked, "-t", "ed25519")
	const wrong = "wrong-token"
	good := gitsource.Auth{KeyFile: shell.KeyFile, KnownHosts: shell.KnownHosts}
	token := gitsource.Auth{Token: gitsource.Secret(web.Token)}
	blank := filepath.Join(t.TempDir(), "blank")
	if err := os.WriteFile(blank, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer page.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }))
	defer broken.Close()
	forbidden := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }))
	defer forbidden.Close()
	with := func(url, userinfo string) string { return strings.Replace(url, "://", "://"+userinfo+"@", 1) }
	for _, tt := range []struct {
		name string
		o    gitsource.Options
		kind error
		say  string
	}{
		{"http, empty", gitsource.Options{URL: emptyWeb.URL, Auth: token}, gitsource.ErrEmpty, "is an empty repository: push a first commit"},
		{"ssh, empty", gitsource.Options{URL: emptyShell.URL, Auth: gitsource.Auth{KeyFile: emptyShell.KeyFile, KnownHosts: emptyShell.KnownHosts}}, gitsource.ErrEmpty, "is an empty repository"},
		{"folder, empty", gitsource.Options{URL: empty.Bare}, gitsource.ErrEmpty, "is an empty repository"},
		{"http, no token", gitsource.Options{URL: web.URL}, gitsource.ErrDenied, "asks for credentials: give a token"},
		{"http, wrong token", gitsource.Options{URL: web.URL, Auth: gitsource.Auth{Token: wrong}}, gitsource.ErrDenied, "does not accept the token"},
		{"http, wrong in the URL", gitsource.Options{URL: with(web.URL, "me:"+wrong)}, gitsource.ErrDenied, "does not accept the token"},
		{"http, other user in the URL", gitsource.Options{URL: with(web.URL, "me"), Auth: token}, gitsource.ErrDenied, "that its user name is right"},
		{"http, forbidden", gitsource.Options{URL: forbidden.URL + "/x.git", Auth: token}, gitsource.ErrDenied, "does not let the token read it"},
		{"http, no repository", gitsource.Options{URL: strings.Replace(web.URL, "fleet", "float", 1), Auth: token}, gitsource.ErrNoRepository, "there is no repository at http://127.0.0.1"},
		{"http, no Git", gitsource.Options{URL: page.URL + "/x"}, gitsource.ErrNoRepository, "does not answer as a Git server does"},
		{"http, broken", gitsource.Options{URL: broken.URL + "/x"}, gitsource.ErrUnreachable, "answers with HTTP status 502"},
		{"http, nobody", gitsource.Options{URL: with("http://"+silent(t)+"/x", "me:"+wrong)}, gitsource.ErrUnreachable, "cannot be reached (connect: connection refused)"},
		{"http, no name", gitsource.Options{URL: "https://nowhere.invalid/x"}, gitsource.ErrUnreachable, "cannot be reached"},
		{"http, elsewhere", gitsource.Options{URL: "http://git.example.com/x", Auth: gitsource.Auth{Token: wrong}}, nil, "use https://, or allow plain http"},
		{"ssh, other key", gitsource.Options{URL: shell.URL, Auth: gitsource.Auth{KeyFile: otherKey, KnownHosts: shell.KnownHosts}}, gitsource.ErrDenied, "does not accept the key: add its public part"},
		{"ssh, unknown host", gitsource.Options{URL: shell.URL, Auth: gitsource.Auth{KeyFile: shell.KeyFile, KnownHosts: blank}}, gitsource.ErrHostKey, "add it by ssh-keyscan -p "},
		{"ssh, other host key", gitsource.Options{URL: shell.URL, Auth: gitsource.Auth{KeyFile: shell.KeyFile, KnownHosts: otherHostKey(t, shell, emptyShell)}}, gitsource.ErrHostKey, "somebody may be in between"},
		{"ssh, no known_hosts", gitsource.Options{URL: shell.URL, Auth: gitsource.Auth{KeyFile: shell.KeyFile, KnownHosts: blank + "x"}}, nil, "reading the keys of known hosts"},
		{"ssh, no repository", gitsource.Options{URL: strings.Replace(shell.URL, "fleet", "float", 1), Auth: good}, gitsource.ErrNoRepository, "does not appear to be a git repository"},
		{"ssh, nobody", gitsource.Options{URL: "ssh://" + silent(t) + "/x", Auth: gitsource.Auth{KeyFile: shell.KeyFile, KnownHosts: blank}}, gitsource.ErrUnreachable, "cannot be reached"},
		{"ssh, no ssh", gitsource.Options{URL: strings.Replace(page.URL, "http", "ssh", 1) + "/x", Auth: gitsource.Auth{KeyFile: shell.KeyFile, KnownHosts: blank}}, gitsource.ErrUnreachable, "cannot be reached (it closes the connection)"},
		{"ssh, locked key", gitsource.Options{URL: shell.URL, Auth: gitsource.Auth{KeyFile: locked, KnownHosts: blank}}, nil, "it is encrypted; give its passphrase"},
		{"ssh, wrong passphrase", gitsource.Options{URL: shell.URL, Auth: gitsource.Auth{KeyFile: locked, KnownHosts: blank, Passphrase: wrong}}, nil, "its passphrase is wrong"},
		{"ssh, no key", gitsource.Options{URL: shell.URL, Auth: gitsource.Auth{KeyFile: blank, KnownHosts: blank}}, nil, "no private key in PEM form"},
		{"ssh, no key file", gitsource.Options{URL: shell.URL, Auth: gitsource.Auth{KeyFile: blank + "x", KnownHosts: blank}}, nil, "reading the ssh key"},
		{"ssh, password", gitsource.Options{URL: "ssh://me:" + wrong + "@host/x"}, nil, "give a key"},
		{"folder, none", gitsource.Options{URL: blank + "x"}, gitsource.ErrNoRepository, "is not a Git repository"},
		{"folder, no repository", gitsource.Options{URL: filepath.Dir(blank)}, gitsource.ErrNoRepository, "is not a Git repository"},
		{"no URL", gitsource.Options{}, nil, "the repository's URL is empty"},
		{"malformed", gitsource.Options{URL: "https://me:" + wrong + "@host:port/x"}, nil, "begins with https://, is malformed"},
		{"ftp", gitsource.Options{URL: "ftp://me:" + wrong + "@host/x"}, nil, "cannot be fetched by ftp://"},
		{"query", gitsource.Options{URL: "https://host/x?token=" + wrong}, nil, "has a query"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("SSH_AUTH_SOCK", "")
			err := attempt(t, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.say) || tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Fatalf("got %v; want %q", err, tt.say)
			}
			for _, secret := range []string{wrong, web.Token, "secret-phrase"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is more than a sentence: %v", err)
			}
		})
	}
}

// otherHostKey is a known_hosts file with one server's address and another's
// key.
func otherHostKey(t *testing.T, server, other gittest.SSH) string {
	t.Helper()
	read := func(s gittest.SSH) []string {
		text, err := os.ReadFile(s.KnownHosts)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(text))
	}
	name := filepath.Join(t.TempDir(), "known_hosts")
	line := read(server)[0] + " " + strings.Join(read(other)[1:], " ") + "\n"
	if err := os.WriteFile(name, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestKeysInAllForms(t *testing.T) {
	r := gittest.New(t)
	hash := r.Commit("main", "1", gittest.Files{"a": "1\n"})
	shell := r.SSH()
	text, err := os.ReadFile(shell.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	tool(t, "ssh-keygen")
	locked := filepath.Join(t.TempDir(), "locked")
	if err := os.WriteFile(locked, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, nil, "ssh-keygen", "-q", "-p", "-P", "", "-N", "phrase", "-f", locked)
	for name, auth := range map[string]gitsource.Auth{
		"file":       {KeyFile: shell.KeyFile},
		"passphrase": {KeyFile: locked, Passphrase: "phrase"},
	} {
		t.Run(name, func(t *testing.T) {
			auth.KnownHosts = shell.KnownHosts
			m := open(t, gitsource.Options{URL: shell.URL, Dir: t.TempDir(), Auth: auth})
			fetch(t, m, "main")
			at(t, m, "main", hash)
		})
	}
}

func TestAgent(t *testing.T) {
	tool(t, "ssh-agent")
	r := gittest.New(t)
	hash := r.Commit("main", "1", gittest.Files{"a": "1\n"})
	shell := r.SSH()
	o := gitsource.Options{URL: shell.URL, Dir: t.TempDir(), Auth: gitsource.Auth{KnownHosts: shell.KnownHosts}}
	t.Setenv("SSH_AUTH_SOCK", "")
	m := open(t, o)
	if err := m.Fetch(t.Context(), "main"); !errors.Is(err, gitsource.ErrDenied) || !strings.Contains(err.Error(), "start ssh-agent") {
		t.Errorf("got %v", err)
	}
	socket := startAgent(t)
	t.Setenv("SSH_AUTH_SOCK", socket)
	if err := m.Fetch(t.Context(), "main"); !errors.Is(err, gitsource.ErrDenied) || !strings.Contains(err.Error(), "ssh-add") {
		t.Errorf("got %v", err)
	}
	run(t, nil, "ssh-add", "-q", shell.KeyFile)
	fetch(t, m, "main")
	at(t, m, "main", hash)
}

// The user and token may stand in the URL, but never in what is shown.
func TestCredentialsInURL(t *testing.T) {
	r := gittest.New(t)
	hash := r.Commit("main", "1", gittest.Files{"a": "1\n"})
	web := r.HTTP()
	dir := t.TempDir()
	m := open(t, gitsource.Options{URL: strings.Replace(web.URL, "://", "://"+web.User+":"+web.Token+"@", 1), Dir: dir})
	fetch(t, m, "main")
	at(t, m, "main", hash)
	if m.URL() != web.URL {
		t.Errorf("the mirror is shown as of %s", m.URL())
	}
	without := open(t, gitsource.Options{URL: web.URL, Dir: dir})
	at(t, without, "main", hash)
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(path+string(text), web.Token) {
			t.Errorf("the token is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	auth := gitsource.Auth{Token: "abc-secret", Passphrase: "abc-secret"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, gitsource.Options{Auth: auth}); strings.Contains(text, "abc") || strings.Contains(text, "616263") {
			t.Errorf("%s shows %s", verb, text)
		}
	}
	if text, err := auth.Token.MarshalText(); string(text) != "***" || err != nil {
		t.Errorf("got %s, %v", text, err)
	}
}

// A server that stops in the middle leaves the mirror as it was.
func TestServerStopsInTheMiddle(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit("main", "1", gittest.Files{"a": "1\n"})
	web := r.HTTP()
	cut := false
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		to, err := http.NewRequestWithContext(q.Context(), q.Method, strings.TrimSuffix(web.URL, "/fleet.git")+q.URL.RequestURI(), q.Body)
		if err != nil {
			t.Error(err)
			return
		}
		to.Header, to.ContentLength = q.Header.Clone(), q.ContentLength
		answer, err := http.DefaultClient.Do(to)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		var from io.Reader = answer.Body
		if cut && q.Method == http.MethodPost {
			from = io.LimitReader(from, 150)
		}
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		_, _ = io.Copy(w, from)
	}))
	defer proxy.Close()
	m := open(t, gitsource.Options{URL: proxy.URL + "/fleet.git", Dir: t.TempDir(), Auth: gitsource.Auth{Token: gitsource.Secret(web.Token)}})
	fetch(t, m, "main")
	second := r.Commit("main", "2", gittest.Files{"b": strings.Repeat("all sorts of text\n", 100)})
	cut = true
	if err := m.Fetch(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "try again") {
		t.Errorf("got %v", err)
	}
	at(t, m, "main", first)
	cut = false
	fetch(t, m, "main")
	at(t, m, "main", second)
}

// A shallow clone, such as CI makes them, has not what a mirror is made of.
func TestShallowRepository(t *testing.T) {
	r := gittest.New(t)
	r.Commit("main", "1", gittest.Files{"a": "1\n"})
	head := r.Commit("main", "2", gittest.Files{"a": "2\n"})
	web, shell := r.HTTP(), r.SSH()
	for way, o := range map[string]gitsource.Options{
		"http":   {URL: web.URL, Auth: gitsource.Auth{Token: gitsource.Secret(web.Token)}},
		"ssh":    {URL: shell.URL, Auth: gitsource.Auth{KeyFile: shell.KeyFile, KnownHosts: shell.KnownHosts}},
		"folder": {URL: r.Bare},
	} {
		t.Run(way, func(t *testing.T) {
			short := filepath.Join(filepath.Dir(r.Bare), way+".git")
			r.Git("clone", "-q", "--bare", "--depth", "1", "file://"+r.Bare, short)
			o.URL, o.Dir = strings.Replace(o.URL, "fleet.git", way+".git", 1), t.TempDir()
			m := open(t, o)
			if err := m.Fetch(t.Context(), "main"); !errors.Is(err, gitsource.ErrShallow) || !strings.Contains(err.Error(), "complete it with git fetch --unshallow") {
				t.Errorf("got %v", err)
			}
			at(t, m, "main", "")
			r.Git("-C", short, "fetch", "-q", "--unshallow")
			fetch(t, m, "main")
			at(t, m, "main", head)
		})
	}
}
