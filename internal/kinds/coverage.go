package kinds

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/linkfleet/linkfleet/planner"
)

// A Coverage is where a consumer's endpoint meets its service: by zone IDs,
// sorted, since zones' names differ between accounts.
// https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html
type Coverage struct {
	Group   planner.Group
	Zones   []string // of the endpoint's subnets, as the plan leaves them
	Offered []string // of the service's load balancer, as the plan leaves it
}

func (pf *preflight) coverage(plan *planner.Plan) []Coverage {
	var all []Coverage
	for _, st := range plan.Steps {
		spec, isEndpoint := st.After.Spec.(endpointSpec)
		if s := pf.fleet.Services[st.After.Group.Service]; isEndpoint && s != nil && len(newSubnets(st)) > 0 && pf.untold(st) == "" {
			all = append(all, Coverage{
				Group: st.After.Group, Zones: pf.zones(st.Addr.Place, spec.Subnets), Offered: pf.zones(placeOf(s), s.LoadBalancer.Subnets),
			})
		}
	}
	return all
}

// zones are the IDs of the zones that subnets are in, sorted.
func (pf *preflight) zones(at planner.Place, subnets []string) []string {
	var ids []string
	for _, id := range subnets {
		if zone := aws.ToString(pf.subnets[at][id].AvailabilityZoneId); zone != "" {
			ids = append(ids, zone)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// checkCoverage compares the zones of an endpoint with those of its
// service's load balancer.
func (pf *preflight) checkCoverage(st planner.Step, ids []string) *objection {
	s := pf.fleet.Services[st.After.Group.Service]
	if s == nil || len(newSubnets(st)) == 0 {
		return nil
	}
	offered := pf.zones(placeOf(s), s.LoadBalancer.Subnets)
	for _, id := range ids {
		zone := aws.ToString(pf.subnets[st.Addr.Place][id].AvailabilityZoneId)
		if !slices.Contains(offered, zone) {
			return &objection{
				fmt.Sprintf("subnet %s is in zone %s, where %s has no load balancer subnet (it is in %s)", id, zone, s.Name, strings.Join(offered, ", ")),
				fmt.Sprintf("take a subnet in one of those zones at %s, or add a subnet in %s to the load balancer at %s", st.After.Origin, zone, s.LoadBalancer.Pos.Short()),
			}
		}
	}
	return nil
}
