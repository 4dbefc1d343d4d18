package applier

import (
	"fmt"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// EventKind is what has happened to a step.
type EventKind string

// The kinds of events. A step that starts has one of done, failed and
// unfinished as its last event; a skipped one has only that. A step that
// never starts has none.
const (
	StepStarted    EventKind = "started"
	StepWaiting    EventKind = "waiting" // Reason is what for; once per change
	StepDone       EventKind = "done"
	StepFailed     EventKind = "failed"
	StepSkipped    EventKind = "skipped"
	StepUnfinished EventKind = "unfinished"
)

// An Event tells of one step.
type Event struct {
	Kind EventKind
	planner.StepKey
	Group planner.Group
	// Reason is one line: the state in AWS's word, the error without its
	// address, or what a skip is because of.
	Reason string
	// Elapsed is the wall's time since the step started.
	Elapsed time.Duration
	Counts  Counts
}

// Counts are how many steps of the plan stand where. What is neither running
// nor at an end has not started.
type Counts struct {
	Running, Done, Failed, Skipped, Unfinished, Total int
}

// Ended is how many steps nothing more will happen to.
func (c Counts) Ended() int { return c.Done + c.Failed + c.Skipped + c.Unfinished }

// Line is the event as a line of plain text, without a newline and safe for
// a terminal, whatever names and errors hold:
//
//	[12/31] create endpoint/fraud/risk@risk/us-east-1: waiting: pendingAcceptance (32s)
func Line(e Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[%d/%d] %s %s: %s", e.Counts.Ended(), e.Counts.Total, e.Action, e.Addr, e.Kind)
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	if e.Kind != StepStarted && e.Kind != StepSkipped {
		fmt.Fprintf(&b, " (%s)", brief(e.Elapsed))
	}
	return planner.Clean(b.String())
}

// brief is a duration with as many digits as anybody reads.
func brief(d time.Duration) string {
	unit := time.Second
	switch {
	case d < time.Second:
		unit = time.Millisecond
	case d < time.Minute:
		unit = 100 * time.Millisecond
	}
	text := d.Round(unit).String()
	for _, zeros := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zeros) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// oneLine is s without the line breaks that error texts bring along.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
