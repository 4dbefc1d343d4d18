package reconcile

import (
	"context"
	"maps"
	"slices"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/planner"
)

// PlanPart is Plan for the run's targets, which have all they have in the
// given places, as far as the files say. Only those places are read if that is
// enough: nothing that was not looked at keeps a step from being planned. Else
// all are.
func (r *Run) PlanPart(ctx context.Context, within map[planner.Place]bool) (*planner.Plan, error) {
	part := *r
	part.within = within
	plan, err := part.Plan(ctx)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(plan.Blocked, func(b planner.Blocked) bool { return b.Cause == planner.CauseUnread || b.Cause == planner.CauseDepends }) {
		return r.Plan(ctx)
	}
	maps.DeleteFunc(plan.Unread, func(_ planner.Place, why string) bool { return why == kinds.NotLooked })
	return plan, nil
}
