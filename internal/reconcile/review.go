package reconcile

import (
	"context"
	"maps"
	"slices"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A Review is a plan and what reviewers of it want to know besides.
type Review struct {
	Plan     *planner.Plan
	Coverage []kinds.Coverage
}

// Review is Plan for reviewers.
func (r *Run) Review(ctx context.Context) (*Review, error) { return r.look(ctx, nil) }

// ReviewPart is Review for the run's targets, the given services. Was is the
// fleet as it was before. Only the places are read where either has anything
// of the services, if that is enough: nothing that was not looked at keeps a
// step from being planned. Else all are.
func (r *Run) ReviewPart(ctx context.Context, was *schema.Fleet, services []string) (*Review, error) {
	within := kinds.PlacesOf(was, services)
	maps.Copy(within, kinds.PlacesOf(r.Fleet, services))
	part, err := r.look(ctx, within)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(part.Plan.Blocked, func(b planner.Blocked) bool { return b.Cause == planner.CauseUnread || b.Cause == planner.CauseDepends }) {
		return r.look(ctx, nil)
	}
	maps.DeleteFunc(part.Plan.Unread, func(_ planner.Place, why string) bool { return why == kinds.NotLooked })
	return part, nil
}
