package awssim

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// delivery is the kind of event in which a message comes from a topic to a
// queue; its id is those of the subscription and of the message.
const delivery = "sns.delivery"

// distribute sends a message on to the queues that subscribe to its topic.
func (s *Sim) distribute(t *topic, m message) {
	for _, sub := range t.Subscriptions.all() {
		if !sub.Confirmed || sub.Protocol != "sqs" {
			continue
		}
		if d := s.latency("topicDelivery"); d > 0 {
			part := strings.Split(t.ARN, ":")
			s.after(d, delivery, part[4], part[3], sub.ARN+" "+m.ID)
			continue
		}
		s.toQueue(t, sub, s.written(t, sub, m))
	}
}

// deliverLate delivers a message whose time has come. What has been
// unsubscribed or deleted meanwhile gets nothing.
func (s *Sim) deliverLate(id string) {
	arn, messageID, _ := strings.Cut(id, " ")
	t := s.topicOf(arn[:strings.LastIndex(arn, ":")])
	if t == nil {
		return
	}
	sub := t.Subscriptions.get(arn)
	for _, m := range t.Messages {
		if sub != nil && m.ID == messageID {
			s.toQueue(t, sub, s.written(t, sub, m))
		}
	}
}

// toQueue puts text into a subscribed queue, if its policy lets SNS send for
// this topic. Otherwise, as with AWS, nobody is told.
func (s *Sim) toQueue(t *topic, sub *subscription, text string) {
	q := s.queueOf(sub.Endpoint)
	if sub.Protocol != "sqs" || q == nil {
		sub.Lost++
		return
	}
	allowed, denied := q.judge(accessRequest{
		Service: "sns.amazonaws.com", Action: "sqs:SendMessage",
		Context: map[string]string{"aws:sourcearn": t.ARN, "aws:sourceaccount": strings.Split(t.ARN, ":")[4]},
	})
	if !allowed || denied {
		sub.Lost++
		return
	}
	s.put(q, text, "AIDASIMSNS", q.seconds("DelaySeconds"))
}

// An envelope is what SNS wraps a message in, in the order SNS writes it (SNS
// guide, "Parsing Amazon SNS message formats").
type envelope struct {
	Type             string
	MessageID        string `json:"MessageId"`
	Token            string `json:",omitempty"`
	TopicARN         string `json:"TopicArn"`
	Subject          string `json:",omitempty"`
	Message          string
	SubscribeURL     string `json:",omitempty"`
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	UnsubscribeURL   string `json:",omitempty"`
}

// written is a message as a subscription gets it.
func (s *Sim) written(t *topic, sub *subscription, m message) string {
	if sub.Raw {
		return m.Message
	}
	return envelope{
		Type: "Notification", MessageID: m.ID, Subject: m.Subject, Message: m.Message, Timestamp: snsTime(m.At),
		UnsubscribeURL: snsAddress(t) + "/?Action=Unsubscribe&SubscriptionArn=" + sub.ARN,
	}.from(t)
}

// invitation asks the owner of an endpoint to confirm a subscription to it.
func (s *Sim) invitation(t *topic, sub *subscription) string {
	return envelope{
		Type: "SubscriptionConfirmation", MessageID: uuid(s.newHex(32)), Token: sub.Token, Timestamp: snsTime(s.now()),
		Message:      "You have chosen to subscribe to the topic " + t.ARN + ".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
		SubscribeURL: snsAddress(t) + "/?Action=ConfirmSubscription&TopicArn=" + t.ARN + "&Token=" + sub.Token,
	}.from(t)
}

// from completes an envelope of a topic's. Its signature has AWS's form, and
// nobody's key.
func (e envelope) from(t *topic) string {
	e.TopicARN, e.SignatureVersion = t.ARN, nonEmpty(t.Attributes["SignatureVersion"], "1")
	sum := sha256.Sum256([]byte(e.MessageID))
	e.Signature = base64.StdEncoding.EncodeToString(bytes.Repeat(sum[:], 8))
	e.SigningCertURL = snsAddress(t) + "/SimpleNotificationService-00000000000000000000000000000000.pem"
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(e) // strings into memory
	return strings.TrimSpace(text.String())
}

func snsAddress(t *topic) string {
	return "https://sns." + strings.Split(t.ARN, ":")[3] + ".amazonaws.com"
}

func snsTime(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
