package serve

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

func TestPollingFindsWhatNobodyTold(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Poll = time.Minute
		b.start()
		want(b, "at the start", b.track.ran(), []string{"apply a"})
		b.track.set("b")
		b.pulls.set(pull(7, "main", "p"), pull(8, "next", "q"))
		b.pass(90 * time.Second)
		want(b, "at the next poll", b.track.ran(), []string{"apply b"})
		want(b, "previewed", b.pulls.ran(), []string{"7 p"})
		b.pulls.set(pull(7, "main", "p2"))
		b.pass(time.Hour)
		want(b, "when nothing is new", b.track.ran(), []string{})
		want(b, "previewed then", b.pulls.ran(), []string{"7 p2"})
	})
}

// A commit that was tried in vain is not tried at each poll, but at the next
// start: what kept it from being applied may have been the server's settings.
func TestPollingDoesNotInsist(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Poll = time.Minute
		b.track.then(ends(ledger.Refused), &rollout.RefusedError{Why: "not signed"}, 1)
		b.start()
		b.pass(time.Hour)
		want(b, "with the first settings", b.track.ran(), []string{"apply a"})
		b.shut()
		b.start()
		b.pass(time.Hour)
		want(b, "with the next", b.track.ran(), []string{"apply a"})
	})
}

// That the forge does not list pull requests has no commit tried over and over.
func TestForgeThatFailsDoesNotRepeatApplies(t *testing.T) {
	onBench(t, func(b *bench) {
		b.pulls.unlisted = errors.New("403")
		b.track.then(ends(ledger.Refused), &rollout.RefusedError{Why: "not signed"}, 100)
		b.start()
		b.pass(30 * time.Minute)
		want(b, "rolled out", b.track.ran(), []string{"apply a"})
	})
}

// A job of a preview that was queued when there were any is given up.
func TestPreviewsThatAreSwitchedOff(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Previewer, b.Config.Pulls = nil, nil
		b.start()
		b.queue(ledger.Job{Kind: ledger.PullJob, Key: "7", Commit: "p"})
		want(b, "jobs", b.waits(), []string{})
	})
}

func TestRepositoryThatCannotBeReached(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Poll = time.Minute
		channel := b.channel("chat")
		b.track.broken = errors.New("the host does not answer")
		b.start()
		b.pass(10 * time.Second)
		if b.server.Ready() == nil {
			b.Error("a server is ready that has never seen its repository")
		}
		if err := b.server.Healthy(); err != nil {
			b.Errorf("a server is not healthy because its repository cannot be reached: %v", err)
		}
		b.pass(30 * time.Minute)
		want(b, "told", channel.told(), []string{"the fleet's repository cannot be read"})
		b.track.mend()
		b.pass(2 * time.Minute)
		want(b, "told", channel.told(), []string{"the fleet's repository can be read again"})
		want(b, "rolled out", b.track.ran(), []string{"apply a"})
		if err := b.server.Ready(); err != nil {
			b.Errorf("the server is not ready: %v", err)
		}
		b.shut()
		if b.server.Healthy() == nil || b.server.Ready() == nil {
			b.Error("a server is healthy that has ended")
		}
	})
}

func TestDriftIsLookedForOnSchedule(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Drift = every(time.Hour)
		b.start()
		b.track.ran()
		b.pass(4*time.Hour - time.Minute)
		want(b, "in four hours", b.track.ran(), []string{"heal a", "heal a", "heal a"})
		b.shut()
		b.pass(4 * time.Hour)
		b.start()
		want(b, "at the start after some hours off", b.track.ran(), []string{"heal a"})
	})
}

// Where only webhooks tell of pushes, one that was lost is made up for when it
// is time to look for drift.
func TestLostWebhookIsMadeUpFor(t *testing.T) {
	onBench(t, func(b *bench) {
		h := newReceiver(b.T)
		b.Config.Poll, b.Config.Receiver, b.Config.Repo = 0, h, "a/b"
		b.Config.Drift = every(time.Hour)
		b.start()
		b.track.ran()
		b.track.set("b")
		b.pass(50 * time.Minute)
		want(b, "before", b.track.ran(), []string{})
		b.pass(20 * time.Minute)
		want(b, "after", b.track.ran()[1:], []string{"apply b"})
	})
}

func TestArrivals(t *testing.T) {
	onBench(t, func(b *bench) {
		events := make(chan int)
		acked := 0
		b.Config.Events = func(ctx context.Context) (int, func(context.Context) error, error) {
			select {
			case n := <-events:
				if n < 0 {
					return 0, nil, errors.New("the queue is gone")
				}
				return n, func(context.Context) error {
					want(b, "jobs when it is acknowledged", len(b.waits()), 1)
					acked++
					return nil
				}, nil
			case <-ctx.Done():
				return 0, nil, ctx.Err()
			}
		}
		b.start()
		b.track.ran()
		b.track.takes(time.Minute)
		events <- 3
		b.pass(time.Second)
		want(b, "rolled out", b.track.ran(), []string{"heal a"})
		want(b, "acknowledged", acked, 1)
		b.pass(2 * time.Minute)
		want(b, "jobs", b.waits(), []string{})
		// AWS's lists lag behind what it tells.
		b.track.then(ends(ledger.Nothing), nil, 2)
		events <- -1
		events <- 1
		b.pass(5 * time.Minute)
		want(b, "looked for", b.track.ran(), []string{"heal a", "heal a"})
		want(b, "jobs", b.waits(), []string{})
	})
}

func TestPreviewsRunSideBySide(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Previews = 3
		b.start()
		b.track.ran()
		for n := range 8 {
			b.pulls.open = append(b.pulls.open, pull(n, "main", "p"))
		}
		b.pulls.takes = time.Minute
		rouse(b.server.looking)
		b.pass(time.Second)
		b.push("b")
		want(b, "applied while they run", b.track.ran(), []string{"apply b"})
		b.pass(time.Hour)
		want(b, "previews, of which 3 were overtaken", len(b.pulls.ran()), 8+3)
		want(b, "at once", b.pulls.most, 3)
	})
}

// What an open pull request was told is of the branch and of AWS as they were.
// When something is merged and rolled out, it is told anew, once.
func TestPreviewsFollowTheBranch(t *testing.T) {
	onBench(t, func(b *bench) {
		b.pulls.set(pull(7, "main", "p"), pull(8, "next", "q"), pull(9, "main", "r"))
		b.start()
		b.pass(5 * time.Minute)
		want(b, "at the start", b.pulls.ran(), []string{"9 r", "7 p"})
		b.track.takes(time.Minute)
		b.push("b")
		b.pass(50 * time.Second)
		want(b, "while the merge is rolled out", b.pulls.ran(), []string{})
		b.pass(11 * time.Second)
		want(b, "after that", b.pulls.ran(), []string{"9 r", "7 p"})
		b.pass(2 * time.Hour)
		want(b, "later", b.pulls.ran(), []string{})
	})
}

// A merge that cannot be rolled out has pull requests be previewed when that
// is seen first, and when it is mended.
func TestPreviewsFollowTheBranchThatFails(t *testing.T) {
	onBench(t, func(b *bench) {
		b.pulls.set(pull(7, "main", "p"))
		b.start()
		b.pass(time.Minute)
		b.pulls.ran()
		b.track.then(ends(ledger.Interrupted), nil, 1)
		b.track.then(ends(ledger.Failed), nil, 3)
		b.push("b")
		want(b, "while it is not known", b.pulls.ran(), []string{})
		b.pass(2 * time.Minute)
		want(b, "when it failed once", b.pulls.ran(), []string{"7 p"})
		b.pass(time.Hour)
		want(b, "runs in all", len(b.track.ran()), 6)
		want(b, "when it was mended", b.pulls.ran(), []string{"7 p"})
	})
}

// One that is being previewed meanwhile is told anew as well.
func TestPreviewsThatTheBranchOvertakes(t *testing.T) {
	onBench(t, func(b *bench) {
		b.pulls.set(pull(7, "main", "p"))
		b.start()
		b.pass(time.Minute)
		b.pulls.ran()
		b.pulls.takes = 10 * time.Minute
		b.pulls.set(pull(7, "main", "p2"))
		b.queue(ledger.Job{Kind: ledger.PullJob, Key: "7", Commit: "p2"})
		b.pass(time.Minute)
		b.push("b")
		want(b, "jobs", b.waits(), []string{"pull p2", "pull p2"})
		rouse(b.server.looking)
		b.pass(time.Hour)
		want(b, "previewed", b.pulls.ran(), []string{"7 p2", "7 p2"})
		b.queue(ledger.Job{Kind: ledger.PullJob, Key: "7", Commit: "p3", NotBefore: time.Now().Add(time.Hour)})
		b.push("c")
		want(b, "jobs when a newer head waits", b.waits(), []string{"pull p3"})
	})
}

// Whoever keeps the server from it, it is made up for: what was previewed when
// stands in the ledger.
func TestPreviewsFollowTheBranchAfterTrouble(t *testing.T) {
	onBench(t, func(b *bench) {
		h := newReceiver(b.T)
		b.Config.Poll, b.Config.Receiver, b.Config.Repo = 0, h, "a/b"
		b.pulls.set(pull(7, "main", "p"))
		b.start()
		b.pass(time.Minute)
		b.pulls.ran()
		b.pulls.lists(errors.New("bad gateway"))
		b.push("b")
		b.pass(time.Second)
		b.shut()
		b.pulls.lists(nil)
		b.pass(time.Minute)
		b.start()
		b.pass(time.Minute)
		want(b, "previewed", b.pulls.ran(), []string{"7 p"})
	})
}

func TestPreviewsThatFollowAreBounded(t *testing.T) {
	onBench(t, func(b *bench) {
		var open []forge.PullRequest
		for n := range renewed + 20 {
			open = append(open, pull(n+1, "main", "p"))
		}
		b.pulls.set(open...)
		b.start()
		b.pass(time.Minute)
		want(b, "at the start", len(b.pulls.ran()), renewed+20)
		b.push("b")
		b.pass(2 * time.Hour)
		got := b.pulls.ran()
		want(b, "after a merge", len(got), renewed)
		if !slices.Contains(got, "21 p") || slices.Contains(got, "20 p") {
			b.Errorf("previewed were not the newest, but %q", got)
		}
	})
}

func TestPreviewsThatAreTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		times int // that it fails
		tries int // to come; then it is given up, or told
		told  bool
	}{
		"the forge fails":        {errors.New("bad gateway"), 2, 3, true},
		"it fails for long":      {errors.New("bad gateway"), 100, mostTries, false},
		"the pull request is no": {&forge.Error{Status: 404}, 100, 1, false},
		"the rate limit":         {&forge.RateLimited{Until: time.Date(2000, 1, 1, 5, 0, 0, 0, time.UTC)}, 1, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.start()
				tries := b.pulls.fails(c.err, c.times)
				b.pulls.set(pull(7, "main", "p"))
				b.queue(ledger.Job{Kind: ledger.PullJob, Key: "7", Commit: "p"})
				b.pass(50 * time.Minute)
				if _, limited := c.err.(*forge.RateLimited); limited {
					want(b, "tries before the limit is lifted", *tries, 1)
					b.pass(5 * time.Hour)
				}
				want(b, "tries", *tries+len(b.pulls.ran()), c.tries)
				want(b, "jobs", b.waits(), []string{})
			})
		})
	}
}

// A forge may tell of a head before its repository shows it.
func TestPullRequestThatLags(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.pulls.set(pull(7, "main", "p1"))
		b.queue(ledger.Job{Kind: ledger.PullJob, Key: "7", Commit: "p2"})
		b.pulls.set(pull(7, "main", "p2"))
		b.pass(10 * time.Minute)
		want(b, "previewed", b.pulls.ran(), []string{"7 p1", "7 p2"})
		b.queue(ledger.Job{Kind: ledger.PullJob, Key: "9", Commit: "p2"})
		want(b, "jobs of a closed one", b.waits(), []string{})
	})
}

// A preview that kills the server is given up, and is not found to be missing
// by each look at the repository.
func TestPreviewThatKillsTheServer(t *testing.T) {
	for _, commit := range []string{"p", ""} {
		t.Run("of commit "+commit, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.start()
				b.pulls.set(pull(7, "main", "p"))
				if commit == "" {
					b.queue(ledger.Job{Kind: ledger.PullJob, Key: "7", Commit: "p"})
				}
				b.shut()
				b.pulls.ran()
				b.dies(ledger.Job{Kind: ledger.PullJob, Key: "7", Commit: commit}, mostTries)
				b.start()
				b.pass(3 * time.Hour)
				want(b, "previewed", b.pulls.ran(), []string{})
				want(b, "jobs", b.waits(), []string{})
				runs, err := b.Config.Ledger.Runs(b.Context(), ledger.RunFilter{Kind: ledger.PreviewRun})
				if err != nil || runs[0].Outcome != ledger.Failed || runs[0].Commit != "p" || runs[0].Pull != 7 {
					b.Errorf("the previews kept are %+v (%v)", runs, err)
				}
			})
		})
	}
}

// dies queues a job that some processes take and die with.
func (b *bench) dies(j ledger.Job, times int) {
	b.Helper()
	if _, err := b.Config.Ledger.Enqueue(b.Context(), j); err != nil {
		b.Fatal(err)
	}
	for range times {
		mortal, err := ledger.Open(b.Context(), b.dir)
		if err != nil {
			b.Fatal(err)
		}
		if _, found, err := mortal.Take(b.Context(), time.Now()); !found || err != nil {
			b.Fatal(found, err)
		}
		if err := mortal.Close(); err != nil {
			b.Fatal(err)
		}
		if _, err := b.Config.Ledger.Recover(b.Context(), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
