package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// divides is the order to roll one of two shards out.
func divides(index int) rollout.Order {
	return rollout.Order{Kind: ledger.ShardRun, Prepare: func(run *reconcile.Run) error {
		run.Shard = &reconcile.Shard{Index: index, Count: 2}
		return nil
	}}
}

func (s *story) rollsShard(index int, want ledger.Outcome) *rollout.Outcome {
	s.Helper()
	out, err := s.track.Roll(s.Context(), nil, divides(index))
	s.must(err)
	if out.Run.Outcome != want {
		s.Fatalf("shard %d ended %s, want %s: %s", index, out.Run.Outcome, want, out.Run.Error)
	}
	return out
}

// A shard rolls its services out and nothing else. Its commit does not count
// as applied, and what is known of the whole stays.
func TestShard(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	if empty := s.rollsShard(1, ledger.Nothing); s.steps() != 0 || empty.Plan.Shard != "1/2" {
		t.Errorf("the shard without services took %d steps", s.steps())
	}
	s.rollsShard(0, ledger.Done)
	s.refuses(rollout.Order{Kind: ledger.HealRun}, "no commit was applied")
	applied := s.rolls(ledger.ApplyRun, ledger.Nothing).Run.Commit

	s.hand()
	s.rolls(ledger.DriftRun, ledger.Nothing)
	elsewhere := ledger.Wait{Address: "connection/pay/partner@annex/us-east-1", What: "partner has not made its endpoint"}
	_, err := s.kept.ObserveWaits(t.Context(), ledger.Glance{Fleet: "small", At: time.Now()}, []ledger.Wait{elsewhere})
	s.must(err)
	s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	s.rollsShard(1, ledger.Nothing)
	s.rollsShard(0, ledger.Done)
	last, _, err := s.kept.LastApplied(t.Context(), "small")
	s.must(err)
	drifts, err := s.kept.Drifts(t.Context(), "small")
	s.must(err)
	waits, err := s.kept.Waits(t.Context(), "small")
	s.must(err)
	if last.Commit != applied || len(drifts) == 0 || len(waits) != 1 {
		t.Errorf("%s counts as applied, drifts are %+v, waits %+v", last.Commit, drifts, waits)
	}
}

// A shard does not go back behind what was applied either.
func TestShardGoesForward(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	was := s.rolls(ledger.ApplyRun, ledger.Done).Run.Commit
	s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.repo.Reset("main", was)
	s.refuses(divides(0), "is older than")
}

// A state folder that knows of shards alone goes neither back nor by another
// name.
func TestShardsAloneGoForward(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	was := s.repo.Git("rev-parse", "main")
	s.rollsShard(0, ledger.Done)
	is := s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	s.rollsShard(0, ledger.Done)
	s.repo.Reset("main", was)
	s.refuses(divides(0), "is older than")
	s.refuses(rollout.Order{Kind: ledger.ApplyRun}, "is older than")
	s.repo.Reset("main", is)
	s.repo.Commit("main", "rename", gittest.Files{"fleet/fleet.cue": strings.Replace(s.file("fleet/fleet.cue"), `"small"`, `"large"`, 1)})
	s.refuses(divides(0), "was called small and is large")
}
