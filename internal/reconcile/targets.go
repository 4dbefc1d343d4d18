package reconcile

import (
	"fmt"
	"maps"
	"slices"

	"github.com/linkfleet/linkfleet/planner"
)

// checkTargets refuses a target that names nothing: no service or consumer of
// the files, nor one that these say is to go, nor of what is left in AWS. A
// plan of nothing would look as if all was done.
func (r *Run) checkTargets(live planner.State) error {
	known := map[planner.Group]bool{}
	for _, s := range r.Fleet.Services {
		known[planner.Group{Service: s.Name}] = true
		for _, c := range s.Consumers {
			known[planner.Group{Service: s.Name, Consumer: c.Name}] = true
		}
	}
	for _, gone := range r.Fleet.Removed {
		known[planner.Group{Service: gone.Service}] = true
		known[planner.Group{Service: gone.Service, Consumer: gone.Consumer}] = true
	}
	for _, rs := range live.Live {
		for _, found := range rs {
			known[planner.Group{Service: found.Group.Service}] = true
			known[found.Group] = true
		}
	}
	for _, t := range r.Targets {
		if !known[t] {
			return unknownTarget(t, live.Unread)
		}
	}
	return nil
}

func unknownTarget(t planner.Group, unread map[planner.Place]string) error {
	if len(unread) == 0 {
		return fmt.Errorf("there is no %s to target, neither in the fleet nor in AWS", t.Target())
	}
	first := slices.MinFunc(slices.Collect(maps.Keys(unread)), planner.Place.Compare)
	return fmt.Errorf("there is no %s to target in the fleet, and whether there is in AWS is not known: places could not be read, such as %s: %s",
		t.Target(), first, unread[first])
}
