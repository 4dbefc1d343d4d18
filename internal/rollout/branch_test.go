package rollout_test

import (
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// mirrorsAnew has the story's mirror be lost.
func (s *story) mirrorsAnew() *story {
	s.Helper()
	var err error
	s.track.Repo, err = gitsource.Open(s.Context(), gitsource.Options{URL: s.repo.Bare, Dir: s.TempDir()})
	s.must(err)
	return s
}

// That a mirror is new does not let a branch that was set back through, whether
// the newer commit can still be had or not.
func TestBranchThatWentBackBehindANewMirror(t *testing.T) {
	t.Parallel()
	s := newStory(t).shares()
	older := s.repo.Git("rev-parse", "main")
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.repo.Commit("main", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.repo.Reset("main", older)
	s.mirrorsAnew().refuses(rollout.Order{Kind: ledger.ApplyRun, Prepare: allowAll}, "older than")
	s.mirrorsAnew().rolls(ledger.HealRun, ledger.Nothing)
	s.elsewhere().mirrorsAnew().refuses(rollout.Order{Kind: ledger.ApplyRun, Prepare: allowAll}, "was rolled out since")
	s.repo.Git("-C", s.repo.Bare, "gc", "-q", "--prune=now")
	s.mirrorsAnew().refuses(rollout.Order{Kind: ledger.ApplyRun, Prepare: allowAll}, "--allow-back")
	s.elsewhere().mirrorsAnew().refuses(rollout.Order{Kind: ledger.ApplyRun, Prepare: allowAll}, "--allow-back")
	s.refuses(rollout.Order{Kind: ledger.HealRun}, "is not in the repository any more")
	out, err := s.track.Roll(t.Context(), nil, rollout.Order{Kind: ledger.ApplyRun, Back: true, Prepare: allowAll})
	s.must(err)
	if out.Run.Outcome != ledger.Done || out.Run.Commit != older {
		t.Errorf("going back ended %s at %s: %s", out.Run.Outcome, out.Run.Commit, out.Run.Error)
	}
}

// A tag is not rolled out for the branch whose name it has.
func TestTagInPlaceOfTheBranch(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.rolls(ledger.ApplyRun, ledger.Done)
	other := s.repo.Commit("other", "a second listener", gittest.Files{"fleet/admin.cue": secondListener})
	s.repo.DeleteBranch("main")
	s.repo.SetRef("refs/tags/main", other)
	before := s.steps()
	out, err := s.roll(ledger.ApplyRun)
	if err == nil || !strings.Contains(err.Error(), "refs/heads/main") || out.Run.Outcome != ledger.Failed || s.steps() != before {
		t.Errorf("the run ended %s, after %d steps: %v", out.Run.Outcome, s.steps()-before, err)
	}
	s.track.Ref = "refs/tags/main"
	s.rolls(ledger.ApplyRun, ledger.Done)
}
