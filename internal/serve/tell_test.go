package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/planner"
)

// A channel keeps what it is sent.
type channel struct {
	mu     sync.Mutex
	got    []Message
	broken error
	tries  int
}

// channel adds one to the server that is to be made.
func (b *bench) channel(name string) *channel {
	c := new(channel)
	if b.Config.Channels == nil {
		b.Config.Channels = map[string]func(context.Context, ledger.Notice) error{}
	}
	b.Config.Channels[name] = func(_ context.Context, n ledger.Notice) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tries++
		if c.broken != nil {
			return c.broken
		}
		var m Message
		if err := json.Unmarshal(n.Body, &m); err != nil {
			b.Errorf("%s is no message: %v", n.Body, err)
		}
		c.got = append(c.got, m)
		return nil
	}
	return c
}

// messages gives what was sent since the last time.
func (c *channel) messages() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := append([]Message{}, c.got...)
	c.got = nil
	return all
}

// told gives the titles of what was sent since the last time.
func (c *channel) told() []string {
	titles := []string{}
	for _, m := range c.messages() {
		titles = append(titles, m.Title)
	}
	return titles
}

func (c *channel) set(broken error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = broken
}

func TestFailureAndRecoveryAreToldOnce(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.URL = "https://linkfleet.example.com"
		chat, pager := b.channel("chat"), b.channel("pager")
		b.start()
		b.pass(time.Minute)
		want(b, "told of what is well", chat.told(), []string{})
		failed := ends(ledger.Failed)
		failed.Run.Error = "AWS does not answer"
		b.track.then(failed, nil, 3)
		b.push("b")
		b.pass(time.Second)
		b.queue(ledger.Job{Kind: ledger.PushJob, Key: "main", Commit: "b"}) // somebody insists
		b.pass(time.Second)
		got := chat.messages()
		want(b, "told", got, []Message{{
			Kind: FailureMessage, Fleet: "payments", Title: "commit b was not rolled out", Text: "AWS does not answer",
			Commit: "b", Run: got[0].Run, RunURL: fmt.Sprint("https://linkfleet.example.com/runs/", got[0].Run),
		}})
		b.pass(time.Hour)
		want(b, "told in the end", chat.told(), []string{"the fleet's commits are rolled out again"})
		want(b, "told the other", len(pager.told()), 2)
	})
}

func TestWhatIsNoFailure(t *testing.T) {
	paused := ends(ledger.Refused)
	paused.Plan.Blocked = []planner.Blocked{{Cause: planner.CauseRefused, Mend: "linkfleet resume --service fraud"}, {Cause: planner.CauseDepends}}
	for name, c := range map[string]struct {
		out *rollout.Outcome
		err error
	}{
		"somebody else runs":     {ends(ledger.Refused), &lease.HeldError{}},
		"AWS changed":            {ends(ledger.Refused), &reconcile.ChangedError{}},
		"it was stopped":         {ends(ledger.Interrupted), nil},
		"a service is paused":    {paused, nil},
		"nothing was to be done": {ends(ledger.Nothing), nil},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				chat := b.channel("chat")
				b.start()
				b.track.then(c.out, c.err, 1)
				b.push("b")
				b.pass(time.Hour)
				want(b, "told", chat.told(), []string{})
			})
		})
	}
}

// An invalid commit does not hide whether drift is healed, nor the other way.
func TestRolloutAndUpkeepAreToldApart(t *testing.T) {
	onBench(t, func(b *bench) {
		chat := b.channel("chat")
		b.Config.Drift = every(time.Hour)
		b.start()
		b.track.then(ends(ledger.Refused), &rollout.RefusedError{Why: "not signed"}, 1)
		b.push("b")
		b.pass(2 * time.Hour)
		want(b, "told", chat.told(), []string{"commit b was not rolled out"})
		b.track.then(ends(ledger.Failed), nil, 1)
		b.pass(time.Hour + time.Minute)
		want(b, "told of upkeep", chat.told(), []string{"drift could not be healed", "drift is looked for and healed again"})
	})
}

func (b *bench) seesDrift(healed bool, addresses ...string) {
	b.track.mu.Lock()
	defer b.track.mu.Unlock()
	b.track.next = append(b.track.next, func(ctx context.Context, _ <-chan struct{}, _ rollout.Order) (*rollout.Outcome, error) {
		out := ends(ledger.Done)
		var seen []ledger.Drift
		for _, a := range addresses {
			seen = append(seen, ledger.Drift{Address: a, Fields: []string{"rules"}})
		}
		glance := ledger.Glance{Fleet: "payments", At: time.Now()}
		var err error
		if out.Drifted, err = b.Config.Ledger.ObserveDrift(ctx, glance, seen); err != nil || !healed {
			return out, err
		}
		after, err := b.Config.Ledger.ObserveDrift(ctx, glance, nil)
		out.Drifted.Healed = append(out.Drifted.Healed, after.Healed...)
		return out, err
	})
}

func TestDriftIsToldOnce(t *testing.T) {
	onBench(t, func(b *bench) {
		chat := b.channel("chat")
		b.Config.Drift = every(time.Hour)
		b.start()
		b.seesDrift(true, "security-group/fraud@platform/us-east-1")
		b.pass(time.Hour + time.Second)
		got := chat.messages()
		if len(got) != 1 || got[0].Title != "1 resource had drifted and was healed" || got[0].Text != "security-group/fraud@platform/us-east-1: rules" || got[0].Kind != DriftMessage {
			b.Errorf("told was %+v", got)
		}
		b.seesDrift(true, "security-group/fraud@platform/us-east-1") // once more
		b.pass(time.Hour)
		want(b, "told of the next time", len(chat.told()), 1)
		for range 3 {
			b.seesDrift(false, "listener/a@p/r", "listener/b@p/r")
			b.pass(time.Hour)
		}
		want(b, "told of what stays", chat.told(), []string{"2 resources drifted and are not healed"})
		b.seesDrift(false, "listener/a@p/r", "listener/b@p/r", "listener/c@p/r")
		b.pass(time.Hour)
		want(b, "told of more", chat.told(), []string{"3 resources drifted and are not healed"})
		b.seesDrift(false, "listener/c@p/r")
		b.pass(time.Hour)
		want(b, "told of less", chat.told(), []string{})
		b.pass(time.Hour)
		b.seesDrift(false)
		b.pass(time.Hour)
		want(b, "told of the end", chat.told(), []string{"nothing has drifted any more"})
	})
}

// One channel that is down holds up neither its own order nor another.
func TestChannelThatIsDown(t *testing.T) {
	onBench(t, func(b *bench) {
		chat, pager := b.channel("chat"), b.channel("pager")
		chat.set(errors.New("503"))
		b.start()
		for _, commit := range []string{"b", "c"} {
			b.track.then(ends(ledger.Refused), &rollout.RefusedError{Why: "no"}, 1)
			b.push(commit)
			b.push("good " + commit)
		}
		b.pass(time.Minute)
		all := []string{"commit b was not rolled out", "the fleet's commits are rolled out again", "commit c was not rolled out", "the fleet's commits are rolled out again"}
		want(b, "told the one that is up", pager.told(), all)
		want(b, "told the one that is down", chat.told(), []string{})
		if chat.tries < 2 || chat.tries > 6 {
			b.Errorf("it was tried %d times in a minute", chat.tries)
		}
		chat.set(nil)
		b.pass(time.Hour)
		want(b, "told it when it is up", chat.told(), all)
	})
}

func TestNoticesThatAreGivenUp(t *testing.T) {
	onBench(t, func(b *bench) {
		b.channel("chat").set(errors.New("503"))
		b.channel("gone").set(errors.New("503"))
		b.start()
		b.track.then(ends(ledger.Refused), &rollout.RefusedError{Why: "no"}, 3)
		b.push("b")
		b.pass(time.Minute)
		b.shut()
		delete(b.Config.Channels, "gone")
		b.start()
		b.pass(time.Hour)
		unsent, err := b.Config.Ledger.Unsent(b.Context())
		if err != nil || len(unsent) != 1 || unsent[0].Channel != "chat" {
			b.Errorf("unsent are %+v, %v", unsent, err)
		}
		b.shut()
		b.pass(staleAfter)
		b.start()
		b.pass(30 * time.Minute)
		if unsent, err = b.Config.Ledger.Unsent(b.Context()); err != nil || len(unsent) > 0 {
			b.Errorf("unsent are %+v, %v", unsent, err)
		}
		if !strings.Contains(b.log.String(), "given up") {
			b.Error("the log does not say that a notice was given up")
		}
	})
}

// What a receiver says of a retry is heeded.
func TestSendErrors(t *testing.T) {
	onBench(t, func(b *bench) {
		slow, deaf := b.channel("slow"), b.channel("deaf")
		counted := new(counting)
		b.Config.Observer = counted
		slow.set(&SendError{Err: errors.New("429"), After: 50 * time.Minute})
		deaf.set(&SendError{Err: errors.New("404"), Never: true})
		b.start()
		b.track.then(ends(ledger.Refused), &rollout.RefusedError{Why: "no"}, 1)
		b.push("b")
		b.pass(49 * time.Minute)
		want(b, "tries of the slow one", slow.tries, 1)
		want(b, "tries of the deaf one", deaf.tries, 1)
		slow.set(nil)
		b.pass(2 * time.Minute)
		want(b, "told the slow one", len(slow.told()), 1)
		slices.Sort(counted.notices)
		want(b, "counted", counted.notices, []string{"deaf given_up", "slow delayed", "slow sent"})
	})
}

func TestRunsAreCounted(t *testing.T) {
	onBench(t, func(b *bench) {
		counted := new(counting)
		b.Config.Observer = counted
		b.track.takes(time.Minute)
		b.pulls.open = append(b.pulls.open, pull(7, "main", "p"))
		b.start()
		b.pass(2 * time.Minute)
		kinds := map[ledger.RunKind]time.Duration{}
		for _, e := range counted.runs {
			kinds[e.Run.Kind] = e.Took
		}
		want(b, "runs", kinds, map[ledger.RunKind]time.Duration{ledger.ApplyRun: time.Minute, ledger.PreviewRun: 0})
	})
}
