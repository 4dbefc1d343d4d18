package awssim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// A connectionNotification tells an SNS topic what happens to the connections
// of a service, or to one endpoint.
type connectionNotification struct {
	ID       string // vpce-nfn-…
	Service  string // id; "" for an endpoint's
	Endpoint string // id; "" for a service's
	Topic    string // ARN
	Events   []string
	State    string // Enabled; Disabled after a message that could not be delivered

	Created, Deleted time.Time // a deleted one lingers as long as lists lag
}

const (
	notificationEnabled  = "Enabled"
	notificationDisabled = "Disabled"
)

// createNotification serves CreateVpcEndpointConnectionNotification.
func createNotification(c *call) (M, error) {
	n := &connectionNotification{
		Service: c.in.str("ServiceId"), Endpoint: c.in.str("VpcEndpointId"),
		Topic: c.in.str("ConnectionNotificationArn"), Events: c.in.strs("ConnectionEvents"),
		State: notificationEnabled, Created: c.now,
	}
	if (n.Service == "") == (n.Endpoint == "") {
		return nil, refuse("InvalidParameterCombination", "Exactly one of ServiceId and VpcEndpointId must be specified.")
	}
	if n.Service != "" {
		if _, err := c.ownService(n.Service); err != nil {
			return nil, err
		}
	} else if ep := c.cell().PrivateLink.Endpoints.get(n.Endpoint); ep == nil || ep.State == stateDeleted {
		return nil, noEndpoint(n.Endpoint)
	}
	if err := c.checkNotification(n.Topic, n.Events); err != nil {
		return nil, err
	}
	n.ID = c.newID("vpce-nfn")
	c.cell().PrivateLink.Notifications.put(n.ID, n)
	return c.echoToken(M{"ConnectionNotification": c.notificationItem(n)}), nil
}

// checkNotification refuses topics outside the caller's region and events that
// do not exist.
func (c *call) checkNotification(topic string, events []string) error {
	part := strings.Split(topic, ":")
	if len(part) != 6 || part[0] != "arn" || part[2] != "sns" || part[3] != c.region {
		return refuse("InvalidParameter", "The connection notification ARN %s is not the ARN of an SNS topic in the Region %s.", topic, c.region)
	}
	for _, event := range events {
		if !slices.Contains([]string{"Accept", "Connect", "Delete", "Reject"}, event) {
			return refuse("InvalidParameter", "The connection event %s is not one of Accept, Connect, Delete, Reject.", event)
		}
	}
	return nil
}

// notification finds a notification of the caller's.
func (c *call) notification(id string) (*connectionNotification, *Error) {
	if n := c.cell().PrivateLink.Notifications.get(id); n != nil && n.Deleted.IsZero() {
		return n, nil
	}
	return nil, refuse("InvalidConnectionNotification", "The connection notification '%s' does not exist", id)
}

// modifyNotification serves ModifyVpcEndpointConnectionNotification: another
// topic, other events, or both. It also gives a disabled one another chance.
func modifyNotification(c *call) (M, error) {
	n, missing := c.notification(c.in.str("ConnectionNotificationId"))
	if missing != nil {
		return nil, missing
	}
	topic, events := n.Topic, n.Events
	if c.in.has("ConnectionNotificationArn") {
		topic = c.in.str("ConnectionNotificationArn")
	}
	if asked := c.in.strs("ConnectionEvents"); len(asked) > 0 {
		events = asked
	}
	if err := c.checkNotification(topic, events); err != nil {
		return nil, err
	}
	n.Topic, n.Events, n.State = topic, events, notificationEnabled
	return M{"ReturnValue": true}, nil
}

// describeNotifications serves DescribeVpcEndpointConnectionNotifications.
func describeNotifications(c *call) (M, error) {
	rows := c.cell().PrivateLink.Notifications.all()
	if id := c.in.str("ConnectionNotificationId"); id != "" {
		n, missing := c.notification(id)
		if missing != nil {
			return nil, missing
		}
		rows = []*connectionNotification{n}
	}
	return listing[*connectionNotification]{
		Key: notificationID,
		Filters: filterSet[*connectionNotification]{
			"connection-notification-arn":   one(func(n *connectionNotification) string { return n.Topic }),
			"connection-notification-id":    one(notificationID),
			"connection-notification-state": one(func(n *connectionNotification) string { return n.State }),
			"connection-notification-type":  one(func(*connectionNotification) string { return "Topic" }),
			"service-id":                    one(func(n *connectionNotification) string { return n.Service }),
			"vpc-endpoint-id":               one(func(n *connectionNotification) string { return n.Endpoint }),
		},
		Life:   func(n *connectionNotification) (created, deleted time.Time) { return n.Created, n.Deleted },
		Paging: clippedPaging(),
	}.reply(c, allAsRead(c, rows, notificationID), "ConnectionNotificationSet", c.notificationItem)
}

func notificationID(n *connectionNotification) string { return n.ID }

// notificationItem renders a notification.
func (c *call) notificationItem(n *connectionNotification) M {
	m := M{
		"ConnectionNotificationId":    n.ID,
		"ConnectionNotificationType":  "Topic",
		"ConnectionNotificationArn":   n.Topic,
		"ConnectionEvents":            list(n.Events),
		"ConnectionNotificationState": n.State,
		"ServiceRegion":               c.region,
	}
	if n.Service != "" {
		m["ServiceId"] = n.Service
	} else {
		m["VpcEndpointId"] = n.Endpoint
	}
	return m
}

// deleteNotifications serves DeleteVpcEndpointConnectionNotifications.
func deleteNotifications(c *call) (M, error) {
	var failed []M
	for _, id := range c.in.strs("ConnectionNotificationIds") {
		n, missing := c.notification(id)
		if missing != nil {
			failed = append(failed, unsuccessful(id, missing))
			continue
		}
		n.Deleted = c.now
		c.sim.after(c.latency("listLag"), eventNotificationForgotten, c.account, c.region, id)
	}
	return M{"Unsuccessful": list(failed)}, nil
}

// forgetNotification ends what lagging lists show of a deleted notification.
func forgetNotification(s *Sim, e event) {
	s.cellOf(e.Account, e.Region).PrivateLink.Notifications.drop(e.ID)
}

// dropNotificationsOf removes the notifications of a service that is gone.
func (s *Sim) dropNotificationsOf(svc *endpointService) {
	p := &s.cellOf(svc.Owner, svc.Region).PrivateLink
	for _, n := range p.Notifications.all() {
		if n.Service == svc.ID {
			p.Notifications.drop(n.ID)
		}
	}
}

// dropNotificationsAbout removes the notifications of an endpoint that is gone.
func (s *Sim) dropNotificationsAbout(ep *endpoint) {
	p := &s.cellOf(ep.Owner, ep.Region).PrivateLink
	for _, n := range p.Notifications.all() {
		if n.Endpoint == ep.ID {
			p.Notifications.drop(n.ID)
		}
	}
}

// notify publishes what happened to an endpoint (Connect, Accept, Reject or
// Delete) to the topics of its service's owner and of its own. AWS does not
// document the message; who acts on it should describe the connection again.
func (s *Sim) notify(ep *endpoint, happening string) {
	service := s.cellOf(ep.ServiceOwner, ep.Region)
	source := "arn:aws:ec2:" + ep.Region + ":" + ep.ServiceOwner + ":vpc-endpoint-service/" + ep.ServiceID
	s.publishAll(service, source, ep, happening, func(n *connectionNotification) bool { return n.Service == ep.ServiceID })
	s.publishAll(s.cellOf(ep.Owner, ep.Region), ep.arn(), ep, happening, func(n *connectionNotification) bool { return n.Endpoint == ep.ID })
}

func (s *Sim) publishAll(l *cell, source string, ep *endpoint, happening string, concerned func(*connectionNotification) bool) {
	for _, n := range l.PrivateLink.Notifications.all() {
		if n.State != notificationEnabled || !n.Deleted.IsZero() || !concerned(n) || !slices.Contains(n.Events, happening) {
			continue
		}
		subject := "VPC endpoint connection " + happening
		if err := s.publish(n.Topic, l.Account, source, subject, notificationText(ep, happening, s.now())); err != nil {
			n.State = notificationDisabled
		}
	}
}

// notificationText is the message of a notification.
func notificationText(ep *endpoint, happening string, now time.Time) string {
	text, err := json.Marshal(struct {
		Event            string `json:"event"`
		ServiceID        string `json:"vpcEndpointServiceId"`
		VpcEndpointID    string `json:"vpcEndpointId"`
		VpcEndpointOwner string `json:"vpcEndpointOwner"`
		VpcEndpointState string `json:"vpcEndpointState"`
		Time             string `json:"timestamp"`
	}{happening, ep.ServiceID, ep.ID, ep.Owner, ep.State, now.UTC().Format(time.RFC3339)})
	if err != nil {
		return happening
	}
	return string(text)
}
