package awssim

import (
	"cmp"
	"fmt"
)

// mostMessage is how long a message may be (SNS API reference, Publish).
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

// deliver puts a message on a topic and on its way to the topic's queues.
func (s *Sim) deliver(t *topic, m message) message {
	m.ID, m.At = uuid(s.newHex(32)), s.now()
	t.Messages = append(t.Messages, m)
	s.distribute(t, m)
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
