package kinds

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

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
	lb, err := p.describeBalancer(ctx, was.ID)
	if err != nil {
		return err
	}
	have := map[string]string{}
	for _, z := range lb.AvailabilityZones {
		have[aws.ToString(z.SubnetId)] = aws.ToString(z.ZoneName)
	}
	now := slices.Sorted(maps.Keys(have))
	wanted, err := p.zonesOfSubnets(ctx, want.Spec.Subnets)
	if err != nil {
		return err
	}
	steps, err := subnetSteps(have, wanted)
	if err != nil {
		return err
	}
	off := "subnets off " + was.ID
	for _, subnets := range steps {
		if err := p.setSubnets(ctx, was.ID, subnets); err != nil {
			adds, half := len(without(now, subnets)) == 0, p.said(off, leavingZone)
			return subnetError(err, adds && (half || !p.past(p.stint.began, leavingZone)), half)
		}
		if len(without(now, subnets)) > 0 {
			p.say(off)
		}
		now = subnets
	}
	return nil
}

// leavingZone is how long a load balancer may take to let go of a subnet: AWS
// speaks of up to three minutes, and refuses until then another in its zone.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/availability-zones.html
const leavingZone = 5 * time.Minute

func (p *Place) setSubnets(ctx context.Context, arn string, subnets []string) error {
	_, err := p.ELB.SetSubnets(ctx, &elb.SetSubnetsInput{LoadBalancerArn: aws.String(arn), Subnets: subnets})
	if err != nil {
		return fmt.Errorf("setting the load balancer's subnets to %s (none can be taken off while endpoints are connected): %w", strings.Join(subnets, ", "), err)
	}
	return nil
}

// subnetError marks a refusal as passing by itself where subnets are only
// added, and one that this run, or one before that was cut short, has taken off
// may be on its way out.
func subnetError(err error, leaving, half bool) error {
	refused := []string{"InvalidConfigurationRequest", "ValidationError"}
	if leaving && slices.Contains(refused, awsapi.Code(err)) {
		return applier.Busy{Err: err, Half: half}
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
