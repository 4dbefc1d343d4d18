package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/planner"
)

func newTestStatus(t *testing.T) (*status, *bytes.Buffer) {
	var screen bytes.Buffer
	term := newTerminal("")
	term.stderr = &screen
	term.width = func(any) int { return 60 }
	return term.newStatus("Applying"), &screen
}

func event(kind applier.EventKind, name, reason string, c applier.Counts) applier.Event {
	place := planner.Place{Account: "risk", Region: "us-east-1"}
	return applier.Event{
		Kind: kind, Reason: reason, Counts: c,
		StepKey: planner.StepKey{Action: planner.Create, Addr: planner.Addr{Kind: "endpoint", Name: name, Place: place}},
	}
}

func TestStatusShowsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, screen := newTestStatus(t)
		s.observe(event(applier.StepStarted, "a", "", applier.Counts{Running: 1, Total: 3}))
		s.observe(event(applier.StepStarted, "b", "", applier.Counts{Running: 2, Total: 3}))
		s.observe(event(applier.StepWaiting, "a", "pendingAcceptance", applier.Counts{Running: 2, Total: 3}))
		s.observe(event(applier.StepFailed, "b", "denied", applier.Counts{Running: 1, Failed: 1, Total: 3}))
		time.Sleep(2*time.Second + redraw/2)
		s.say("finishing")
		time.Sleep(redraw)
		synctest.Wait()
		want := []string{
			"[1/3] create endpoint/b@risk/us-east-1: failed: denied (0s)",
			"finishing",
			"Applying: 1 of 3, 1 under way, 1 failed … 2s",
			"  create endpoint/a@risk/us-east-1: pendingAcceptance",
		}
		if got := onScreen(screen.String()); !slices.Equal(got, want) {
			t.Errorf("on the screen:\n%s", strings.Join(got, "\n"))
		}
		s.close()
		if got := onScreen(screen.String()); !slices.Equal(got, want[:2]) {
			t.Errorf("on the screen after the end:\n%s", strings.Join(got, "\n"))
		}
	})
}

// TestStatusIsBounded has hundreds of steps under way with long names: the
// frame stays within its lines and the terminal's width, and is drawn a few
// times a second.
func TestStatusIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, screen := newTestStatus(t)
		for i := range 500 {
			name := fmt.Sprintf("%s-%d", strings.Repeat("long", 20), i)
			s.observe(event(applier.StepStarted, name, "", applier.Counts{Running: i + 1, Total: 1000}))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		lines := onScreen(screen.String())
		if len(lines) != mostRunning+2 || lines[len(lines)-1] != "  and 492 more" {
			t.Errorf("%d lines on the screen:\n%s", len(lines), strings.Join(lines, "\n"))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) >= 60 {
				t.Errorf("a line of %d characters: %q", utf8.RuneCountInString(line), line)
			}
		}
		if most := int(10*time.Second/redraw) + 1; strings.Count(screen.String(), "Applying") > most {
			t.Errorf("drawn %d times in 10 s, want at most %d", strings.Count(screen.String(), "Applying"), most)
		}
		s.close()
	})
}

func TestNoStatusWhereNobodyLooks(t *testing.T) {
	for name, change := range map[string]func(*terminal){
		"no terminal":   func(term *terminal) { term.isTerminal = func(any) bool { return false } },
		"dumb terminal": func(term *terminal) { term.env["TERM"] = "dumb" },
		"log of JSON":   func(term *terminal) { term.records = true },
	} {
		term := newTerminal("")
		change(term)
		s := term.newStatus("Reading")
		if s != nil {
			t.Errorf("%s: there is a status", name)
		}
		s.close() // does nothing
	}
}
