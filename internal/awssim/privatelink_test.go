package awssim

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const (
	partner = "333333333333"

	consumerVPC  = "vpc-02000000000000000"
	consumerBare = "vpc-02000000000000001" // without DNS hostnames
	publicZone   = "Z0EXAMPLECOM"
)

// In these worlds zones have the same names everywhere but in the partner's
// account, where a and b are swapped.
func privateLinkWorld(knobs Knobs) World {
	zones := map[string]string{"us-east-1a": "use1-az1", "us-east-1b": "use1-az2", "us-east-1c": "use1-az3"}
	swapped := map[string]string{"us-east-1a": "use1-az2", "us-east-1b": "use1-az1", "us-east-1c": "use1-az3"}
	knobs.NoThrottling = true
	account := func(zones map[string]string, vpcs map[string]WorldVPC) WorldAccount {
		return WorldAccount{
			Zones:   zones,
			Regions: map[string]WorldRegion{"us-east-1": {VPCs: vpcs}},
			Roles:   map[string]WorldRole{"client": {Trust: []string{"*"}}, "other": {Trust: []string{"*"}}},
		}
	}
	return World{
		Seed: "privatelink", Knobs: knobs,
		Accounts: map[string]WorldAccount{
			provider: account(zones, map[string]WorldVPC{"vpc-01000000000000000": threeSubnets("01", true)}),
			consumer: account(zones, map[string]WorldVPC{consumerVPC: threeSubnets("02", true), consumerBare: threeSubnets("0b", false)}),
			partner:  account(swapped, map[string]WorldVPC{"vpc-03000000000000000": threeSubnets("03", true)}),
			dnsOwner: {HostedZones: map[string]WorldZone{publicZone: {Name: "example.com"}}},
		},
	}
}

// threeSubnets is a VPC with subnets in zones a, b and c, and a second in a.
func threeSubnets(mark string, hostnames bool) WorldVPC {
	return WorldVPC{
		CIDR: "10.20.0.0/16", EnableDNSHostnames: &hostnames,
		Subnets: map[string]WorldSubnet{
			subnetID(mark, 0): {CIDR: "10.20.0.0/24", Zone: "us-east-1a"},
			subnetID(mark, 1): {CIDR: "10.20.1.0/24", Zone: "us-east-1b"},
			subnetID(mark, 2): {CIDR: "10.20.2.0/24", Zone: "us-east-1c"},
			subnetID(mark, 3): {CIDR: "10.20.3.0/24", Zone: "us-east-1a"},
		},
		SecurityGroups: map[string]WorldSecurityGroup{"sg-" + mark + "000000000000000": {Name: "endpoint"}},
	}
}

func subnetID(mark string, n int) string {
	return "subnet-" + mark + "00000000000000" + string(rune('0'+n))
}

// A linkTest is a world at work.
type linkTest struct {
	*testing.T
	sim  *Sim
	wait func(time.Duration) // lets the simulator's time pass
}

// inPrivateLink runs a test in a fresh world, in virtual time.
func inPrivateLink(t *testing.T, knobs Knobs, test func(*linkTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim, err := New(Options{World: privateLinkWorld(knobs)})
		if err != nil {
			t.Fatal(err)
		}
		test(&linkTest{T: t, sim: sim, wait: time.Sleep})
	})
}

// config is an SDK configuration; id is an account id or an access key.
func (lt *linkTest) config(id, secret, token string) aws.Config {
	return aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
		HTTPClient:  lt.sim.Client(),
		// A refusal is what most of these tests are after.
		RetryMaxAttempts: 1,
	}
}

// ec2 is a client of an account's administrator.
func (lt *linkTest) ec2(account string) *ec2.Client {
	return ec2.NewFromConfig(lt.config(account, "secret", ""))
}

// as is a client in a role's session.
func (lt *linkTest) as(account, role string) *ec2.Client {
	lt.Helper()
	out, err := sts.NewFromConfig(lt.config(account, "secret", "")).AssumeRole(lt.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/" + role), RoleSessionName: aws.String("test"),
	})
	lt.ok(err)
	return ec2.NewFromConfig(lt.config(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken))
}

func (lt *linkTest) ok(err error) {
	lt.Helper()
	if err != nil {
		lt.Fatal(err)
	}
}

// refused fails unless err is AWS's refusal with the code and the text in it.
func (lt *linkTest) refused(err error, code, text string) {
	lt.Helper()
	var api smithy.APIError
	switch {
	case err == nil:
		lt.Fatalf("not refused, want %s", code)
	case !errors.As(err, &api):
		lt.Fatalf("no answer of AWS: %v", err)
	case api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text):
		lt.Fatalf("refused with %s: %s\nwant %s: …%s…", api.ErrorCode(), api.ErrorMessage(), code, text)
	}
}

// balancer makes a Network Load Balancer of the provider's and waits for it.
func (lt *linkTest) balancer(name string, subnets ...int) string {
	lt.Helper()
	var ids []string
	for _, n := range subnets {
		ids = append(ids, subnetID("01", n))
	}
	elb := elasticloadbalancingv2.NewFromConfig(lt.config(provider, "secret", ""))
	out, err := elb.CreateLoadBalancer(lt.Context(), &elasticloadbalancingv2.CreateLoadBalancerInput{
		Name: &name, Type: elbtypes.LoadBalancerTypeEnumNetwork, Scheme: elbtypes.LoadBalancerSchemeEnumInternal, Subnets: ids,
	})
	lt.ok(err)
	lt.wait(5 * time.Minute)
	return *out.LoadBalancers[0].LoadBalancerArn
}

// service makes a service of the provider's over zones a and b.
func (lt *linkTest) service(change func(*ec2.CreateVpcEndpointServiceConfigurationInput)) *ec2types.ServiceConfiguration {
	lt.Helper()
	in := &ec2.CreateVpcEndpointServiceConfigurationInput{
		AcceptanceRequired: aws.Bool(true),
	}
	if change != nil {
		change(in)
	}
	if in.NetworkLoadBalancerArns == nil {
		in.NetworkLoadBalancerArns = []string{lt.balancer("fraud", 0, 1)}
	}
	out, err := lt.ec2(provider).CreateVpcEndpointServiceConfiguration(lt.Context(), in)
	lt.ok(err)
	return out.ServiceConfiguration
}

// allow admits principals to a service.
func (lt *linkTest) allow(service *ec2types.ServiceConfiguration, principals ...string) {
	lt.Helper()
	_, err := lt.ec2(provider).ModifyVpcEndpointServicePermissions(lt.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{
		ServiceId: service.ServiceId, AddAllowedPrincipals: principals,
	})
	lt.ok(err)
}

// want is a request of the consumer's for an endpoint in its zones a and b.
func want(service *ec2types.ServiceConfiguration) *ec2.CreateVpcEndpointInput {
	return &ec2.CreateVpcEndpointInput{
		VpcId: aws.String(consumerVPC), ServiceName: service.ServiceName, VpcEndpointType: ec2types.VpcEndpointTypeInterface,
		SubnetIds: []string{subnetID("02", 0), subnetID("02", 1)}, PrivateDnsEnabled: aws.Bool(false),
	}
}

// connect makes an endpoint of the consumer's.
func (lt *linkTest) connect(service *ec2types.ServiceConfiguration) string {
	lt.Helper()
	out, err := lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), want(service))
	lt.ok(err)
	return *out.VpcEndpoint.VpcEndpointId
}

// accept lets an endpoint in and waits until it is available.
func (lt *linkTest) accept(service *ec2types.ServiceConfiguration, ids ...string) {
	lt.Helper()
	out, err := lt.ec2(provider).AcceptVpcEndpointConnections(lt.Context(), &ec2.AcceptVpcEndpointConnectionsInput{
		ServiceId: service.ServiceId, VpcEndpointIds: ids,
	})
	lt.ok(err)
	if len(out.Unsuccessful) > 0 {
		lt.Fatalf("not accepted: %s", *out.Unsuccessful[0].Error.Message)
	}
	lt.wait(2 * time.Minute)
}

// endpoint describes an endpoint of the consumer's.
func (lt *linkTest) endpoint(id string) ec2types.VpcEndpoint {
	lt.Helper()
	out, err := lt.ec2(consumer).DescribeVpcEndpoints(lt.Context(), &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
	lt.ok(err)
	return out.VpcEndpoints[0]
}

// state fails unless the endpoint is in that state for both sides.
func (lt *linkTest) state(id, state string) {
	lt.Helper()
	if got := string(lt.endpoint(id).State); got != state {
		lt.Fatalf("the endpoint is %q, want %q", got, state)
	}
	for _, row := range lt.connections() {
		if *row.VpcEndpointId == id && string(row.VpcEndpointState) != state {
			lt.Fatalf("the connection is %q, want %q", row.VpcEndpointState, state)
		}
	}
}

func (lt *linkTest) connections(filters ...ec2types.Filter) []ec2types.VpcEndpointConnection {
	lt.Helper()
	out, err := lt.ec2(provider).DescribeVpcEndpointConnections(lt.Context(), &ec2.DescribeVpcEndpointConnectionsInput{Filters: filters})
	lt.ok(err)
	return out.VpcEndpointConnections
}

// configuration describes the service anew.
func (lt *linkTest) configuration(service *ec2types.ServiceConfiguration) ec2types.ServiceConfiguration {
	lt.Helper()
	out, err := lt.ec2(provider).DescribeVpcEndpointServiceConfigurations(lt.Context(),
		&ec2.DescribeVpcEndpointServiceConfigurationsInput{ServiceIds: []string{*service.ServiceId}})
	lt.ok(err)
	return out.ServiceConfigurations[0]
}

// txt puts a TXT record into the public zone, or with DELETE takes it out.
func (lt *linkTest) txt(action r53types.ChangeAction, name, value string) {
	lt.Helper()
	_, err := route53.NewFromConfig(lt.config(dnsOwner, "secret", "")).ChangeResourceRecordSets(lt.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(publicZone),
		ChangeBatch: &r53types.ChangeBatch{Changes: []r53types.Change{{Action: action, ResourceRecordSet: &r53types.ResourceRecordSet{
			Name: &name, Type: r53types.RRTypeTxt, TTL: aws.Int64(1800), ResourceRecords: []r53types.ResourceRecord{{Value: aws.String(`"` + value + `"`)}},
		}}}},
	})
	lt.ok(err)
}

// verify starts the verification of the service's private name and waits.
func (lt *linkTest) verify(service *ec2types.ServiceConfiguration) ec2types.DnsNameState {
	lt.Helper()
	_, err := lt.ec2(provider).StartVpcEndpointServicePrivateDnsVerification(lt.Context(),
		&ec2.StartVpcEndpointServicePrivateDnsVerificationInput{ServiceId: service.ServiceId})
	lt.ok(err)
	lt.wait(2 * time.Minute)
	return lt.configuration(service).PrivateDnsNameConfiguration.State
}

// named is a change to service: it has a private name.
func named(domain string) func(*ec2.CreateVpcEndpointServiceConfigurationInput) {
	return func(in *ec2.CreateVpcEndpointServiceConfigurationInput) { in.PrivateDnsName = &domain }
}

// setName turns private DNS on or off at an endpoint.
func (lt *linkTest) setName(id string, on bool) error {
	_, err := lt.ec2(consumer).ModifyVpcEndpoint(context.Background(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &id, PrivateDnsEnabled: &on})
	return err
}

func filterOn(name string, values ...string) ec2types.Filter {
	return ec2types.Filter{Name: &name, Values: values}
}

// unsuccessfulCode returns the code of the only unsuccessful item.
func unsuccessfulCode(t *testing.T, items []ec2types.UnsuccessfulItem) string {
	t.Helper()
	if len(items) != 1 {
		t.Fatalf("%d unsuccessful items, want 1", len(items))
	}
	return *items[0].Error.Code
}

func dnsNames(entries []ec2types.DnsEntry) []string {
	var names []string
	for _, e := range entries {
		names = append(names, *e.DnsName)
	}
	return names
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
