package awssim

import (
	"slices"
	"strconv"
	"strings"
)

// A subscription is an endpoint that a topic delivers to, once confirmed.
type subscription struct {
	ARN, Protocol, Endpoint string
	Owner                   string
	Confirmed               bool
	Token                   string `json:",omitempty"` // that confirms it
	Raw                     bool   `json:",omitempty"` // messages come without the envelope
	Lost                    int    `json:",omitempty"` // messages that the queue's policy, or its absence, kept away
}

// subscribe is idempotent for a protocol and endpoint, as long as the
// attributes agree. An endpoint that is the subscriber's own is confirmed at
// once; for any other, its owner has to confirm (SNS guide, "Sending Amazon
// SNS messages to an Amazon SQS queue in a different account").
func subscribe(c *call) (M, error) {
	t, err := c.topicFor(c.in.str("TopicArn"))
	if err != nil {
		return nil, err
	}
	wanted := &subscription{Protocol: c.in.str("Protocol"), Endpoint: c.in.str("Endpoint"), Owner: c.account}
	if err := checkEndpoint(wanted.Protocol, wanted.Endpoint); err != nil {
		return nil, err
	}
	attributes := c.in.strMap("Attributes")
	for _, name := range sortedKeys(attributes) {
		if err := wanted.set(name, attributes[name]); err != nil {
			return nil, err
		}
	}
	rows := t.Subscriptions.all()
	i := slices.IndexFunc(rows, func(s *subscription) bool {
		return s.Protocol == wanted.Protocol && s.Endpoint == wanted.Endpoint
	})
	sub := wanted
	if i >= 0 {
		sub = rows[i]
	} else {
		c.enrol(t, sub)
	}
	if len(attributes) > 0 && sub.Raw != wanted.Raw {
		return nil, refuse("InvalidParameter", "Invalid parameter: Attributes Reason: Subscription already exists with different attributes")
	}
	if !sub.Confirmed && !c.in.flag("ReturnSubscriptionArn") {
		return M{"SubscriptionArn": "pending confirmation"}, nil
	}
	return M{"SubscriptionArn": sub.ARN}, nil
}

// enrol adds a subscription to a topic, and asks the endpoint's owner to
// confirm it if that is another than the subscriber.
func (c *call) enrol(t *topic, sub *subscription) {
	sub.ARN = t.ARN + ":" + uuid(c.newHex(32))
	arn := strings.Split(sub.Endpoint, ":")
	sub.Confirmed = sub.Protocol == "sms" || len(arn) > 5 && arn[0] == "arn" && arn[4] == c.account
	t.Subscriptions.put(sub.ARN, sub)
	if !sub.Confirmed {
		sub.Token = c.newHex(64)
		c.sim.toQueue(t, sub, c.sim.invitation(t, sub))
	}
}

func checkEndpoint(protocol, endpoint string) error {
	form := map[string]string{
		"http": "http://", "https": "https://", "sqs": "arn:aws:sqs:", "lambda": "arn:aws:lambda:",
		"firehose": "arn:aws:firehose:", "application": "arn:aws:sns:", "email": "", "email-json": "", "sms": "",
	}
	prefix, known := form[protocol]
	switch {
	case !known:
		return refuse("InvalidParameter", "Invalid parameter: Amazon SNS does not support this protocol string: %s", protocol)
	case endpoint == "":
		return refuse("InvalidParameter", "Invalid parameter: Endpoint")
	case !strings.HasPrefix(endpoint, prefix):
		return refuse("InvalidParameter", "Invalid parameter: Endpoint Reason: Endpoint must match the specified protocol")
	case strings.HasPrefix(protocol, "email") && !strings.Contains(endpoint, "@"):
		return refuse("InvalidParameter", "Invalid parameter: Email address")
	}
	return nil
}

// confirmSubscription confirms by the token that the endpoint was sent.
func confirmSubscription(c *call) (M, error) {
	t := c.sim.topicOf(c.in.str("TopicArn"))
	if t == nil {
		return nil, &Error{Code: "NotFound", Status: 404, Message: "Topic does not exist"}
	}
	for _, sub := range t.Subscriptions.all() {
		if sub.Token != "" && sub.Token == c.in.str("Token") {
			sub.Confirmed = true
			return M{"SubscriptionArn": sub.ARN}, nil
		}
	}
	return nil, refuse("InvalidParameter", "Invalid parameter: Token")
}

// subscriptionFor finds the subscription that an operation names, which is its
// owner's and the topic's owner's.
func (c *call) subscriptionFor(arn string) (*topic, *subscription, error) {
	i := strings.LastIndex(arn, ":")
	if i < 0 || strings.Count(arn, ":") != 6 {
		return nil, nil, refuse("InvalidParameter", "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not %d", strings.Count(arn, ":")+1)
	}
	var sub *subscription
	t := c.sim.topicOf(arn[:i])
	if t != nil {
		sub = t.Subscriptions.get(arn)
	}
	switch {
	case sub == nil:
		return nil, nil, &Error{Code: "NotFound", Status: 404, Message: "Subscription does not exist"}
	case c.account != sub.Owner && c.account != strings.Split(t.ARN, ":")[4]:
		return nil, nil, &Error{Code: "AuthorizationError", Status: 403,
			Message: "User: " + c.principal + " is not authorized to perform: SNS:" + c.op + " on resource: " + arn}
	}
	return t, sub, nil
}

func unsubscribe(c *call) (M, error) {
	t, sub, err := c.subscriptionFor(c.in.str("SubscriptionArn"))
	if refusal, ok := err.(*Error); ok && refusal.Code == "NotFound" {
		return M{}, nil
	}
	if err != nil {
		return nil, err
	}
	t.Subscriptions.drop(sub.ARN)
	return M{}, nil
}

func getSubscriptionAttributes(c *call) (M, error) {
	t, sub, err := c.subscriptionFor(c.in.str("SubscriptionArn"))
	if err != nil {
		return nil, err
	}
	return M{"Attributes": M{
		"SubscriptionArn": sub.ARN, "TopicArn": t.ARN, "Owner": sub.Owner, "Protocol": sub.Protocol, "Endpoint": sub.Endpoint,
		"PendingConfirmation":          strconv.FormatBool(!sub.Confirmed),
		"ConfirmationWasAuthenticated": strconv.FormatBool(sub.Confirmed && sub.Token == ""),
		"RawMessageDelivery":           strconv.FormatBool(sub.Raw),
	}}, nil
}

func setSubscriptionAttributes(c *call) (M, error) {
	_, sub, err := c.subscriptionFor(c.in.str("SubscriptionArn"))
	if err != nil {
		return nil, err
	}
	return M{}, sub.set(c.in.str("AttributeName"), c.in.str("AttributeValue"))
}

// set changes an attribute.
func (s *subscription) set(name, value string) error {
	switch name {
	case "RawMessageDelivery":
		raw, err := strconv.ParseBool(strings.ToLower(value))
		if err != nil || raw && !slices.Contains([]string{"sqs", "http", "https", "firehose"}, s.Protocol) {
			return refuse("InvalidParameter", "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
		s.Raw = raw
		return nil
	case "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "ReplayPolicy", "SubscriptionRoleArn":
		return refuse("InvalidParameter", "The simulator does not have the subscription attribute %s yet.", name)
	}
	return refuse("InvalidParameter", "Invalid parameter: AttributeName")
}

func listSubscriptions(c *call) (M, error) {
	t, err := c.topicFor(c.in.str("TopicArn"))
	if err != nil {
		return nil, err
	}
	rows, next, err := page(c, t.Subscriptions.all(), func(s *subscription) string { return s.ARN }, topicPaging())
	if err != nil {
		return nil, err
	}
	items := listBy(rows, func(s *subscription) M {
		arn := s.ARN
		if !s.Confirmed {
			arn = "PendingConfirmation"
		}
		return M{"SubscriptionArn": arn, "Owner": s.Owner, "Protocol": s.Protocol, "Endpoint": s.Endpoint, "TopicArn": t.ARN}
	})
	return withToken(M{"Subscriptions": items}, next), nil
}
