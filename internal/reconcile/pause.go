package reconcile

import "github.com/linkfleet/linkfleet/planner"

// pausing is the rule that lets nothing of a paused service be changed.
func (r *Run) pausing(plan *planner.Plan) []planner.Blocked {
	var blocked []planner.Blocked
	for _, st := range plan.Steps {
		group := st.Group()
		if why := r.Paused[group.Service]; why != "" {
			blocked = append(blocked, planner.Blocked{
				StepKey: st.StepKey, Group: group, Cause: planner.CauseRefused,
				Reason: why, Mend: "linkfleet resume --service " + group.Service,
			})
		}
	}
	return blocked
}
