package awssim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// subscribe is idempotent for a protocol and endpoint. Only endpoints that are
// AWS resources of the topic's own account are confirmed at once.
func subscribe(c *call) (M, error) {
	t, err := c.topicFor(c.in.str("TopicArn"))
	if err != nil {
		return nil, err
	}
	protocol, endpoint := c.in.str("Protocol"), c.in.str("Endpoint")
	if err := checkEndpoint(protocol, endpoint); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(t.Subscriptions.all(), func(s *subscription) bool {
		return s.Protocol == protocol && s.Endpoint == endpoint
	})
	var sub *subscription
	if i >= 0 {
		sub = t.Subscriptions.all()[i]
	} else {
		hex := c.newHex(32)
		sub = &subscription{
			ARN:      t.ARN + ":" + strings.Join([]string{hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]}, "-"),
			Protocol: protocol, Endpoint: endpoint, Owner: c.account,
		}
		arn := strings.Split(endpoint, ":")
		sub.Confirmed = protocol == "sms" || len(arn) > 5 && arn[0] == "arn" && arn[4] == strings.Split(t.ARN, ":")[4]
		t.Subscriptions.put(sub.ARN, sub)
	}
	if !sub.Confirmed && !c.in.flag("ReturnSubscriptionArn") {
		return M{"SubscriptionArn": "pending confirmation"}, nil
	}
	return M{"SubscriptionArn": sub.ARN}, nil
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

// most is how long a message may be (SNS API reference, Publish).
const mostMessage = 256 << 10

func publishMessage(c *call) (M, error) {
	arn := cmp.Or(c.in.str("TopicArn"), c.in.str("TargetArn"))
	if arn == "" {
		return nil, refuse("InvalidParameter", "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter")
	}
	t, err := c.topicFor(arn)
	if err != nil {
		return nil, err
	}
	switch text := c.in.str("Message"); {
	case text == "":
		return nil, refuse("InvalidParameter", "Invalid parameter: Empty message")
	case len(text) > mostMessage:
		return nil, refuse("InvalidParameter", "Invalid parameter: Message too long")
	}
	m := c.sim.deliver(t, message{Subject: c.in.str("Subject"), Message: c.in.str("Message"), From: c.principal})
	return M{"MessageId": m.ID}, nil
}

// deliver puts a message on a topic.
func (s *Sim) deliver(t *topic, m message) message {
	hex := s.newHex(32)
	m.ID = strings.Join([]string{hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]}, "-")
	m.At = s.now()
	t.Messages = append(t.Messages, m)
	return m
}

// publish sends a message to a topic on behalf of vpce.amazonaws.com. It fails
// when there is no such topic or its policy does not let that service publish
// for the source account and ARN.
func (s *Sim) publish(topicARN, account, sourceARN, subject, text string) error {
	t := s.topicOf(topicARN)
	if t == nil {
		return fmt.Errorf("topic %s does not exist", topicARN)
	}
	request := accessRequest{
		Service: "vpce.amazonaws.com", Action: "sns:Publish", Resource: t.ARN,
		Context: map[string]string{"aws:sourcearn": sourceARN, "aws:sourceaccount": account},
	}
	if !t.admits(request) {
		return fmt.Errorf("the policy of topic %s does not let vpce.amazonaws.com publish for %s", topicARN, sourceARN)
	}
	s.deliver(t, message{Subject: subject, Message: text, From: request.Service, Source: sourceARN})
	return nil
}
