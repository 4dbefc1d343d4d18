package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/planner"
)

// A bench is a server with a ledger of its own, a repository and a forge that
// are played, and a clock that jumps.
type bench struct {
	*testing.T
	Config Config
	dir    string
	log    bytes.Buffer
	track  *fakeTrack
	pulls  *fakePulls
	server *Server
	stop   chan struct{}
	ended  chan error
}

// onBench runs a test in a bubble of virtual time.
func onBench(t *testing.T, do func(b *bench)) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, dir)
		do(b)
		b.shut()
	})
}

func newBench(t *testing.T, dir string) *bench {
	l, err := ledger.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bench{T: t, dir: dir}
	b.track = &fakeTrack{ledger: l, tip: "a"}
	b.pulls = &fakePulls{ledger: l}
	b.Config = Config{
		Track: b.track, Ledger: l, Ref: "main", Previewer: b.pulls, Pulls: b.pulls, Poll: time.Hour,
		Log: slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return b
}

// start begins to serve.
func (b *bench) start() {
	b.Helper()
	var err error
	if b.server, err = New(b.Config); err != nil {
		b.Fatal(err)
	}
	b.stop, b.ended = make(chan struct{}), make(chan error, 1)
	go func() { b.ended <- b.server.Run(b.Context(), b.stop) }()
	synctest.Wait()
}

// shut ends the server in order, if it runs.
func (b *bench) shut() {
	b.Helper()
	if b.stop == nil {
		return
	}
	close(b.stop)
	b.stop = nil
	if err := <-b.ended; err != nil {
		b.Errorf("the server ended with: %v", err)
	}
}

// pass lets time pass, and everything happen that is due by then.
func (b *bench) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// push has the branch be at a commit, and the server be told so.
func (b *bench) push(commit string) {
	b.Helper()
	b.track.set(commit)
	b.queue(ledger.Job{Kind: ledger.PushJob, Key: "main", Commit: commit})
}

func (b *bench) queue(j ledger.Job) {
	b.Helper()
	j.Enqueued = time.Now()
	if _, err := b.Config.Ledger.Enqueue(b.Context(), j); err != nil {
		b.Fatal(err)
	}
	rouse(b.server.applying)
	rouse(b.server.previewing)
	synctest.Wait()
}

// waits gives the jobs that wait or run, as "kind commit".
func (b *bench) waits() []string {
	b.Helper()
	jobs, err := b.Config.Ledger.Jobs(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	all := []string{}
	for _, j := range jobs {
		all = append(all, fmt.Sprint(j.Kind, " ", j.Commit))
	}
	return all
}

func want[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// A fakeTrack rolls out what it is told, and keeps the runs as the true one
// does.
type fakeTrack struct {
	ledger *ledger.Ledger

	mu      sync.Mutex
	tip     string
	broken  error // of fetching
	rolled  []string
	running int
	most    int // at once
	looks   int
	// next are what the next runs come to; after them all is well. They see
	// the order, and may take their time.
	next []func(ctx context.Context, stop <-chan struct{}, o rollout.Order) (*rollout.Outcome, error)
	none []noRun // for each nil in next
}

func (f *fakeTrack) set(tip string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tip = tip
}

func (f *fakeTrack) Latest(context.Context) (gitsource.Commit, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	return gitsource.Commit{Hash: f.tip}, f.broken
}

func (f *fakeTrack) Roll(ctx context.Context, stop <-chan struct{}, o rollout.Order) (*rollout.Outcome, error) {
	f.mu.Lock()
	at := f.tip
	if o.Kind != ledger.ApplyRun {
		last, _, err := f.ledger.LastApplied(ctx, "payments")
		if err != nil {
			f.mu.Unlock()
			return nil, err
		}
		at = last.Commit
	}
	f.rolled = append(f.rolled, fmt.Sprint(o.Kind, " ", at))
	f.running++
	f.most = max(f.most, f.running)
	do := func(context.Context, <-chan struct{}, rollout.Order) (*rollout.Outcome, error) {
		return ends(ledger.Done), nil
	}
	if len(f.next) > 0 {
		do, f.next = f.next[0], f.next[1:]
	}
	f.mu.Unlock()
	defer f.leave()
	if do == nil {
		return f.noRun()
	}
	run := ledger.Run{Fleet: "payments", Kind: o.Kind, Commit: at, Ref: "main", Began: time.Now()}
	id, err := f.ledger.BeginRun(ctx, run)
	if err != nil {
		return nil, err
	}
	out, failed := do(ctx, stop, o)
	run.ID, run.Ended = id, time.Now()
	run.Outcome, run.Digest, run.Counts, run.Error = out.Run.Outcome, out.Run.Digest, out.Run.Counts, out.Run.Error
	out.Run = run
	return out, errors.Join(failed, f.ledger.EndRun(context.WithoutCancel(ctx), run))
}

func (f *fakeTrack) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
}

// ran gives what was rolled out since the last time, as "kind commit".
func (f *fakeTrack) ran() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := append([]string{}, f.rolled...)
	f.rolled = nil
	return all
}

// ends is a run that came to a plan.
func ends(outcome ledger.Outcome) *rollout.Outcome {
	return &rollout.Outcome{Run: ledger.Run{Outcome: outcome, Digest: "d"}, Plan: &planner.Plan{}}
}

// then has runs come to something.
func (f *fakeTrack) then(outcome *rollout.Outcome, err error, times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range times {
		f.next = append(f.next, func(context.Context, <-chan struct{}, rollout.Order) (*rollout.Outcome, error) {
			again := *outcome
			return &again, err
		})
	}
}

// takes has a run take its time, unless it is stopped.
func (f *fakeTrack) takes(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, func(ctx context.Context, stop <-chan struct{}, _ rollout.Order) (*rollout.Outcome, error) {
		select {
		case <-time.After(d):
			return ends(ledger.Done), nil
		case <-stop:
			return ends(ledger.Interrupted), nil
		case <-ctx.Done():
			return ends(ledger.Interrupted), ctx.Err()
		}
	})
}

// fakePulls plays the forge.
type fakePulls struct {
	ledger *ledger.Ledger

	mu   sync.Mutex
	open []forge.PullRequest
	// unlisted is why the pull requests cannot be listed.
	unlisted error
	told     []string
	most     int
	now      int
	takes    time.Duration
	next     []func(number int) (*rollout.Previewed, error)
}

func pull(number int, base, head string) forge.PullRequest {
	return forge.PullRequest{Number: number, State: forge.Open, Base: forge.Side{Branch: base}, Head: forge.Side{Commit: head}}
}

func (f *fakePulls) OpenPullRequests(context.Context) ([]forge.PullRequest, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.open), f.unlisted
}

func (f *fakePulls) Preview(ctx context.Context, number int) (*rollout.Previewed, error) {
	f.mu.Lock()
	f.now++
	f.most = max(f.most, f.now)
	takes := f.takes
	var do func(int) (*rollout.Previewed, error)
	if len(f.next) > 0 {
		do, f.next = f.next[0], f.next[1:]
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.now--
	}()
	select {
	case <-ctx.Done():
		return &rollout.Previewed{}, ctx.Err()
	case <-time.After(takes):
	}
	if do != nil {
		return do(number)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.open {
		if p.Number == number {
			f.told = append(f.told, fmt.Sprint(number, " ", p.Head.Commit))
			return f.keep(ctx, p)
		}
	}
	return &rollout.Previewed{Skipped: "it is closed"}, nil
}

func (f *fakePulls) keep(ctx context.Context, p forge.PullRequest) (*rollout.Previewed, error) {
	run := ledger.Run{Fleet: "payments", Kind: ledger.PreviewRun, Pull: p.Number, Commit: p.Head.Commit, Began: time.Now()}
	id, err := f.ledger.BeginRun(ctx, run)
	if err != nil {
		return nil, err
	}
	run.ID, run.Outcome, run.Ended = id, ledger.Done, time.Now()
	return &rollout.Previewed{Run: run}, f.ledger.EndRun(ctx, run)
}

// ran gives what was previewed since the last time, as "number commit".
func (f *fakePulls) ran() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := append([]string{}, f.told...)
	f.told = nil
	return all
}

// thenNoRun has something come in place of a run.
func (f *fakeTrack) thenNoRun(out *rollout.Outcome, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, nil)
	f.none = append(f.none, noRun{out, err})
}

func (f *fakeTrack) noRun() (*rollout.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	no := f.none[0]
	f.none = f.none[1:]
	return no.out, no.err
}

type noRun struct {
	out *rollout.Outcome
	err error
}

func (f *fakeTrack) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = nil
}

func (f *fakePulls) set(open ...forge.PullRequest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = open
}

// lists has pull requests be listed, or not.
func (f *fakePulls) lists(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unlisted = err
}

// fails has previews fail, and counts how many did.
func (f *fakePulls) fails(err error, times int) *int {
	f.mu.Lock()
	defer f.mu.Unlock()
	tries := new(int)
	for range times {
		f.next = append(f.next, func(int) (*rollout.Previewed, error) {
			*tries++
			return &rollout.Previewed{}, err
		})
	}
	return tries
}
