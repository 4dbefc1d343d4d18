package applier

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// A run is one Apply: the books of what became of each step.
type run struct {
	actuators map[string]Actuator
	observe   func(Event)
	within    func(context.Context, planner.StepKey) context.Context
	pace      pace
	timeout   time.Duration // as people read it: in AWS's time
	steps     []planner.Step
	waiters   [][]int // by step: the steps that wait for it
	stop      <-chan struct{}
	slots     chan struct{} // one for each call under way
	began     time.Time
	polls     sync.WaitGroup

	mu      sync.Mutex // guards what follows, and puts events in a row
	results []Result
	counts  Counts
	watches map[watchKey]*watch
	outputs map[planner.Addr]planner.Outputs
	grounds map[planner.Addr]*ground // what is in it does not change
}

func newRun(a *Applier, p *planner.Plan, stop <-chan struct{}) *run {
	r := &run{
		actuators: a.Actuators,
		observe:   a.Observe,
		within:    a.Within,
		pace:      a.pace(),
		timeout:   a.timeout(),
		steps:     p.Steps,
		waiters:   make([][]int, len(p.Steps)),
		stop:      stop,
		slots:     make(chan struct{}, a.parallelism()),
		began:     time.Now(),
		results:   make([]Result, len(p.Steps)),
		counts:    Counts{Total: len(p.Steps)},
		watches:   make(map[watchKey]*watch),
		outputs:   make(map[planner.Addr]planner.Outputs),
		grounds:   make(map[planner.Addr]*ground),
	}
	for i, s := range p.Steps {
		r.results[i] = Result{StepKey: s.StepKey, Group: subject(s).Group, Origin: subject(s).Origin, State: NotStarted}
	}
	r.learn(p)
	return r
}

// subject is the resource a step is about, as people know it.
func subject(s planner.Step) planner.Resource {
	if s.Action == planner.Delete {
		return s.Before
	}
	return s.After
}

// learn notes the outputs that are known before the first step. What a delete
// takes away, or an update readies for that, is not among them: nothing that is wanted rests on it, and its
// successor may have the same address.
func (r *run) learn(p *planner.Plan) {
	for _, f := range p.Facts {
		if r.outputs[f.Addr] == nil {
			r.outputs[f.Addr] = planner.Outputs{}
		}
		r.outputs[f.Addr][f.Out] = f.Value
	}
	for _, s := range p.Steps {
		if s.Action == planner.Update && s.ID == "" {
			r.outputs[s.Addr] = s.Before.Outputs
		}
	}
}

// lookup is an output as it is now.
func (r *run) lookup(a planner.Addr, out string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.outputs[a][out]
	return v, ok
}

// halted says why no step may start any more; nil if one may.
func (r *run) halted(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.stop:
		return ErrStopped
	default:
		return nil
	}
}

// begin starts step i on the books, unless its turn will not come.
func (r *run) begin(ctx context.Context, i int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.results[i].State != NotStarted || r.halted(ctx) != nil {
		return false
	}
	r.results[i].State = running
	r.results[i].Started = time.Since(r.began)
	r.counts.Running++
	r.emit(StepStarted, i, "")
	return true
}

// waiting notes what step i waits for, once for as long as it is the same.
// The caller holds mu.
func (r *run) waiting(i int, reason string) {
	if r.results[i].Reason != reason {
		r.results[i].Reason = reason
		r.emit(StepWaiting, i, reason)
	}
}

// finish closes the books on step i, which has begun. The caller holds mu.
func (r *run) finish(i int, o outcome) {
	res := &r.results[i]
	res.State, res.Because = o.state, o.because
	res.Took = time.Since(r.began) - res.Started
	if o.state == Done || o.reason != "" {
		res.Reason = o.reason
	}
	r.counts.Running--
	switch o.state {
	case Done:
		r.counts.Done++
		r.emit(StepDone, i, res.Reason)
	case Unfinished:
		r.counts.Unfinished++
		r.emit(StepUnfinished, i, res.Reason)
	default:
		res.Err = fmt.Errorf("%s: %w", res.Addr, o.err)
		r.counts.Failed++
		r.emit(StepFailed, i, oneLine(o.err.Error()))
		r.skip(i)
	}
}

// An outcome is how a step that has begun came out.
type outcome struct {
	state   State
	reason  string // empty: what was heard last
	because *planner.StepKey
	err     error // if state is Failed
}

// skip closes the books on all that waited, directly or over others that have
// not started either, for the failed step i. The caller holds mu.
func (r *run) skip(i int) {
	root := r.results[i].StepKey
	var doomed []int
	for next := []int{i}; len(next) > 0; {
		for _, j := range r.waiters[next[0]] {
			if r.results[j].State == NotStarted {
				r.results[j].State, r.results[j].Because = Skipped, &root
				doomed, next = append(doomed, j), append(next, j)
			}
		}
		next = next[1:]
	}
	slices.Sort(doomed)
	for _, j := range doomed {
		r.counts.Skipped++
		r.emit(StepSkipped, j, "because of "+root.Addr.String())
	}
}

// explain puts, once the walk is over, the first root in the order of the
// plan to every skip, so that the report does not depend on which of two
// failures came first. The caller holds mu.
func (r *run) explain() {
	roots := make([]int, len(r.steps))
	for i := range roots {
		roots[i] = len(r.steps)
	}
	for i, waiters := range r.waiters {
		switch res := &r.results[i]; res.State {
		case Failed:
			roots[i] = i
		case Skipped:
			root := r.results[roots[i]].StepKey
			res.Because = &root
		default:
			continue
		}
		for _, j := range waiters {
			roots[j] = min(roots[j], roots[i])
		}
	}
}

// emit tells of an event. The caller holds mu.
func (r *run) emit(kind EventKind, i int, reason string) {
	if r.observe == nil {
		return
	}
	res := r.results[i]
	elapsed := res.Took
	if res.State == running {
		elapsed = time.Since(r.began) - res.Started
	}
	r.observe(Event{Kind: kind, StepKey: res.StepKey, Group: res.Group, Reason: reason, Elapsed: elapsed, Counts: r.counts})
}

// report is what the books say in the end.
func (r *run) report(ctx context.Context, p *planner.Plan) *Report {
	rep := &Report{
		Fleet:   p.Fleet,
		Commit:  p.Commit,
		Began:   r.began,
		Took:    time.Since(r.began),
		Results: r.results,
		Blocked: p.Blocked,
	}
	for _, res := range rep.Results {
		if res.State == NotStarted || res.State == Unfinished && res.Because == nil {
			rep.Interrupted = interruption(ctx)
		}
	}
	return rep
}

func interruption(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("cancelled before every step was done; run again to go on: %w", context.Cause(ctx))
	}
	return ErrStopped
}
