package rollout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/schema"
)

// A second listener is a change that takes a handful of steps.
const secondListener = `package fleet

services: fraud: listeners: admin: {
	port: 9443
	targets: {type: "ip", port: 9443, addresses: ["10.20.1.10"]}
}
`

func TestRollout(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	first := s.rolls(ledger.ApplyRun, ledger.Done)
	if c := first.Run.Counts; c.Created == 0 || c.Blocked > 0 {
		t.Errorf("the first run counts %+v", c)
	}
	s.rolls(ledger.ApplyRun, ledger.Nothing)
	at := s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	if second := s.rolls(ledger.ApplyRun, ledger.Done); second.Run.Commit != at {
		t.Errorf("commit %s was applied, want %s", second.Run.Commit, at)
	}
	last, found, err := s.kept.LastApplied(t.Context(), "small")
	s.must(err)
	if !found || last.Commit != at || last.Subject != "a second listener" {
		t.Errorf("last applied is %+v (found: %v)", last, found)
	}
	whole, _, err := s.kept.Run(t.Context(), first.Run.ID)
	s.must(err)
	var kept struct{ Plan, Report struct{ Steps []any } }
	s.must(json.Unmarshal(whole.Report, &kept))
	if len(kept.Plan.Steps) == 0 || len(kept.Report.Steps) < len(kept.Plan.Steps) {
		t.Errorf("of %d steps planned, %d are reported", len(kept.Plan.Steps), len(kept.Report.Steps))
	}
}

// What drifted from the commit applied last is healed, and nothing newer is
// rolled out on the way.
func TestHealOnly(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.refuses(rollout.Order{Kind: ledger.HealRun}, "no commit was applied")
	applied := s.rolls(ledger.ApplyRun, ledger.Done).Run.Commit
	s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	s.hand()
	looked := s.rolls(ledger.DriftRun, ledger.Nothing)
	if len(looked.Drifted.Found) != 1 || looked.Drifted.Found[0].Address != "security-group/fraud/risk@risk/us-east-1" {
		t.Fatalf("drifted are %+v", looked.Drifted.Found)
	}
	healed := s.rolls(ledger.HealRun, ledger.Done)
	if healed.Run.Commit != applied {
		t.Errorf("healed was commit %s, want %s", healed.Run.Commit, applied)
	}
	if len(healed.Drifted.Healed) != 1 {
		t.Errorf("healed are %+v", healed.Drifted.Healed)
	}
	if open, err := s.kept.Drifts(t.Context(), ""); err != nil || len(open) > 0 {
		t.Errorf("still open are %+v (%v)", open, err)
	}
	if slices.ContainsFunc(healed.Result.Report().Results, func(r applier.Result) bool { return strings.Contains(r.Addr.Name, "admin") }) {
		t.Error("the newer commit's listener was touched")
	}
	s.rolls(ledger.ApplyRun, ledger.Done)
}

func TestBranchThatWentBack(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	older := s.repo.Git("rev-parse", "main")
	newer := s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.repo.Reset("main", older)
	s.refuses(rollout.Order{Kind: ledger.ApplyRun}, "older than")
	_, err := s.track.Roll(t.Context(), nil, rollout.Order{Kind: ledger.ApplyRun, Commit: strings.Repeat("a", 40)})
	if behind, ok := errors.AsType[*rollout.BehindError](err); !ok || behind.Ref != "main" {
		t.Errorf("a commit that is not there yet gives %v", err)
	}
	if runs, err := s.kept.Runs(t.Context(), ledger.RunFilter{}); err != nil || len(runs) != 2 {
		t.Errorf("runs kept are %+v (%v), want the apply and the refusal", runs, err)
	}
	out, err := s.track.Roll(t.Context(), nil, rollout.Order{Kind: ledger.ApplyRun, Commit: older, Back: true, Prepare: allowAll})
	s.must(err)
	if out.Run.Commit != older {
		t.Errorf("applied is %s, want %s and not %s", out.Run.Commit, older, newer)
	}
}

func TestFleetUnderAnotherName(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.repo.Commit("main", "rename", gittest.Files{"fleet/fleet.cue": strings.Replace(s.file("fleet/fleet.cue"), `"small"`, `"large"`, 1)})
	s.refuses(rollout.Order{Kind: ledger.ApplyRun}, "was called small and is large")
}

// A broken commit changes nothing, and drift is healed all the same.
func TestBrokenCommit(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.repo.Commit("main", "break it", gittest.Files{"fleet/admin.cue": "package fleet\n\nservices: fraud: nonsense: 1\n"})
	before := s.steps()
	out, err := s.roll(ledger.ApplyRun)
	if len(schema.Faults(err)) != 1 || out.Run.Outcome != ledger.Failed || !strings.Contains(out.Run.Error, "nonsense") {
		t.Errorf("the run ended %s (%q) with %v", out.Run.Outcome, out.Run.Error, err)
	}
	if s.steps() != before {
		t.Error("AWS was changed")
	}
	s.hand()
	s.rolls(ledger.HealRun, ledger.Done)
}

// A waiver's last day ends what is new, and not the upkeep of what stands.
func TestWaiverEnds(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	now := time.Now()
	s.track.Now = func() time.Time { return now }
	s.repo.Commit("main", "a waiver", gittest.Files{"fleet/waiver.cue": fmt.Sprintf(
		"package fleet\n\nservices: fraud: waiver: {reason: \"a move\", expires: %q}\n", now.UTC().Format(time.DateOnly))})
	s.rolls(ledger.ApplyRun, ledger.Done)
	now = now.AddDate(0, 0, 2)
	if out, err := s.roll(ledger.ApplyRun); out.Run.Outcome != ledger.Failed || err == nil || !strings.Contains(err.Error(), "the waiver expired on") {
		t.Errorf("a rollout after the waiver's last day ended %s with %v", out.Run.Outcome, err)
	}
	s.hand()
	if looked := s.rolls(ledger.DriftRun, ledger.Nothing); len(looked.Drifted.Found) != 1 {
		t.Errorf("drifted are %+v", looked.Drifted.Found)
	}
	s.rolls(ledger.HealRun, ledger.Done)
	if fleet, err := s.track.Applied(t.Context()); err != nil || fleet == nil {
		t.Errorf("the fleet that was applied last: %v, %v", fleet, err)
	}
}

func TestPauses(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.must(s.kept.Pause(t.Context(), ledger.Pause{Fleet: "small", Reason: "an incident", Who: "ada", Since: s.track.Now()}))
	s.refuses(rollout.Order{Kind: ledger.ApplyRun}, "by ada: an incident")
	_, _, err := s.kept.Resume(t.Context(), "small", "")
	s.must(err)
	s.must(s.kept.Pause(t.Context(), ledger.Pause{Fleet: "small", Service: "fraud", Reason: "an incident", Who: "ada", Since: s.track.Now()}))
	s.hand()
	before := s.steps()
	held := s.rolls(ledger.HealRun, ledger.Refused)
	if s.steps() != before || held.Run.Counts.Blocked == 0 {
		t.Errorf("of a paused service %d calls changed something; blocked are %d", s.steps()-before, held.Run.Counts.Blocked)
	}
	_, _, err = s.kept.Resume(t.Context(), "small", "fraud")
	s.must(err)
	s.rolls(ledger.HealRun, ledger.Done)
}
