package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// keptRuns is a state folder with runs that ended well, one after the other.
func keptRuns(t *testing.T, runs ...ledger.Run) (*ledger.Ledger, string) {
	t.Helper()
	dir := t.TempDir()
	kept, err := ledger.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	for _, run := range runs {
		run.Fleet, run.Began = "payments", time.Now()
		if run.ID, err = kept.BeginRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		run.Ended, run.Outcome = run.Began, ledger.Done
		if err := kept.EndRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	return kept, dir
}

// How a stranger's pull request was previewed says nothing of the fleet.
func TestStatusPassesPreviewsOver(t *testing.T) {
	_, dir := keptRuns(t, ledger.Run{Kind: ledger.ApplyRun, Subject: "ours"}, ledger.Run{Kind: ledger.PreviewRun, Subject: "a stranger's"})
	term := newTerminal("")
	if err := term.showStatus(t.Context(), dir, "text"); err != nil {
		t.Fatal(err)
	}
	if text := term.out.String(); !strings.Contains(text, "Last run: #1, apply of ") || strings.Contains(text, "stranger") {
		t.Errorf("it says\n%s", text)
	}
}

// A program reads a line of JSON for each change.
func TestStatusIsWatchedAsJSON(t *testing.T) {
	kept, dir := keptRuns(t, ledger.Run{Kind: ledger.ApplyRun})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	term, ended := newTerminal(""), make(chan error, 1)
	first := term.out.await(`"paused":[]`)
	go func() { ended <- term.watchStatus(ctx, dir, "json") }()
	<-first
	second := term.out.await(`"reason":"a migration"`)
	if err := kept.Pause(t.Context(), ledger.Pause{Fleet: "payments", Reason: "a migration", Who: "ana", Since: time.Now()}); err != nil {
		t.Fatal(err)
	}
	<-second
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(term.out.String(), "\n"), "\n")
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("%q is no JSON", line)
		}
	}
	if len(lines) != 2 {
		t.Errorf("there are %d lines for two standings", len(lines))
	}
}
