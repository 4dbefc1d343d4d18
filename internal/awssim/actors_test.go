package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const (
	partnerAccount = "666666666666"
	partnerRole    = "arn:aws:iam::" + partnerAccount + ":role/client"
)

// partyWorld is the home world with a partner who wants home's service.
func partyWorld(behaviour string) World {
	w := coreWorld()
	w.Knobs.NoThrottling = true
	w.Accounts[partnerAccount] = WorldAccount{
		Zones: map[string]string{"us-east-1a": "use1-az4"},
		Regions: map[string]WorldRegion{"us-east-1": {VPCs: map[string]WorldVPC{"vpc-0d000000000000001": {
			CIDR:    "10.7.0.0/16",
			Subnets: map[string]WorldSubnet{"subnet-0d000000000000001": {CIDR: "10.7.1.0/24", ZoneID: "use1-az4"}},
		}}}},
	}
	w.Actors = []WorldActor{{
		Name: "partner", Account: partnerAccount, Principal: partnerRole, Region: "us-east-1",
		VPC: "vpc-0d000000000000001", Subnets: []string{"subnet-0d000000000000001"},
		Service: WorldTarget{Owner: homeAccount, Tags: map[string]string{"for": "partners"}}, Behaviour: behaviour,
	}}
	return w
}

// service makes home's endpoint service, with acceptance, for nobody yet.
func (r *rig) service() *string {
	r.Helper()
	balancer, err := elb.NewFromConfig(r.as(homeAccount)).CreateLoadBalancer(r.Context(), &elb.CreateLoadBalancerInput{
		Name: aws.String("nlb"), Type: elbtypes.LoadBalancerTypeEnumNetwork, Scheme: elbtypes.LoadBalancerSchemeEnumInternal, Subnets: []string{homeSubnetA},
	})
	r.must(err)
	time.Sleep(5 * time.Minute)
	out, err := r.ec2().CreateVpcEndpointServiceConfiguration(r.Context(), &ec2.CreateVpcEndpointServiceConfigurationInput{
		NetworkLoadBalancerArns: []string{*balancer.LoadBalancers[0].LoadBalancerArn}, AcceptanceRequired: aws.Bool(true),
		TagSpecifications: []types.TagSpecification{{ResourceType: "vpc-endpoint-service", Tags: []types.Tag{{Key: aws.String("for"), Value: aws.String("partners")}}}},
	})
	r.must(err)
	return out.ServiceConfiguration.ServiceId
}

func (r *rig) allow(service *string) {
	r.Helper()
	_, err := r.ec2().ModifyVpcEndpointServicePermissions(r.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{ServiceId: service, AddAllowedPrincipals: []string{partnerRole}})
	r.must(err)
}

// live lists the connections that are neither rejected nor gone.
func (r *rig) live(service *string) []types.VpcEndpointConnection {
	r.Helper()
	out, err := r.ec2().DescribeVpcEndpointConnections(r.Context(), &ec2.DescribeVpcEndpointConnectionsInput{Filters: byFilter("service-id", *service)})
	r.must(err)
	var live []types.VpcEndpointConnection
	for _, c := range out.VpcEndpointConnections {
		if c.VpcEndpointState == "pendingAcceptance" || c.VpcEndpointState == "pending" || c.VpcEndpointState == "available" {
			live = append(live, c)
		}
	}
	return live
}

// tries counts what the partner has asked so far.
func (r *rig) tries() int {
	n := 0
	for _, c := range r.sim.Calls() {
		if c.Actor && c.Operation == "CreateVpcEndpoint" && c.Principal == partnerRole {
			n++
		}
	}
	return n
}

func TestPartyComesWhenLetIn(t *testing.T) {
	inBubble(t, Options{World: partyWorld("until-let-in")}, func(r *rig) {
		service := r.service()
		time.Sleep(time.Hour)
		if got := r.live(service); len(got) != 0 {
			t.Errorf("connected without permission: %+v", got)
		}
		if n := r.tries(); n == 0 || n > 5 {
			t.Errorf("%d tries in an hour in which nothing changed", n)
		}
		r.allow(service)
		time.Sleep(5 * time.Second)
		got := r.live(service)
		if len(got) != 1 || *got[0].VpcEndpointOwner != partnerAccount || got[0].VpcEndpointState != "pendingAcceptance" {
			t.Fatalf("%+v", got)
		}
		_, err := r.ec2().RejectVpcEndpointConnections(r.Context(), &ec2.RejectVpcEndpointConnectionsInput{ServiceId: service, VpcEndpointIds: []string{*got[0].VpcEndpointId}})
		r.must(err)
		time.Sleep(time.Hour)
		if got := r.live(service); len(got) != 0 {
			t.Errorf("came again: %+v", got)
		}
		total, _ := r.sim.calls.counts()
		if total != len(r.sim.Calls())-r.tries() {
			t.Error("the partner's calls are counted with ours")
		}
	})
}

func TestPartyComesAgain(t *testing.T) {
	inBubble(t, Options{World: partyWorld("while-open")}, func(r *rig) {
		service := r.service()
		r.allow(service)
		time.Sleep(5 * time.Second)
		first := r.live(service)
		_, err := r.ec2().RejectVpcEndpointConnections(r.Context(), &ec2.RejectVpcEndpointConnectionsInput{ServiceId: service, VpcEndpointIds: []string{*first[0].VpcEndpointId}})
		r.must(err)
		time.Sleep(5 * time.Second)
		second := r.live(service)
		if len(second) != 1 || *second[0].VpcEndpointId == *first[0].VpcEndpointId {
			t.Errorf("%+v, then %+v", first, second)
		}
	})
}

func TestPartyThatNeverComes(t *testing.T) {
	inBubble(t, Options{World: partyWorld("never")}, func(r *rig) {
		service := r.service()
		r.allow(service)
		time.Sleep(time.Hour)
		if got := r.live(service); len(got) != 0 || r.tries() != 0 {
			t.Errorf("%+v after %d tries", got, r.tries())
		}
	})
}

// A try is made at the tick after the change, not at the request after it.
func TestTicksAreOnTime(t *testing.T) {
	inBubble(t, Options{World: partyWorld("until-let-in")}, func(r *rig) {
		start := r.sim.Now()
		service := r.service() // 5 minutes
		r.allow(service)
		time.Sleep(time.Hour)
		out, err := ec2.NewFromConfig(r.as(partnerAccount)).DescribeVpcEndpoints(r.Context(), nil)
		r.must(err)
		if got := out.VpcEndpoints[0].CreationTimestamp.Sub(start); got != 5*time.Minute && got != 5*time.Minute+5*time.Second {
			t.Errorf("connected after %s", got)
		}
	})
}

func TestEventsRunInOrder(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		var seen []string
		note := func(s *Sim, e event) {
			seen = append(seen, e.ID+" "+s.now().Sub(e.At).String())
			if e.ID == "first" {
				s.after(time.Second, "note", "", "", "between")
			}
		}
		r.sim.handlers["note"] = note
		now := r.sim.Now()
		r.sim.at(now.Add(3*time.Second), "note", "", "", "last")
		r.sim.at(now.Add(time.Second), "note", "", "", "first")
		r.sim.at(now.Add(time.Second), "note", "", "", "second")
		r.sim.at(now.Add(time.Hour), "note", "", "", "not yet")
		r.sim.Advance(time.Minute)
		want := []string{"first 0s", "second 0s", "between 0s", "last 0s"}
		if len(seen) != 4 || seen[0] != want[0] || seen[1] != want[1] || seen[2] != want[2] || seen[3] != want[3] {
			t.Errorf("got %q, want %q", seen, want)
		}
	})
}
