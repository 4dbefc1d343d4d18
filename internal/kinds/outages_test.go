package kinds_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
)

// What becomes of the clients of an endpoint is told before it does.
func TestEndpointOutages(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*scene)
		told   string // %s is the endpoint
	}{
		{"it is deleted", func(s *scene) { s.Remove("services/fraud/consumers/risk") },
			"endpoint %s is connected and will be deleted: its consumer is removed"},
		{"it is deleted while a change of it settles", func(s *scene) {
			s.leaveSubnet("subnet-0a0000000000000b3")
			s.Remove("services/fraud/consumers/risk")
		}, "endpoint %s is connected and will be deleted: its consumer is removed"},
		{"it is replaced", func(s *scene) {
			e := s.riskEndpoint()
			e.VPC, e.Subnets, e.AllowReplace = "vpc-0a0000000000000f1", []string{"subnet-0a0000000000000f1", "subnet-0a0000000000000f2"}, true
		}, "endpoint %s is connected and will be replaced: its clients lose their connections"},
		{"it leaves a subnet", func(s *scene) { s.riskEndpoint().Subnets = s.riskEndpoint().Subnets[:2] },
			"endpoint %s is connected and leaves subnet-0a0000000000000b3: connections through it are cut"},
		{"it changes for another subnet of a zone", func(s *scene) { s.riskEndpoint().Subnets[0] = "subnet-0a0000000000000f9" },
			"endpoint %s is connected and leaves subnet-0a0000000000000b1: connections through it are cut"},
		{"it gets a subnet back", func(s *scene) {
			s.leaveSubnet("subnet-0a0000000000000b3")
			s.settle()
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onStage(t, pair, func(s *scene) {
				id := s.one("endpoint/fraud/risk").ID
				c.change(s)
				plan := s.Plan()
				var told []string
				for _, n := range plan.Notes {
					if n.Kind == planner.NoteOutage && n.Addr.Kind == "endpoint" {
						told = append(told, n.Text)
					}
				}
				if got, want := strings.Join(told, "\n"), strings.ReplaceAll(c.told, "%s", id); got != want {
					t.Errorf("told is %q, want %q:\n%s", got, want, stage.Text(plan))
				}
			})
		})
	}
}

// leaveSubnet takes the endpoint of risk off a subnet, and does not wait until
// AWS is done.
func (s *scene) leaveSubnet(id string) {
	s.T.Helper()
	_, err := s.risk.EC2.ModifyVpcEndpoint(s.T.Context(), &ec2.ModifyVpcEndpointInput{
		VpcEndpointId: aws.String(s.one("endpoint/fraud/risk").ID), RemoveSubnetIds: []string{id},
	})
	s.must(err)
}
