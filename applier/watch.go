package applier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// mostUnanswered is how many times in a row asking may fail. One refusal may
// be a hiccup that outlived the client's own retries; three are an answer.
const mostUnanswered = 3

// A watchKey names what can be asked about at once.
type watchKey struct {
	kind  string
	place planner.Place
	gone  bool // about deleted resources
}

// A watch asks about all that is being waited for under one key, in one call
// each time. It has a goroutine for as long as somebody waits.
type watch struct {
	key        watchKey
	waits      []*wait // by step
	polling    bool    // its goroutine runs
	asked, due time.Time
	interval   time.Duration
	unanswered int
	wake       chan struct{} // due was changed
}

// A wait is one step's resource on its way.
type wait struct {
	step     int
	resource planner.Resource
	passed   chan error // one value, once dependents may start or never may
	usable   bool       // passed has had its value
	left     bool       // it is over
	deadline time.Time  // zero: as long as the walk goes on
	// vain says that it may never become ready, since a step that would help
	// it was not done; because is the failure behind that, if there is one.
	vain    bool
	because *planner.StepKey
}

// await waits until the dependents of step i may start. The watch goes on
// until the resource is ready.
func (r *run) await(ctx context.Context, i int, res planner.Resource) error {
	s := r.steps[i]
	w := &wait{step: i, resource: res, passed: make(chan error, 1), deadline: time.Now().Add(r.pace.timeout)}
	r.join(ctx, watchKey{s.Addr.Kind, s.Addr.Place, s.Action == planner.Delete}, w)
	return <-w.passed
}

func (r *run) join(ctx context.Context, key watchKey, w *wait) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.watches[key]
	if t == nil {
		t = &watch{key: key, wake: make(chan struct{}, 1)}
		r.watches[key] = t
	}
	at, _ := slices.BinarySearchFunc(t.waits, w.step, func(w *wait, step int) int { return w.step - step })
	t.waits = slices.Insert(t.waits, at, w)
	t.hurry(r.pace)
	if !t.polling {
		t.polling = true
		r.polls.Go(func() { r.poll(ctx, t) })
	}
}

// hurry starts the intervals afresh. The caller holds mu.
func (t *watch) hurry(p pace) {
	t.interval = p.first
	due := time.Now().Add(p.gather)
	if earliest := t.asked.Add(p.first); earliest.After(due) {
		due = earliest
	}
	if !t.polling || due.Before(t.due) {
		t.due = due
	}
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// poll asks, time and again, until nobody waits.
func (r *run) poll(ctx context.Context, t *watch) {
	for r.rest(ctx, t) {
		r.mu.Lock()
		waits := slices.Clone(t.waits)
		r.mu.Unlock()
		start := time.Now()
		statuses, err := r.ask(ctx, t.key, waits)
		r.heard(ctx, t, waits, statuses, err, start)
	}
}

// rest waits for the watch's next turn. It is false, and the watch at an end,
// when nobody waits or ctx has ended.
func (r *run) rest(ctx context.Context, t *watch) bool {
	for {
		pause, ok := r.pause(ctx, t)
		if !ok || pause <= 0 {
			return ok
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-t.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

func (r *run) pause(ctx context.Context, t *watch) (time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		for _, w := range t.waits {
			reason := cmp.Or(r.results[w.step].Reason, "cut short while waiting")
			r.leave(w, outcome{state: Unfinished, reason: reason})
		}
		t.tidy()
	}
	if len(t.waits) == 0 {
		t.polling = false
		return 0, false
	}
	return time.Until(t.due), true
}

// ask makes one call about all waits. Gone is turned into the terms of
// Settled.
func (r *run) ask(ctx context.Context, key watchKey, waits []*wait) ([]Status, error) {
	rs := make([]planner.Resource, len(waits))
	for i, w := range waits {
		rs[i] = w.resource
	}
	statuses, err := question(ctx, r.actuators[key.kind], key, rs)
	if err == nil && len(statuses) != len(rs) {
		err = fmt.Errorf("%d answers about %d resources", len(statuses), len(rs))
	}
	return statuses, err
}

func question(ctx context.Context, a Actuator, key watchKey, rs []planner.Resource) ([]Status, error) {
	if !key.gone {
		return a.Settled(ctx, key.place, rs)
	}
	gone, err := a.Gone(ctx, key.place, rs)
	statuses := make([]Status, len(gone))
	for i, g := range gone {
		statuses[i] = Status{Waiting, "going"}
		if g {
			statuses[i] = Status{Ready, "gone"}
		}
	}
	return statuses, err
}

// heard draws the conclusions from the answer to a question of time start.
func (r *run) heard(ctx context.Context, t *watch, waits []*wait, statuses []Status, err error, start time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.asked = time.Now()
	// A place that is slow to answer is not asked more than half the time.
	t.due = t.asked.Add(max(t.interval, t.asked.Sub(start)))
	t.interval = r.pace.longer(t.interval)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		r.unheard(t, waits, err)
	} else {
		t.unanswered = 0
		for i, w := range waits {
			r.judge(w, statuses[i])
		}
	}
	r.expire(waits, start)
	t.tidy()
}

// tidy forgets the waits that are over. The caller holds mu.
func (t *watch) tidy() {
	t.waits = slices.DeleteFunc(t.waits, func(w *wait) bool { return w.left })
}

// unheard counts a question that failed. The caller holds mu.
func (r *run) unheard(t *watch, waits []*wait, err error) {
	if _, busy := errors.AsType[Busy](err); busy {
		return
	}
	if t.unanswered++; t.unanswered < mostUnanswered {
		return
	}
	t.unanswered = 0
	for _, w := range waits {
		cause := fmt.Errorf("%s: its state cannot be read: %w", doing(r.steps[w.step].StepKey), err)
		r.leave(w, outcome{state: Failed, err: cause})
	}
}

// judge takes in what was found about one resource. The caller holds mu.
func (r *run) judge(w *wait, s Status) {
	switch s.Readiness {
	case Ready:
		r.leave(w, outcome{state: Done, reason: s.Reason})
		return
	case Broken:
		cause := fmt.Errorf("%s: AWS says %s", doing(r.steps[w.step].StepKey), cmp.Or(s.Reason, "it failed"))
		r.leave(w, outcome{state: Failed, reason: s.Reason, err: cause})
		return
	}
	r.waiting(w.step, s.Reason)
	if s.Readiness == Usable && !w.usable {
		w.pass(nil)
		w.deadline = time.Time{}
	}
}

// pass lets the dependents start, or never if err is set.
func (w *wait) pass(err error) {
	if !w.usable {
		w.usable = true
		w.passed <- err
	}
}

// expire ends the waits whose time was up when they were asked about at start:
// nothing is given up on what was heard earlier. The caller holds mu.
func (r *run) expire(waits []*wait, start time.Time) {
	for _, w := range waits {
		if w.left || w.deadline.IsZero() || start.Before(w.deadline) {
			continue
		}
		if w.vain {
			r.leave(w, outcome{state: Unfinished, because: w.because})
			continue
		}
		r.leave(w, outcome{state: Failed, err: r.overdue(w)})
	}
}

// overdue says what a wait is stuck in. The caller holds mu.
func (r *run) overdue(w *wait) error {
	step, state := r.steps[w.step], cmp.Or(r.results[w.step].Reason, "not to be read")
	switch {
	case step.Action == planner.Delete:
		state = "still there"
	case w.usable:
		state = "usable but still " + state
	default:
		state = "still " + state
	}
	return fmt.Errorf("%s: %s after %s; run again to go on", doing(step.StepKey), state, brief(r.timeout))
}

// leave ends a wait and its step. The caller holds mu.
func (r *run) leave(w *wait, o outcome) {
	w.left = true
	r.finish(w.step, o)
	if o.state == Done {
		w.pass(nil)
	} else {
		w.pass(errNoTurn)
	}
}

// settle waits, after the walk, until all that is usable is ready.
//
// What waits for a step that was not taken is asked about once more and then
// let be: an endpoint whose acceptance failed stays pending for ever.
func (r *run) settle() {
	r.mu.Lock()
	r.explain()
	vain, because := r.vain()
	for _, t := range r.watches {
		for _, w := range t.waits {
			w.vain, w.because = vain[w.step], because[w.step]
			w.deadline = time.Now()
			if !w.vain {
				w.deadline = w.deadline.Add(r.pace.timeout)
			}
		}
		t.hurry(r.pace)
	}
	r.mu.Unlock()
	r.polls.Wait()
}

// vain tells, by step, whether something that waited for it, directly or not,
// was not done, and the failure that is to blame. The caller holds mu.
func (r *run) vain() ([]bool, []*planner.StepKey) {
	vain := make([]bool, len(r.steps))
	because := make([]*planner.StepKey, len(r.steps))
	for i, waiters := range slices.Backward(r.waiters) {
		for _, j := range waiters {
			blame := because[j]
			switch res := r.results[j]; res.State {
			case Failed:
				blame = &res.StepKey
			case Skipped:
				blame = res.Because
			case Unfinished, NotStarted:
			default:
				if !vain[j] {
					continue
				}
			}
			vain[i] = true
			if because[i] == nil {
				because[i] = blame
			}
		}
	}
	return vain, because
}
