package awssim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func (s *stage) topic(in *sns.CreateTopicInput) string {
	s.Helper()
	out, err := s.sns(provider).CreateTopic(s.Context(), in)
	return *must(s, out, err).TopicArn
}

func (s *stage) setTopic(arn, name, value string) error {
	_, err := s.sns(provider).SetTopicAttributes(s.Context(), &sns.SetTopicAttributesInput{
		TopicArn: &arn, AttributeName: &name, AttributeValue: &value,
	})
	return err
}

func (s *stage) topicAttributes(arn string) map[string]string {
	s.Helper()
	out, err := s.sns(provider).GetTopicAttributes(s.Context(), &sns.GetTopicAttributesInput{TopicArn: &arn})
	return must(s, out, err).Attributes
}

func TestCreateTopic(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		in := &sns.CreateTopicInput{
			Name: aws.String("events"), Attributes: map[string]string{"DisplayName": "Events"},
			Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("risk")}},
		}
		arn := s.topic(in)
		if arn != "arn:aws:sns:us-east-1:111111111111:events" {
			t.Errorf("ARN %s", arn)
		}
		if again := s.topic(in); again != arn {
			t.Errorf("again %s", again)
		}
		if again := s.topic(&sns.CreateTopicInput{Name: in.Name}); again != arn {
			t.Errorf("by name alone %s", again)
		}
		_, err := s.sns(provider).CreateTopic(s.Context(), &sns.CreateTopicInput{Name: in.Name, Attributes: map[string]string{"DisplayName": "Other"}})
		s.refused(err, "InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
		_, err = s.sns(provider).CreateTopic(s.Context(), &sns.CreateTopicInput{Name: in.Name, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("x")}}})
		s.refused(err, "InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags")
		_, err = s.sns(provider).CreateTopic(s.Context(), &sns.CreateTopicInput{Name: aws.String("a topic")})
		s.refused(err, "InvalidParameter", "Invalid parameter: Topic Name")
		got := s.topicAttributes(arn)
		if got["Owner"] != provider || got["DisplayName"] != "Events" || !json.Valid([]byte(got["Policy"])) || !json.Valid([]byte(got["EffectiveDeliveryPolicy"])) {
			t.Errorf("attributes %v", got)
		}
	})
}

func TestDeleteTopic(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		arn := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		for range 2 {
			if _, err := s.sns(provider).DeleteTopic(s.Context(), &sns.DeleteTopicInput{TopicArn: &arn}); err != nil {
				t.Error(err)
			}
		}
		_, err := s.sns(provider).GetTopicAttributes(s.Context(), &sns.GetTopicAttributesInput{TopicArn: &arn})
		s.refused(err, "NotFound", "Topic does not exist")
		_, err = s.sns(provider).ListTagsForResource(s.Context(), &sns.ListTagsForResourceInput{ResourceArn: &arn})
		s.refused(err, "ResourceNotFound", "Resource does not exist")
		_, err = s.sns(provider).GetTopicAttributes(s.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String("events")})
		s.refused(err, "InvalidParameter", "An ARN must have at least 6 elements, not 1")
	})
}

func TestListTopicsPages(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		for i := range 101 {
			s.topic(&sns.CreateTopicInput{Name: aws.String(fmt.Sprintf("topic-%d", i))})
		}
		var sizes []int
		pages := sns.NewListTopicsPaginator(s.sns(provider), nil)
		for pages.HasMorePages() {
			out, err := pages.NextPage(s.Context())
			sizes = append(sizes, len(must(s, out, err).Topics))
		}
		if len(sizes) != 2 || sizes[0] != 100 || sizes[1] != 1 {
			t.Errorf("pages of %v", sizes)
		}
	})
}

func TestSetTopicAttributes(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		arn := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		preset := s.topicAttributes(arn)["Policy"]
		s.refused(s.setTopic(arn, "Owner", "me"), "InvalidParameter", "Invalid parameter: AttributeName")
		s.refused(s.setTopic(arn, "Policy", "{"), "InvalidParameter", "Invalid parameter: Policy Error")
		s.refused(s.setTopic(arn, "Policy", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`),
			"InvalidParameter", "Policy statement action out of service scope!")
		const open = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*"}]}`
		must(s, 0, s.setTopic(arn, "Policy", open))
		if got := s.topicAttributes(arn)["Policy"]; got != open {
			t.Errorf("policy %s", got)
		}
		must(s, 0, s.setTopic(arn, "Policy", ""))
		if got := s.topicAttributes(arn)["Policy"]; got != preset {
			t.Errorf("policy %s, want the default back", got)
		}
	})
}

func TestTopicTags(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		arn := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		client := s.sns(provider)
		_, err := client.TagResource(s.Context(), &sns.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{
			{Key: aws.String("team"), Value: aws.String("risk")}, {Key: aws.String("env"), Value: aws.String("prod")},
		}})
		must(s, 0, err)
		_, err = client.UntagResource(s.Context(), &sns.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"env"}})
		must(s, 0, err)
		out, err := client.ListTagsForResource(s.Context(), &sns.ListTagsForResourceInput{ResourceArn: &arn})
		if got := must(s, out, err).Tags; len(got) != 1 || *got[0].Key != "team" {
			t.Errorf("tags %+v", got)
		}
		_, err = client.TagResource(s.Context(), &sns.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{
			{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("a"), Value: aws.String("2")},
		}})
		s.refused(err, "InvalidParameter", "Duplicated keys are not allowed")
	})
}

// vpcePolicy is the policy of the PrivateLink guide for notifications.
func vpcePolicy(arn, source string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"vpce.amazonaws.com"},`+
		`"Action":"SNS:Publish","Resource":%q,"Condition":{"ArnLike":{"aws:SourceArn":%q},"StringEquals":{"aws:SourceAccount":%q}}}]}`,
		arn, source, provider)
}

func TestPublishForPrivateLink(t *testing.T) {
	const source = "arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/vpce-svc-0123456789abcdef0"
	tests := []struct {
		name, policy string
		admitted     bool
	}{
		{"the default policy", "", false},
		{"the guide's policy", vpcePolicy("arn:aws:sns:us-east-1:111111111111:events", source), true},
		{"a pattern of sources", vpcePolicy("arn:aws:sns:us-east-1:111111111111:*", strings.Replace(source, "vpce-svc-0123456789abcdef0", "*", 1)), true},
		{"another source", vpcePolicy("arn:aws:sns:us-east-1:111111111111:events", source+"1"), false},
		{"another topic", vpcePolicy("arn:aws:sns:us-east-1:111111111111:other", source), false},
		{"another service", strings.Replace(vpcePolicy("*", source), "vpce.", "s3.", 1), false},
		{"denied as well", strings.Replace(vpcePolicy("*", source), `"Statement":[`,
			`"Statement":[{"Effect":"Deny","Principal":"*","Action":"sns:*","Resource":"*"},`, 1), false},
	}
	onStage(t, nil, func(s *stage) {
		arn := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		sent := 0
		for _, test := range tests {
			must(s, 0, s.setTopic(arn, "Policy", test.policy))
			err := s.sim.publish(arn, provider, source, "Connect", `{"event":"Connect"}`)
			if (err == nil) != test.admitted {
				t.Errorf("%s: %v", test.name, err)
			}
			if test.admitted {
				sent++
			}
		}
		got := s.sim.topicOf(arn).Messages
		if len(got) != sent || got[0].Subject != "Connect" || got[0].From != "vpce.amazonaws.com" || got[0].Source != source {
			t.Errorf("messages %+v", got)
		}
		if err := s.sim.publish(arn+"x", provider, source, "", ""); err == nil {
			t.Error("published to a topic that is not there")
		}
	})
}

func TestTopicOfAnotherAccount(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		arn := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		publish := func(account string) error {
			_, err := s.sns(account).Publish(s.Context(), &sns.PublishInput{TopicArn: &arn, Message: aws.String("hello")})
			return err
		}
		s.refused(publish(consumer), "AuthorizationError", "is not authorized to perform: SNS:Publish on resource: "+arn)
		must(s, 0, s.setTopic(arn, "Policy", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"`+consumer+`"},"Action":"SNS:Publish","Resource":"`+arn+`"}}`))
		must(s, 0, publish(consumer))
		must(s, 0, publish(provider))
		if n := len(s.sim.topicOf(arn).Messages); n != 2 {
			t.Errorf("%d messages", n)
		}
	})
}

func TestSubscribe(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		arn := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
		subscribe := func(protocol, endpoint string) (string, error) {
			out, err := s.sns(provider).Subscribe(s.Context(), &sns.SubscribeInput{TopicArn: &arn, Protocol: &protocol, Endpoint: &endpoint})
			if err != nil {
				return "", err
			}
			return *out.SubscriptionArn, nil
		}
		queue := try(subscribe("sqs", "arn:aws:sqs:us-east-1:111111111111:q")).must(s)
		if again := try(subscribe("sqs", "arn:aws:sqs:us-east-1:111111111111:q")).must(s); again != queue || !strings.HasPrefix(queue, arn+":") {
			t.Errorf("subscriptions %s and %s", queue, again)
		}
		if got := try(subscribe("email", "ops@example.com")).must(s); got != "pending confirmation" {
			t.Errorf("an e-mail subscription gives %s", got)
		}
		_, err := subscribe("pigeon", "x")
		s.refused(err, "InvalidParameter", "does not support this protocol string: pigeon")
		_, err = subscribe("https", "http://x")
		s.refused(err, "InvalidParameter", "must match the specified protocol")
		out, err := s.sns(provider).ListSubscriptionsByTopic(s.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
		if got := must(s, out, err).Subscriptions; len(got) != 2 || *got[0].SubscriptionArn != queue || *got[1].SubscriptionArn != "PendingConfirmation" {
			t.Errorf("subscriptions %+v", got)
		}
		if got := s.topicAttributes(arn); got["SubscriptionsConfirmed"] != "1" || got["SubscriptionsPending"] != "1" {
			t.Errorf("counts %v", got)
		}
	})
}

func TestPolicyConditions(t *testing.T) {
	const arn = "arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/vpce-svc-1"
	for _, test := range []struct {
		operator string
		values   words
		have     string
		want     bool
	}{
		{"StringEquals", words{"a", "b"}, "b", true},
		{"StringEquals", words{"a"}, "", false},
		{"StringNotEquals", words{"a"}, "b", true},
		{"StringEqualsIgnoreCase", words{"ABC"}, "abc", true},
		{"StringLike", words{"vpce-*"}, "vpce-1", true},
		{"StringNotLike", words{"vpce-*"}, "vpce-1", false},
		{"ArnLike", words{"arn:aws:ec2:*:111111111111:vpc-endpoint-service/*"}, arn, true},
		{"ArnEquals", words{arn + "2"}, arn, false},
		{"ArnNotLike", words{arn}, arn, false},
		{"DateGreaterThan", words{"2020-01-01"}, "2021-01-01", false}, // unknown here: holds never
	} {
		if got := holds(test.operator, test.values, test.have); got != test.want {
			t.Errorf("%s %q of %q: %v", test.operator, test.values, test.have, got)
		}
	}
}
