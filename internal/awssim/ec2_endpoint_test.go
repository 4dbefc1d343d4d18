package awssim

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestEndpointReply(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		in := want(service)
		in.TagSpecifications = []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeVpcEndpoint,
			Tags: []ec2types.Tag{{Key: aws.String("linkfleet:fleet"), Value: aws.String("x")}}}}
		out, err := lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), in)
		lt.ok(err)
		ep := out.VpcEndpoint
		if ep.State != "pendingAcceptance" {
			t.Errorf("state %q travels otherwise than in lowerCamel", ep.State)
		}
		if *ep.OwnerId != consumer || *ep.VpcId != consumerVPC || *ep.PrivateDnsEnabled || len(ep.Tags) != 1 {
			t.Errorf("endpoint %+v", ep)
		}
		if len(ep.Groups) != 1 || *ep.Groups[0].GroupName != "default" {
			t.Errorf("groups %v, want the VPC's default group", ep.Groups)
		}
		names := dnsNames(ep.DnsEntries)
		form := `^` + *ep.VpcEndpointId + `-[a-z0-9]{8}%s\.` + *service.ServiceId + `\.us-east-1\.vpce\.amazonaws\.com$`
		for i, zone := range []string{"", "-us-east-1a", "-us-east-1b"} {
			if i >= len(names) || !regexp.MustCompile(strings.Replace(form, "%s", zone, 1)).MatchString(names[i]) {
				t.Errorf("names %v: no %s at %d", names, zone, i)
			}
		}
		if *ep.DnsEntries[0].HostedZoneId != "Z7HUB22UULQXV" {
			t.Errorf("zone %s", *ep.DnsEntries[0].HostedZoneId)
		}
	})
}

// An endpoint has an interface in each subnet, also while it waits.
func TestEndpointInterfaces(t *testing.T) {
	for _, whileWaiting := range []bool{true, false} {
		inPrivateLink(t, Knobs{Choices: map[string]bool{"interfacesWhilePending": whileWaiting}}, func(lt *linkTest) {
			service := lt.service(nil)
			lt.allow(service, consumer)
			id := lt.connect(service)
			if got := len(lt.endpoint(id).NetworkInterfaceIds) == 2; got != whileWaiting {
				t.Errorf("interfaces while it waits: %v, want %v", got, whileWaiting)
			}
			lt.accept(service, id)
			out, err := lt.ec2(consumer).DescribeNetworkInterfaces(lt.Context(),
				&ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: lt.endpoint(id).NetworkInterfaceIds})
			lt.ok(err)
			if len(out.NetworkInterfaces) != 2 {
				t.Fatalf("%d interfaces", len(out.NetworkInterfaces))
			}
			for _, nic := range out.NetworkInterfaces {
				if nic.InterfaceType != "vpc_endpoint" || *nic.Description != "VPC Endpoint Interface "+id || !*nic.RequesterManaged {
					t.Errorf("interface %+v", nic)
				}
			}
			_, err = lt.ec2(consumer).DeleteVpcEndpoints(lt.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
			lt.ok(err)
			time.Sleep(2 * time.Minute)
			_, err = lt.ec2(consumer).DescribeNetworkInterfaces(lt.Context(),
				&ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{*out.NetworkInterfaces[0].NetworkInterfaceId}})
			lt.refused(err, "InvalidNetworkInterfaceID.NotFound", "")
		})
	}
}

func TestEndpointRefused(t *testing.T) {
	const noZone = "does not support the availability zone of the subnet: "
	tests := []struct {
		name       string
		change     func(*ec2.CreateVpcEndpointInput)
		code, text string
	}{
		{"the default type", func(in *ec2.CreateVpcEndpointInput) { in.VpcEndpointType = "" },
			"InvalidParameter", "Endpoint type (Gateway) does not match available service types ([Interface])."},
		{"no such VPC", func(in *ec2.CreateVpcEndpointInput) { in.VpcId = aws.String("vpc-0ffffffffffffffff") }, "InvalidVpcID.NotFound", ""},
		{"no such service", func(in *ec2.CreateVpcEndpointInput) {
			in.ServiceName = aws.String("com.amazonaws.vpce.us-east-1.vpce-svc-0ffffffffffffffff")
		}, "InvalidServiceName", "does not exist"},
		{"another region's service", func(in *ec2.CreateVpcEndpointInput) {
			in.ServiceName = aws.String(strings.Replace(*in.ServiceName, "us-east-1", "us-east-2", 1))
		}, "InvalidServiceName", "does not exist"},
		{"no such subnet", func(in *ec2.CreateVpcEndpointInput) { in.SubnetIds = []string{"subnet-0ffffffffffffffff"} }, "InvalidSubnetID.NotFound", ""},
		{"a subnet elsewhere", func(in *ec2.CreateVpcEndpointInput) { in.SubnetIds = []string{subnetID("0b", 0)} }, "InvalidParameter", "does not belong to the VPC"},
		{"a zone not covered", func(in *ec2.CreateVpcEndpointInput) { in.SubnetIds = []string{subnetID("02", 2)} }, "InvalidParameter", noZone + subnetID("02", 2)},
		{"two subnets in a zone", func(in *ec2.CreateVpcEndpointInput) { in.SubnetIds = []string{subnetID("02", 0), subnetID("02", 3)} },
			"DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of " + subnetID("02", 3)},
		{"no such group", func(in *ec2.CreateVpcEndpointInput) { in.SecurityGroupIds = []string{"sg-0ffffffffffffffff"} }, "InvalidGroup.NotFound", ""},
		{"a group elsewhere", func(in *ec2.CreateVpcEndpointInput) { in.SecurityGroupIds = []string{"sg-0b000000000000000"} }, "InvalidParameter", "does not belong to the VPC"},
		{"an address type", func(in *ec2.CreateVpcEndpointInput) { in.IpAddressType = ec2types.IpAddressTypeDualstack }, "InvalidParameter", "dualstack"},
		{"an address record type", func(in *ec2.CreateVpcEndpointInput) {
			in.DnsOptions = &ec2types.DnsOptionsSpecification{DnsRecordIpType: ec2types.DnsRecordIpTypeIpv6}
		}, "InvalidParameter", "ipv6"},
		{"an option of resource endpoints", func(in *ec2.CreateVpcEndpointInput) {
			in.DnsOptions = &ec2types.DnsOptionsSpecification{PrivateDnsPreference: aws.String("ALL_DOMAINS")}
		}, "InvalidParameter", "PrivateDnsPreference"},
		{"a policy", func(in *ec2.CreateVpcEndpointInput) { in.PolicyDocument = aws.String(`{"Statement":[]}`) },
			"InvalidParameter", "does not support endpoint policies"},
		{"an address in no subnet of the request", func(in *ec2.CreateVpcEndpointInput) {
			in.SubnetConfigurations = []ec2types.SubnetConfiguration{{SubnetId: aws.String(subnetID("02", 2)), Ipv4: aws.String("10.20.2.9")}}
		}, "InvalidParameter", "is not among the subnets"},
		{"a private name", func(in *ec2.CreateVpcEndpointInput) { in.PrivateDnsEnabled = aws.Bool(true) },
			"InvalidParameter", "does not provide a private DNS name."},
	}
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		for _, test := range tests {
			in := want(service)
			test.change(in)
			_, err := lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), in)
			lt.Log(test.name)
			lt.refused(err, test.code, test.text)
		}
		if rows := lt.connections(); len(rows) > 0 {
			t.Errorf("refusals left %d connections", len(rows))
		}
	})
}

// Zones compare by ID: the partner's us-east-1b is the provider's us-east-1a.
func TestZonesCompareByID(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(func(in *ec2.CreateVpcEndpointServiceConfigurationInput) {
			in.NetworkLoadBalancerArns = []string{lt.balancer("one-zone", 0)}
		})
		lt.allow(service, partner)
		in := want(service)
		in.VpcId, in.SubnetIds = aws.String("vpc-03000000000000000"), []string{subnetID("03", 0)}
		_, err := lt.ec2(partner).CreateVpcEndpoint(lt.Context(), in)
		lt.refused(err, "InvalidParameter", "does not support the availability zone")
		in.SubnetIds = []string{subnetID("03", 1)}
		_, err = lt.ec2(partner).CreateVpcEndpoint(lt.Context(), in)
		lt.ok(err)
	})
}

func TestEndpointIdempotency(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		create := func(subnets ...string) (*ec2.CreateVpcEndpointOutput, error) {
			in := want(service)
			in.ClientToken, in.SubnetIds = aws.String("once"), subnets
			return lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), in)
		}
		first, err := create(subnetID("02", 0))
		lt.ok(err)
		second, err := create(subnetID("02", 0))
		lt.ok(err)
		if *first.VpcEndpoint.VpcEndpointId != *second.VpcEndpoint.VpcEndpointId {
			t.Errorf("a second endpoint for the same token")
		}
		_, err = create(subnetID("02", 1))
		lt.refused(err, "IdempotentParameterMismatch", "")
	})
}

func TestEndpointQuota(t *testing.T) {
	inPrivateLink(t, Knobs{Quotas: map[string]int{"endpointsPerVpc": 1}}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		_, err := lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), want(service))
		lt.refused(err, "VpcEndpointLimitExceeded", "")
		_, err = lt.ec2(consumer).DeleteVpcEndpoints(lt.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
		lt.ok(err)
		time.Sleep(2 * time.Minute)
		lt.connect(service)
	})
}

func TestNewServiceUnavailable(t *testing.T) {
	inPrivateLink(t, Knobs{Latencies: map[string]time.Duration{"serviceUnavailable": 3 * time.Minute}}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		_, err := lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), want(service))
		lt.refused(err, "Unavailable", "")
		time.Sleep(3 * time.Minute)
		lt.connect(service)
	})
}

func TestModifyEndpoint(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		lt.accept(service, id)
		old := lt.endpoint(id).NetworkInterfaceIds
		modify := func(in ec2.ModifyVpcEndpointInput) error {
			in.VpcEndpointId = &id
			_, err := lt.ec2(consumer).ModifyVpcEndpoint(lt.Context(), &in)
			return err
		}
		lt.ok(modify(ec2.ModifyVpcEndpointInput{
			AddSubnetIds: []string{subnetID("02", 3)}, RemoveSubnetIds: []string{subnetID("02", 0)},
			AddSecurityGroupIds: []string{"sg-02000000000000000"}, RemoveSecurityGroupIds: []string{*lt.endpoint(id).Groups[0].GroupId},
		}))
		lt.state(id, "pending")
		lt.refused(modify(ec2.ModifyVpcEndpointInput{RemoveSubnetIds: []string{subnetID("02", 1)}}),
			"OperationInProgress", "VpcEndpoint modify operation in progress")
		time.Sleep(31 * time.Second)
		lt.state(id, "available")
		ep := lt.endpoint(id)
		equal(t, "subnets", ep.SubnetIds, []string{subnetID("02", 1), subnetID("02", 3)})
		if ep.NetworkInterfaceIds[0] != old[1] || ep.NetworkInterfaceIds[1] == old[0] {
			t.Errorf("interfaces %v, were %v", ep.NetworkInterfaceIds, old)
		}
		nics, err := lt.ec2(consumer).DescribeNetworkInterfaces(lt.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: ep.NetworkInterfaceIds})
		lt.ok(err)
		for _, nic := range nics.NetworkInterfaces {
			if len(nic.Groups) != 1 || *nic.Groups[0].GroupId != "sg-02000000000000000" {
				t.Errorf("groups of %s: %v", *nic.NetworkInterfaceId, nic.Groups)
			}
		}
		lt.refused(modify(ec2.ModifyVpcEndpointInput{RemoveSecurityGroupIds: []string{"sg-02000000000000000"}}), "InvalidParameter", "at least one security group")
		lt.refused(modify(ec2.ModifyVpcEndpointInput{RemoveSubnetIds: []string{subnetID("02", 0)}}), "InvalidParameter", "is not associated")
		lt.refused(modify(ec2.ModifyVpcEndpointInput{AddSubnetIds: []string{subnetID("02", 2)}}), "InvalidParameter", "does not support the availability zone")
		lt.state(id, "available")
	})
}

// Pinning an address in a subnet that is in use replaces the interface there.
func TestPinnedAddressReplacesInterface(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		lt.accept(service, id)
		old := lt.endpoint(id).NetworkInterfaceIds
		_, err := lt.ec2(consumer).ModifyVpcEndpoint(lt.Context(), &ec2.ModifyVpcEndpointInput{
			VpcEndpointId: &id, SubnetConfigurations: []ec2types.SubnetConfiguration{{SubnetId: aws.String(subnetID("02", 0)), Ipv4: aws.String("10.20.0.77")}},
		})
		lt.ok(err)
		time.Sleep(time.Minute)
		now := lt.endpoint(id).NetworkInterfaceIds
		if now[0] != old[1] || now[1] == old[0] {
			t.Errorf("interfaces %v, were %v", now, old)
		}
		out, err := lt.ec2(consumer).DescribeNetworkInterfaces(lt.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: now[1:]})
		lt.ok(err)
		if *out.NetworkInterfaces[0].PrivateIpAddress != "10.20.0.77" {
			t.Errorf("address %s", *out.NetworkInterfaces[0].PrivateIpAddress)
		}
	})
}

func TestSubnetsWithoutAddresses(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		lt.sim.cellOf(consumer, "us-east-1").Network.Subnets.get(subnetID("02", 1)).Available = 0
		_, err := lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), want(service))
		lt.refused(err, "InsufficientFreeAddressesInSubnet", "")
		out, err := lt.ec2(consumer).DescribeNetworkInterfaces(lt.Context(), &ec2.DescribeNetworkInterfacesInput{})
		lt.ok(err)
		if len(out.NetworkInterfaces) > 0 || len(lt.connections()) > 0 {
			t.Errorf("a refused endpoint left %d interfaces and %d connections", len(out.NetworkInterfaces), len(lt.connections()))
		}
	})
}

func TestDescribeEndpointsFilters(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer, partner)
		first := lt.connect(service)
		lt.connect(service)
		lt.accept(service, first)
		for _, test := range []struct {
			filter ec2types.Filter
			rows   int
		}{
			{filterOn("service-name", *service.ServiceName), 2},
			{filterOn("vpc-id", consumerVPC), 2},
			{filterOn("vpc-id", consumerBare), 0},
			{filterOn("vpc-endpoint-id", first), 1},
			{filterOn("vpc-endpoint-state", "available"), 1},
			{filterOn("vpc-endpoint-type", "Interface"), 2},
			{filterOn("tag-key", "none"), 0},
		} {
			out, err := lt.ec2(consumer).DescribeVpcEndpoints(lt.Context(), &ec2.DescribeVpcEndpointsInput{Filters: []ec2types.Filter{test.filter}})
			lt.ok(err)
			if got := len(out.VpcEndpoints); got != test.rows {
				t.Errorf("filter %s=%v: %d rows, want %d", *test.filter.Name, test.filter.Values, got, test.rows)
			}
		}
		for _, account := range []string{provider, partner} {
			_, err := lt.ec2(account).DescribeVpcEndpoints(lt.Context(), &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{first}})
			lt.refused(err, "InvalidVpcEndpointId.NotFound", "")
		}
	})
}

func TestDeleteEndpointItems(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		remove := func(ids ...string) ([]ec2types.UnsuccessfulItem, error) {
			out, err := lt.ec2(consumer).DeleteVpcEndpoints(lt.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: ids})
			if err != nil {
				return nil, err
			}
			return out.Unsuccessful, nil
		}
		left, err := remove(id, "vpce-0ffffffffffffffff")
		lt.ok(err)
		if code := unsuccessfulCode(t, left); code != "InvalidVpcEndpoint.NotFound" {
			t.Errorf("code %s", code)
		}
		if left, err = remove(id); err != nil || len(left) > 0 {
			t.Errorf("deleting it twice: %v %v", left, err)
		}
		_, err = remove("endpoint")
		lt.refused(err, "InvalidVpcEndpointId.Malformed", "")
	})
}
