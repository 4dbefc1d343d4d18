package kinds

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// preflightReads are the IAM actions that Preflight needs on each side,
// besides what the kinds read.
func preflightReads() map[side][]string {
	return map[side][]string{
		providerSide: append(quotaReads(), "ec2:DescribeSubnets"),
		consumerSide: append(quotaReads(), "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute"),
	}
}

// Preflight asks live AWS what the fleet's files cannot tell, about just
// what the plan's steps are to change: that subnets are there, lie in zones
// that both sides share (by zone ID: the names differ between accounts) and
// have addresses left; that a VPC can answer private names; that AWS's quotas
// leave room for what is to be made. It gives the steps that AWS would refuse
// and those that cannot be checked, because AWS does not tell; and in which
// zones the endpoints meet their services that get new subnets. The error is
// ctx's.
func Preflight(ctx context.Context, places *Places, f *schema.Fleet, plan *planner.Plan) ([]planner.Blocked, []Coverage, error) {
	facts := gather(ctx, places, f, plan)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	var refused []planner.Blocked
	for _, st := range plan.Steps {
		if reason := facts.untold(st); reason != "" {
			refused = append(refused, planner.Blocked{StepKey: st.StepKey, Group: st.After.Group, Cause: planner.CauseUnread, Reason: reason})
			continue
		}
		why := facts.check(st)
		if why == nil {
			why = facts.checkRoom(st) // what is refused anyway takes none
		}
		if why != nil {
			refused = append(refused, planner.Blocked{
				StepKey: st.StepKey, Group: st.After.Group, Cause: planner.CauseRefused,
				Reason: why.reason, Mend: why.mend,
			})
		}
	}
	return append(refused, keepSuccessors(plan, refused)...), facts.coverage(plan), nil
}

// preflight is what was asked of AWS for one plan.
type preflight struct {
	fleet   *schema.Fleet
	subnets map[planner.Place]map[string]ec2types.Subnet
	off     map[network]string // the DNS attribute that is off; "" if none is
	absent  map[network]bool   // the VPCs that are not there
	rooms   map[room]*headroom // those that are known
	// unread says why a place does not tell of its subnets (no VPC), or of the
	// DNS attributes of a VPC.
	unread map[network]string
}

// A network is a VPC and where it is.
type network struct {
	at  planner.Place
	vpc string
}

// gather asks for all that the steps need, every place and VPC side by side.
func gather(ctx context.Context, places *Places, f *schema.Fleet, plan *planner.Plan) *preflight {
	pf := &preflight{
		fleet: f, subnets: map[planner.Place]map[string]ec2types.Subnet{},
		off: map[network]string{}, absent: map[network]bool{}, rooms: map[room]*headroom{}, unread: map[network]string{},
	}
	subnets := map[planner.Place][]string{}
	for _, st := range plan.Steps {
		for place, ids := range pf.subnetsOf(st) {
			subnets[place] = append(subnets[place], ids...)
		}
		if vpc := pf.vpcOf(st); vpc != "" {
			pf.off[network{st.Addr.Place, vpc}] = ""
		}
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(placesAtOnce)
	ask := func(question func() (take func())) {
		g.Go(func() error {
			take := question()
			mu.Lock()
			defer mu.Unlock()
			take()
			return nil
		})
	}
	for at, ids := range subnets {
		ask(func() func() {
			found, err := readSubnets(ctx, places, at, without(ids, nil))
			return func() { pf.subnets[at] = found; pf.told(network{at: at}, "reading subnets", err) }
		})
	}
	for n := range maps.Clone(pf.off) {
		ask(func() func() {
			off, err := readDNSAttributes(ctx, places, n)
			return func() { pf.toldOfDNS(n, off, err) }
		})
	}
	for at, rooms := range roomsOf(plan) {
		ask(func() func() {
			left := readHeadroom(ctx, places, at, rooms)
			return func() { maps.Copy(pf.rooms, left) }
		})
	}
	_ = g.Wait() // every failure is in pf.unread
	pf.noteRemovals(plan)
	return pf
}

// told remembers why something was not told.
func (pf *preflight) told(of network, what string, err error) {
	if err != nil {
		pf.unread[of] = what + ": " + awsapi.Explain(err)
	}
}

func (pf *preflight) toldOfDNS(n network, off string, err error) {
	if awsapi.IsNotFound(err) {
		pf.absent[n] = true
		return
	}
	pf.off[n] = off
	pf.told(n, "reading the DNS attributes of "+n.vpc, err)
}

// untold is why a step cannot be checked; empty if it can.
func (pf *preflight) untold(st planner.Step) string {
	var need []network
	for _, at := range slices.SortedFunc(maps.Keys(pf.subnetsOf(st)), planner.Place.Compare) {
		need = append(need, network{at: at})
	}
	if vpc := pf.vpcOf(st); vpc != "" {
		need = append(need, network{st.Addr.Place, vpc})
	}
	for _, n := range need {
		if why, ok := pf.unread[n]; ok {
			return fmt.Sprintf("account %s, region %s, does not tell whether AWS would take it: %s", n.at.Account, n.at.Region, why)
		}
	}
	return ""
}

// An objection is why a step cannot succeed, and the way out.
type objection struct{ reason, mend string }

// newSubnets are the subnets that a step puts something into.
func newSubnets(st planner.Step) []string {
	switch spec := st.After.Spec.(type) {
	case loadBalancerSpec:
		before, _ := st.Before.Spec.(loadBalancerSpec)
		return without(spec.Subnets, before.Subnets)
	case endpointSpec:
		before, _ := st.Before.Spec.(endpointSpec)
		return without(spec.Subnets, before.Subnets)
	}
	return nil
}

// subnetsOf are all subnets that must be known to check a step: those of
// the resource and, for an endpoint, those of its service's load balancer.
func (pf *preflight) subnetsOf(st planner.Step) map[planner.Place][]string {
	if len(newSubnets(st)) == 0 {
		return nil
	}
	need := map[planner.Place][]string{}
	switch spec := st.After.Spec.(type) {
	case loadBalancerSpec:
		need[st.Addr.Place] = spec.Subnets
	case endpointSpec:
		need[st.Addr.Place] = slices.Clone(spec.Subnets)
		if s := pf.fleet.Services[st.After.Group.Service]; s != nil {
			need[placeOf(s)] = append(need[placeOf(s)], s.LoadBalancer.Subnets...)
		}
	}
	return need
}

func readSubnets(ctx context.Context, places *Places, at planner.Place, ids []string) (map[string]ec2types.Subnet, error) {
	p, err := places.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	found := map[string]ec2types.Subnet{}
	for _, batch := range batches(ids, 200) { // AWS's limit of values of a filter
		pages := ec2.NewDescribeSubnetsPaginator(p.EC2, &ec2.DescribeSubnetsInput{
			Filters: []ec2types.Filter{{Name: aws.String("subnet-id"), Values: batch}}, MaxResults: aws.Int32(1000),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, s := range page.Subnets {
				found[aws.ToString(s.SubnetId)] = s
			}
		}
	}
	return found, nil
}

// readDNSAttributes gives the attribute without which AWS refuses private
// names and which is off; "" if both are on. AWS answers for one at a time.
func readDNSAttributes(ctx context.Context, places *Places, n network) (string, error) {
	p, err := places.Open(ctx, n.at)
	if err != nil {
		return "", err
	}
	for _, attribute := range []ec2types.VpcAttributeName{ec2types.VpcAttributeNameEnableDnsSupport, ec2types.VpcAttributeNameEnableDnsHostnames} {
		out, err := p.EC2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: aws.String(n.vpc), Attribute: attribute})
		if err != nil {
			return "", err
		}
		if !isOn(out.EnableDnsSupport) && !isOn(out.EnableDnsHostnames) {
			return string(attribute), nil
		}
	}
	return "", nil
}

func isOn(v *ec2types.AttributeBooleanValue) bool { return v != nil && aws.ToBool(v.Value) }

func (pf *preflight) check(st planner.Step) *objection {
	switch spec := st.After.Spec.(type) {
	case securityGroupSpec:
		return pf.checkVPC(st, spec.VPC)
	case loadBalancerSpec:
		return pf.checkSubnets(st, spec.VPC, spec.Subnets)
	case endpointSpec:
		return cmp.Or(pf.checkSubnets(st, spec.VPC, spec.Subnets), pf.checkCoverage(st, spec.Subnets))
	case endpointDNSSpec:
		return pf.checkDNS(st)
	}
	return nil
}

// checkSubnets looks at one side alone.
func (pf *preflight) checkSubnets(st planner.Step, vpc string, ids []string) *objection {
	added := newSubnets(st)
	if len(added) == 0 {
		return nil
	}
	zones := map[string]string{}
	for _, id := range ids {
		s, ok := pf.subnets[st.Addr.Place][id]
		zone := aws.ToString(s.AvailabilityZoneId)
		switch {
		case !ok:
			return &objection{fmt.Sprintf("subnet %s is not in account %s, region %s", id, st.Addr.Place.Account, st.Addr.Place.Region), "name a subnet of that account and region at " + st.After.Origin}
		case aws.ToString(s.VpcId) != vpc:
			return &objection{fmt.Sprintf("subnet %s is in %s, not in %s", id, aws.ToString(s.VpcId), vpc), "make vpc and subnets agree at " + st.After.Origin}
		case zones[zone] != "":
			return &objection{fmt.Sprintf("subnets %s and %s are both in zone %s", zones[zone], id, zone), "keep one subnet for each zone at " + st.After.Origin}
		case slices.Contains(added, id) && int(aws.ToInt32(s.AvailableIpAddressCount)) < addressesFor(st):
			return &objection{tooFull(st, s), "free addresses in it, or name another subnet of its zone at " + st.After.Origin}
		}
		zones[zone] = id
	}
	return nil
}

// addressesFor is how many free addresses AWS asks of each subnet that a step
// puts something into. A load balancer takes one, and is refused with fewer
// than eight.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/availability-zones.html
func addressesFor(st planner.Step) int {
	if _, isBalancer := st.After.Spec.(loadBalancerSpec); isBalancer {
		return 8
	}
	return 1
}

func tooFull(st planner.Step, s ec2types.Subnet) string {
	need, left := addressesFor(st), aws.ToInt32(s.AvailableIpAddressCount)
	if need == 1 || left == 0 {
		return fmt.Sprintf("subnet %s has no address left", aws.ToString(s.SubnetId))
	}
	return fmt.Sprintf("subnet %s has %d addresses left, and a load balancer needs %d", aws.ToString(s.SubnetId), left, need)
}

// checkVPC objects to a VPC that is known not to be there.
func (pf *preflight) checkVPC(st planner.Step, vpc string) *objection {
	at := st.Addr.Place
	if !pf.absent[network{at, vpc}] {
		return nil
	}
	return &objection{
		fmt.Sprintf("%s is not in account %s, region %s", vpc, at.Account, at.Region),
		"name a VPC of that account and region at " + st.After.Origin,
	}
}

func (pf *preflight) checkDNS(st planner.Step) *objection {
	vpc := pf.vpcOf(st)
	if why := pf.checkVPC(st, vpc); why != nil {
		return why
	}
	off := pf.off[network{st.Addr.Place, vpc}]
	if off == "" {
		return nil
	}
	return &objection{
		fmt.Sprintf("%s has %s off, and AWS answers private names only in VPCs that have it on", vpc, off),
		fmt.Sprintf("turn it on with aws ec2 modify-vpc-attribute --vpc-id %s --%s, or set privateDNS: false at %s", vpc, kebab(off), st.After.Origin),
	}
}

// vpcOf is the VPC in which a step turns private DNS on; "" for other steps.
func (pf *preflight) vpcOf(st planner.Step) string {
	g := st.After.Group
	if _, ok := st.After.Spec.(endpointDNSSpec); !ok || st.Action != planner.Create {
		return ""
	}
	s := pf.fleet.Services[g.Service]
	if s == nil || s.Consumers[g.Consumer] == nil || s.Consumers[g.Consumer].Endpoint == nil {
		return ""
	}
	return s.Consumers[g.Consumer].Endpoint.VPC
}

// kebab writes enableDnsSupport as the AWS command line does.
func kebab(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
