package kinds

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// loadBalancer is the internal Network Load Balancer in front of a service.
func loadBalancer() Def[loadBalancerSpec] {
	return Def[loadBalancerSpec]{
		Name:  "load-balancer",
		Trait: planner.Trait{Rank: 20, Disarm: unprotected},
		Type:  "elasticloadbalancing:loadbalancer",
		Marks: elbMarks(),
		Reads: []string{
			"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags",
			"elasticloadbalancing:DescribeLoadBalancerAttributes",
		},
		Writes: []string{
			"elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:AddTags", "elasticloadbalancing:DeleteLoadBalancer",
			"elasticloadbalancing:SetSubnets", "elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetIpAddressType",
			"elasticloadbalancing:ModifyLoadBalancerAttributes",
			// Elastic Load Balancing looks around in EC2 in the caller's name.
			// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-permissions.html
			// The last is not on that page, and wanted all the same
			// (kubernetes-sigs/aws-load-balancer-controller#3917).
			"ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeInternetGateways",
			"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:GetSecurityGroupsForVpc",
			// An account's first load balancer brings Elastic Load Balancing's own role with it.
			"iam:CreateServiceLinkedRole",
		},
		Want:    wantBalancers,
		List:    listBalancers,
		Create:  createBalancer,
		Update:  updateBalancer,
		Delete:  deleteBalancer,
		Settled: settledBalancers,
		Gone:    goneBalancers,
	}
}

type loadBalancerSpec struct {
	VPC           string   `json:"vpc" plan:"replace"`
	Scheme        string   `json:"scheme" plan:"replace"`
	IPAddressType string   `json:"ipAddressType"`
	Subnets       []string `json:"subnets" plan:"changes=zones"`
	// SecurityGroups is never empty: a Network Load Balancer made without
	// any can be given none later.
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html
	SecurityGroups       []planner.Value `json:"securityGroups"`
	EnforceOnPrivateLink bool            `json:"enforceOnPrivateLink"`
	CrossZone            bool            `json:"crossZone"`
	DeletionProtection   bool            `json:"deletionProtection"`
}

func wantBalancers(f *schema.Fleet, _ planner.State) []Item[loadBalancerSpec] {
	var items []Item[loadBalancerSpec]
	for s := range services(f) {
		lb := s.LoadBalancer
		items = append(items, Item[loadBalancerSpec]{
			Resource: planner.Resource{Addr: addrBalancer(s), Group: groupOf(s, nil), Origin: lb.Pos.Short()},
			Spec: loadBalancerSpec{
				VPC:                  lb.VPC,
				Scheme:               string(elbtypes.LoadBalancerSchemeEnumInternal),
				IPAddressType:        string(elbtypes.IpAddressTypeIpv4),
				Subnets:              lb.Subnets,
				SecurityGroups:       []planner.Value{planner.Ref(addrBalancerGroup(s), "id")},
				EnforceOnPrivateLink: lb.SecurityGroup.EnforceOnPrivateLink,
				CrossZone:            lb.CrossZone,
				DeletionProtection:   lb.DeletionProtection,
			},
		})
	}
	return items
}

// unprotected is a load balancer without protection from deletion, with
// which AWS deletes none.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html#deletion-protection
func unprotected(live any) (any, bool) {
	spec, ok := live.(loadBalancerSpec)
	needed := ok && spec.DeletionProtection
	spec.DeletionProtection = false
	return spec, needed
}

// ourBalancers reads the fleet's load balancers of the place, once.
func (p *Place) ourBalancers(ctx context.Context) ([]balancer, error) {
	return p.balancers.get(ctx, func(ctx context.Context) ([]balancer, error) {
		networks, err := p.networkBalancers(ctx)
		if err != nil {
			return nil, err
		}
		var arns []string
		for _, lb := range networks {
			arns = append(arns, aws.ToString(lb.LoadBalancerArn))
		}
		owned, err := p.elbOwned(ctx, "load-balancer", arns)
		var ours []balancer
		for _, lb := range networks {
			if addr, ok := owned[aws.ToString(lb.LoadBalancerArn)]; ok {
				ours = append(ours, balancer{lb, addr})
			}
		}
		return ours, err
	})
}

// networkBalancers reads the Network Load Balancers of the place, whosever they
// are, once.
func (p *Place) networkBalancers(ctx context.Context) ([]elbtypes.LoadBalancer, error) {
	return p.networks.get(ctx, func(ctx context.Context) ([]elbtypes.LoadBalancer, error) {
		var all []elbtypes.LoadBalancer
		pages := elb.NewDescribeLoadBalancersPaginator(p.ELB, &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(elbPage)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, lb := range page.LoadBalancers {
				if lb.Type == elbtypes.LoadBalancerTypeEnumNetwork {
					all = append(all, lb)
				}
			}
		}
		return all, nil
	})
}

func listBalancers(ctx context.Context, p *Place) ([]Item[loadBalancerSpec], error) {
	ours, err := p.ourBalancers(ctx)
	if err != nil {
		return nil, err
	}
	found, err := readEach(ctx, ours, p.readBalancer)
	if err != nil {
		return nil, err
	}
	var items []Item[loadBalancerSpec]
	for _, it := range found {
		if it != nil {
			items = append(items, *it)
		}
	}
	return items, nil
}

// readBalancer adds the attributes, which AWS tells for one balancer at a time.
func (p *Place) readBalancer(ctx context.Context, lb balancer) (Item[loadBalancerSpec], error) {
	out, err := p.ELB.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: lb.LoadBalancerArn})
	if err != nil {
		return Item[loadBalancerSpec]{}, err
	}
	return balancerItem(lb, balancerAttributes(out.Attributes)), nil
}

// The attributes of a load balancer that linkfleet keeps.
const (
	attrCrossZone          = "load_balancing.cross_zone.enabled"
	attrDeletionProtection = "deletion_protection.enabled"
)

func balancerItem(lb balancer, attrs map[string]string) Item[loadBalancerSpec] {
	outputs := balancerOutputs(lb.LoadBalancer)
	return Item[loadBalancerSpec]{
		Resource: planner.Resource{Addr: lb.Addr, Group: groupFromName(lb.Addr), ID: outputs["id"], Outputs: outputs},
		Spec: loadBalancerSpec{
			VPC:                  aws.ToString(lb.VpcId),
			Scheme:               string(lb.Scheme),
			IPAddressType:        string(lb.IpAddressType),
			Subnets:              slices.Sorted(subnetsOf(lb.AvailabilityZones)),
			SecurityGroups:       values(lb.SecurityGroups),
			EnforceOnPrivateLink: enforces(lb.LoadBalancer),
			CrossZone:            attributeTrue(attrs, attrCrossZone),
			DeletionProtection:   attributeTrue(attrs, attrDeletionProtection),
		},
	}
}

// enforces tells whether the security groups also hold for PrivateLink
// traffic. They do from the start, and AWS does not say so until somebody has
// set it.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html
// https://github.com/hashicorp/terraform-provider-aws/pull/33767
func enforces(lb elbtypes.LoadBalancer) bool {
	said := aws.ToString(lb.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic)
	return len(lb.SecurityGroups) > 0 && said != string(elbtypes.EnforceSecurityGroupInboundRulesOnPrivateLinkTrafficEnumOff)
}

func balancerOutputs(lb elbtypes.LoadBalancer) planner.Outputs {
	arn := aws.ToString(lb.LoadBalancerArn)
	return planner.Outputs{"id": arn, "arn": arn, "dnsName": aws.ToString(lb.DNSName), "zones": zonesOf(lb.AvailabilityZones)}
}

func zonesOf(zones []elbtypes.AvailabilityZone) string {
	var names []string
	for _, z := range zones {
		names = append(names, aws.ToString(z.ZoneName))
	}
	return joinZones(names)
}

// createBalancer makes the balancer or finds the one whose creation was not
// answered, and goes on from what it finds.
func createBalancer(ctx context.Context, p *Place, want Item[loadBalancerSpec]) (applier.Made, error) {
	lb, err := p.makeBalancer(ctx, want)
	if err != nil {
		return applier.Made{}, err
	}
	made := balancer{lb, want.Addr}
	if err := p.elbClaim(ctx, want.Addr, aws.ToString(lb.LoadBalancerArn)); err != nil {
		return applier.Made{}, err
	}
	now, err := p.readBalancer(ctx, made)
	if err != nil {
		return applier.Made{}, err
	}
	return updateBalancer(ctx, p, now, want)
}

func (p *Place) makeBalancer(ctx context.Context, want Item[loadBalancerSpec]) (elbtypes.LoadBalancer, error) {
	name := p.awsName(want.Addr, want.Spec.VPC, want.Spec.Scheme)
	out, err := p.ELB.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
		Name:           aws.String(name),
		Type:           elbtypes.LoadBalancerTypeEnumNetwork,
		Scheme:         elbtypes.LoadBalancerSchemeEnum(want.Spec.Scheme),
		IpAddressType:  elbtypes.IpAddressType(want.Spec.IPAddressType),
		Subnets:        want.Spec.Subnets,
		SecurityGroups: known(want.Spec.SecurityGroups),
		Tags:           p.elbTags(want.Addr),
	})
	var all []elbtypes.LoadBalancer
	switch {
	case awsapi.Code(err) == "DuplicateLoadBalancerName":
		found, err := p.ELB.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{Names: []string{name}})
		if err != nil {
			return elbtypes.LoadBalancer{}, err
		}
		all = found.LoadBalancers
	case err != nil:
		return elbtypes.LoadBalancer{}, err
	default:
		all = out.LoadBalancers
	}
	if len(all) != 1 {
		return elbtypes.LoadBalancer{}, fmt.Errorf("AWS answers with %d load balancers of the name %s", len(all), name)
	}
	return all[0], nil
}

func updateBalancer(ctx context.Context, p *Place, was, want Item[loadBalancerSpec]) (applier.Made, error) {
	made := applier.Made{ID: was.ID, Outputs: was.Outputs}
	for _, change := range []func(context.Context, *Place, Item[loadBalancerSpec], Item[loadBalancerSpec]) error{
		changeBalancerGroups, changeBalancerAttributes, changeBalancerAddresses, changeBalancerSubnets,
	} {
		if err := change(ctx, p, was, want); err != nil {
			return made, err
		}
	}
	if slices.Equal(was.Spec.Subnets, want.Spec.Subnets) {
		return made, nil
	}
	zones, err := p.zonesOfSubnets(ctx, want.Spec.Subnets)
	if err != nil {
		return made, err
	}
	// The balancer itself may tell of the zones it had for a while longer.
	made.Outputs = maps.Clone(was.Outputs)
	made.Outputs["zones"] = joinZones(slices.Collect(maps.Values(zones)))
	return made, nil
}

func changeBalancerGroups(ctx context.Context, p *Place, was, want Item[loadBalancerSpec]) error {
	groups := known(want.Spec.SecurityGroups)
	if slices.Equal(known(was.Spec.SecurityGroups), groups) && was.Spec.EnforceOnPrivateLink == want.Spec.EnforceOnPrivateLink {
		return nil
	}
	enforce := elbtypes.EnforceSecurityGroupInboundRulesOnPrivateLinkTrafficEnumOff
	if want.Spec.EnforceOnPrivateLink {
		enforce = elbtypes.EnforceSecurityGroupInboundRulesOnPrivateLinkTrafficEnumOn
	}
	_, err := p.ELB.SetSecurityGroups(ctx, &elb.SetSecurityGroupsInput{
		LoadBalancerArn: aws.String(was.ID), SecurityGroups: groups,
		EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: enforce,
	})
	return soonThere(err, "InvalidSecurityGroup")
}

func changeBalancerAttributes(ctx context.Context, p *Place, was, want Item[loadBalancerSpec]) error {
	if was.Spec.CrossZone == want.Spec.CrossZone && was.Spec.DeletionProtection == want.Spec.DeletionProtection {
		return nil
	}
	_, err := p.ELB.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{
		LoadBalancerArn: aws.String(was.ID),
		Attributes: []elbtypes.LoadBalancerAttribute{
			{Key: aws.String(attrCrossZone), Value: aws.String(strconv.FormatBool(want.Spec.CrossZone))},
			{Key: aws.String(attrDeletionProtection), Value: aws.String(strconv.FormatBool(want.Spec.DeletionProtection))},
		},
	})
	return err
}

func changeBalancerAddresses(ctx context.Context, p *Place, was, want Item[loadBalancerSpec]) error {
	if was.Spec.IPAddressType == want.Spec.IPAddressType {
		return nil
	}
	_, err := p.ELB.SetIpAddressType(ctx, &elb.SetIpAddressTypeInput{
		LoadBalancerArn: aws.String(was.ID), IpAddressType: elbtypes.IpAddressType(want.Spec.IPAddressType),
	})
	return err
}

// deleteBalancer is refused with ResourceInUse until the endpoint service has
// let go of the balancer.
func deleteBalancer(ctx context.Context, p *Place, was Item[loadBalancerSpec]) error {
	_, err := p.ELB.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: aws.String(was.ID)})
	if awsapi.Code(err) == "OperationNotPermitted" {
		return fmt.Errorf("the load balancer was protected from deletion meanwhile; plan again: %w", err)
	}
	return unlessGone(err)
}

// describeBalancers finds load balancers by ARN. What is gone is missing from
// the answer.
func (p *Place) describeBalancers(ctx context.Context, arns []string) (map[string]elbtypes.LoadBalancer, error) {
	all, err := describeARNs(ctx, arns, func(ctx context.Context, batch []string) ([]elbtypes.LoadBalancer, error) {
		out, err := p.ELB.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: batch})
		if err != nil {
			return nil, err
		}
		return out.LoadBalancers, nil
	})
	found := map[string]elbtypes.LoadBalancer{}
	for _, lb := range all {
		found[aws.ToString(lb.LoadBalancerArn)] = lb
	}
	return found, err
}

func (p *Place) describeBalancer(ctx context.Context, arn string) (elbtypes.LoadBalancer, error) {
	found, err := p.describeBalancers(ctx, []string{arn})
	if err != nil {
		return elbtypes.LoadBalancer{}, err
	}
	lb, ok := found[arn]
	if !ok {
		return lb, fmt.Errorf("load balancer %s was deleted meanwhile; plan again", arn)
	}
	return lb, nil
}

func settledBalancers(ctx context.Context, p *Place, items []Item[loadBalancerSpec]) ([]applier.Status, error) {
	found, err := p.describeBalancers(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	sts := make([]applier.Status, len(items))
	for i, it := range items {
		sts[i] = balancerStatus(found[it.ID].State)
	}
	return sts, nil
}

// balancerStatus: a balancer that is impaired forwards, so what stands on it
// need not wait.
func balancerStatus(state *elbtypes.LoadBalancerState) applier.Status {
	if state == nil {
		return applier.Status{Readiness: applier.Waiting, Reason: "not visible yet"}
	}
	st := applier.Status{Readiness: applier.Waiting, Reason: string(state.Code)}
	switch state.Code {
	case elbtypes.LoadBalancerStateEnumActive, elbtypes.LoadBalancerStateEnumActiveImpaired:
		st.Readiness = applier.Ready
	case elbtypes.LoadBalancerStateEnumFailed:
		st.Readiness = applier.Broken
		if why := aws.ToString(state.Reason); why != "" {
			st.Reason += ": " + why
		}
	}
	return st
}

func goneBalancers(ctx context.Context, p *Place, items []Item[loadBalancerSpec]) ([]bool, error) {
	found, err := p.describeBalancers(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(items))
	for i, it := range items {
		_, there := found[it.ID]
		gone[i] = !there
	}
	return gone, nil
}
