package rollout_test

import (
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// A pause that is of no service keeps everything as it is: nobody knows what it
// was to keep.
func TestMisspeltPause(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.pauses("frad")
	s.hand()
	s.refuses(rollout.Order{Kind: ledger.ApplyRun}, "end that pause with linkfleet resume --service frad")
	s.refuses(rollout.Order{Kind: ledger.HealRun}, "fleet small has no such service")
	s.rolls(ledger.DriftRun, ledger.Nothing)
	s.repo.Commit("main", "of that name", gittest.Files{"fleet/frad.cue": strings.Replace(secondService, "audit", "frad", 1)})
	s.rolls(ledger.ApplyRun, ledger.Refused) // heals the other
	s.resumes("frad")
	s.rolls(ledger.ApplyRun, ledger.Done)
}

// The pause of a service that is gone for good is in nobody's way.
func TestPauseOutlastsItsService(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	whole := s.file("fleet/fleet.cue")
	s.repo.Commit("main", "a second service", gittest.Files{"fleet/audit.cue": secondService})
	s.rolls(ledger.ApplyRun, ledger.Done)
	s.pauses("audit")
	pauses, err := s.kept.Pauses(t.Context(), "small")
	s.must(err)

	s.repo.Commit("main", "remove it", gittest.Files{
		"fleet/audit.cue": "package fleet\n",
		"fleet/fleet.cue": strings.Replace(whole, "fleet: {", "fleet: {\n\tremoved: [\"services/audit\"]", 1),
	})
	s.rolls(ledger.ApplyRun, ledger.Refused)
	s.resumes("audit")
	if out, err := s.track.Roll(t.Context(), nil, rollout.Order{Kind: ledger.ApplyRun, Prepare: allowAll}); err != nil || out.Run.Outcome != ledger.Done {
		t.Fatalf("its removal ended %s (%q, %v)", out.Run.Outcome, out.Run.Error, err)
	}
	s.repo.Commit("main", "it is removed", gittest.Files{"fleet/fleet.cue": whole})
	s.must(s.kept.Pause(t.Context(), pauses[0]))
	s.rolls(ledger.ApplyRun, ledger.Nothing)
	s.rolls(ledger.HealRun, ledger.Nothing)
}
