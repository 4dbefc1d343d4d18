package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
)

// AllUnread says why no place could be read; it is empty if one could.
func (r *Run) AllUnread(plan *planner.Plan) string {
	for name := range Accounts(r.Fleet, false) {
		for _, region := range r.Fleet.Regions {
			if plan.Unread[planner.Place{Account: name, Region: region}] == "" {
				return ""
			}
		}
	}
	const most = 3
	reasons := slices.Compact(slices.Sorted(maps.Values(plan.Unread)))
	if n := len(reasons) - most; n > 0 {
		reasons = append(reasons[:most], fmt.Sprintf("and %d more like these", n))
	}
	return strings.Join(reasons, "; ")
}
