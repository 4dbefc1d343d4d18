package applier

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/linkfleet/linkfleet/planner"
)

// State is what became of a step.
type State string

// The states of a step when all is over.
const (
	// Done: its resource is ready, or gone.
	Done State = "done"
	// Failed: the call was refused, or what it made did not become ready.
	Failed State = "failed"
	// Skipped: not tried, because something it waits for failed.
	Skipped State = "skipped"
	// Unfinished: begun but not seen through, because the run was interrupted
	// or a step that would have made its resource ready was not done.
	Unfinished State = "unfinished"
	// NotStarted: the run was interrupted before its turn came.
	NotStarted State = "not-started"

	running State = "running" // in no report
)

// A Result is what became of one step.
type Result struct {
	planner.StepKey
	Group  planner.Group
	Origin string // file:line of the text that asks for the resource
	State  State
	// Made is the id of what a create or an update left; it may be there
	// although the step failed later.
	Made string
	// Reason is the last that was heard of the resource, in AWS's word.
	Reason string
	// Because is the failed step at the root of a skip. An unfinished step
	// has it if a failure is behind that, and not if an interruption is.
	Because *planner.StepKey
	// Err is set if State is Failed. Its text begins with the address.
	Err     error
	Started time.Duration // after the run began
	Took    time.Duration // until all was over with it, waits included
}

// A Report accounts for every step of a plan.
type Report struct {
	Fleet, Commit string
	Began         time.Time
	Took          time.Duration
	Results       []Result // in the order of the plan
	Blocked       []planner.Blocked
	// Interrupted says why some steps were not taken, or not seen through,
	// that could have been: [ErrStopped] or the context's error. It is nil if
	// the run took its course.
	Interrupted error
}

// Count is how many steps are in state s.
func (r *Report) Count(s State) int {
	n := 0
	for _, res := range r.Results {
		if res.State == s {
			n++
		}
	}
	return n
}

// Err joins the errors of the failed steps in the order of the plan, and
// Interrupted. It is nil if there are none. What was skipped adds nothing:
// its root says it all. What was blocked is the plan's to tell.
func (r *Report) Err() error {
	all := &multierror.Error{ErrorFormat: lines}
	for _, res := range r.Results {
		if res.Err != nil {
			all = multierror.Append(all, res.Err)
		}
	}
	if r.Interrupted != nil {
		all = multierror.Append(all, r.Interrupted)
	}
	return all.ErrorOrNil()
}

// lines is one error a line.
func lines(errs []error) string {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = oneLine(err.Error())
	}
	return strings.Join(texts, "\n")
}

// Summary is the report in one line:
//
//	Applied: 31 done, 1 failed, 2 skipped in 3m12s
func (r *Report) Summary() string {
	verb, advice := "Applied", ""
	if r.Interrupted != nil {
		verb, advice = "Interrupted", "; run again to go on"
	}
	parts := []string{fmt.Sprintf("%d done", r.Count(Done))}
	for _, s := range []State{Failed, Skipped, Unfinished, NotStarted} {
		if n := r.Count(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s.words()))
		}
	}
	if n := len(r.Blocked); n > 0 {
		parts = append(parts, fmt.Sprintf("%d blocked", n))
	}
	return fmt.Sprintf("%s: %s in %s%s", verb, strings.Join(parts, ", "), brief(r.Took), advice)
}

// words is the state as people read it.
func (s State) words() string { return strings.ReplaceAll(string(s), "-", " ") }
