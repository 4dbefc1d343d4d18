package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/planner"
)

// The conditions that people are told of when they change.
const (
	Rollout    = "rollout"    // whether commits get rolled out
	Upkeep     = "upkeep"     // whether drift gets found and healed
	Drifting   = "drift"      // whether anything has drifted
	Waiting    = "waiting"    // whether anything has waited for long
	Repository = "repository" // whether it can be read
)

// The states of conditions. That something has drifted is told by how much and
// which, so that more of it is another state, and that something waits by since
// when the latest of it does.
const (
	Well    = "ok"
	Failing = "failing"
	None    = "none"
)

// What messages are of.
const (
	DriftMessage    = "drift"    // something has drifted, healed or not
	FailureMessage  = "failure"  // something fails
	WaitingMessage  = "waiting"  // something has waited for long
	RecoveryMessage = "recovery" // what was told before is over
)

// A Message is the body of a notice, in JSON.
type Message struct {
	Kind   string `json:"kind"`
	Fleet  string `json:"fleet"`
	Title  string `json:"title"`            // one line
	Text   string `json:"text,omitempty"`   // some lines
	Commit string `json:"commit,omitempty"` // in hex
	Run    int64  `json:"run,omitempty"`
	RunURL string `json:"runUrl,omitempty"` // where the run can be seen
}

// turn keeps the state of a condition, and has every channel told of a change.
// A message without a title is not sent.
func (s *Server) turn(ctx context.Context, subject, state string, message func(was string) Message) error {
	var bad error
	_, changed, err := s.Ledger.Turn(ctx, ledger.Condition{Subject: subject, State: state, Since: s.Now()}, func(was string) []ledger.Notice {
		m := message(was)
		if m.Title == "" {
			return nil
		}
		if s.URL != "" && m.Run != 0 {
			m.RunURL = fmt.Sprintf("%s/runs/%d", strings.TrimRight(s.URL, "/"), m.Run)
		}
		body, err := json.Marshal(m)
		if err != nil {
			bad = err
			return nil
		}
		var all []ledger.Notice
		for _, channel := range slices.Sorted(maps.Keys(s.Channels)) {
			all = append(all, ledger.Notice{Channel: channel, Body: body})
		}
		return all
	})
	if changed {
		s.Log.InfoContext(ctx, "a condition changed", "condition", subject, "state", state)
		rouse(s.telling)
	}
	if err == nil {
		err = bad
	}
	return err
}

// tellRun tells whether runs fail. What another holds up, or what was stopped,
// is neither.
func (s *Server) tellRun(ctx context.Context, out *rollout.Outcome, failed error) error {
	run := out.Run
	subject := Rollout
	if run.Kind != ledger.ApplyRun {
		subject = Upkeep
	}
	switch {
	case run.Outcome.Well():
		if err := s.turn(ctx, subject, Well, func(was string) Message { return recovered(run, was) }); err != nil || subject == Upkeep {
			return err
		}
		return s.turn(ctx, Upkeep, Well, func(string) Message { return Message{} })
	case run.Outcome == ledger.Interrupted && (out.Result == nil || out.Result.Lost == nil), held(cause(out, failed)),
		run.Outcome == ledger.Refused && onlyPaused(out):
		return nil
	}
	return s.turn(ctx, subject, Failing, func(string) Message { return failing(run) })
}

// onlyPaused tells whether nothing held a run up but that services are paused,
// which people know who paused them.
func onlyPaused(out *rollout.Outcome) bool {
	plan := out.Plan
	if out.Result != nil {
		plan = cmp.Or(out.Result.Left, plan)
	}
	return plan != nil && len(plan.Blocked) > 0 && !slices.ContainsFunc(plan.Blocked, func(b planner.Blocked) bool {
		return b.Cause != planner.CauseDepends && !strings.HasPrefix(b.Mend, "linkfleet resume ")
	})
}

func recovered(run ledger.Run, was string) Message {
	if was != Failing {
		return Message{}
	}
	title := "the fleet's commits are rolled out again"
	if run.Kind != ledger.ApplyRun {
		title = "drift is looked for and healed again"
	}
	return about(run, Message{Kind: RecoveryMessage, Title: title})
}

func failing(run ledger.Run) Message {
	title := fmt.Sprintf("commit %.12s was not rolled out", run.Commit)
	if run.Kind != ledger.ApplyRun {
		title = "drift could not be healed"
	}
	text := run.Error
	if run.Outcome == ledger.Refused && run.Counts.Blocked > 0 {
		title += " in full"
		text = strings.TrimSpace(fmt.Sprintf("%d of its resources may not be changed as the files say. %s", run.Counts.Blocked, text))
	}
	return about(run, Message{Kind: FailureMessage, Title: title, Text: text})
}

// about fills in what run a message is about.
func about(run ledger.Run, m Message) Message {
	m.Fleet, m.Commit, m.Run = run.Fleet, run.Commit, run.ID
	return m
}

// unreachableAfter is how many looks in a row fail before people are told:
// each is tried again anyhow.
const unreachableAfter = 3

// tellRepository tells whether the repository can be read.
func (s *Server) tellRepository(ctx context.Context, failures int, err error) error {
	switch {
	case failures == 0:
		return s.turn(ctx, Repository, Well, func(was string) Message {
			if was != Failing {
				return Message{}
			}
			return Message{Kind: RecoveryMessage, Title: "the fleet's repository can be read again"}
		})
	case failures < unreachableAfter:
		return nil
	}
	return s.turn(ctx, Repository, Failing, func(string) Message {
		return Message{Kind: FailureMessage, Title: "the fleet's repository cannot be read", Text: err.Error()}
	})
}
