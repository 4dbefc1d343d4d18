package kinds

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
)

// elbPage is the largest page of Elastic Load Balancing's lists, and
// arnsPerCall how many ARNs its other descriptions take at once.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
const (
	elbPage     = 400
	arnsPerCall = 20
)

// describeARNs asks for objects in batches, side by side. AWS refuses a whole
// batch when one of its ARNs is gone; then each is asked for alone, and what
// is gone is missing from the answer.
func describeARNs[R any](ctx context.Context, arns []string, ask func(context.Context, []string) ([]R, error)) ([]R, error) {
	answers, err := readEach(ctx, batches(arns, arnsPerCall), func(ctx context.Context, batch []string) ([]R, error) {
		all, err := ask(ctx, batch)
		if !awsapi.IsNotFound(err) || len(batch) == 1 {
			return all, err
		}
		for single := range slices.Chunk(batch, 1) {
			one, err := ask(ctx, single)
			if unlessGone(err) != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	})
	var all []R
	for _, a := range answers {
		if a != nil {
			all = append(all, *a...)
		}
	}
	return all, err
}

// elbTagsOf reads the tags of objects of Elastic Load Balancing. What is gone
// is missing from the answer.
func (p *Place) elbTagsOf(ctx context.Context, arns []string) ([]elbtypes.TagDescription, error) {
	return describeARNs(ctx, arns, func(ctx context.Context, batch []string) ([]elbtypes.TagDescription, error) {
		out, err := p.ELB.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: batch})
		if err != nil {
			return nil, err
		}
		return out.TagDescriptions, nil
	})
}

// elbOwned gives the addresses of those load balancers, target groups or
// listeners that are of this fleet and of the given kind.
func (p *Place) elbOwned(ctx context.Context, kind string, arns []string) (map[string]planner.Addr, error) {
	described, err := p.elbTagsOf(ctx, arns)
	if err != nil {
		return nil, err
	}
	owned := map[string]planner.Addr{}
	for _, d := range described {
		if addr, ok := p.whose(kind, aws.ToString(d.ResourceArn), elbTag(d.Tags)); ok {
			owned[aws.ToString(d.ResourceArn)] = addr
		}
	}
	return owned, nil
}

// elbClaim makes sure that what a create answered is ours: Elastic Load
// Balancing answers with what bears the name already if the settings agree,
// whosever it is.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
func (p *Place) elbClaim(ctx context.Context, addr planner.Addr, arn string) error {
	out, err := p.ELB.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: []string{arn}})
	if err != nil {
		return err
	}
	for _, d := range out.TagDescriptions {
		if found, ok := p.addrOf(addr.Kind, elbTag(d.Tags)); ok && found == addr {
			return nil
		}
	}
	refusal := fmt.Errorf("%s stands where %s should be made, and its tags do not say that it is of fleet %s; delete it, or give it its tags back", arn, addr, p.Fleet)
	if untagged(out.TagDescriptions) && p.mayLackTags(arn) {
		return applier.Busy{Err: refusal}
	}
	return refusal
}

// untagged tells whether objects show no tag at all, as new ones may for a
// little while.
func untagged(described []elbtypes.TagDescription) bool {
	return !slices.ContainsFunc(described, func(d elbtypes.TagDescription) bool { return len(d.Tags) > 0 })
}

// Attributes of Elastic Load Balancing's objects travel as pairs of strings,
// in a type of its own for each kind of object.

func balancerAttributes(attrs []elbtypes.LoadBalancerAttribute) map[string]string {
	m := map[string]string{}
	for _, a := range attrs {
		m[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	return m
}

func groupAttributes(attrs []elbtypes.TargetGroupAttribute) map[string]string {
	m := map[string]string{}
	for _, a := range attrs {
		m[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	return m
}

func listenerAttributes(attrs []elbtypes.ListenerAttribute) map[string]string {
	m := map[string]string{}
	for _, a := range attrs {
		m[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	return m
}

// attributeNumber is 0 for what is no number, which then shows as a difference.
func attributeNumber(attrs map[string]string, key string) int {
	n, err := strconv.Atoi(attrs[key])
	if err != nil {
		return 0
	}
	return n
}

func attributeTrue(attrs map[string]string, key string) bool { return attrs[key] == "true" }
