package gitsource_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// An agent may wait for somebody to unlock it.
func TestAgentThatDoesNotAnswer(t *testing.T) {
	r := gittest.New(t)
	r.Commit("main", "1", gittest.Files{"a": "1\n"})
	shell := r.SSH()
	dir, err := os.MkdirTemp("", "agent") // a short path, as sockets need
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("SSH_AUTH_SOCK", socket)
	m := open(t, gitsource.Options{URL: shell.URL, Dir: t.TempDir(), Auth: gitsource.Auth{KnownHosts: shell.KnownHosts}})
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1))
			cancel(enough)
		}
	}()
	if err := m.Fetch(ctx, "main"); !errors.Is(err, enough) || err.Error() != "connecting to "+m.URL()+": enough" {
		t.Errorf("got %v", err)
	}
}

// oddServer serves one connection by ssh, and lets anybody in.
func oddServer(t *testing.T, serve func(<-chan ssh.NewChannel)) gitsource.Options {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		config := &ssh.ServerConfig{NoClientAuth: true}
		config.AddHostKey(key)
		if _, channels, requests, err := ssh.NewServerConn(conn, config); err == nil {
			go ssh.DiscardRequests(requests)
			serve(channels)
		}
	}()
	known := filepath.Join(t.TempDir(), "known_hosts")
	line := knownhosts.Line([]string{knownhosts.Normalize(l.Addr().String())}, key.PublicKey())
	if err := os.WriteFile(known, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	mine, _ := sshKey(t, "ed25519")
	return gitsource.Options{URL: "ssh://" + l.Addr().String() + "/x", Dir: t.TempDir(), Auth: gitsource.Auth{KeyFile: mine, KnownHosts: known}}
}

// A server may let one in and then say nothing.
func TestServerThatDoesNotAnswer(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	m := open(t, oddServer(t, func(channels <-chan ssh.NewChannel) {
		<-channels
		cancel(enough)
		<-channels // until the client leaves
	}))
	if err := m.Fetch(ctx, "main"); !errors.Is(err, enough) || err.Error() != "connecting to "+m.URL()+": enough" {
		t.Errorf("got %v", err)
	}
}

// A server that is none of Git may say why only at the end, which it reaches
// when nobody types any more.
func TestServerThatExplainsItselfLate(t *testing.T) {
	m := open(t, oddServer(t, func(channels <-chan ssh.NewChannel) {
		stream, asked, err := (<-channels).Accept()
		if err != nil {
			t.Error(err)
			return
		}
		_ = (<-asked).Reply(true, nil)
		_, _ = io.WriteString(stream, "Welcome!\n")
		_, _ = io.Copy(io.Discard, stream)
		_, _ = io.WriteString(stream.Stderr(), "this account is for mail\n")
		_, _ = stream.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{1}))
		_ = stream.Close()
		<-channels // until the client leaves
	}))
	if err := m.Fetch(t.Context(), "main"); !errors.Is(err, gitsource.ErrNoRepository) || !strings.Contains(err.Error(), "the server says: this account is for mail") {
		t.Errorf("got %v", err)
	}
}

// accepts is an address where connections are taken and nothing is said.
func accepts(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return l.Addr().String()
}

// Whoever waits has no end in mind: a fetch that hangs would hold up all runs.
func TestFetchEndsByItself(t *testing.T) {
	r := gittest.New(t)
	r.Commit("main", "1", gittest.Files{"a": "1\n"})
	shell := r.SSH()
	for name, o := range map[string]gitsource.Options{
		"http that says nothing":           {URL: "http://" + accepts(t) + "/x.git"},
		"ssh that says nothing":            {URL: "ssh://" + accepts(t) + "/x.git", Auth: gitsource.Auth{KeyFile: shell.KeyFile, KnownHosts: shell.KnownHosts}},
		"ssh that says nothing after that": oddServer(t, func(channels <-chan ssh.NewChannel) { <-channels; <-channels }),
		"http that sends no end":           {URL: endless(t) + "/x.git"},
	} {
		t.Run(name, func(t *testing.T) {
			o.Dir, o.Patience = t.TempDir(), 500*time.Millisecond
			m := open(t, o)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := m.Fetch(ctx, "main")
			if ctx.Err() != nil || !errors.Is(err, gitsource.ErrUnreachable) || !strings.Contains(err.Error(), "it took longer than 500ms") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// endless serves refs, and then a pack that never ends.
func endless(t *testing.T) string {
	t.Helper()
	r := gittest.New(t)
	r.Commit("main", "1", gittest.Files{"a": "1\n"})
	web := r.HTTP()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			_, _ = io.WriteString(w, "0008NAK\n")
			_ = http.NewResponseController(w).Flush()
			<-q.Context().Done()
			return
		}
		to, err := http.NewRequestWithContext(q.Context(), q.Method, strings.TrimSuffix(web.URL, "/fleet.git")+strings.Replace(q.URL.RequestURI(), "x.git", "fleet.git", 1), nil)
		if err != nil {
			t.Error(err)
			return
		}
		to.SetBasicAuth(web.User, web.Token)
		answer, err := http.DefaultClient.Do(to)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		_, _ = io.Copy(w, answer.Body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
