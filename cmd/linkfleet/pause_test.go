package main

import (
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// stateOf is a state folder in which a fleet was rolled out once.
func stateOf(t *testing.T, fleet string) (dir string, kept *ledger.Ledger) {
	t.Helper()
	dir = t.TempDir()
	kept, err := ledger.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	run := ledger.Run{Fleet: fleet, Kind: ledger.ApplyRun, Outcome: ledger.Done, Began: time.Now(), Ended: time.Now()}
	if run.ID, err = kept.BeginRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := kept.EndRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	return dir, kept
}

// A pause holds what its text says: a service under either form of its name,
// or it is refused. Nobody is told of a pause that pauses nothing.
func TestPauseAndResume(t *testing.T) {
	for _, tt := range []struct {
		pause, resume []string // flags
		service       string
		said          string // where it is refused
	}{
		{pause: nil, resume: nil, service: ""},
		{pause: []string{"--service", "fraud"}, resume: []string{"--service", "services/fraud"}, service: "fraud"},
		{pause: []string{"--service", "services/fraud"}, resume: []string{"--service", "fraud"}, service: "fraud"},
		{pause: []string{"--service", "services/"}, said: `"" cannot be a service's name`},
		{pause: []string{"--service", "Fraud!"}, said: `"Fraud!" cannot be a service's name, which has lower-case letters`},
		{pause: []string{"--service", "endpoint-service/fraud"}, said: `"endpoint-service/fraud" cannot be a service's name`},
	} {
		dir, kept := stateOf(t, "small")
		term := newTerminal("")
		status := term.run(t.Context(), append([]string{"pause", "--state-dir", dir, "--reason", "an incident", "--who", "ada"}, tt.pause...))
		pauses, err := kept.Pauses(t.Context(), "small")
		if err != nil {
			t.Fatal(err)
		}
		if tt.said != "" {
			if status != exitFailed || !strings.Contains(term.err.String(), tt.said) || len(pauses) > 0 {
				t.Errorf("pause %q ends with %d and %+v, and says %q, want %q", tt.pause, status, pauses, term.err, tt.said)
			}
			continue
		}
		if status != exitDone || len(pauses) != 1 || pauses[0].Service != tt.service || pauses[0].Reason != "an incident" || pauses[0].Who != "ada" {
			t.Errorf("pause %q ends with %d and %+v: %s", tt.pause, status, pauses, term.err)
		}
		for _, want := range []int{exitDone, exitFailed} { // the second time nothing is paused
			term := newTerminal("")
			if status := term.run(t.Context(), append([]string{"resume", "--state-dir", dir}, tt.resume...)); status != want {
				t.Errorf("resume %q ends with %d, want %d: %s", tt.resume, status, want, term.err)
			}
		}
		if pauses, err := kept.Pauses(t.Context(), "small"); err != nil || len(pauses) > 0 {
			t.Errorf("resume %q leaves %+v (%v)", tt.resume, pauses, err)
		}
	}
}

// What was paused under a name that no service can have can be resumed.
func TestResumeOfAnyName(t *testing.T) {
	dir, kept := stateOf(t, "small")
	if err := kept.Pause(t.Context(), ledger.Pause{Fleet: "small", Service: "services/Fraud", Reason: "a typing mistake", Who: "ada", Since: time.Now()}); err != nil {
		t.Fatal(err)
	}
	term := newTerminal("")
	if status := term.run(t.Context(), []string{"resume", "--state-dir", dir, "--service", "services/Fraud"}); status != exitDone {
		t.Errorf("resume ends with %d: %s", status, term.err)
	}
}

func TestPauseWantsAReasonAndAFleet(t *testing.T) {
	dir, _ := stateOf(t, "small")
	for _, tt := range []struct {
		args []string
		said string
	}{
		{[]string{"--state-dir", dir}, "say why with --reason"},
		{[]string{"--state-dir", t.TempDir(), "--reason", "an incident"}, "linkfleet: "},
	} {
		term := newTerminal("")
		if status := term.run(t.Context(), append([]string{"pause"}, tt.args...)); status != exitFailed || !strings.Contains(term.err.String(), tt.said) {
			t.Errorf("pause %q ends with %d and says %q, want %q", tt.args, status, term.err, tt.said)
		}
	}
}
