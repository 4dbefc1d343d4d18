package stage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
)

// Strangers' things stand where a lottery's fleets do: s0 of platform in
// us-east-1, and its consumer m0. Each bears a disguise.

// Disguises are tags that come as near to those of the lottery's fleet as tags
// can without being them, for an object of that address, and tags that would
// do harm where they were shown as they are. With plain there are only
// characters that every service of AWS's takes in tags.
func Disguises(address string, plain bool) []map[string]string {
	long := strings.Repeat("lottery ", 32)[:256] // as long as a value may be
	hostile := map[string]string{
		"Name": "\x1b[2J\x1b]8;;http://example.com\a\u009b31m\u202es0\r\n", "linkfleet:fleet": "\x1b[8mlottery\x1b[0m", "linkfleet:address": address + "\n" + address,
		"**[note](javascript:alert(1))** <!-- `": "| --- |\n# done\n@everyone <script>" + long[:200],
	}
	if plain {
		hostile = map[string]string{"Name": "s0\u2028s0", "linkfleet:fleet": "lοttery", "linkfleet:address": address, "note": long}
	}
	return []map[string]string{
		{"linkfleet:fleet": "rival", "linkfleet:address": address},
		{"Name": "s0", "linkfleet:address": address},
		{"Linkfleet:Fleet": lotteryName, "LINKFLEET:FLEET": lotteryName, "Linkfleet:Address": address, "linkfleet:address": address},
		{"linkfleet:fleet": lotteryName + " ", "linkfleet:address": address},
		hostile,
	}
}

// strangersGroups are security groups for a VPC, with disguises of the one of
// that address. Names have every character that AWS allows in them.
func strangersGroups(vpc, address string) map[string]awssim.WorldSecurityGroup {
	groups := map[string]awssim.WorldSecurityGroup{}
	for i, tags := range Disguises(address, false) {
		id := fmt.Sprintf("sg-0e%s%x", vpc[len(vpc)-14:], i)
		groups[id] = awssim.WorldSecurityGroup{
			Name: fmt.Sprintf("[s0](#%d) **!** &amp;{}$", i), Description: strings.Repeat("linkfleet ", 25) + "$(id)", Tags: tags,
		}
	}
	return groups
}

// strangersRecord is a record set whose values look like tokens with claims.
func strangersRecord() awssim.WorldRecord {
	values := []string{`"theirs"`, `"\033[2J\033]0;s0\007 **s0** <!--" "` + strings.Repeat("x", 255) + `"`}
	for _, claim := range []string{
		"linkfleet:fleet=rival,linkfleet:address=%s,linkfleet:value=theirs",
		"linkfleet:address=%s,linkfleet:value=theirs",
		"Linkfleet:Fleet=" + lotteryName + ",Linkfleet:Address=%s,Linkfleet:Value=theirs",
		"linkfleet:fleet=" + lotteryName + " ,linkfleet:address=%s,linkfleet:value=theirs",
	} {
		values = append(values, `"`+fmt.Sprintf(claim, "verification-record/s0")+`"`)
	}
	return awssim.WorldRecord{Name: "_claims." + lotteryZone, Type: "TXT", TTL: 61, Values: values}
}

// PlantStrangers makes by hand what a world cannot begin with: strangers' load
// balancers, listeners, target groups, topics, endpoint services and endpoints
// in disguise. It lets the minutes pass that AWS takes for them.
func (s *Stage) PlantStrangers() {
	s.T.Helper()
	p := planting{Stage: s, Place: s.Hands(s.Fleet.Accounts["platform"].ID, homeOf("s0"))}
	p.topics()
	balancers := p.balancers()
	time.Sleep(3 * time.Minute) // virtual
	service := p.services(balancers)
	time.Sleep(time.Minute)
	p.endpoints(service)
	time.Sleep(3 * time.Minute)
}

type planting struct {
	*Stage
	*awsapi.Place
}

func (p planting) must(err error) {
	p.T.Helper()
	if err != nil {
		p.T.Fatal(err)
	}
}

// spread waits until all of AWS has heard of what was made.
func (p planting) spread() { time.Sleep(time.Minute) }

func (p planting) topics() {
	for i, tags := range Disguises("topic/events", false) {
		_, err := p.SNS.CreateTopic(p.T.Context(), &sns.CreateTopicInput{
			Name: aws.String(fmt.Sprintf("theirs-%d", i)),
			Tags: tagsAs(tags, func(k, v *string) snstypes.Tag { return snstypes.Tag{Key: k, Value: v} }),
		})
		p.must(err)
	}
}

// balancers makes load balancers, each with a listener and its target group.
func (p planting) balancers() (arns []string) {
	ctx, vpc := p.T.Context(), lotteryVPC("platform", "s0", 0)
	groups, listeners := Disguises("target-group/s0/api", true), Disguises("listener/s0/api", true)
	for i, tags := range Disguises("load-balancer/s0", true) {
		name := aws.String(fmt.Sprintf("theirs-%d", i))
		lb, err := p.ELB.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
			Name: name, Type: elbtypes.LoadBalancerTypeEnumNetwork, Scheme: elbtypes.LoadBalancerSchemeEnumInternal,
			Subnets: []string{lotterySubnet(vpc, 0)}, Tags: tagsAs(tags, elbTag),
		})
		p.must(err)
		group, err := p.ELB.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
			Name: name, Protocol: elbtypes.ProtocolEnumTcp, Port: aws.Int32(8443), VpcId: &vpc,
			TargetType: elbtypes.TargetTypeEnumIp, Tags: tagsAs(groups[i], elbTag),
		})
		p.must(err)
		p.spread()
		_, err = p.ELB.CreateListener(ctx, &elb.CreateListenerInput{
			LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Port: aws.Int32(8443), Protocol: elbtypes.ProtocolEnumTcp,
			DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: group.TargetGroups[0].TargetGroupArn}},
			Tags:           tagsAs(listeners[i], elbTag),
		})
		p.must(err)
		arns = append(arns, aws.ToString(lb.LoadBalancers[0].LoadBalancerArn))
	}
	return arns
}

// services makes an endpoint service for each load balancer and opens the last
// one to m0's account.
func (p planting) services(balancers []string) *ec2types.ServiceConfiguration {
	var last *ec2types.ServiceConfiguration
	for i, tags := range Disguises("endpoint-service/s0", false) {
		out, err := p.EC2.CreateVpcEndpointServiceConfiguration(p.T.Context(), &ec2.CreateVpcEndpointServiceConfigurationInput{
			NetworkLoadBalancerArns: balancers[i : i+1], AcceptanceRequired: aws.Bool(false),
			TagSpecifications: specOf(ec2types.ResourceTypeVpcEndpointService, tags),
		})
		p.must(err)
		last = out.ServiceConfiguration
	}
	p.spread()
	_, err := p.EC2.ModifyVpcEndpointServicePermissions(p.T.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{
		ServiceId: last.ServiceId, AddAllowedPrincipals: []string{"arn:aws:iam::" + p.m0() + ":root"},
	})
	p.must(err)
	return last
}

// endpoints makes endpoints to the service, beside m0's own.
func (p planting) endpoints(service *ec2types.ServiceConfiguration) {
	there := p.Hands(p.m0(), homeOf("s0"))
	vpc := lotteryVPC("m0", "s0", 0)
	for _, tags := range Disguises("endpoint/s0/m0", false) {
		_, err := there.EC2.CreateVpcEndpoint(p.T.Context(), &ec2.CreateVpcEndpointInput{
			ServiceName: service.ServiceName, VpcId: &vpc, VpcEndpointType: ec2types.VpcEndpointTypeInterface,
			SubnetIds: []string{lotterySubnet(vpc, 0)}, TagSpecifications: specOf(ec2types.ResourceTypeVpcEndpoint, tags),
		})
		p.must(err)
	}
}

func (p planting) m0() string { return p.Fleet.Accounts[lotteryManaged["m0"]].ID }

func elbTag(k, v *string) elbtypes.Tag { return elbtypes.Tag{Key: k, Value: v} }

func specOf(of ec2types.ResourceType, tags map[string]string) []ec2types.TagSpecification {
	as := tagsAs(tags, func(k, v *string) ec2types.Tag { return ec2types.Tag{Key: k, Value: v} })
	return []ec2types.TagSpecification{{ResourceType: of, Tags: as}}
}

func tagsAs[T any](tags map[string]string, as func(k, v *string) T) []T {
	var list []T
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, as(aws.String(k), aws.String(tags[k])))
	}
	return list
}
