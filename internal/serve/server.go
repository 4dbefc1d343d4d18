package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/forge/webhook"
	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// A Track is the fleet's branch and the runs on it; a [rollout.Track] is one.
type Track interface {
	Roll(ctx context.Context, stop <-chan struct{}, o rollout.Order) (*rollout.Outcome, error)
	Latest(ctx context.Context) (gitsource.Commit, error)
}

// A Previewer tells pull requests what they would do; a [rollout.Previewer] is
// one.
type Previewer interface {
	Preview(ctx context.Context, number int) (*rollout.Previewed, error)
}

// Pulls lists pull requests; a [forge.Forge] does.
type Pulls interface {
	OpenPullRequests(ctx context.Context) ([]forge.PullRequest, error)
}

// A Config is what a server serves, and how.
type Config struct {
	Track  Track
	Ledger *ledger.Ledger
	Ref    string // the branch that is rolled out

	Previewer Previewer // nil: pull requests are not previewed
	Pulls     Pulls     // nil: only webhooks tell of pull requests
	Previews  int       // at once; 0: 2

	Receiver *webhook.Receiver // nil: no webhooks are taken
	Forge    forge.Kind        // that sends them
	Repo     string            // the repository that they are of, by its full name on the forge

	// Poll is the time between two looks at the repository; 0: only at the
	// start and with each look for drift.
	Poll time.Duration
	// Drift is the next time after another to look for drift; the zero time is
	// never. Nil: never.
	Drift func(after time.Time) time.Time
	// Window tells whether the fleet may be changed at a time, and else until
	// when not, and why. Nil: always.
	Window func(now time.Time) (open bool, until time.Time, why string)
	// Events waits a while for AWS to tell that connections have come, and
	// gives how many did. Ack is to be called when they are taken note of;
	// without it they are told again. Nil: AWS tells nothing.
	Events func(ctx context.Context) (n int, ack func(context.Context) error, err error)

	// Channels are whom to tell of changes of state, by name: how to send a
	// notice there. Its body is a [Message] in JSON; a [SendError] says more
	// of what went wrong.
	Channels map[string]func(context.Context, ledger.Notice) error
	// RemindAfter is how long something may wait, such as for a partner to
	// connect, before people are told; 0: for ever.
	RemindAfter time.Duration
	// URL is where people see the fleet's state, and below /runs/ its runs;
	// empty: nowhere.
	URL string

	Observer Observer         // nil: nobody
	Log      *slog.Logger     // nil: nothing is logged
	Now      func() time.Time // nil: time.Now
}

// check says what a server cannot be run with.
func (c *Config) check() error {
	switch {
	case c.Receiver == nil && c.Poll <= 0:
		return errors.New("nothing would tell the server of a push: give it a webhook's secret, or a time to poll in")
	case c.Receiver != nil && c.Repo == "":
		return errors.New("webhooks are taken of one repository only: say which, by its full name on the forge")
	case c.Poll < 0:
		return fmt.Errorf("the time between two polls, %s, is below 0", c.Poll)
	case c.RemindAfter < 0:
		return fmt.Errorf("the time after which people are told that something waits, %s, is below 0", c.RemindAfter)
	case c.Previews < 0:
		return fmt.Errorf("the number of previews at once, %d, is below 0", c.Previews)
	}
	return nil
}

// A Server drives one fleet. Make it with [New].
type Server struct {
	Config
	trouble trouble
	fetched atomic.Bool // the branch was, once

	// A token in one of these has a loop look for what there is to do.
	applying, previewing, looking, telling chan struct{}
}

// New makes a server, which does nothing before Run.
func New(c Config) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	if c.Previews == 0 {
		c.Previews = 2
	}
	token := func() chan struct{} { return make(chan struct{}, 1) }
	return &Server{Config: c, applying: token(), previewing: token(), looking: token(), telling: token()}, nil
}

// rouse leaves a token for a loop.
func rouse(loop chan struct{}) {
	select {
	case loop <- struct{}{}:
	default: // it has one
	}
}

// Run serves until stop is closed, and then ends in order: no job is begun, a
// run that applies finishes its running steps, everything else ends at once
// and is left for the next start. The end of ctx does not wait for steps. Run
// gives an error only if it could not begin.
func (s *Server) Run(ctx context.Context, stop <-chan struct{}) error {
	if err := s.tidy(ctx); err != nil {
		return err
	}
	s.trouble.begin()
	defer s.trouble.end()
	working, end := context.WithCancel(ctx)
	defer end()
	go func() {
		select {
		case <-stop:
			end()
		case <-working.Done():
		}
	}()
	var loops sync.WaitGroup
	for _, l := range s.loops(ctx, stop) {
		loops.Go(func() { s.loop(working, l) })
	}
	loops.Wait()
	return nil
}

// loops are what a server does side by side. Only the loop that applies knows
// ctx and stop, for it alone does not end at once.
func (s *Server) loops(ctx context.Context, stop <-chan struct{}) []loop {
	apply := func(working context.Context) (time.Time, error) {
		if stopped(ctx, stop) { // and working is about to end
			return time.Time{}, nil
		}
		return s.work(working, func(j ledger.Job) end { return s.roll(ctx, stop, j) }, ledger.PushJob, ledger.DriftJob, ledger.ArrivalJob)
	}
	preview := func(working context.Context) (time.Time, error) {
		return s.work(working, func(j ledger.Job) end { return s.preview(working, j) }, ledger.PullJob)
	}
	all := []loop{
		{name: "applying", rouse: s.applying, step: apply},
		{name: "looking at the repository", rouse: s.looking, step: s.poller(), abroad: true},
		{name: "tidying the ledger", step: s.tidier()},
		{name: "watching for resumes", step: s.resumer()},
	}
	for n := range s.Previews {
		all = append(all, loop{name: fmt.Sprintf("previewing (%d)", n+1), rouse: s.previewing, step: preview})
	}
	for n := range max(1, len(s.Channels)) {
		all = append(all, loop{name: fmt.Sprintf("sending notices (%d)", n+1), rouse: s.telling, step: s.deliver})
	}
	if s.RemindAfter > 0 {
		all = append(all, loop{name: "watching what waits", step: s.remind})
	}
	if s.Drift != nil {
		all = append(all, loop{name: "watching the clock", step: s.driftTimer()})
	}
	if s.Events != nil {
		all = append(all, loop{name: "listening to AWS", step: s.listen, abroad: true})
	}
	return all
}
