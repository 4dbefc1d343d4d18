package kinds_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
)

// A service with endpoints connected gives up no load balancer: AWS would
// refuse it when half of what leads there is done.
func TestServicesGiveUpNoBalancerInUse(t *testing.T) {
	for _, c := range []struct {
		name string
		hand func(*scene)
		held []string
		mend string // %s is the balancer
	}{
		{"its balancer has lost its tags", func(s *scene) {
			_, err := s.platform.ELB.RemoveTags(s.T.Context(), &elb.RemoveTagsInput{
				ResourceArns: []string{s.one("load-balancer/fraud").ID}, TagKeys: []string{kinds.TagFleet, kinds.TagAddress},
			})
			s.must(err)
		}, []string{"load-balancer/fraud", "endpoint-service/fraud"}, "give %s the tags of load-balancer/fraud@platform/us-east-1 back with linkfleet adopt"},
		{"somebody has added a balancer", func(s *scene) {
			s.modifyService(&ec2.ModifyVpcEndpointServiceConfigurationInput{
				AddNetworkLoadBalancerArns: []string{s.makeBalancer("second", s.fraud.LoadBalancer.Subnets...)},
			})
		}, []string{"endpoint-service/fraud"}, "until nobody is connected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onStage(t, pair, func(s *scene) {
				mend := strings.ReplaceAll(c.mend, "%s", aws.ToString(s.id("load-balancer/fraud")))
				c.hand(s)
				plan := s.Plan()
				for _, at := range c.held {
					if !slices.ContainsFunc(plan.Blocked, func(b planner.Blocked) bool {
						return b.Addr.Path() == at && b.Cause == planner.CauseRefused && strings.Contains(b.Mend, mend)
					}) {
						t.Errorf("want %s refused, and the way out %q:\n%s", at, mend, stage.Text(plan))
					}
				}
				if len(plan.Steps) > 0 {
					t.Errorf("planned is\n%s", stage.Short(plan))
				}
				if err := s.Apply().Err(); err != nil {
					t.Errorf("applying the rest: %v", err)
				}
			})
		})
	}
}
