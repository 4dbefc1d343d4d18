package applier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// errNoTurn ends the visit of a step that did not begin. The books know why.
var errNoTurn = errors.New("not started")

// step takes step i and returns once its dependents may start, or with an
// error if they may not.
func (r *run) step(ctx context.Context, i int) error {
	groundless := r.stand(ctx, i)
	if r.acquire(ctx, r.stop) != nil {
		return errNoTurn
	}
	if !r.begin(ctx, i) {
		r.release()
		return errNoTurn
	}
	if groundless != nil {
		r.release()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.finish(i, outcome{state: Failed, err: groundless})
		return groundless
	}
	res, err := r.change(ctx, i)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.finish(i, r.failure(ctx, i, err))
		return err
	}
	return r.await(ctx, i, res)
}

// acquire waits for a slot to call in, unless stop is closed.
func (r *run) acquire(ctx context.Context, stop <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-stop:
		return ErrStopped
	case r.slots <- struct{}{}:
		return nil
	}
}

func (r *run) release() { <-r.slots }

// change makes the change of step i, again for as long as AWS is busy, and
// answers with the resource to wait for. It takes over the caller's slot.
func (r *run) change(ctx context.Context, i int) (planner.Resource, error) {
	s := r.steps[i]
	want, err := r.wanted(s)
	if err != nil {
		r.release()
		return planner.Resource{}, err
	}
	deadline, stop := time.Now().Add(r.pace.timeout), r.stop
	for pause := r.pace.first; ; pause = r.pace.longer(pause) {
		res, err := r.call(ctx, s, want)
		r.release()
		if err == nil {
			r.made(i, res)
		}
		busy, ok := errors.AsType[Busy](err)
		if !ok {
			return res, err
		}
		if busy.Half {
			stop = nil // from here on until it is whole
		}
		if time.Now().Add(pause).After(deadline) {
			return res, fmt.Errorf("still busy after %s; run again to go on: %w", brief(r.timeout), err)
		}
		if halt := r.waitBusy(ctx, stop, i, pause, err); halt != nil {
			return res, errors.Join(halt, err)
		}
	}
}

// waitBusy lets the neighbour that keeps step i busy have its pause, and
// comes back with a slot.
func (r *run) waitBusy(ctx context.Context, stop <-chan struct{}, i int, pause time.Duration, busy error) error {
	r.mu.Lock()
	r.waiting(i, "busy: "+oneLine(busy.Error()))
	r.mu.Unlock()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return r.acquire(ctx, stop)
	case <-stop:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wanted is the resource a step should leave, every value known.
func (r *run) wanted(s planner.Step) (planner.Resource, error) {
	want := s.After
	if s.Action == planner.Delete {
		return want, nil
	}
	spec, err := planner.Resolve(want.Spec, r.lookup)
	want.Spec = spec
	return want, err
}

// call makes the change once. The answer is the resource as it is now known.
func (r *run) call(ctx context.Context, s planner.Step, want planner.Resource) (planner.Resource, error) {
	if r.within != nil {
		ctx = r.within(ctx, s.StepKey)
	}
	actuator := r.actuators[s.Addr.Kind]
	var made Made
	var err error
	switch s.Action {
	case planner.Create:
		made, err = actuator.Create(ctx, want)
	case planner.Update:
		made, err = actuator.Update(ctx, s.Before, want)
	case planner.Delete:
		return s.Before, actuator.Delete(ctx, s.Before)
	default:
		err = fmt.Errorf("nobody knows how to %q", s.Action)
	}
	want.ID, want.Outputs = made.ID, made.Outputs
	return want, err
}

// made notes what step i left, for those that wait for its outputs.
func (r *run) made(i int, res planner.Resource) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[i].Made = res.ID
	if s := r.steps[i]; s.Action == planner.Create || s.Action == planner.Update && s.ID == "" {
		r.outputs[res.Addr] = res.Outputs
	}
}

// failure judges the error of a change. What was cut short is no failure:
// nobody knows how it would have come out.
func (r *run) failure(ctx context.Context, i int, err error) outcome {
	doing := doing(r.steps[i].StepKey)
	cut := errors.Is(err, ErrStopped) || ctx.Err() != nil && errors.Is(err, ctx.Err())
	_, busy := errors.AsType[Busy](err)
	switch {
	case cut && busy:
		return outcome{state: Unfinished}
	case cut:
		return outcome{state: Unfinished, reason: "cut short while " + doing}
	}
	return outcome{state: Failed, err: fmt.Errorf("%s: %w", doing, err)}
}

// doing is what a step is about, in the words of an error. A delete names the
// id, for two at one address may have to go.
func doing(k planner.StepKey) string {
	switch k.Action {
	case planner.Create:
		return "creating"
	case planner.Update:
		return "updating"
	default:
		return "deleting " + k.ID
	}
}
