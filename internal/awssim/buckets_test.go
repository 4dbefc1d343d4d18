package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// callsUntilThrottled counts how many calls a bucket lets through.
func callsUntilThrottled(r *rig, call func() error) int {
	r.Helper()
	for n := range 5000 {
		switch refusalCode(call()) {
		case "RequestLimitExceeded", "ThrottlingException", "Throttling", "Throttled":
			return n
		}
	}
	r.Fatal("never throttled")
	return 0
}

func TestBuckets(t *testing.T) {
	for name, test := range map[string]struct {
		want int // calls at once
		call func(*rig) error
	}{
		"create endpoint": {4, func(r *rig) error {
			_, err := r.ec2().CreateVpcEndpoint(r.Context(), &ec2.CreateVpcEndpointInput{VpcId: aws.String(homeVPC), ServiceName: aws.String("com.amazonaws.vpce.us-east-1.vpce-svc-00000000000000000"), VpcEndpointType: "Interface"})
			return err
		}},
		"accept": {10, func(r *rig) error {
			_, err := r.ec2().AcceptVpcEndpointConnections(r.Context(), &ec2.AcceptVpcEndpointConnectionsInput{ServiceId: aws.String("vpce-svc-00000000000000000"), VpcEndpointIds: []string{"vpce-00000000000000000"}})
			return err
		}},
		"describe everything": {50, func(r *rig) error {
			_, err := r.ec2().DescribeSecurityGroups(r.Context(), nil)
			return err
		}},
		"describe a page": {100, func(r *rig) error {
			_, err := r.ec2().DescribeSecurityGroups(r.Context(), &ec2.DescribeSecurityGroupsInput{MaxResults: aws.Int32(100)})
			return err
		}},
		"set subnets": {10, func(r *rig) error {
			_, err := elasticloadbalancingv2.NewFromConfig(r.as(homeAccount)).SetSubnets(r.Context(), &elasticloadbalancingv2.SetSubnetsInput{LoadBalancerArn: aws.String("x"), Subnets: []string{"y"}})
			return err
		}},
		"describe balancers": {40, func(r *rig) error {
			_, err := elasticloadbalancingv2.NewFromConfig(r.as(homeAccount)).DescribeLoadBalancers(r.Context(), nil)
			return err
		}},
		"zones": {50, func(r *rig) error {
			_, err := route53.NewFromConfig(r.as(homeAccount)).ListHostedZones(r.Context(), nil)
			return err
		}},
		"record changes": {7, func(r *rig) error { // 200 units each of 1500
			batch := &types.ChangeBatch{}
			for range 100 {
				batch.Changes = append(batch.Changes, types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: &types.ResourceRecordSet{
					Name: aws.String("x.example.com"), Type: types.RRTypeTxt, TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: aws.String(`"x"`)}},
				}})
			}
			_, err := route53.NewFromConfig(r.as(homeAccount)).ChangeResourceRecordSets(r.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: aws.String("Z0NONE"), ChangeBatch: batch})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(r *rig) {
				if got := callsUntilThrottled(r, func() error { return test.call(r) }); got != test.want {
					t.Errorf("%d calls went through, want %d", got, test.want)
				}
			})
		})
	}
}

// A bucket refills with time, belongs to one account and action, and says
// whose it is.
func TestBucketRefills(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		create := func(account string) error {
			_, err := ec2.NewFromConfig(r.as(account)).CreateVpcEndpoint(r.Context(), &ec2.CreateVpcEndpointInput{VpcId: aws.String(homeVPC), ServiceName: aws.String("x")})
			return err
		}
		callsUntilThrottled(r, func() error { return create(homeAccount) })
		r.refused(create(homeAccount), "RequestLimitExceeded", "Request limit exceeded. Account "+homeAccount+" has been throttled on ec2:CreateVpcEndpoint")
		if refusalCode(create("222222222222")) == "RequestLimitExceeded" {
			t.Error("one account's bucket throttles another")
		}
		time.Sleep(10 * time.Second) // 0.3 tokens a second
		if got := callsUntilThrottled(r, func() error { return create(homeAccount) }); got != 3 {
			t.Errorf("%d calls after 10 s, want 3", got)
		}
	})
}

func TestNoThrottling(t *testing.T) {
	w := coreWorld()
	w.Knobs.NoThrottling = true
	inBubble(t, Options{World: w}, func(r *rig) {
		for range 200 {
			_, err := r.ec2().DescribeSecurityGroups(r.Context(), nil)
			r.must(err)
		}
	})
}
