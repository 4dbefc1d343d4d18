package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// With a lag, lists and filters show what is new, and calls that name it by its
// id do not find it.
func TestIDLag(t *testing.T) {
	w := coreWorld()
	w.Knobs.Latencies = map[string]time.Duration{"idLag": 10 * time.Second}
	inBubble(t, Options{World: w}, func(r *rig) {
		group := r.group("young")
		out, err := r.ec2().DescribeSecurityGroups(r.Context(), &ec2.DescribeSecurityGroupsInput{
			Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{group}}},
		})
		r.must(err)
		if len(out.SecurityGroups) != 1 {
			t.Errorf("a filter finds %d groups", len(out.SecurityGroups))
		}
		_, err = r.authorize(group, tcp(1, 1, "10.0.0.0/8"))
		r.refused(err, "InvalidGroup.NotFound", group)
		time.Sleep(10 * time.Second)
		_, err = r.authorize(group, tcp(1, 1, "10.0.0.0/8"))
		r.must(err)
	})
}

func TestIDLagOfBalancers(t *testing.T) {
	lag := func(w *World) { w.Knobs.Latencies = map[string]time.Duration{"idLag": 10 * time.Second} }
	onStage(t, lag, func(s *stage) {
		b := s.balancer(nlb("fraud", subnet1))
		tags := func() error {
			_, err := s.elb().DescribeTags(s.Context(), &elb.DescribeTagsInput{ResourceArns: []string{*b.LoadBalancerArn}})
			return err
		}
		s.refused(tags(), "LoadBalancerNotFound", "not found")
		s.pass(10 * time.Second)
		must(s, 0, tags())
	})
}
