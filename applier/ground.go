package applier

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// A ground is a resource that no step changes and that some rest on. Mostly
// it is ready long since; after an interrupted run it may still be on its
// way, and what rests on it must wait as if this run had made it.
type ground struct {
	resource planner.Resource
	usable   chan struct{} // closed once steps may rest on it
	reason   string        // the last that was heard of it; guarded by run.mu
}

// groundwork starts watching the grounds of a plan: one question for all of
// a kind in a place. It ends when all are usable, with the walk at the latest.
func (r *run) groundwork(ctx context.Context, p *planner.Plan) {
	groups := map[watchKey][]*ground{}
	for _, res := range p.Stands {
		g := &ground{resource: res, usable: make(chan struct{})}
		r.grounds[res.Addr] = g
		if r.actuators[res.Addr.Kind] == nil {
			close(g.usable) // nobody can tell more than that it stands
			continue
		}
		key := watchKey{kind: res.Addr.Kind, place: res.Addr.Place}
		groups[key] = append(groups[key], g)
	}
	for key, waits := range groups {
		r.polls.Go(func() { r.survey(ctx, key, waits) })
	}
}

// survey asks about grounds until all are usable or ctx ends. A question
// that fails is asked again: the steps that wait have their own deadline.
func (r *run) survey(ctx context.Context, key watchKey, waits []*ground) {
	for pause := r.pace.first; len(waits) > 0; pause = r.pace.longer(pause) {
		rs := make([]planner.Resource, len(waits))
		for i, g := range waits {
			rs[i] = g.resource
		}
		statuses, err := r.actuators[key.kind].Settled(ctx, key.place, rs)
		waits = r.surveyed(waits, statuses, err)
		if len(waits) > 0 && sleep(ctx, pause) != nil {
			return
		}
	}
}

// surveyed lets steps onto the grounds that are usable, and gives the rest.
// A broken one will not get better by waiting; whether a step can mend it,
// AWS will tell.
func (r *run) surveyed(waits []*ground, statuses []Status, err error) (rest []*ground) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, g := range waits {
		switch {
		case err != nil:
			g.reason = oneLine(err.Error())
		case i < len(statuses) && statuses[i].Readiness != Waiting:
			close(g.usable)
			continue
		case i < len(statuses):
			g.reason = statuses[i].Reason
		}
		rest = append(rest, g)
	}
	return rest
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stand waits until all that step i rests on is usable.
func (r *run) stand(ctx context.Context, i int) error {
	deadline := time.NewTimer(r.pace.timeout)
	defer deadline.Stop()
	for _, at := range r.steps[i].RestsOn {
		g := r.grounds[at]
		select {
		case <-g.usable:
		case <-r.stop:
			return ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return r.groundless(i, g)
		}
	}
	return nil
}

// groundless fails step i, which has waited for g in vain.
func (r *run) groundless(i int, g *ground) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Errorf("%s: %s, which it rests on, is still %s after %s; run again to go on",
		doing(r.steps[i].StepKey), g.resource.Addr, cmp.Or(g.reason, "not to be read"), brief(r.timeout))
}
