package awssim

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// What a state file keeps of a place comes back as it was.
func TestPrivateLinkRoundTrips(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.verifiedService()
		id := lt.connect(service)
		lt.accept(service, id)
		lt.ok(lt.setName(id, true))
		lt.connect(service)
		for _, account := range []string{provider, consumer} {
			before, err := json.Marshal(lt.sim.cellOf(account, "us-east-1").PrivateLink)
			lt.ok(err)
			var kept privateLink
			lt.ok(json.Unmarshal(before, &kept))
			after, err := json.Marshal(kept)
			lt.ok(err)
			if string(before) != string(after) {
				t.Errorf("%s: kept\n%s\ncame back as\n%s", account, before, after)
			}
		}
	})
}

// Lists lag behind when the world says so; what is new is not found by id.
func TestPrivateLinkListsLag(t *testing.T) {
	inPrivateLink(t, Knobs{Latencies: map[string]time.Duration{"listLag": 10 * time.Second}}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		_, err := lt.ec2(provider).DescribeVpcEndpointServiceConfigurations(lt.Context(),
			&ec2.DescribeVpcEndpointServiceConfigurationsInput{ServiceIds: []string{*service.ServiceId}})
		lt.refused(err, "InvalidVpcEndpointServiceId.NotFound", "")
		lt.wait(11 * time.Second)
		lt.configuration(service)

		id := lt.connect(service)
		_, err = lt.ec2(consumer).DescribeVpcEndpoints(lt.Context(), &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
		lt.refused(err, "InvalidVpcEndpointId.NotFound", "")
		if rows := lt.connections(); len(rows) != 0 {
			t.Errorf("%d connections at once", len(rows))
		}
		lt.wait(11 * time.Second)
		lt.state(id, "pendingAcceptance")

		_, err = lt.ec2(provider).RejectVpcEndpointConnections(lt.Context(), &ec2.RejectVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
		lt.ok(err)
		_, err = lt.ec2(provider).DeleteVpcEndpointServiceConfigurations(lt.Context(), &ec2.DeleteVpcEndpointServiceConfigurationsInput{ServiceIds: []string{*service.ServiceId}})
		lt.ok(err)
		if state := lt.configuration(service).ServiceState; state != ec2types.ServiceStateDeleted {
			t.Errorf("a lagging list shows %s", state)
		}
		lt.wait(11 * time.Second)
		_, err = lt.ec2(provider).DescribeVpcEndpointServiceConfigurations(lt.Context(),
			&ec2.DescribeVpcEndpointServiceConfigurationsInput{ServiceIds: []string{*service.ServiceId}})
		lt.refused(err, "InvalidVpcEndpointServiceId.NotFound", "")
	})
}

// Services and endpoints take tags like everything else.
func TestPrivateLinkTags(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		tags := []ec2types.Tag{{Key: aws.String("linkfleet:fleet"), Value: aws.String("x")}}
		for account, resource := range map[string]string{provider: *service.ServiceId, consumer: id} {
			_, err := lt.ec2(account).CreateTags(lt.Context(), &ec2.CreateTagsInput{Resources: []string{resource}, Tags: tags})
			lt.ok(err)
		}
		if got := lt.configuration(service).Tags; len(got) != 1 || *got[0].Key != "linkfleet:fleet" {
			t.Errorf("service's tags %v", got)
		}
		out, err := lt.ec2(consumer).DescribeVpcEndpoints(lt.Context(), &ec2.DescribeVpcEndpointsInput{Filters: []ec2types.Filter{filterOn("tag:linkfleet:fleet", "x")}})
		lt.ok(err)
		if len(out.VpcEndpoints) != 1 || *out.VpcEndpoints[0].VpcEndpointId != id {
			t.Errorf("endpoints by tag: %v", out.VpcEndpoints)
		}
		_, err = lt.ec2(provider).CreateTags(lt.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: tags})
		lt.refused(err, "InvalidID", id)
	})
}
