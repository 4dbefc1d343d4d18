package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
)

// An OverError is that a plan takes more away than the fleet lets one apply.
// Nothing was changed.
type OverError struct {
	Limits []planner.Exceeded
}

// Error names each limit, and the flags that let an apply pass all of them.
func (e *OverError) Error() string {
	var over, flags []string
	for _, l := range e.Limits {
		over = append(over, l.String())
		if !slices.Contains(flags, l.Override()) {
			flags = append(flags, l.Override())
		}
	}
	return fmt.Sprintf("the plan goes over the fleet's limits, so nothing was changed: %s; if that is meant, apply with %s",
		strings.Join(over, "; "), strings.Join(flags, " "))
}

// CheckLimits tells whether r may apply the plan; the error is an
// [OverError].
func (r *Run) CheckLimits(plan *planner.Plan) error {
	if over := plan.Over(r.Allow); len(over) > 0 {
		return &OverError{over}
	}
	return nil
}
