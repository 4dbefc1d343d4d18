package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/lease"
)

// An apply that comes while another holds the lease changes nothing, says who
// that is, and exits with 3. Plans need no lease.
func TestApplyIsToldWhoHoldsTheLease(t *testing.T) {
	fleet, address := small(t)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	other := &lease.File{Fleet: "small", Path: filepath.Join(cache, "linkfleet", "small", "lease")}
	held, err := other.Acquire(t.Context(), lease.Holder{Who: "alice", Host: "build-7", Process: 4711, Commit: "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	apply := []string{"apply", fleet, "--yes", "--endpoint-url", address, "--speed", "1000"}
	term := newTerminal("")
	if status := term.run(t.Context(), apply); status != exitRefused {
		t.Errorf("status %d, want %d", status, exitRefused)
	}
	want := regexp.MustCompile(`linkfleet: fleet small is being applied by alice on build-7 \(process 4711\) since [-0-9]+ [0-9:]+ UTC with commit 0123456789ab, and only one may at a time; wait until it is done, or end it: its lock on .*/lease ends with it\n$`)
	if !want.MatchString(term.err.String()) {
		t.Errorf("standard error: %q", term.err)
	}
	if strings.Contains(term.out.String(), "Applied") {
		t.Errorf("standard output: %s", term.out)
	}
	term = newTerminal("")
	if status := term.run(t.Context(), []string{"plan", fleet, "--endpoint-url", address}); status != exitDone {
		t.Errorf("plan: status %d: %s", status, term.err)
	}
	if err := held.Release(context.Background()); err != nil {
		t.Fatal(err)
	}
	term = newTerminal("")
	if status := term.run(t.Context(), apply); status != exitDone {
		t.Errorf("after the release: status %d: %s", status, term.err)
	}
}
