package kinds

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// connectionNotification tells a topic what happens to a service's connections.
func connectionNotification() Def[notificationSpec] {
	return Def[notificationSpec]{
		Name:   "connection-notification",
		Trait:  planner.Trait{Rank: 75},
		Parent: "endpoint-service",
		Reads: []string{
			"ec2:DescribeVpcEndpointServiceConfigurations", "ec2:DescribeVpcEndpointConnectionNotifications",
		},
		Writes: []string{
			"ec2:CreateVpcEndpointConnectionNotification", "ec2:ModifyVpcEndpointConnectionNotification",
			"ec2:DeleteVpcEndpointConnectionNotifications",
		},
		Want:   wantNotifications,
		List:   listNotifications,
		Create: createNotification,
		Update: updateNotification,
		Delete: deleteNotification,
	}
}

type notificationSpec struct {
	Service planner.Value `json:"service" plan:"replace"`
	Topic   planner.Value `json:"topic"`
	Events  []string      `json:"events"`
	// Enabled is false after AWS could not deliver a message.
	Enabled bool `json:"enabled"`
}

func wantNotifications(f *schema.Fleet, _ planner.State) []Item[notificationSpec] {
	var items []Item[notificationSpec]
	for s := range services(f) {
		if s.Notifications == nil {
			continue
		}
		to := planner.Known(s.Notifications.Topic)
		if ownTopic(s) {
			to = planner.Ref(addrTopic(s), "arn")
		}
		items = append(items, Item[notificationSpec]{
			Resource: planner.Resource{Addr: addrNotification(s), Group: groupOf(s, nil), Origin: s.Notifications.Pos.Short()},
			Spec: notificationSpec{
				Service: planner.Ref(addrService(s), "id"), Topic: to,
				Events: s.Notifications.Events, Enabled: true,
			},
		})
	}
	return items
}

func listNotifications(ctx context.Context, p *Place) ([]Item[notificationSpec], error) {
	ours, err := p.ourServices(ctx)
	if err != nil || len(ours) == 0 {
		return nil, err
	}
	names := map[string]string{}
	for _, s := range ours {
		names[s.id()] = s.Addr.Name
	}
	var items []Item[notificationSpec]
	pages := ec2.NewDescribeVpcEndpointConnectionNotificationsPaginator(p.EC2, &ec2.DescribeVpcEndpointConnectionNotificationsInput{
		MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range page.ConnectionNotificationSet {
			if name, ok := names[aws.ToString(n.ServiceId)]; ok {
				items = append(items, notificationItem(planner.Addr{Kind: "connection-notification", Name: name, Place: p.Place.Place}, n))
			}
		}
	}
	return items, nil
}

func notificationItem(addr planner.Addr, n ec2types.ConnectionNotification) Item[notificationSpec] {
	made := notificationMade(aws.ToString(n.ConnectionNotificationId))
	return Item[notificationSpec]{
		Resource: planner.Resource{Addr: addr, Group: groupFromName(addr), ID: made.ID, Outputs: made.Outputs},
		Spec: notificationSpec{
			Service: planner.Known(aws.ToString(n.ServiceId)),
			Topic:   planner.Known(aws.ToString(n.ConnectionNotificationArn)),
			Events:  slices.Sorted(slices.Values(n.ConnectionEvents)),
			Enabled: sameState(n.ConnectionNotificationState, ec2types.ConnectionNotificationStateEnabled),
		},
	}
}

func notificationMade(id string) applier.Made {
	return applier.Made{ID: id, Outputs: planner.Outputs{"id": id}}
}

// createNotification looks for the notification first, in case one was made
// whose answer was lost, and goes on from what it finds.
func createNotification(ctx context.Context, p *Place, want Item[notificationSpec]) (applier.Made, error) {
	return p.makeNotification(ctx, want, "")
}

// makeNotification is createNotification after one was deleted, which lists
// may still show; gone is its id.
func (p *Place) makeNotification(ctx context.Context, want Item[notificationSpec], gone string) (applier.Made, error) {
	service := want.Spec.Service.Known
	standing, err := p.notificationsOf(ctx, service)
	if err != nil {
		return applier.Made{}, err
	}
	for _, n := range standing {
		if aws.ToString(n.ConnectionNotificationId) != gone {
			return updateNotification(ctx, p, notificationItem(want.Addr, n), want)
		}
	}
	if err := p.unlessHidden(lagging); err != nil && gone == "" {
		return applier.Made{}, err
	}
	out, err := p.EC2.CreateVpcEndpointConnectionNotification(ctx, &ec2.CreateVpcEndpointConnectionNotificationInput{
		ServiceId:                 aws.String(service),
		ConnectionNotificationArn: aws.String(want.Spec.Topic.Known),
		ConnectionEvents:          want.Spec.Events,
		ClientToken:               p.stintToken(want.Addr, gone),
	})
	if err != nil {
		return applier.Made{}, err
	}
	return notificationMade(aws.ToString(out.ConnectionNotification.ConnectionNotificationId)), nil
}

// notificationsOf are those of one service. There is one, or none.
func (p *Place) notificationsOf(ctx context.Context, service string) ([]ec2types.ConnectionNotification, error) {
	out, err := p.EC2.DescribeVpcEndpointConnectionNotifications(ctx, &ec2.DescribeVpcEndpointConnectionNotificationsInput{
		Filters: []ec2types.Filter{{Name: aws.String("service-id"), Values: []string{service}}},
	})
	if err != nil {
		return nil, err
	}
	return out.ConnectionNotificationSet, nil
}

// updateNotification makes a new notification in place of one that AWS turned
// off, because there is no call to turn it on again, and of one that is gone
// and was still listed.
func updateNotification(ctx context.Context, p *Place, was, want Item[notificationSpec]) (applier.Made, error) {
	if !was.Spec.Enabled {
		if err := deleteNotification(ctx, p, was); err != nil {
			return applier.Made{}, err
		}
		return p.makeNotification(ctx, want, was.ID)
	}
	_, err := p.EC2.ModifyVpcEndpointConnectionNotification(ctx, &ec2.ModifyVpcEndpointConnectionNotificationInput{
		ConnectionNotificationId:  aws.String(was.ID),
		ConnectionNotificationArn: aws.String(want.Spec.Topic.Known),
		ConnectionEvents:          want.Spec.Events,
	})
	if awsapi.Code(err) == noNotification {
		return p.makeNotification(ctx, want, was.ID)
	}
	return notificationMade(was.ID), err
}

// noNotification is EC2's code for a notification that does not exist; its
// other codes of that sort say NotFound.
const noNotification = "InvalidConnectionNotification"

func deleteNotification(ctx context.Context, p *Place, was Item[notificationSpec]) error {
	out, err := p.EC2.DeleteVpcEndpointConnectionNotifications(ctx, &ec2.DeleteVpcEndpointConnectionNotificationsInput{
		ConnectionNotificationIds: []string{was.ID},
	})
	if err == nil {
		err = awsapi.Unsuccessful(out.Unsuccessful)
	}
	if awsapi.Code(err) == noNotification {
		return nil
	}
	return unlessGone(err)
}
