package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestAcceptance(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		time.Sleep(time.Hour)
		lt.state(id, "pendingAcceptance")
		out, err := lt.ec2(provider).AcceptVpcEndpointConnections(lt.Context(),
			&ec2.AcceptVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id, "vpce-00000000000000000"}})
		lt.ok(err)
		if code := unsuccessfulCode(t, out.Unsuccessful); code != "InvalidVpcEndpoint.NotFound" {
			t.Errorf("code %s for an unknown endpoint", code)
		}
		lt.state(id, "pending")
		time.Sleep(59 * time.Second)
		lt.state(id, "pending")
		time.Sleep(2 * time.Second)
		lt.state(id, "available")
		out, err = lt.ec2(provider).AcceptVpcEndpointConnections(lt.Context(),
			&ec2.AcceptVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
		lt.ok(err)
		if code := unsuccessfulCode(t, out.Unsuccessful); code != "InvalidState" {
			t.Errorf("code %s for an accepted connection", code)
		}
	})
}

func TestConnectionRow(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		row := lt.connections()[0]
		if *row.VpcEndpointId != id || *row.VpcEndpointOwner != consumer || *row.ServiceId != *service.ServiceId ||
			row.IpAddressType != ec2types.IpAddressTypeIpv4 || row.VpcEndpointConnectionId == nil || !row.CreationTimestamp.Equal(*lt.endpoint(id).CreationTimestamp) {
			t.Errorf("row %+v", row)
		}
		equal(t, "balancers", row.NetworkLoadBalancerArns, service.NetworkLoadBalancerArns)
		equal(t, "names", dnsNames(row.DnsEntries), dnsNames(lt.endpoint(id).DnsEntries))
		for _, test := range []struct {
			filter ec2types.Filter
			rows   int
		}{
			{filterOn("service-id", *service.ServiceId), 1},
			{filterOn("service-id", "vpce-svc-00000000000000000"), 0},
			{filterOn("vpc-endpoint-state", "pendingAcceptance", "available"), 1},
			{filterOn("vpc-endpoint-state", "available"), 0},
			{filterOn("vpc-endpoint-owner", consumer), 1},
			{filterOn("vpc-endpoint-id", id), 1},
			{filterOn("ip-address-type", "ipv4"), 1},
			{filterOn("vpc-endpoint-region", "us-east-1"), 1},
		} {
			if got := len(lt.connections(test.filter)); got != test.rows {
				t.Errorf("filter %s=%v: %d rows, want %d", *test.filter.Name, test.filter.Values, got, test.rows)
			}
		}
		if out, err := lt.ec2(consumer).DescribeVpcEndpointConnections(lt.Context(), &ec2.DescribeVpcEndpointConnectionsInput{}); err != nil || len(out.VpcEndpointConnections) > 0 {
			t.Errorf("the consumer sees the provider's connections: %v %v", out, err)
		}
	})
}

func TestConnectionFilterByEndpointRefusedByKnob(t *testing.T) {
	inPrivateLink(t, Knobs{Choices: map[string]bool{"connectionFilterEndpoint": false}}, func(lt *linkTest) {
		_, err := lt.ec2(provider).DescribeVpcEndpointConnections(lt.Context(), &ec2.DescribeVpcEndpointConnectionsInput{
			Filters: []ec2types.Filter{filterOn("vpc-endpoint-id", "vpce-00000000000000000")},
		})
		lt.refused(err, "InvalidParameterValue", "vpc-endpoint-id")
	})
}

// A rejection while the endpoint comes up must not be undone by the end of the
// provisioning, and a second acceptance counts from its own time.
func TestRejectOvertakesProvisioning(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		act := func(accept bool) {
			lt.Helper()
			var left []ec2types.UnsuccessfulItem
			if accept {
				out, err := lt.ec2(provider).AcceptVpcEndpointConnections(lt.Context(), &ec2.AcceptVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
				lt.ok(err)
				left = out.Unsuccessful
			} else {
				out, err := lt.ec2(provider).RejectVpcEndpointConnections(lt.Context(), &ec2.RejectVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
				lt.ok(err)
				left = out.Unsuccessful
			}
			if len(left) > 0 {
				lt.Fatalf("unsuccessful: %s", *left[0].Error.Message)
			}
		}
		act(true)
		time.Sleep(10 * time.Second)
		act(false)
		lt.state(id, "rejected")
		time.Sleep(20 * time.Second)
		act(true)
		time.Sleep(45 * time.Second) // past the end of the first provisioning
		lt.state(id, "pending")
		time.Sleep(20 * time.Second)
		lt.state(id, "available")
		act(false)
		time.Sleep(time.Hour)
		lt.state(id, "rejected")
	})
}

// A deletion that begins in the same instant as the provisioning, and takes as
// long, is not undone by the end of it.
func TestDeletionOvertakesProvisioning(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		_, err := lt.ec2(provider).AcceptVpcEndpointConnections(lt.Context(), &ec2.AcceptVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
		lt.ok(err)
		_, err = lt.ec2(consumer).DeleteVpcEndpoints(lt.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
		lt.ok(err)
		time.Sleep(2 * time.Minute)
		lt.state(id, "deleted")
	})
}

func TestAcceptRejectedByKnob(t *testing.T) {
	inPrivateLink(t, Knobs{Choices: map[string]bool{"acceptRejected": false}}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		_, err := lt.ec2(provider).RejectVpcEndpointConnections(lt.Context(), &ec2.RejectVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
		lt.ok(err)
		out, err := lt.ec2(provider).AcceptVpcEndpointConnections(lt.Context(), &ec2.AcceptVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
		lt.ok(err)
		if code := unsuccessfulCode(t, out.Unsuccessful); code != "InvalidState" {
			t.Errorf("code %s", code)
		}
	})
}

// Turning acceptance on or off leaves the connections that are there as they are.
func TestAcceptanceFlips(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		flip := func(on bool) {
			_, err := lt.ec2(provider).ModifyVpcEndpointServiceConfiguration(lt.Context(),
				&ec2.ModifyVpcEndpointServiceConfigurationInput{ServiceId: service.ServiceId, AcceptanceRequired: aws.Bool(on)})
			lt.ok(err)
			time.Sleep(5 * time.Minute)
		}
		waiting := lt.connect(service)
		flip(false)
		lt.state(waiting, "pendingAcceptance")
		let := lt.connect(service)
		time.Sleep(2 * time.Minute)
		lt.state(let, "available")
		flip(true)
		lt.state(let, "available")
	})
}

func TestPendingAcceptanceExpires(t *testing.T) {
	inPrivateLink(t, Knobs{Latencies: map[string]time.Duration{"endpointExpire": time.Hour}}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		waiting, accepted := lt.connect(service), lt.connect(service)
		lt.accept(service, accepted)
		time.Sleep(2 * time.Hour)
		lt.state(waiting, "expired")
		lt.state(accepted, "available")
	})
}

// Rejected and deleted connections stay listed for a while.
func TestConnectionsLinger(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		_, err := lt.ec2(consumer).DeleteVpcEndpoints(lt.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
		lt.ok(err)
		lt.state(id, "deleting")
		time.Sleep(2 * time.Minute)
		lt.state(id, "deleted")
		out, err := lt.ec2(provider).RejectVpcEndpointConnections(lt.Context(), &ec2.RejectVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
		lt.ok(err)
		if code := unsuccessfulCode(t, out.Unsuccessful); code != "InvalidVpcEndpoint.NotFound" {
			t.Errorf("code %s for a deleted endpoint", code)
		}
		if rows := lt.connections(); len(rows) != 1 {
			t.Errorf("%d rows, want the deleted one", len(rows))
		}
		time.Sleep(time.Hour)
		if rows := lt.connections(); len(rows) != 0 {
			t.Errorf("%d rows, want none", len(rows))
		}
		_, err = lt.ec2(consumer).DescribeVpcEndpoints(lt.Context(), &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
		lt.refused(err, "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '"+id+"' does not exist")
	})
}
