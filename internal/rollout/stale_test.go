package rollout_test

import (
	"context"
	"maps"
	"path/filepath"
	"sync"
	"testing"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/schema"
)

// A table is records that all state folders reach.
type table struct {
	mu      sync.Mutex
	records map[string]map[string]string
}

func (r *table) Get(_ context.Context, key string) (map[string]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.records[key]), nil
}

func (r *table) PutIf(_ context.Context, key string, next, was map[string]string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have, ok := r.records[key]
	if ok != (was != nil) {
		return false, nil
	}
	for name, value := range was {
		if have[name] != value {
			return false, nil
		}
	}
	r.records[key] = maps.Clone(next)
	return true, nil
}

// shares has the fleet's lease be one that all state folders reach.
func (s *story) shares() *story {
	reach, records := s.track.Reach, &table{records: map[string]map[string]string{}}
	s.track.Reach = func(ctx context.Context, fleet *schema.Fleet, commit string) (*reconcile.Run, error) {
		run, err := reach(ctx, fleet, commit)
		if err == nil {
			run.Lease = &lease.Shared{Records: records, Fleet: fleet.Name}
		}
		return run, err
	}
	return s
}

// elsewhere is the story with a new state folder.
func (s *story) elsewhere() *story {
	s.Helper()
	other, track := *s, *s.track
	var err error
	other.kept, err = ledger.Open(s.Context(), filepath.Join(s.TempDir(), "state"))
	s.must(err)
	s.Cleanup(func() { s.must(other.kept.Close()) })
	track.Ledger = other.kept
	other.track = &track
	return &other
}

// A state folder that does not know what was rolled out with another takes
// nothing of that back, neither by healing nor because the branch went back.
func TestOldStateFolder(t *testing.T) {
	t.Parallel()
	s := newStory(t).shares()
	was := s.rolls(ledger.ApplyRun, ledger.Done).Run.Commit
	old := s.elsewhere()
	old.rolls(ledger.ApplyRun, ledger.Nothing)
	old.hand()
	old.rolls(ledger.HealRun, ledger.Done)

	s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	s.rolls(ledger.ApplyRun, ledger.Done)
	old.refuses(rollout.Order{Kind: ledger.HealRun}, "was rolled out since, with another state folder")
	old.hand()
	old.refuses(rollout.Order{Kind: ledger.HealRun}, "was rolled out since, with another state folder")
	s.rolls(ledger.HealRun, ledger.Done) // which is no rollout
	old.refuses(rollout.Order{Kind: ledger.HealRun}, "was rolled out since")
	old.rolls(ledger.ApplyRun, ledger.Nothing)
	old.hand()
	old.rolls(ledger.HealRun, ledger.Done)

	s.repo.Reset("main", was)
	s.elsewhere().refuses(rollout.Order{Kind: ledger.ApplyRun, Prepare: allowAll}, "was rolled out since")
	back, err := s.elsewhere().track.Roll(t.Context(), nil, rollout.Order{Kind: ledger.ApplyRun, Back: true, Prepare: allowAll})
	s.must(err)
	if back.Run.Outcome != ledger.Done || back.Run.Commit != was {
		t.Errorf("going back ended %s at %s: %s", back.Run.Outcome, back.Run.Commit, back.Run.Error)
	}
}

// A rollout that was broken off is gone on with, and not taken back by healing,
// neither with this state folder nor with one that does not know of it.
func TestHealAfterBrokenOffRollout(t *testing.T) {
	t.Parallel()
	s := newStory(t).shares()
	s.rolls(ledger.ApplyRun, ledger.Done)
	old := s.elsewhere()
	old.rolls(ledger.ApplyRun, ledger.Nothing)
	s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	stop := make(chan struct{})
	s.track.Stepped = func(ledger.Run, applier.Event) {
		if stop != nil {
			close(stop)
			stop = nil
		}
	}
	out, err := s.track.Roll(t.Context(), stop, rollout.Order{Kind: ledger.ApplyRun})
	s.must(err)
	if out.Run.Outcome != ledger.Interrupted {
		t.Fatalf("the run ended %s", out.Run.Outcome)
	}
	s.refuses(rollout.Order{Kind: ledger.HealRun}, "is not finished")
	old.hand()
	old.refuses(rollout.Order{Kind: ledger.HealRun}, "was rolled out since, with another state folder")
	s.track.Stepped = nil
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.rolls(ledger.HealRun, ledger.Nothing)
}
