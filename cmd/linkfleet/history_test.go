package main

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// A look for drift changes nothing, and yet tells what it found.
func TestHistoryTellsOfDrift(t *testing.T) {
	term, dir := newTerminal(""), t.TempDir()
	kept, err := ledger.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	began := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	seen := []ledger.Drift{{Address: "listener/a@p/r"}, {Address: "listener/b@p/r"}}
	looks := []struct {
		run  ledger.Run
		seen []ledger.Drift
		want string
	}{
		{ledger.Run{Kind: ledger.ApplyRun, Digest: "d", Outcome: ledger.Done, Counts: ledger.Counts{Created: 3}}, nil, `#1 .* apply +no commit +done, 3 created`},
		{ledger.Run{Kind: ledger.DriftRun, Digest: "d", Outcome: ledger.Nothing}, seen, `#2 .* drift +no commit +nothing, 2 drifted`},
		{ledger.Run{Kind: ledger.HealRun, Digest: "d", Outcome: ledger.Refused, Counts: ledger.Counts{Changed: 1, Blocked: 1}}, seen[1:], `#3 .* heal +no commit +refused, 1 drifted, 1 healed, 1 changed, 1 blocked`},
		{ledger.Run{Kind: ledger.DriftRun, Outcome: ledger.Interrupted}, seen[1:], `#4 .* drift +no commit +interrupted`}, // before it had looked
		{ledger.Run{Kind: ledger.HealRun, Digest: "d", Outcome: ledger.Nothing}, nil, `#5 .* heal +no commit +nothing, 1 healed`},
		{ledger.Run{Kind: ledger.DriftRun, Digest: "d", Outcome: ledger.Nothing}, nil, `#6 .* drift +no commit +nothing`},
	}
	for i, look := range looks {
		run := look.run
		run.Fleet, run.Began = "payments", began.Add(time.Duration(i)*time.Hour)
		if run.ID, err = kept.BeginRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.ObserveDrift(t.Context(), ledger.Glance{Fleet: run.Fleet, At: run.Began.Add(time.Second), Run: run.ID}, look.seen); err != nil {
			t.Fatal(err)
		}
		run.Ended = run.Began.Add(time.Minute)
		if err := kept.EndRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	if err := term.showHistory(t.Context(), dir, 0, "text"); err != nil {
		t.Fatal(err)
	}
	for _, look := range looks {
		if !regexp.MustCompile(`(?m)^` + look.want + `$`).MatchString(term.out.String()) {
			t.Errorf("history prints\n%s, and nothing like %s", term.out, look.want)
		}
	}
	wantDriftInJSON(t, dir)
}

func wantDriftInJSON(t *testing.T, dir string) {
	t.Helper()
	term := newTerminal("")
	if err := term.showHistory(t.Context(), dir, 0, "json"); err != nil {
		t.Fatal(err)
	}
	var lines []struct{ Drift *ledger.DriftCount }
	if err := json.Unmarshal([]byte(term.out.String()), &lines); err != nil {
		t.Fatal(err)
	}
	for i, want := range []*ledger.DriftCount{{}, {Healed: 1}, nil, {Drifted: 1, Healed: 1}, {Drifted: 2}, nil} {
		got := lines[i].Drift
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("of run %d, history says %+v, want %+v", len(lines)-i, got, want)
		}
	}
}
