package reconcile

import (
	"fmt"

	"github.com/linkfleet/linkfleet/planner"
)

// checkTargets refuses a target that names nothing: no service or consumer of
// the files, nor of what is left in AWS. A plan of nothing would look as if
// all was done.
func (r *Run) checkTargets(live planner.State) error {
	known := map[planner.Group]bool{}
	for _, s := range r.Fleet.Services {
		known[planner.Group{Service: s.Name}] = true
		for _, c := range s.Consumers {
			known[planner.Group{Service: s.Name, Consumer: c.Name}] = true
		}
	}
	for _, rs := range live.Live {
		for _, found := range rs {
			known[planner.Group{Service: found.Group.Service}] = true
			known[found.Group] = true
		}
	}
	for _, t := range r.Targets {
		if !known[t] {
			return fmt.Errorf("there is no %s to target, neither in the fleet nor in AWS", t.Target())
		}
	}
	return nil
}
