package main

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/schema"
)

// An apply that comes while another holds the lease changes nothing, says who
// that is, and exits with 3. Plans need no lease.
func TestApplyIsToldWhoHoldsTheLease(t *testing.T) {
	fleet, address := small(t)
	other := leaseOfServer(t, newTerminal(""))
	held, err := other.Acquire(t.Context(), lease.Holder{Who: "alice", Host: "build-7", Process: 4711, Commit: "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	apply := []string{"apply", fleet, "--yes", "--endpoint-url", address, "--speed", "1000"}
	term := newTerminal("")
	if status := term.run(t.Context(), apply); status != exitRefused {
		t.Errorf("status %d, want %d", status, exitRefused)
	}
	want := regexp.MustCompile(`linkfleet: fleet small is being applied by alice on build-7 \(process 4711\) since [-0-9]+ [0-9:]+ UTC with commit 0123456789ab, and only one may at a time; wait until it is done, or end it: its lock on .*/lease-small ends with it\n$`)
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

// leaseOfServer is the lease that runs of the repository take, with the same
// settings.
func leaseOfServer(t *testing.T, term *terminal) *lease.File {
	t.Helper()
	state, err := term.state("")
	if err != nil {
		t.Fatal(err)
	}
	run := &reconcile.Run{Fleet: &schema.Fleet{Name: "small"}}
	if err := term.takeLease(t.Context(), run, state, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return run.Lease.(*lease.File)
}

// What is done by hand and what a server does take turns, also in a state
// folder that the environment names.
func TestHandsAndServersShareTheLease(t *testing.T) {
	fleet, address := small(t)
	for name, state := range map[string]string{"the user's folder": "", "a folder of its own": filepath.Join(t.TempDir(), "state")} {
		term := newTerminal("")
		term.env[stateVariable] = state
		held, err := leaseOfServer(t, term).Acquire(t.Context(), lease.Holder{Who: "serve"})
		if err != nil {
			t.Fatal(err)
		}
		status := term.run(t.Context(), []string{"apply", fleet, "--yes", "--endpoint-url", address})
		if status != exitRefused || !strings.Contains(term.err.String(), "is being applied by serve") {
			t.Errorf("%s: beside a server apply ends with %d: %s", name, status, term.err)
		}
		if err := held.Release(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}
