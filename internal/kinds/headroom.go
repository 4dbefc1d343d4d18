package kinds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"github.com/linkfleet/linkfleet/planner"
)

// quotaReads are the IAM actions that reading a quota needs.
func quotaReads() []string {
	return []string{"servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota"}
}

// A quota is one of AWS's, by its names in Service Quotas.
type quota struct{ service, code string }

// endpointQuota is of the interface endpoints of a VPC.
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html
func endpointQuota() quota { return quota{"vpc", "L-29B6F2EB"} }

// balancerQuota is of the Network Load Balancers of a region.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html
func balancerQuota() quota { return quota{"elasticloadbalancing", "L-69A177A2"} }

// A room is where resources share a quota: a VPC, or, for load balancers, the
// whole place.
type room struct {
	quota
	network
}

// String is what the room holds.
func (r room) String() string {
	if r.vpc == "" {
		return "Network Load Balancers in account " + r.at.Account + ", region " + r.at.Region
	}
	return "interface endpoints in " + r.vpc
}

// roomOf is the room that a resource takes a place in, if any is counted.
func roomOf(r planner.Resource) (room, bool) {
	switch spec := r.Spec.(type) {
	case endpointSpec:
		return room{endpointQuota(), network{r.Addr.Place, spec.VPC}}, true
	case loadBalancerSpec:
		return room{balancerQuota(), network{r.Addr.Place, ""}}, true
	}
	return room{}, false
}

// A headroom is how many a quota allows, and how many more there may be than
// stand and were planned so far. What a plan takes away stands for as long as
// it makes anything: no create of what is counted waits for a delete, and of a
// replacement the old goes last. Empties tells whether there is such.
type headroom struct {
	most, left int
	empties    bool
}

// taken is the room that a step takes a place in, and freed the one that it
// gives a place back to, for others than its own successor.
func taken(st planner.Step) (room, bool) {
	if st.Action != planner.Create {
		return room{}, false
	}
	return roomOf(st.After)
}

func freed(st planner.Step) (room, bool) {
	if st.Action != planner.Delete || st.Replaces {
		return room{}, false
	}
	return roomOf(st.Before)
}

// roomsOf are the rooms that a plan takes places in, by where they are.
func roomsOf(plan *planner.Plan) map[planner.Place][]room {
	all := map[planner.Place][]room{}
	for _, st := range plan.Steps {
		if r, ok := taken(st); ok && !slices.Contains(all[r.at], r) {
			all[r.at] = append(all[r.at], r)
		}
	}
	return all
}

// quotaPatience is how long a plan waits for Service Quotas, which not every
// network lets through.
const quotaPatience = 30 * time.Second

// readHeadroom counts what stands in rooms of one place, strangers' things too.
// Of a quota that cannot be read nothing is known, nor where it is not known
// what stands: what AWS then refuses, it refuses.
func readHeadroom(ctx context.Context, places *Places, at planner.Place, rooms []room) map[room]*headroom {
	p, err := places.Open(ctx, at)
	if err != nil {
		return nil
	}
	most := p.quotas(ctx, rooms)
	rooms = slices.DeleteFunc(rooms, func(r room) bool { _, known := most[r]; return !known })
	used, err := p.countIn(ctx, rooms)
	if err != nil {
		return nil
	}
	left := map[room]*headroom{}
	for _, r := range rooms {
		left[r] = &headroom{most: most[r], left: most[r] - used[r]}
	}
	return left
}

// quotas are the quotas of rooms, each read once, less what cannot be read.
func (p *Place) quotas(ctx context.Context, rooms []room) map[room]int {
	ctx, enough := context.WithTimeout(ctx, quotaPatience)
	defer enough()
	most := map[room]int{}
	known := map[quota]*int{}
	for _, r := range rooms {
		n, asked := known[r.quota]
		if !asked {
			if read, err := p.quota(ctx, r.quota); err == nil {
				n = read
			}
			known[r.quota] = n
		}
		if n != nil {
			most[r] = *n
		}
	}
	return most
}

// quota is what a quota allows. Of some that were never changed, AWS has the
// default only.
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
func (p *Place) quota(ctx context.Context, q quota) (*int, error) {
	out, err := p.Quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &q.service, QuotaCode: &q.code})
	if _, unchanged := errors.AsType[*quotatypes.NoSuchResourceException](err); unchanged {
		return p.defaultQuota(ctx, q)
	}
	if err != nil {
		return nil, err
	}
	return quotaValue(out.Quota)
}

func (p *Place) defaultQuota(ctx context.Context, q quota) (*int, error) {
	out, err := p.Quotas.GetAWSDefaultServiceQuota(ctx, &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: &q.service, QuotaCode: &q.code})
	if err != nil {
		return nil, err
	}
	return quotaValue(out.Quota)
}

func quotaValue(q *quotatypes.ServiceQuota) (*int, error) {
	if q == nil || q.Value == nil {
		return nil, errors.New("AWS's answer has no value of the quota")
	}
	n := int(*q.Value)
	return &n, nil
}

// countIn counts what stands in rooms.
func (p *Place) countIn(ctx context.Context, rooms []room) (map[room]int, error) {
	used := map[room]int{}
	var vpcs []string
	for _, r := range rooms {
		if r.vpc != "" {
			vpcs = append(vpcs, r.vpc)
			continue
		}
		standing, err := p.networkBalancers(ctx)
		if err != nil {
			return nil, err
		}
		used[r] = len(standing)
	}
	for _, batch := range batches(vpcs, filterValues-2) {
		err := p.eachEndpoint(ctx, []ec2types.Filter{
			{Name: aws.String("vpc-id"), Values: batch},
			{Name: aws.String("vpc-endpoint-type"), Values: []string{string(ec2types.VpcEndpointTypeInterface), string(ec2types.VpcEndpointTypeGatewayLoadBalancer)}},
		}, func(e ec2types.VpcEndpoint) {
			if !sameState(e.State, ec2types.StateDeleted) { // what is being deleted counts until it has gone
				used[room{endpointQuota(), network{p.Place.Place, aws.ToString(e.VpcId)}}]++
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return used, nil
}

// noteRemovals remembers which rooms the plan takes something out of.
func (pf *preflight) noteRemovals(plan *planner.Plan) {
	for _, st := range plan.Steps {
		if r, ok := freed(st); ok && pf.rooms[r] != nil {
			pf.rooms[r].empties = true
		}
	}
}

// checkRoom takes a place for what a step makes, as long as there are any.
func (pf *preflight) checkRoom(st planner.Step) *objection {
	r, ok := taken(st)
	h := pf.rooms[r]
	if !ok || h == nil {
		return nil
	}
	if h.left--; h.left >= 0 {
		return nil
	}
	mend := fmt.Sprintf("raise quota %s with aws service-quotas request-service-quota-increase --region %s --service-code %s --quota-code %s --desired-value N, or make room",
		r.code, r.at.Region, r.service, r.code)
	if h.empties {
		mend += ", or plan again when what this plan takes away is gone"
	}
	return &objection{fmt.Sprintf("AWS's quota of %s is %d, and as many are there or planned already", r, h.most), mend}
}
