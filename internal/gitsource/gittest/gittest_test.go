package gittest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

func TestHistory(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit("main", "first", gittest.Files{"a": "1\n", "b/c": "2\n"})
	side := r.Commit("side", "side", gittest.Files{"d": "3\n"})
	r.Remove("main", "second", "b/c")
	merged := r.Merge("main", "side")
	r.SetRef("refs/pull/1/head", side)
	for ref, want := range map[string]string{"main": merged, "side": side, "main~2": first, "refs/pull/1/head": side} {
		if got := r.Git("--git-dir", r.Bare, "rev-parse", ref); got != want {
			t.Errorf("%s is %s; want %s", ref, got, want)
		}
	}
	if got := r.Git("--git-dir", r.Bare, "ls-tree", "-r", "--name-only", "main"); got != "a\nd" {
		t.Errorf("main has %q", got)
	}
	r.Reset("main", first)
	r.DeleteBranch("side")
	if got := r.Git("--git-dir", r.Bare, "for-each-ref", "--format=%(refname)"); got != "refs/heads/main\nrefs/pull/1/head" {
		t.Errorf("there are %q", got)
	}
}

// The same steps make the same commits.
func TestHashesAreTheSame(t *testing.T) {
	made := func() string { return gittest.New(t).Commit("main", "first", gittest.Files{"a": "1\n"}) }
	if a, b := made(), made(); a != b {
		t.Errorf("got %s and %s", a, b)
	}
}

// git itself clones from both servers and pushes to them.
func TestPush(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip(err)
	}
	r := gittest.New(t)
	r.Commit("main", "first", gittest.Files{"a": "1\n"})
	web, shell := r.HTTP(), r.SSH()
	for way, url := range map[string]string{
		"http": strings.Replace(web.URL, "://", "://"+web.User+":"+web.Token+"@", 1),
		"ssh":  shell.URL,
	} {
		r.Git("config", "core.sshCommand", "ssh -F none -i "+shell.KeyFile+" -o UserKnownHostsFile="+shell.KnownHosts)
		clone := filepath.Join(t.TempDir(), "clone")
		r.Git("clone", "-q", url, clone, "-c", "core.sshCommand="+r.Git("config", "core.sshCommand"))
		if text, err := os.ReadFile(filepath.Join(clone, "a")); string(text) != "1\n" {
			t.Errorf("%s: got %q, %v", way, text, err)
		}
		r.Git("push", "-q", url, "HEAD:refs/heads/by-"+way)
		r.Git("--git-dir", r.Bare, "rev-parse", "refs/heads/by-"+way)
		if out, err := r.Try("ls-remote", strings.Replace(url, "fleet", "float", 1)); err == nil {
			t.Errorf("%s: there is another repository: %s", way, out)
		}
	}
	if out, err := r.Try("ls-remote", web.URL); err == nil {
		t.Errorf("nobody in particular may read: %s", out)
	}
}
