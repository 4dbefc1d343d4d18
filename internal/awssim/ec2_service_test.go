package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

func TestServiceConfigurationReply(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(func(in *ec2.CreateVpcEndpointServiceConfigurationInput) {
			in.AcceptanceRequired = nil
			in.TagSpecifications = []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeVpcEndpointService,
				Tags: []ec2types.Tag{{Key: aws.String("linkfleet:address"), Value: aws.String("x")}}}}
		})
		id := *service.ServiceId
		if *service.ServiceName != "com.amazonaws.vpce.us-east-1."+id {
			t.Errorf("name %s", *service.ServiceName)
		}
		if service.ServiceState != ec2types.ServiceStateAvailable || !*service.AcceptanceRequired {
			t.Errorf("state %s, acceptance %v", service.ServiceState, *service.AcceptanceRequired)
		}
		if service.PrivateDnsNameConfiguration == nil || service.PrivateDnsNameConfiguration.Name != nil {
			t.Errorf("the absent private name is %v, want an empty element", service.PrivateDnsNameConfiguration)
		}
		equal(t, "base names", service.BaseEndpointDnsNames, []string{id + ".us-east-1.vpce.amazonaws.com"})
		equal(t, "zones", service.AvailabilityZones, []string{"us-east-1a", "us-east-1b"})
		if len(service.Tags) != 1 || *service.Tags[0].Key != "linkfleet:address" {
			t.Errorf("tags %v", service.Tags)
		}
	})
}

func TestServiceCreationRefused(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		used := lt.service(nil).NetworkLoadBalancerArns[0]
		tests := []struct {
			name       string
			in         ec2.CreateVpcEndpointServiceConfigurationInput
			code, text string
		}{
			{"no balancer", ec2.CreateVpcEndpointServiceConfigurationInput{}, "InvalidParameter",
				"exactly one of network_load_balancer_arn or gateway_load_balancer_arn is a required member"},
			{"both sorts", ec2.CreateVpcEndpointServiceConfigurationInput{NetworkLoadBalancerArns: []string{used}, GatewayLoadBalancerArns: []string{used}},
				"InvalidParameter", "exactly one of"},
			{"a balancer in use", ec2.CreateVpcEndpointServiceConfigurationInput{NetworkLoadBalancerArns: []string{used}},
				"InvalidParameter", "LBs are already associated with another VPC Endpoint Service Configuration"},
			{"an unknown balancer", ec2.CreateVpcEndpointServiceConfigurationInput{NetworkLoadBalancerArns: []string{used + "x"}},
				"InvalidParameter", "does not exist"},
			{"a name in capitals", ec2.CreateVpcEndpointServiceConfigurationInput{NetworkLoadBalancerArns: []string{lt.balancer("free", 0)},
				PrivateDnsName: aws.String("Api.example.com")}, "InvalidParameter", "not a valid DNS name"},
		}
		for _, test := range tests {
			_, err := lt.ec2(provider).CreateVpcEndpointServiceConfiguration(lt.Context(), &test.in)
			lt.Log(test.name)
			lt.refused(err, test.code, test.text)
		}
	})
}

func TestServiceIdempotency(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		balancer := lt.balancer("fraud", 0, 1)
		create := func(acceptance bool) (*ec2.CreateVpcEndpointServiceConfigurationOutput, error) {
			return lt.ec2(provider).CreateVpcEndpointServiceConfiguration(lt.Context(), &ec2.CreateVpcEndpointServiceConfigurationInput{
				NetworkLoadBalancerArns: []string{balancer}, AcceptanceRequired: &acceptance, ClientToken: aws.String("once"),
			})
		}
		first, err := create(true)
		lt.ok(err)
		second, err := create(true)
		lt.ok(err)
		if *first.ServiceConfiguration.ServiceId != *second.ServiceConfiguration.ServiceId || *second.ClientToken != "once" {
			t.Errorf("a second service for the same token")
		}
		_, err = create(false)
		lt.refused(err, "IdempotentParameterMismatch", "")
	})
}

func TestServiceOfOthersIsUnknown(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		for id, code := range map[string]string{
			*service.ServiceId:           "InvalidVpcEndpointServiceId.NotFound",
			"vpce-svc-00000000000000000": "InvalidVpcEndpointServiceId.NotFound",
			"svc-1":                      "InvalidVpcEndpointServiceIdId.Malformed",
		} {
			_, err := lt.ec2(consumer).DescribeVpcEndpointServiceConfigurations(lt.Context(),
				&ec2.DescribeVpcEndpointServiceConfigurationsInput{ServiceIds: []string{id}})
			lt.refused(err, code, "")
		}
	})
}

func TestNewZonesNeedAModify(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		elb := elasticloadbalancingv2.NewFromConfig(lt.config(provider, "secret", ""))
		_, err := elb.SetSubnets(lt.Context(), &elasticloadbalancingv2.SetSubnetsInput{
			LoadBalancerArn: &service.NetworkLoadBalancerArns[0],
			Subnets:         []string{subnetID("01", 0), subnetID("01", 1), subnetID("01", 2)},
		})
		lt.ok(err)
		time.Sleep(time.Hour)
		equal(t, "zones before", lt.configuration(service).AvailabilityZones, []string{"us-east-1a", "us-east-1b"})

		_, err = lt.ec2(provider).ModifyVpcEndpointServiceConfiguration(lt.Context(),
			&ec2.ModifyVpcEndpointServiceConfigurationInput{ServiceId: service.ServiceId})
		lt.ok(err)
		equal(t, "zones at once", lt.configuration(service).AvailabilityZones, []string{"us-east-1a", "us-east-1b"})
		time.Sleep(5 * time.Minute)
		equal(t, "zones after", lt.configuration(service).AvailabilityZones, []string{"us-east-1a", "us-east-1b", "us-east-1c"})
	})
}

func TestModifyServiceBalancers(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		first, second := service.NetworkLoadBalancerArns[0], lt.balancer("second", 0, 1)
		edit := func(add, remove []string) error {
			_, err := lt.ec2(provider).ModifyVpcEndpointServiceConfiguration(lt.Context(), &ec2.ModifyVpcEndpointServiceConfigurationInput{
				ServiceId: service.ServiceId, AddNetworkLoadBalancerArns: add, RemoveNetworkLoadBalancerArns: remove,
			})
			return err
		}
		lt.refused(edit(nil, []string{first}), "InvalidParameter", "At least one load balancer")
		lt.refused(edit(nil, []string{second}), "InvalidParameter", "is not associated")
		lt.ok(edit([]string{second}, []string{first}))
		equal(t, "balancers", lt.configuration(service).NetworkLoadBalancerArns, []string{second})

		lt.allow(service, consumer)
		lt.connect(service)
		lt.refused(edit([]string{first}, []string{second}), "ExistingVpcEndpointConnections", "existing active VPC Endpoint connections")
	})
}

func TestDeleteService(t *testing.T) {
	inPrivateLink(t, Knobs{Latencies: map[string]time.Duration{"serviceDelete": 10 * time.Second}}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		remove := func() []ec2types.UnsuccessfulItem {
			out, err := lt.ec2(provider).DeleteVpcEndpointServiceConfigurations(lt.Context(),
				&ec2.DeleteVpcEndpointServiceConfigurationsInput{ServiceIds: []string{*service.ServiceId}})
			lt.ok(err)
			return out.Unsuccessful
		}
		if code := unsuccessfulCode(t, remove()); code != "ExistingVpcEndpointConnections" {
			t.Errorf("code %s while a connection waits", code)
		}
		_, err := lt.ec2(provider).RejectVpcEndpointConnections(lt.Context(),
			&ec2.RejectVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
		lt.ok(err)
		if left := remove(); len(left) > 0 {
			t.Fatalf("not deleted: %v", *left[0].Error.Message)
		}
		elb := elasticloadbalancingv2.NewFromConfig(lt.config(provider, "secret", ""))
		_, err = elb.DeleteLoadBalancer(lt.Context(), &elasticloadbalancingv2.DeleteLoadBalancerInput{LoadBalancerArn: &service.NetworkLoadBalancerArns[0]})
		lt.refused(err, "ResourceInUse", "associated with another service")
		if state := lt.configuration(service).ServiceState; state != ec2types.ServiceStateDeleting {
			t.Errorf("state %s, want Deleting", state)
		}
		time.Sleep(time.Minute)
		if code := unsuccessfulCode(t, remove()); code != "InvalidVpcEndpointService.NotFound" {
			t.Errorf("code %s once it is gone", code)
		}
		_, err = elb.DeleteLoadBalancer(lt.Context(), &elasticloadbalancingv2.DeleteLoadBalancerInput{LoadBalancerArn: &service.NetworkLoadBalancerArns[0]})
		lt.ok(err)
		lt.state(id, "rejected")
	})
}

func TestDescribeServicesPages(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		made := make(map[string]bool)
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			service := lt.service(func(in *ec2.CreateVpcEndpointServiceConfigurationInput) {
				in.NetworkLoadBalancerArns = []string{lt.balancer("lb-"+name, 0)}
			})
			made[*service.ServiceId] = true
		}
		pages := ec2.NewDescribeVpcEndpointServiceConfigurationsPaginator(lt.ec2(provider),
			&ec2.DescribeVpcEndpointServiceConfigurationsInput{MaxResults: aws.Int32(5)})
		n := 0
		for pages.HasMorePages() {
			out, err := pages.NextPage(lt.Context())
			lt.ok(err)
			n++
			for _, service := range out.ServiceConfigurations {
				delete(made, *service.ServiceId)
			}
		}
		if n != 2 || len(made) > 0 {
			t.Errorf("%d pages, %d services missing", n, len(made))
		}
	})
}
