package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/planner"
)

// glance is a plan as a look at the fleet.
func (t *Track) glance(out *Outcome, plan *planner.Plan) ledger.Glance {
	return ledger.Glance{Fleet: out.Run.Fleet, At: t.Now(), Run: out.Run.ID, Unread: func(address string) bool {
		return unread(plan, address)
	}}
}

func unread(plan *planner.Plan, address string) bool {
	for place := range plan.Unread {
		if strings.HasSuffix(address, "@"+place.String()) {
			return true
		}
	}
	return false
}

// observeDrift keeps what has drifted. What may not be changed is in no step,
// and has not been healed for that.
func (t *Track) observeDrift(ctx context.Context, out *Outcome, plan *planner.Plan) (ledger.Drifted, error) {
	g, blocked := t.glance(out, plan), map[string]bool{}
	for _, b := range plan.Blocked {
		blocked[b.Addr.String()] = true
	}
	g.Unread = func(address string) bool { return blocked[address] || unread(plan, address) }
	return t.Ledger.ObserveDrift(ctx, g, drift(plan))
}

// drift is what a plan to heal would change. That a partner has come is none.
func drift(plan *planner.Plan) []ledger.Drift {
	var drifts []ledger.Drift
	for _, st := range plan.Steps {
		if kinds.IsArrival(st) {
			continue
		}
		d := ledger.Drift{Address: st.Addr.String()}
		for _, f := range st.Fields {
			d.Fields = append(d.Fields, f.Path)
		}
		drifts = append(drifts, d)
	}
	return drifts
}

// observe keeps what the fleet waits for. A shard sees only its own, and would
// make an end of all else.
func (t *Track) observe(ctx context.Context, out *Outcome, plan *planner.Plan) (err error) {
	if out.Run.Kind == ledger.ShardRun {
		out.Waits = waits(plan)
		return nil
	}
	out.Waits, err = t.Ledger.ObserveWaits(ctx, t.glance(out, plan), waits(plan))
	return err
}

func waits(plan *planner.Plan) []ledger.Wait {
	var all []ledger.Wait
	for _, n := range plan.Notes {
		if n.Kind == planner.NoteWaiting {
			all = append(all, ledger.Wait{Address: n.Addr.String(), What: n.Text})
		}
	}
	for _, b := range plan.Blocked {
		all = append(all, ledger.Wait{Address: b.Addr.String(), Blocked: true, What: b.Reason})
	}
	return all
}

// lookBack keeps what an apply left behind.
func (t *Track) lookBack(ctx context.Context, out *Outcome, o Order) error {
	left := out.Result.Left
	if left == nil {
		return nil
	}
	if o.Kind == ledger.HealRun {
		healed, err := t.observeDrift(ctx, out, left)
		if err != nil {
			return err
		}
		out.Drifted.Healed = append(out.Drifted.Healed, healed.Healed...)
	}
	return t.observe(ctx, out, left)
}

// end keeps how the run ended, whatever has become of ctx.
func (t *Track) end(ctx context.Context, out *Outcome, failed error) error {
	run := &out.Run
	run.Ended, run.Outcome = t.Now(), outcomeOf(ctx, out, failed)
	run.Error = sentence(cause(out, failed))
	run.Counts = counts(out)
	var err error
	if run.Report, err = report(out); err != nil {
		return err
	}
	return t.keepEnd(context.WithoutCancel(ctx), *run)
}

// keepEnd tells the ledger of a run's end, a few times if need be. As long as
// it does not know of that, the run has only begun.
func (t *Track) keepEnd(ctx context.Context, run ledger.Run) (err error) {
	for _, wait := range []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second} {
		time.Sleep(wait)
		if err = t.Ledger.EndRun(ctx, run); err == nil {
			break
		}
	}
	return err
}

// cause is what went wrong, in the run or on the way to it.
func cause(out *Outcome, failed error) error {
	switch {
	case failed != nil:
		return failed
	case out.Result != nil && out.Result.Err() != nil:
		return out.Result.Err()
	}
	if last := lastPlan(out); last != nil && len(last.Unread) > 0 {
		return fmt.Errorf("%d of the fleet's places could not be read", len(last.Unread))
	}
	return nil
}

// sentence is the first line of what went wrong.
func sentence(err error) string {
	if err == nil {
		return ""
	}
	line, _, _ := strings.Cut(awsapi.Explain(err), "\n")
	return planner.Clean(line)
}

func outcomeOf(ctx context.Context, out *Outcome, failed error) ledger.Outcome {
	switch err := cause(out, failed); {
	case out.Result != nil && out.Result.Interrupted(), ctx.Err() != nil && err != nil:
		return ledger.Interrupted
	case refusal(err):
		return ledger.Refused
	case err != nil:
		return ledger.Failed
	}
	last := lastPlan(out)
	switch {
	case last != nil && len(last.Blocked) > 0:
		return ledger.Refused
	case last != nil && out.Run.Kind != ledger.DriftRun && len(last.Steps) > 0:
		return ledger.Failed
	case out.Result != nil:
		return ledger.Done
	}
	return ledger.Nothing
}

// lastPlan is what was seen of AWS last.
func lastPlan(out *Outcome) *planner.Plan {
	if out.Result != nil && out.Result.Left != nil {
		return out.Result.Left
	}
	return out.Plan
}

// counts are what a run did; of one that only looked, nothing.
func counts(out *Outcome) ledger.Counts {
	var c ledger.Counts
	if last := lastPlan(out); last != nil {
		c.Blocked = len(last.Blocked)
	}
	for _, w := range out.Waits {
		if !w.Blocked {
			c.Waiting++
		}
	}
	if out.Result == nil || out.Result.Report() == nil || out.Plan == nil {
		return c
	}
	steps, arrived := stepsDone(out.Plan, out.Result.Report())
	done := (&planner.Plan{Steps: steps}).Changes()
	c.Created, c.Changed, c.Replaced, c.Deleted = done.Create, done.Update+arrived, done.Replace, done.Delete
	return c
}

// stepsDone are the steps of a plan that were done, and how many connections
// were accepted that came later.
func stepsDone(plan *planner.Plan, rep *applier.Report) (steps []planner.Step, arrived int) {
	done := map[planner.StepKey]bool{}
	for _, r := range rep.Results {
		done[r.StepKey] = r.State == applier.Done
	}
	for _, st := range plan.Steps {
		if done[st.StepKey] {
			steps = append(steps, st)
		}
		delete(done, st.StepKey)
	}
	for _, was := range done {
		if was {
			arrived++
		}
	}
	return steps, arrived
}

// report is every step of the run, as JSON: the plan, and what became of it.
func report(out *Outcome) (json.RawMessage, error) {
	var plan, rep bytes.Buffer
	var errs []error
	if out.Plan != nil {
		errs = append(errs, planner.JSON(&plan, out.Plan))
	}
	if out.Result != nil && out.Result.Report() != nil {
		errs = append(errs, applier.JSON(&rep, out.Result.Report()))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("keeping the run's report: %w", err)
	}
	return json.Marshal(struct {
		Plan   json.RawMessage `json:"plan"`
		Report json.RawMessage `json:"report"`
	}{orNull(plan.Bytes()), orNull(rep.Bytes())})
}

func orNull(text []byte) json.RawMessage {
	if len(text) == 0 {
		return json.RawMessage("null")
	}
	return text
}
