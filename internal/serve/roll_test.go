package serve

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/planner"
)

func TestPushIsRolledOutOnce(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		want(b, "at the start", b.track.ran(), []string{"apply a"})
		b.push("b")
		b.push("b")
		b.pass(3 * time.Hour)
		want(b, "after the push", b.track.ran(), []string{"apply b"})
		want(b, "jobs", b.waits(), []string{})
	})
}

// A newer commit waits for the running apply, and is not waited for by those
// in between.
func TestNewerCommitWaitsForTheRunningApply(t *testing.T) {
	onBench(t, func(b *bench) {
		b.track.takes(time.Minute)
		b.start()
		for _, commit := range []string{"b", "c", "d"} {
			b.push(commit)
		}
		want(b, "while one applies", b.track.ran(), []string{"apply a"})
		want(b, "jobs", b.waits(), []string{"push a", "push d"})
		b.pass(2 * time.Minute)
		want(b, "after it", b.track.ran(), []string{"apply d"})
		want(b, "at once", b.track.most, 1)
	})
}

func TestRepositoryThatLags(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.track.ran()
		behind := &rollout.Outcome{} // which is no run
		for range 3 {
			b.track.thenNoRun(behind, &rollout.BehindError{Ref: "main", Commit: "b"})
		}
		b.push("b")
		b.pass(4 * time.Second)
		want(b, "at first", len(b.track.ran()), 1)
		b.pass(time.Minute)
		want(b, "in the end", len(b.track.ran()), 3)
		want(b, "jobs", b.waits(), []string{})
		last, _, _ := b.Config.Ledger.LastApplied(b.Context(), "payments")
		want(b, "applied", last.Commit, "b")
		for range mostLooks {
			b.track.thenNoRun(behind, &rollout.BehindError{Ref: "main", Commit: "c"})
		}
		b.queue(ledger.Job{Kind: ledger.PushJob, Key: "main", Commit: "c"})
		b.pass(20 * time.Minute)
		want(b, "looks for a commit that never comes", len(b.track.ran()), mostLooks)
		want(b, "jobs", b.waits(), []string{})
	})
}

func TestWhatIsTriedAgain(t *testing.T) {
	failed, refused := ends(ledger.Failed), ends(ledger.Refused)
	failed.Run.Error, refused.Run.Error = "AWS does not answer", "no"
	for name, c := range map[string]struct {
		out   *rollout.Outcome
		err   error
		tries int // in an hour
	}{
		"AWS fails":          {failed, nil, mostTries},
		"lost on the way":    {failed, errors.New("connection reset"), mostTries},
		"a rule refuses":     {refused, nil, 1},
		"refused":            {refused, &rollout.RefusedError{Why: "no"}, 1},
		"over the limits":    {refused, &reconcile.OverError{}, 1},
		"somebody else runs": {refused, &lease.HeldError{}, 16},
		"AWS changed":        {refused, &reconcile.ChangedError{}, 16},
		"it passes":          {refused, &rollout.RefusedError{Why: "not now", Passes: true}, 16},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.Config.Poll = 1000 * time.Hour
				b.start()
				b.track.ran()
				b.track.then(c.out, c.err, 100)
				b.push("b")
				b.pass(time.Hour)
				// Waits are random by a fifth.
				if tries := len(b.track.ran()); tries < c.tries*8/10 || tries > c.tries*12/10 {
					b.Errorf("%d tries, want about %d", tries, c.tries)
				}
				if held := c.tries > mostTries; held != (len(b.waits()) > 0) {
					b.Errorf("there wait %v", b.waits())
				}
			})
		})
	}
}

// What was applied in part is gone on with, not undone by healing the commit
// before.
func TestUnfinishedApplyIsGoneOnWith(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Drift = every(2 * time.Hour)
		b.start()
		b.track.then(ends(ledger.Failed), nil, mostTries)
		b.push("b")
		b.pass(110 * time.Minute)
		b.track.ran()
		b.pass(15 * time.Minute)
		want(b, "when it is time", b.track.ran(), []string{"apply b"})
		b.pass(2 * time.Hour)
		want(b, "the next time", b.track.ran(), []string{"heal b"})
	})
}

// Nor is it undone because later tries did nothing.
func TestUnfinishedApplyIsGoneOnWithAfterIdleTries(t *testing.T) {
	partly := ends(ledger.Refused)
	partly.Run.Counts = ledger.Counts{Created: 1, Blocked: 1}
	idle := ends(ledger.Refused)
	idle.Run.Counts = ledger.Counts{Blocked: 1}
	unread := ends(ledger.Failed)
	unread.Run.Digest = ""
	onBench(t, func(b *bench) {
		b.Config.Drift, b.Config.Poll = every(time.Hour), 1000*time.Hour
		b.start()
		b.track.then(partly, nil, 1)
		b.track.then(idle, nil, 2)
		b.track.then(unread, &rollout.RefusedError{Why: "over the limits"}, 1)
		b.push("b")
		want(b, "at first", b.track.ran(), []string{"apply a", "apply b"})
		for n := range 4 {
			b.pass(time.Hour)
			want(b, fmt.Sprint("look ", n+1), b.track.ran(), []string{"apply b"})
		}
		b.pass(time.Hour)
		want(b, "when all of it is rolled out", b.track.ran(), []string{"heal b"})
	})
}

// A commit that changed nothing does not keep the one before from being
// healed.
func TestRefusedCommitLeavesUpkeepAlone(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Drift = every(time.Hour)
		b.start()
		b.track.then(ends(ledger.Refused), &rollout.RefusedError{Why: "not signed"}, 1)
		b.push("b")
		b.track.ran()
		b.pass(61 * time.Minute)
		want(b, "when it is time", b.track.ran(), []string{"heal a"})
	})
}

func every(d time.Duration) func(time.Time) time.Time {
	return func(after time.Time) time.Time { return after.Truncate(d).Add(d) }
}

func TestWindow(t *testing.T) {
	onBench(t, func(b *bench) {
		opens := time.Now().Add(150 * time.Minute)
		b.Config.Drift = every(time.Hour)
		b.start()
		b.track.ran()
		b.shut()
		b.Config.Window = func(now time.Time) (bool, time.Time, string) {
			return !now.Before(opens), opens, "the freeze before the holidays"
		}
		b.start()
		b.push("b")
		b.queue(ledger.Job{Kind: ledger.ArrivalJob, Key: "main"})
		drifted := ends(ledger.Nothing)
		drifted.Plan.Steps = make([]planner.Step, 1)
		b.track.then(drifted, nil, 1)
		b.pass(140 * time.Minute)
		want(b, "while it is closed", b.track.ran(), []string{"drift a", "drift a"})
		want(b, "jobs", b.waits(), []string{"push b", "arrival "})
		jobs, _ := b.Config.Ledger.Jobs(b.Context(), "")
		want(b, "why", jobs[0].LastError, "the freeze before the holidays")
		b.pass(10*time.Minute + time.Second)
		want(b, "when it opens", b.track.ran(), []string{"apply b", "heal b"})
	})
}

// Drift that was found when nothing might be changed is healed when it may.
func TestDriftFoundOutOfTheWindowIsHealedInIt(t *testing.T) {
	onBench(t, func(b *bench) {
		opens := time.Now().Add(time.Hour)
		b.start()
		b.track.ran()
		b.shut()
		b.Config.Window = func(now time.Time) (bool, time.Time, string) { return !now.Before(opens), opens, "closed" }
		b.start()
		drifted := ends(ledger.Nothing)
		drifted.Plan.Steps = make([]planner.Step, 1)
		b.track.then(drifted, nil, 1)
		b.queue(ledger.Job{Kind: ledger.DriftJob, Key: "main"})
		b.pass(50 * time.Minute)
		want(b, "while it is closed", b.track.ran(), []string{"drift a"})
		b.pass(10*time.Minute + time.Second)
		want(b, "when it opens", b.track.ran(), []string{"heal a"})
		want(b, "jobs", b.waits(), []string{})
	})
}

func TestPausedFleetWaits(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Drift = every(time.Hour)
		b.start()
		b.track.ran()
		if err := b.Config.Ledger.Pause(b.Context(), ledger.Pause{Fleet: "payments", Who: "alice", Reason: "migration", Since: time.Now()}); err != nil {
			b.Fatal(err)
		}
		b.push("b")
		b.pass(2 * time.Hour)
		want(b, "while it is paused", b.track.ran(), []string{})
		want(b, "jobs", b.waits(), []string{"push b"})
		if _, _, err := b.Config.Ledger.Resume(b.Context(), "payments", ""); err != nil {
			b.Fatal(err)
		}
		b.pass(time.Minute)
		want(b, "when it is resumed", b.track.ran(), []string{"apply b"})
	})
}

// What a paused service kept from being rolled out is, when it is resumed.
func TestResumedServiceIsRolledOut(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		if err := b.Config.Ledger.Pause(b.Context(), ledger.Pause{Fleet: "payments", Service: "fraud", Who: "alice", Since: time.Now()}); err != nil {
			b.Fatal(err)
		}
		b.pass(time.Minute)
		b.track.then(ends(ledger.Refused), nil, 1)
		b.push("b")
		b.track.ran()
		b.pass(30 * time.Minute)
		want(b, "while it is paused", b.track.ran(), []string{})
		if _, _, err := b.Config.Ledger.Resume(b.Context(), "payments", "fraud"); err != nil {
			b.Fatal(err)
		}
		b.pass(time.Minute)
		want(b, "when it is resumed", b.track.ran(), []string{"apply b"})
	})
}

// The loop that applies takes nothing more as soon as the server is to stop,
// also before the rest of the server has heard of it.
func TestNothingIsTakenAfterStop(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.track.ran()
		b.shut()
		if _, err := b.Config.Ledger.Enqueue(b.Context(), b.server.pushed("b")); err != nil {
			b.Fatal(err)
		}
		stop := make(chan struct{})
		close(stop)
		if _, err := b.server.loops(b.Context(), stop)[0].step(b.Context()); err != nil {
			b.Fatal(err)
		}
		want(b, "after the stop", b.track.ran(), []string{})
	})
}

func TestStopLetsTheRunningApplyFinishItsSteps(t *testing.T) {
	onBench(t, func(b *bench) {
		b.track.takes(time.Hour)
		b.pulls.open = append(b.pulls.open, pull(7, "main", "p"))
		b.pulls.takes = time.Hour
		b.start()
		b.push("b")
		b.shut()
		want(b, "before the end", b.track.ran(), []string{"apply a"})
		want(b, "previewed", b.pulls.ran(), []string{})
		want(b, "jobs", b.waits(), []string{"pull p", "push b"})
		b.pulls.takes = 0
		b.start()
		b.pass(time.Minute)
		want(b, "after the next start", b.track.ran(), []string{"apply b"})
		want(b, "previewed then", b.pulls.ran(), []string{"7 p"})
	})
}
