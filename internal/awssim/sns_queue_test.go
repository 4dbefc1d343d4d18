package awssim

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const eventsQueue = "arn:aws:sqs:us-east-1:111111111111:events"

// snsPolicy is the policy of the SNS guide that lets a topic send to a queue.
func snsPolicy(topic string) string {
	return `Policy={"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},` +
		`"Action":"sqs:SendMessage","Resource":"` + eventsQueue + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + topic + `"}}}]}`
}

func (s *stage) subscribe(account, topic, queue string, attributes ...string) (string, error) {
	s.Helper()
	out, err := s.sns(account).Subscribe(s.Context(), &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &queue, Attributes: attributesOf(attributes), ReturnSubscriptionArn: true,
	})
	if err != nil {
		return "", err
	}
	return *out.SubscriptionArn, nil
}

func (s *stage) publish(topic, text string) {
	s.Helper()
	try(s.sns(provider).Publish(s.Context(), &sns.PublishInput{TopicArn: &topic, Subject: aws.String("News"), Message: &text})).must(s)
}

func TestTopicDeliversToQueues(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		topic := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		url := s.queue("events", snsPolicy(topic))
		s.publish(topic, "before")
		sub := try(s.subscribe(provider, topic, eventsQueue)).must(s)
		s.publish(topic, `{"a": "<b>"}`)
		got := s.receive(url, 0)
		if len(got) != 1 {
			t.Fatalf("received %q", bodies(got))
		}
		var e envelope
		must(s, 0, json.Unmarshal([]byte(*got[0].Body), &e))
		if e.Type != "Notification" || e.TopicARN != topic || e.Subject != "News" || e.Message != `{"a": "<b>"}` || e.MessageID == "" ||
			e.SignatureVersion != "1" || e.Signature == "" || e.Timestamp != time.Now().UTC().Format("2006-01-02T15:04:05.000Z") || !strings.Contains(e.UnsubscribeURL, sub) {
			t.Errorf("envelope %s", *got[0].Body)
		}
		_, err := s.sns(provider).SetSubscriptionAttributes(s.Context(), &sns.SetSubscriptionAttributesInput{
			SubscriptionArn: &sub, AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("true"),
		})
		must(s, 0, err)
		s.publish(topic, "raw")
		s.wantBodies("raw delivery", s.receive(url, 0), "raw")
		if a := try(s.sns(provider).GetSubscriptionAttributes(s.Context(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: &sub})).must(s).Attributes; a["RawMessageDelivery"] != "true" || a["PendingConfirmation"] != "false" || a["Endpoint"] != eventsQueue {
			t.Errorf("attributes %v", a)
		}
		_, err = s.sns(provider).Unsubscribe(s.Context(), &sns.UnsubscribeInput{SubscriptionArn: &sub})
		must(s, 0, err)
		s.publish(topic, "after")
		s.wantBodies("unsubscribed", s.receive(url, 0))
	})
}

// Without the queue's leave nothing arrives, and nobody is told.
func TestQueuePolicyDecidesDelivery(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		topic := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		url := s.queue("events")
		try(s.subscribe(provider, topic, eventsQueue, "RawMessageDelivery=true")).must(s)
		for _, test := range []struct {
			policy    string
			delivered bool
		}{
			{"Policy=", false},
			{snsPolicy(topic), true},
			{snsPolicy(topic + "2"), false},
			{strings.Replace(snsPolicy(topic), `{"Service":"sns.amazonaws.com"}`, `"*"`, 1), true},
			{strings.Replace(snsPolicy(topic), "sns.amazonaws.com", "events.amazonaws.com", 1), false},
			{strings.Replace(snsPolicy(topic), "sqs:SendMessage", "sqs:ReceiveMessage", 1), false},
		} {
			must(s, 0, s.setQueue(url, test.policy))
			s.publish(topic, "news")
			got := s.receive(url, 0)
			if (len(got) == 1) != test.delivered {
				t.Errorf("%s: received %q", test.policy, bodies(got))
			}
			for _, m := range got {
				s.delete(url, m)
			}
		}
	})
}

func TestTopicDeliveryTakesTime(t *testing.T) {
	onStage(t, func(w *World) { w.Knobs.Latencies = map[string]time.Duration{"topicDelivery": 2 * time.Second} }, func(s *stage) {
		topic := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		url := s.queue("events", snsPolicy(topic))
		try(s.subscribe(provider, topic, eventsQueue, "RawMessageDelivery=true")).must(s)
		s.publish(topic, "news")
		began := time.Now()
		s.wantBodies("a long poll", s.receive(url, 20), "news")
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// A subscription by another than the queue's owner waits for the owner's
// confirmation, by a token that is sent to the queue.
func TestSubscribeQueueOfAnotherAccount(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		topic := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		theirs := *try(s.sqs(consumer).CreateQueue(s.Context(), &sqs.CreateQueueInput{
			QueueName:  aws.String("theirs"),
			Attributes: attributesOf([]string{strings.ReplaceAll(snsPolicy(topic), eventsQueue, "*")}),
		})).must(s).QueueUrl
		arn := "arn:aws:sqs:us-east-1:" + consumer + ":theirs"
		_, err := s.subscribe(consumer, topic, arn)
		s.refused(err, "AuthorizationError", "SNS:Subscribe")

		try(s.subscribe(provider, topic, arn)).must(s)
		s.publish(topic, "too early")
		out := try(s.sqs(consumer).ReceiveMessage(s.Context(), &sqs.ReceiveMessageInput{QueueUrl: &theirs, MaxNumberOfMessages: 10})).must(s)
		var e envelope
		if len(out.Messages) != 1 || json.Unmarshal([]byte(*out.Messages[0].Body), &e) != nil || e.Type != "SubscriptionConfirmation" || e.Token == "" {
			t.Fatalf("received %q", bodies(out.Messages))
		}
		_, err = s.sns(consumer).ConfirmSubscription(s.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &topic, Token: aws.String("x")})
		s.refused(err, "InvalidParameter", "Invalid parameter: Token")
		try(s.sns(consumer).ConfirmSubscription(s.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &topic, Token: &e.Token})).must(s)
		s.publish(topic, "now")
		out = try(s.sqs(consumer).ReceiveMessage(s.Context(), &sqs.ReceiveMessageInput{QueueUrl: &theirs})).must(s)
		if len(out.Messages) != 1 || !strings.Contains(*out.Messages[0].Body, `"Message": "now"`) {
			t.Errorf("received %q", bodies(out.Messages))
		}
	})
}

// What happens to the connections of a service comes to a queue that
// subscribes to the notification's topic, also while it is polled.
func TestConnectionNotificationReachesQueue(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		s := &stage{T: lt.T, sim: lt.sim}
		service := lt.service(nil)
		lt.allow(service, consumer)
		topic := lt.topic("events", topicPolicy)
		url := s.queue("events", snsPolicy(topic))
		try(s.subscribe(provider, topic, eventsQueue)).must(s)
		_, err := lt.ec2(provider).CreateVpcEndpointConnectionNotification(lt.Context(), &ec2.CreateVpcEndpointConnectionNotificationInput{
			ServiceId: service.ServiceId, ConnectionNotificationArn: &topic, ConnectionEvents: []string{"Connect"},
		})
		lt.ok(err)
		connected := make(chan string, 1)
		go func() {
			time.Sleep(3 * time.Second)
			connected <- lt.connect(service)
		}()
		got := s.receive(url, 20)
		if id := <-connected; len(got) != 1 || !strings.Contains(*got[0].Body, id) || !strings.Contains(*got[0].Body, *service.ServiceId) {
			t.Errorf("received %q for %s", bodies(got), id)
		}
	})
}
