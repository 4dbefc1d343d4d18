package kinds

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
)

// changeBalancerSubnets goes from the subnets that the balancer has now, not
// from those it was read with: a swap that was interrupted between its calls
// is picked up where it stopped.
func changeBalancerSubnets(ctx context.Context, p *Place, was, want Item[loadBalancerSpec]) error {
	if slices.Equal(was.Spec.Subnets, want.Spec.Subnets) {
		return nil
	}
	now, err := p.describeBalancer(ctx, was.ID)
	if err != nil {
		return err
	}
	have := map[string]string{}
	for _, z := range now.AvailabilityZones {
		have[aws.ToString(z.SubnetId)] = aws.ToString(z.ZoneName)
	}
	wanted, err := p.zonesOfSubnets(ctx, want.Spec.Subnets)
	if err != nil {
		return err
	}
	steps, err := subnetSteps(have, wanted)
	if err != nil {
		return err
	}
	for i, subnets := range steps {
		if err := p.setSubnets(ctx, was.ID, subnets); err != nil {
			return subnetError(err, i)
		}
	}
	return nil
}

func (p *Place) setSubnets(ctx context.Context, arn string, subnets []string) error {
	_, err := p.ELB.SetSubnets(ctx, &elb.SetSubnetsInput{LoadBalancerArn: aws.String(arn), Subnets: subnets})
	if err != nil {
		return fmt.Errorf("setting the load balancer's subnets to %s (none can be taken off while endpoints are connected): %w", strings.Join(subnets, ", "), err)
	}
	return nil
}

// subnetError: AWS takes up to three minutes to take a subnet off, and until
// then refuses another one in its zone.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/availability-zones.html
func subnetError(err error, step int) error {
	refused := []string{"InvalidConfigurationRequest", "ValidationError"}
	if step > 0 && slices.Contains(refused, awsapi.Code(err)) {
		return applier.Busy{Err: err, Half: true}
	}
	return err
}

// zonesOfSubnets gives the zone of each subnet, by the account's names.
func (p *Place) zonesOfSubnets(ctx context.Context, ids []string) (map[string]string, error) {
	out, err := p.EC2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: ids})
	if err != nil {
		return nil, err
	}
	zones := map[string]string{}
	for _, s := range out.Subnets {
		zones[aws.ToString(s.SubnetId)] = aws.ToString(s.AvailabilityZone)
	}
	return zones, nil
}

// subnetSteps are the sets of subnets to go through from have to want, both
// with their zones. AWS swaps the subnet of a zone only in two steps, remove
// and add, and a balancer is never without a subnet.
func subnetSteps(have, want map[string]string) ([][]string, error) {
	var steps [][]string
	for !sameKeys(have, want) {
		next := nextSubnets(have, want)
		if sameKeys(next, have) {
			return nil, fmt.Errorf("a load balancer cannot change its only subnet %s for another one in the same zone; add a subnet in a second zone first",
				strings.Join(slices.Sorted(maps.Keys(have)), ", "))
		}
		steps = append(steps, slices.Sorted(maps.Keys(next)))
		have = next
	}
	return steps, nil
}

// nextSubnets keeps what is wanted, takes off what is not, and adds what is
// wanted where its zone is free. Where it would keep nothing it leaves one
// subnet on, by preference one that is in nobody's way.
func nextSubnets(have, want map[string]string) map[string]string {
	next := map[string]string{}
	occupied := map[string]bool{}
	for id, zone := range have {
		occupied[zone] = true
		if _, ok := want[id]; ok {
			next[id] = zone
		}
	}
	if len(next) == 0 && len(have) > 0 {
		last := remaining(have, want)
		next[last] = have[last]
	}
	for id, zone := range want {
		if !occupied[zone] {
			next[id] = zone
		}
	}
	return next
}

func remaining(have, want map[string]string) string {
	wanted := slices.Collect(maps.Values(want))
	ids := slices.Sorted(maps.Keys(have))
	for _, id := range ids {
		if !slices.Contains(wanted, have[id]) {
			return id
		}
	}
	return ids[len(ids)-1]
}

func sameKeys(a, b map[string]string) bool {
	return slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
}

func subnetsOf(zones []elbtypes.AvailabilityZone) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, z := range zones {
			if !yield(aws.ToString(z.SubnetId)) {
				return
			}
		}
	}
}
