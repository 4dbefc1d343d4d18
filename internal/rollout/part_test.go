package rollout_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/schema"
)

// A second service is a change that nothing of the first one has to do with.
const secondService = `package fleet

services: audit: {
	account: "platform"
	region:  "us-east-1"
	loadBalancer: {
		vpc: "vpc-0f0000000000000a1"
		subnets: ["subnet-0f0000000000000a1", "subnet-0f0000000000000a2"]
		securityGroup: {from: ["10.0.0.0/8"], enforceOnPrivateLink: true}
	}
	listeners: https: {
		port: 8443
		targets: {type: "ip", port: 8443, addresses: ["10.20.1.11"]}
	}
	consumers: partner: principals: ["arn:aws:iam::333333333333:role/client"]
}
`

func (s *story) pauses(service string) {
	s.Helper()
	s.must(s.kept.Pause(s.Context(), ledger.Pause{Fleet: "small", Service: service, Reason: "an incident", Who: "ada", Since: s.track.Now()}))
}

func (s *story) resumes(service string) {
	s.Helper()
	_, _, err := s.kept.Resume(s.Context(), "small", service)
	s.must(err)
}

// A commit of which a pause let only a part be rolled out is neither undone by
// healing nor looked at as drift, also when later tries did nothing.
func TestPartOfACommitStays(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	was := s.rolls(ledger.ApplyRun, ledger.Done).Run.Commit
	s.pauses("fraud")
	is := s.repo.Commit("main", "a listener and a service", gittest.Files{"fleet/admin.cue": secondListener, "fleet/audit.cue": secondService})
	if part := s.rolls(ledger.ApplyRun, ledger.Refused); part.Run.Counts.Created == 0 || part.Run.Counts.Blocked == 0 {
		t.Fatalf("a part was to be rolled out, and it was %+v", part.Run.Counts)
	}
	s.rolls(ledger.ApplyRun, ledger.Refused)
	s.refuses(rollout.Order{Kind: ledger.HealRun}, "is not finished")
	s.refuses(rollout.Order{Kind: ledger.DriftRun}, "is not finished")
	s.repo.Reset("main", was)
	s.refuses(rollout.Order{Kind: ledger.ApplyRun}, "begun to be applied since")
	s.repo.Reset("main", is)
	s.resumes("fraud")
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.rolls(ledger.HealRun, ledger.Nothing)
}

// What another run rolled out after this one had read what was applied last is
// not taken back, whichever lease there is.
func TestRolloutMeanwhile(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*story) *story{
		"a file": func(s *story) *story { return s },
		"shared": (*story).shares,
	} {
		for _, kind := range []ledger.RunKind{ledger.HealRun, ledger.ApplyRun} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				rollsMeanwhile(set(newStory(t)), kind)
			})
		}
	}
}

func rollsMeanwhile(s *story, kind ledger.RunKind) {
	s.rolls(ledger.ApplyRun, ledger.Done)
	other, track := *s, *s.track
	other.track = &track
	before := 0
	s.track.Loaded = func(*schema.Fleet) {
		s.track.Loaded = nil
		s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
		other.rolls(ledger.ApplyRun, ledger.Done)
		before = s.steps()
	}
	out, err := s.track.Roll(s.Context(), nil, rollout.Order{Kind: kind, Prepare: allowAll})
	if after := s.steps(); out.Run.Outcome != ledger.Refused || after != before {
		s.Errorf("it ended %s (%v), and took %d steps", out.Run.Outcome, err, after-before)
	}
	s.rolls(kind, ledger.Nothing)
}

// A newer commit goes on after an older one that was rolled out meanwhile.
func TestOlderRolloutMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.rolls(ledger.ApplyRun, ledger.Done)
	older := s.repo.Commit("main", "a second service", gittest.Files{"fleet/audit.cue": secondService})
	newer := s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	other := *s
	track := *s.track
	other.track = &track
	s.track.Loaded = func(*schema.Fleet) {
		s.repo.Reset("main", older)
		other.rolls(ledger.ApplyRun, ledger.Done)
	}
	if out := s.rolls(ledger.ApplyRun, ledger.Done); out.Run.Commit != newer {
		t.Errorf("rolled out was %s, want %s", out.Run.Commit, newer)
	}
}

// Drift that may not be healed has not been.
func TestPausedDriftStaysOpen(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.hand()
	s.rolls(ledger.DriftRun, ledger.Nothing)
	s.pauses("fraud")
	held := s.rolls(ledger.HealRun, ledger.Refused)
	if open, err := s.kept.Drifts(t.Context(), "small"); err != nil || len(open) != 1 || len(held.Drifted.Healed) > 0 {
		t.Errorf("open are %+v (%v), and healed %+v", open, err, held.Drifted.Healed)
	}
	s.resumes("fraud")
	if healed := s.rolls(ledger.HealRun, ledger.Done); len(healed.Drifted.Healed) != 1 {
		t.Errorf("healed are %+v", healed.Drifted.Healed)
	}
}

// The end of a run is kept by a ledger that fails for a moment.
func TestEndIsKept(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	dir := t.TempDir()
	kept, err := ledger.Open(t.Context(), dir)
	s.must(err)
	defer kept.Close()
	s.track.Ledger = kept
	db, err := sql.Open("sqlite", filepath.Join(dir, "linkfleet.db")+"?_pragma=busy_timeout(10000)")
	s.must(err)
	defer db.Close()
	rename := func(from, to string) {
		if _, err := db.ExecContext(context.Background(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
			t.Error(err)
		}
	}
	takes, gives := sync.OnceFunc(func() { rename("runs", "stolen") }), sync.OnceFunc(func() { rename("stolen", "runs") })
	defer gives() // also if it failed before
	acts := false
	s.track.Stepped = func(ledger.Run, applier.Event) { acts = true; takes() }
	s.track.Now = func() time.Time {
		if acts { // and is about to end
			time.AfterFunc(300*time.Millisecond, gives)
		}
		return time.Now()
	}
	out := s.rolls(ledger.ApplyRun, ledger.Done)
	if run, _, err := kept.Run(t.Context(), out.Run.ID); err != nil || run.Outcome != ledger.Done {
		t.Errorf("it is kept as %s (%v)", run.Outcome, err)
	}
}
