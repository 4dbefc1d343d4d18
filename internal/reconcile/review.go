package reconcile

import (
	"context"
	"maps"
	"slices"
	"strings"

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
// of the services, if that is enough to tell all that applying the plan does.
// Else all are.
func (r *Run) ReviewPart(ctx context.Context, was *schema.Fleet, services []string) (*Review, error) {
	if r.removesOf(services) {
		return r.Review(ctx)
	}
	within := kinds.PlacesOf(was, services)
	maps.Copy(within, kinds.PlacesOf(r.Fleet, services))
	part, err := r.look(ctx, within)
	if err != nil {
		return nil, err
	}
	if isPartial(part.Plan) {
		return r.Review(ctx)
	}
	maps.DeleteFunc(part.Plan.Unread, func(_ planner.Place, why string) bool { return why == kinds.NotLooked })
	return part, nil
}

// removesOf tells whether the fleet names anything of some services that is to
// go: no file says where that stands.
func (r *Run) removesOf(services []string) bool {
	return slices.ContainsFunc(r.Fleet.Removed, func(gone schema.Removal) bool { return slices.Contains(services, gone.Service) })
}

// isPartial tells whether a look at all places could make another plan:
// something is not planned, or a connection left alone, because of a place that
// was not looked at; or there is something to count against limits, whose
// percentages are of all that stands.
func isPartial(p *planner.Plan) bool {
	return slices.ContainsFunc(p.Blocked, func(b planner.Blocked) bool {
		return b.Cause == planner.CauseUnread || b.Cause == planner.CauseDepends
	}) || slices.ContainsFunc(p.Steps, func(st planner.Step) bool {
		return st.Action == planner.Delete || st.Replaces
	}) || slices.ContainsFunc(p.Notes, func(n planner.Note) bool {
		return strings.HasSuffix(n.Text, kinds.NotLooked)
	})
}
