package kinds

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linkfleet/linkfleet/internal/awsapi"
)

// A target is one line of text, "ID:PORT": an IP address, an instance's id or
// a load balancer's ARN, and the port it is sent to.
//
//	10.20.1.10:8443
//	i-0123456789abcdef0:8443
func target(id string, port int) string { return id + ":" + strconv.Itoa(port) }

// parseTarget reads what target wrote. The port is behind the last colon:
// ARNs have colons of their own.
func parseTarget(t string) (elbtypes.TargetDescription, error) {
	i := strings.LastIndex(t, ":")
	if i <= 0 {
		return elbtypes.TargetDescription{}, fmt.Errorf("target %q: want ID:PORT", t)
	}
	port, err := strconv.ParseInt(t[i+1:], 10, 32)
	if err != nil {
		return elbtypes.TargetDescription{}, fmt.Errorf("target %q: bad port", t)
	}
	return elbtypes.TargetDescription{Id: aws.String(t[:i]), Port: aws.Int32(int32(port))}, nil
}

func parseTargets(ts []string) ([]elbtypes.TargetDescription, error) {
	var all []elbtypes.TargetDescription
	for _, t := range ts {
		d, err := parseTarget(t)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// registeredTargets are the targets of a group, sorted. One that drains is
// shown by AWS until it is done, but is registered no more.
func registeredTargets(described []elbtypes.TargetHealthDescription) []string {
	var ts []string
	for _, d := range described {
		if d.Target == nil || d.TargetHealth != nil && draining(d.TargetHealth.State) {
			continue
		}
		ts = append(ts, target(aws.ToString(d.Target.Id), int(aws.ToInt32(d.Target.Port))))
	}
	slices.Sort(ts)
	return slices.Compact(ts)
}

func draining(state elbtypes.TargetHealthStateEnum) bool {
	return state == elbtypes.TargetHealthStateEnumDraining || state == elbtypes.TargetHealthStateEnumUnhealthyDraining
}

// targetsPerCall keeps requests to a size that AWS takes; it publishes no
// bound.
const targetsPerCall = 100

func (p *Place) registerTargets(ctx context.Context, arn, targetType string, ts []string) error {
	targets, err := parseTargets(ts)
	if err != nil {
		return err
	}
	for _, batch := range batches(targets, targetsPerCall) {
		err := p.register(ctx, arn, batch)
		if targetType == string(elbtypes.TargetTypeEnumIp) && awsapi.Code(err) == "ValidationError" {
			err = p.registerOutside(ctx, arn, batch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Place) register(ctx context.Context, arn string, targets []elbtypes.TargetDescription) error {
	_, err := p.ELB.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: aws.String(arn), Targets: targets})
	return err
}

// registerOutside registers addresses one by one after AWS refused the lot.
// It wants the zone "all" for an address outside the VPC, and refuses that
// word for one inside.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetDescription.html
func (p *Place) registerOutside(ctx context.Context, arn string, targets []elbtypes.TargetDescription) error {
	for _, t := range targets {
		inside := p.register(ctx, arn, []elbtypes.TargetDescription{t})
		if awsapi.Code(inside) != "ValidationError" {
			if inside != nil {
				return inside
			}
			continue
		}
		t.AvailabilityZone = aws.String("all")
		if outside := p.register(ctx, arn, []elbtypes.TargetDescription{t}); outside != nil {
			return fmt.Errorf("registering target %s: %w (and with the zone \"all\": %w)", aws.ToString(t.Id), inside, outside)
		}
	}
	return nil
}

func (p *Place) deregisterTargets(ctx context.Context, arn string, ts []string) error {
	targets, err := parseTargets(ts)
	if err != nil {
		return err
	}
	for _, batch := range batches(targets, targetsPerCall) {
		if _, err := p.ELB.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: aws.String(arn), Targets: batch}); err != nil {
			return err
		}
	}
	return nil
}
