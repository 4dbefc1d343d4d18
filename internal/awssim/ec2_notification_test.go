package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

const topicPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"vpce.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}`

// topic makes a topic of the provider's.
func (lt *linkTest) topic(name, policy string) string {
	lt.Helper()
	in := &sns.CreateTopicInput{Name: &name}
	if policy != "" {
		in.Attributes = map[string]string{"Policy": policy}
	}
	out, err := sns.NewFromConfig(lt.config(provider, "secret", "")).CreateTopic(lt.Context(), in)
	lt.ok(err)
	return *out.TopicArn
}

func (lt *linkTest) notification(id string) (topic, state string) {
	lt.Helper()
	out, err := lt.ec2(provider).DescribeVpcEndpointConnectionNotifications(lt.Context(),
		&ec2.DescribeVpcEndpointConnectionNotificationsInput{ConnectionNotificationId: &id})
	lt.ok(err)
	n := out.ConnectionNotificationSet[0]
	return *n.ConnectionNotificationArn, string(n.ConnectionNotificationState)
}

// subjects lists what a topic has been told.
func (lt *linkTest) subjects(topic string) []string {
	lt.Helper()
	var subjects []string
	for _, m := range lt.sim.cellOf(provider, "us-east-1").Topics.Topics.get(topic).Messages {
		subjects = append(subjects, m.Subject)
	}
	return subjects
}

func TestNotificationsArePublished(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		topic := lt.topic("events", topicPolicy)
		_, err := lt.ec2(provider).CreateVpcEndpointConnectionNotification(lt.Context(), &ec2.CreateVpcEndpointConnectionNotificationInput{
			ServiceId: service.ServiceId, ConnectionNotificationArn: &topic, ConnectionEvents: []string{"Connect", "Accept", "Delete"},
		})
		lt.ok(err)
		id := lt.connect(service)
		lt.accept(service, id)
		_, err = lt.ec2(provider).RejectVpcEndpointConnections(lt.Context(), &ec2.RejectVpcEndpointConnectionsInput{ServiceId: service.ServiceId, VpcEndpointIds: []string{id}})
		lt.ok(err) // nobody asked for Reject
		_, err = lt.ec2(consumer).DeleteVpcEndpoints(lt.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
		lt.ok(err)
		equal(t, "messages", lt.subjects(topic), []string{
			"VPC endpoint connection Connect", "VPC endpoint connection Accept", "VPC endpoint connection Delete",
		})
	})
}

// Connections that need no acceptance are announced all the same.
func TestNotificationOfOpenService(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(func(in *ec2.CreateVpcEndpointServiceConfigurationInput) { in.AcceptanceRequired = aws.Bool(false) })
		lt.allow(service, consumer)
		topic := lt.topic("events", topicPolicy)
		_, err := lt.ec2(provider).CreateVpcEndpointConnectionNotification(lt.Context(), &ec2.CreateVpcEndpointConnectionNotificationInput{
			ServiceId: service.ServiceId, ConnectionNotificationArn: &topic, ConnectionEvents: []string{"Connect", "Accept"},
		})
		lt.ok(err)
		lt.connect(service)
		equal(t, "messages", lt.subjects(topic), []string{"VPC endpoint connection Connect"})
	})
}

// A topic that does not let AWS publish disables the notification.
func TestNotificationDisabled(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		closed, open := lt.topic("closed", ""), lt.topic("open", topicPolicy)
		out, err := lt.ec2(provider).CreateVpcEndpointConnectionNotification(lt.Context(), &ec2.CreateVpcEndpointConnectionNotificationInput{
			ServiceId: service.ServiceId, ConnectionNotificationArn: &closed, ConnectionEvents: []string{"Connect"},
		})
		lt.ok(err)
		id := *out.ConnectionNotification.ConnectionNotificationId
		lt.connect(service)
		if topic, state := lt.notification(id); topic != closed || state != "Disabled" {
			t.Errorf("%s is %s", topic, state)
		}
		_, err = lt.ec2(provider).ModifyVpcEndpointConnectionNotification(lt.Context(),
			&ec2.ModifyVpcEndpointConnectionNotificationInput{ConnectionNotificationId: &id, ConnectionNotificationArn: &open})
		lt.ok(err)
		lt.connect(service)
		if topic, state := lt.notification(id); topic != open || state != "Enabled" {
			t.Errorf("%s is %s", topic, state)
		}
	})
}

func TestNotificationRefused(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		topic := aws.String("arn:aws:sns:us-east-1:" + provider + ":events")
		for _, test := range []struct {
			in   ec2.CreateVpcEndpointConnectionNotificationInput
			code string
		}{
			{ec2.CreateVpcEndpointConnectionNotificationInput{ConnectionNotificationArn: topic, ConnectionEvents: []string{"Connect"}}, "InvalidParameterCombination"},
			{ec2.CreateVpcEndpointConnectionNotificationInput{ServiceId: aws.String("vpce-svc-0ffffffffffffffff"), ConnectionNotificationArn: topic, ConnectionEvents: []string{"Connect"}}, "InvalidVpcEndpointServiceId.NotFound"},
			{ec2.CreateVpcEndpointConnectionNotificationInput{ServiceId: service.ServiceId, ConnectionNotificationArn: topic, ConnectionEvents: []string{"Open"}}, "InvalidParameter"},
			{ec2.CreateVpcEndpointConnectionNotificationInput{ServiceId: service.ServiceId, ConnectionNotificationArn: aws.String("events"), ConnectionEvents: []string{"Connect"}}, "InvalidParameter"},
		} {
			_, err := lt.ec2(provider).CreateVpcEndpointConnectionNotification(lt.Context(), &test.in)
			lt.refused(err, test.code, "")
		}
		_, err := lt.ec2(provider).DescribeVpcEndpointConnectionNotifications(lt.Context(),
			&ec2.DescribeVpcEndpointConnectionNotificationsInput{ConnectionNotificationId: aws.String("vpce-nfn-0ffffffffffffffff")})
		lt.refused(err, "InvalidConnectionNotification", "")
		out, err := lt.ec2(provider).DeleteVpcEndpointConnectionNotifications(lt.Context(),
			&ec2.DeleteVpcEndpointConnectionNotificationsInput{ConnectionNotificationIds: []string{"vpce-nfn-0ffffffffffffffff"}})
		lt.ok(err)
		if code := unsuccessfulCode(t, out.Unsuccessful); code != "InvalidConnectionNotification" {
			t.Errorf("code %s", code)
		}
	})
}

// A service's notifications go with it.
func TestNotificationGoesWithService(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		topic := lt.topic("events", topicPolicy)
		_, err := lt.ec2(provider).CreateVpcEndpointConnectionNotification(lt.Context(), &ec2.CreateVpcEndpointConnectionNotificationInput{
			ServiceId: service.ServiceId, ConnectionNotificationArn: &topic, ConnectionEvents: []string{"Connect"},
		})
		lt.ok(err)
		_, err = lt.ec2(provider).DeleteVpcEndpointServiceConfigurations(lt.Context(), &ec2.DeleteVpcEndpointServiceConfigurationsInput{ServiceIds: []string{*service.ServiceId}})
		lt.ok(err)
		time.Sleep(time.Minute)
		out, err := lt.ec2(provider).DescribeVpcEndpointConnectionNotifications(lt.Context(), &ec2.DescribeVpcEndpointConnectionNotificationsInput{})
		lt.ok(err)
		if len(out.ConnectionNotificationSet) > 0 {
			t.Errorf("%d notifications left", len(out.ConnectionNotificationSet))
		}
	})
}

// Lists show a new notification late, and a deleted one for a while.
func TestNotificationsAreListedLate(t *testing.T) {
	lag := 30 * time.Second
	inPrivateLink(t, Knobs{Latencies: map[string]time.Duration{"listLag": lag}}, func(lt *linkTest) {
		service := lt.service(nil)
		topic := lt.topic("events", topicPolicy)
		out, err := lt.ec2(provider).CreateVpcEndpointConnectionNotification(lt.Context(), &ec2.CreateVpcEndpointConnectionNotificationInput{
			ServiceId: service.ServiceId, ConnectionNotificationArn: &topic, ConnectionEvents: []string{"Connect"},
		})
		lt.ok(err)
		listed := func() int {
			out, err := lt.ec2(provider).DescribeVpcEndpointConnectionNotifications(lt.Context(), nil)
			lt.ok(err)
			return len(out.ConnectionNotificationSet)
		}
		standing := func() int {
			return len(lt.sim.cellOf(provider, "us-east-1").PrivateLink.standing(lt.sim))
		}
		want := func(when string, inLists, inTruth int) {
			if l, s := listed(), standing(); l != inLists || s != inTruth {
				t.Errorf("%s: %d listed and %d standing, want %d and %d", when, l, s, inLists, inTruth)
			}
		}
		want("at once", 0, 2) // the service stands too
		time.Sleep(lag)
		want("later", 1, 2)
		_, err = lt.ec2(provider).DeleteVpcEndpointConnectionNotifications(lt.Context(), &ec2.DeleteVpcEndpointConnectionNotificationsInput{
			ConnectionNotificationIds: []string{*out.ConnectionNotification.ConnectionNotificationId},
		})
		lt.ok(err)
		want("after its deletion", 1, 1)
		time.Sleep(lag)
		want("in the end", 0, 1)
	})
}
