package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// The exit statuses. They are part of what scripts rely on.
const (
	exitDone    = 0 // done, or nothing to do
	exitFailed  = 1 // something failed
	exitChanges = 2 // plan --detailed-exitcode or reconcile --dry-run found something to do
	exitRefused = 3 // a guard refused
)

// exitHelp is what the help of the commands says of the statuses.
const exitHelp = `Exit status:
  0  done, or nothing to do
  1  something failed, or a place of the fleet could not be read
  2  plan --detailed-exitcode or reconcile --dry-run found something to do
  3  a guard refused: the plan is not the reviewed one, nobody confirmed it,
     another apply is under way, a rule does not let a part of it be taken, it
     takes more away than the fleet's limits let one apply, or the repository
     or a pause does not let the run begin`

// A verdict ends the program with a status of its own. Without an error it
// does so in silence, because what there is to say has been said.
type verdict struct {
	status int
	err    error
}

func (v *verdict) Error() string {
	if v.err == nil {
		return fmt.Sprintf("exit status %d", v.status)
	}
	return v.err.Error()
}

func (v *verdict) Unwrap() error { return v.err }

// refused is a guard's refusal.
func refused(format string, args ...any) error {
	return &verdict{status: exitRefused, err: fmt.Errorf(format, args...)}
}

// conclude tells what went wrong, if anything did, and gives the status.
func (a *app) conclude(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	status := exitFailed
	if v, ok := errors.AsType[*verdict](err); ok {
		if status = v.status; v.err == nil {
			return status
		}
		err = v.err
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	a.say(slog.LevelError, a.explain(err))
	return status
}

// explain is err for people: the faults of a fleet's text a line each,
// anything else one sentence.
func (a *app) explain(err error) string {
	if faulty, ok := errors.AsType[*faultyFleet](err); ok {
		return faulty.text()
	}
	text := strings.Join(strings.Fields(awsapi.Explain(err)), " ")
	return "linkfleet: " + text
}

// A faultyFleet is a fleet whose text is at fault.
type faultyFleet struct {
	dir    string
	faults schema.Errors
}

func (f *faultyFleet) Error() string { return f.text() }

// text has a line for each fault and counts them in the end.
func (f *faultyFleet) text() string {
	var b strings.Builder
	for _, one := range f.faults {
		fault := *one
		fault.Pos = inDir(f.dir, fault.Pos)
		b.WriteString(planner.Clean(fault.Error()) + "\n") // one line, whatever it quotes
	}
	fmt.Fprintf(&b, "linkfleet: %s in the fleet", plural(len(f.faults), "fault"))
	return b.String()
}

// plural counts things whose plural ends in s.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// list is words as prose: "text, json and markdown".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
