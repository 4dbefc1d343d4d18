// Package gittest is for tests: repositories made by the real git program,
// and real servers for them on the loopback interface. Nothing of the program
// imports it.
package gittest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A Repo is a repository as a forge has it, and a clone to work on it. Each
// commit's time is a minute after the one before, so that the same steps
// give the same hashes.
type Repo struct {
	t testing.TB
	// Bare is the folder of the forge's side, and Work that of the clone.
	Bare, Work string

	clock time.Time
	home  string
}

// need skips the test where there is no git program.
func need(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skipf("git is not installed, and this test holds our work against its: %v", err)
	}
}

// New makes a repository without commits, whose branch is main.
func New(t testing.TB) *Repo {
	t.Helper()
	need(t)
	dir := t.TempDir()
	r := &Repo{
		t: t, home: dir,
		Bare:  filepath.Join(dir, "forge", "fleet.git"),
		Work:  filepath.Join(dir, "work"),
		clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	r.run(dir, "init", "-q", "--bare", "-b", "main", r.Bare)
	r.run(r.Bare, "config", "http.receivepack", "true")
	r.run(r.Bare, "config", "uploadpack.allowReachableSHA1InWant", "true")
	r.run(dir, "init", "-q", "-b", "main", r.Work)
	r.run(r.Work, "remote", "add", "origin", r.Bare)
	return r
}

// Git runs git in the clone and returns what it prints, trimmed. A failure
// ends the test.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	return r.run(r.Work, args...)
}

// Try is Git for what may fail.
func (r *Repo) Try(args ...string) (string, error) { return r.try(r.Work, args...) }

func (r *Repo) run(dir string, args ...string) string {
	r.t.Helper()
	out, err := r.try(dir, args...)
	if err != nil {
		r.t.Fatalf("git %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (r *Repo) try(dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir, cmd.Env = dir, r.env()
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	if err := cmd.Run(); err != nil {
		return strings.TrimSpace(out.String()), fmt.Errorf("%w\n%s%s", err, &out, &told)
	}
	return strings.TrimSpace(out.String()), nil
}

// env lets nothing of the machine's settings in.
func (r *Repo) env() []string {
	when := fmt.Sprintf("%d +0000", r.clock.Unix())
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.home, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_AUTHOR_DATE=" + when,
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "GIT_COMMITTER_DATE=" + when,
	}
}

// Files are the files of a commit that are new or changed, by their paths.
type Files map[string]string

// Commit commits files to a branch, on top of what is there, and pushes it.
// A branch that is not there yet begins where the clone is. It returns the
// commit's hash.
func (r *Repo) Commit(branch, message string, files Files) string {
	r.t.Helper()
	r.Checkout(branch)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		r.Write(name, files[name])
	}
	return r.push(branch, message)
}

// Remove commits to a branch that files are gone, and pushes it.
func (r *Repo) Remove(branch, message string, names ...string) string {
	r.t.Helper()
	r.Checkout(branch)
	r.Git(append([]string{"rm", "-rq", "--"}, names...)...)
	return r.push(branch, message)
}

// Write writes a file of the clone.
func (r *Repo) Write(name, text string) {
	r.t.Helper()
	full := filepath.Join(r.Work, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(full), 0o777)
	if err == nil {
		err = os.WriteFile(full, []byte(text), 0o666)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// Record commits all that the clone's folder holds, without pushing it.
func (r *Repo) Record(message string, options ...string) string {
	r.t.Helper()
	r.clock = r.clock.Add(time.Minute)
	r.Git("add", "-A")
	r.Git(append([]string{"commit", "-q", "--allow-empty", "-m", message}, options...)...)
	return r.Git("rev-parse", "HEAD")
}

func (r *Repo) push(branch, message string) string {
	r.t.Helper()
	hash := r.Record(message)
	r.Git("push", "-q", "--force", "origin", branch)
	return hash
}

// Checkout puts the clone on a branch, and begins it if it is not there.
func (r *Repo) Checkout(branch string) {
	r.t.Helper()
	if r.Git("symbolic-ref", "--short", "HEAD") == branch {
		return
	}
	if _, err := r.Try("checkout", "-q", branch); err != nil {
		r.Git("checkout", "-q", "-b", branch)
	}
}

// Merge merges a branch into another by a merge commit, and pushes it, as
// the button of a forge does. It returns the commit's hash.
func (r *Repo) Merge(into, branch string) string {
	r.t.Helper()
	r.Checkout(into)
	r.clock = r.clock.Add(time.Minute)
	r.Git("merge", "-q", "--no-ff", "-m", "Merge "+branch, branch)
	r.Git("push", "-q", "origin", into)
	return r.Git("rev-parse", "HEAD")
}

// Reset moves a branch, by force, to a commit.
func (r *Repo) Reset(branch, to string) {
	r.t.Helper()
	r.Checkout(branch)
	r.Git("reset", "-q", "--hard", to)
	r.Git("push", "-q", "--force", "origin", branch)
}

// DeleteBranch deletes a branch of the forge's side.
func (r *Repo) DeleteBranch(branch string) {
	r.t.Helper()
	r.run(r.Bare, "branch", "-D", branch)
}

// SetRef makes a ref of the forge's side, such as refs/pull/7/head, whose
// commit has been pushed.
func (r *Repo) SetRef(ref, hash string) {
	r.t.Helper()
	r.run(r.Bare, "update-ref", ref, hash)
}
