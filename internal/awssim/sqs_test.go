package awssim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (s *stage) sqs(account string) *sqs.Client {
	return sqs.NewFromConfig(s.config(account, "us-east-1"))
}

// queue makes a queue of the provider's with attributes "name=value".
func (s *stage) queue(name string, attributes ...string) string {
	s.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: attributesOf(attributes)}
	return *try(s.sqs(provider).CreateQueue(s.Context(), in)).must(s).QueueUrl
}

func attributesOf(pairs []string) map[string]string {
	set := make(map[string]string)
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		set[name] = value
	}
	return set
}

func (s *stage) queueAttributes(url string) map[string]string {
	s.Helper()
	return try(s.sqs(provider).GetQueueAttributes(s.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"},
	})).must(s).Attributes
}

func (s *stage) setQueue(url string, attributes ...string) error {
	_, err := s.sqs(provider).SetQueueAttributes(s.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributesOf(attributes)})
	return err
}

func (s *stage) send(url string, bodies ...string) {
	s.Helper()
	for _, body := range bodies {
		try(s.sqs(provider).SendMessage(s.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})).must(s)
	}
}

// receive asks for up to ten messages, for so many seconds.
func (s *stage) receive(url string, wait int32) []types.Message {
	s.Helper()
	return try(s.sqs(provider).ReceiveMessage(s.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})).must(s).Messages
}

func (s *stage) delete(url string, m types.Message) {
	s.Helper()
	_, err := s.sqs(provider).DeleteMessage(s.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
	must(s, 0, err)
}

func bodies(messages []types.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return all
}

func (s *stage) wantBodies(what string, got []types.Message, want ...string) {
	s.Helper()
	if !slices.Equal(bodies(got), want) {
		s.Errorf("%s: received %q, want %q", what, bodies(got), want)
	}
}

func TestCreateQueue(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events", "VisibilityTimeout=60")
		if url != "http://aws.invalid/111111111111/events" {
			t.Errorf("URL %s", url)
		}
		for _, same := range []string{"", "VisibilityTimeout=60", "DelaySeconds=0"} {
			if again := s.queue("events", slices.DeleteFunc([]string{same}, func(a string) bool { return a == "" })...); again != url {
				t.Errorf("with %q: %s", same, again)
			}
		}
		_, err := s.sqs(provider).CreateQueue(s.Context(), &sqs.CreateQueueInput{QueueName: aws.String("events"), Attributes: attributesOf([]string{"VisibilityTimeout=61"})})
		s.refused(err, "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute VisibilityTimeout")
		if _, ok := errors.AsType[*types.QueueNameExists](err); !ok {
			t.Errorf("the client takes it for %T", err)
		}
		got := s.queueAttributes(url)
		for name, want := range map[string]string{
			"QueueArn": "arn:aws:sqs:us-east-1:111111111111:events", "VisibilityTimeout": "60", "MessageRetentionPeriod": "345600",
			"MaximumMessageSize": "1048576", "ReceiveMessageWaitTimeSeconds": "0", "ApproximateNumberOfMessages": "0", "SqsManagedSseEnabled": "true",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q", name, got[name], want)
			}
		}
	})
}

func TestQueueRefusals(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		client, url := s.sqs(provider), s.queue("events")
		create := func(name string, attributes ...string) error {
			_, err := client.CreateQueue(s.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributesOf(attributes)})
			return err
		}
		receive := func(in sqs.ReceiveMessageInput) error {
			_, err := client.ReceiveMessage(s.Context(), &in)
			return err
		}
		ghost, elsewhere := strings.Replace(url, "events", "ghost", 1), "events"
		for _, test := range []struct {
			err        error
			code, text string
		}{
			{create("a queue"), "InvalidParameterValue", "Can only include alphanumeric characters"},
			{create("a.fifo"), "AWS.SimpleQueueService.UnsupportedOperation", "FIFO"},
			{create("a", "VisibilityTimeout=43201"), "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."},
			{create("a", "Colour=red"), "InvalidAttributeName", "Unknown Attribute Colour."},
			{create("a", `Policy={"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*"}]}`), "InvalidAttributeValue", "Policy"},
			{create("a", `RedrivePolicy={"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111111111111:ghost","maxReceiveCount":3}`), "InvalidParameterValue", "Dead letter target does not exist."},
			{create("a", `RedrivePolicy={"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111111111111:events","maxReceiveCount":0}`), "InvalidParameterValue", "maxReceiveCount"},
			{receive(sqs.ReceiveMessageInput{QueueUrl: &ghost}), "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."},
			{receive(sqs.ReceiveMessageInput{QueueUrl: &elsewhere}), "InvalidAddress", "not valid for this endpoint"},
			{receive(sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11}), "InvalidParameterValue", "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
			{receive(sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 21}), "InvalidParameterValue", "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."},
		} {
			s.refused(test.err, test.code, test.text)
		}
		_, err := client.DeleteMessage(s.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: aws.String("x")})
		s.refused(err, "ReceiptHandleIsInvalid", `The input receipt handle "x" is not a valid receipt handle.`)
	})
}

func TestDeleteQueue(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events")
		_, err := s.sqs(provider).DeleteQueue(s.Context(), &sqs.DeleteQueueInput{QueueUrl: &url})
		must(s, 0, err)
		_, err = s.sqs(provider).GetQueueUrl(s.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("events")})
		s.refused(err, "AWS.SimpleQueueService.NonExistentQueue", "does not exist")
		_, err = s.sqs(provider).CreateQueue(s.Context(), &sqs.CreateQueueInput{QueueName: aws.String("events")})
		s.refused(err, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds")
		s.pass(time.Minute)
		s.queue("events")
	})
}

func TestListQueues(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		for i := range 5 {
			s.queue(fmt.Sprintf("b-%d", i))
		}
		s.queue("a")
		pages, rows := 0, 0
		list := sqs.NewListQueuesPaginator(s.sqs(provider), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("b-"), MaxResults: aws.Int32(2)})
		for list.HasMorePages() {
			rows += len(try(list.NextPage(s.Context())).must(s).QueueUrls)
			pages++
		}
		if pages != 3 || rows != 5 {
			t.Errorf("%d queues on %d pages", rows, pages)
		}
	})
}

func TestMessageIsReceivedUntilDeleted(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events")
		s.send(url, "one", "two")
		first := s.receive(url, 0)
		s.wantBodies("at first", first, "one", "two")
		if a := first[0].Attributes; a["ApproximateReceiveCount"] != "1" || a["SentTimestamp"] == "" || a["SenderId"] == "" {
			t.Errorf("attributes %v", a)
		}
		s.wantBodies("while in flight", s.receive(url, 0))
		if got := s.queueAttributes(url); got["ApproximateNumberOfMessagesNotVisible"] != "2" || got["ApproximateNumberOfMessages"] != "0" {
			t.Errorf("counts %v", got)
		}
		s.delete(url, first[1])
		s.pass(30 * time.Second)
		again := s.receive(url, 0)
		s.wantBodies("after the timeout", again, "one")
		if n := again[0].Attributes["ApproximateReceiveCount"]; n != "2" {
			t.Errorf("received %s times", n)
		}
		s.delete(url, first[0]) // a handle of old is taken, without effect
		s.pass(30 * time.Second)
		last := s.receive(url, 0)
		s.wantBodies("after a delete by an old handle", last, "one")
		s.delete(url, last[0])
		s.delete(url, last[0])
		s.pass(time.Minute)
		s.wantBodies("after all", s.receive(url, 0))
	})
}

func TestVisibilityAndRetention(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events", "MessageRetentionPeriod=60", "VisibilityTimeout=10")
		s.send(url, "one")
		got := s.receive(url, 0)
		change := func(seconds int32) error {
			_, err := s.sqs(provider).ChangeMessageVisibility(s.Context(), &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &url, ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: seconds,
			})
			return err
		}
		must(s, 0, change(20))
		s.pass(15 * time.Second)
		s.wantBodies("with more time", s.receive(url, 0))
		must(s, 0, change(0))
		s.refused(change(5), "AWS.SimpleQueueService.MessageNotInflight", "")
		got = s.receive(url, 0)
		s.wantBodies("given back", got, "one")
		s.refused(change(43201), "InvalidParameterValue", "VisibilityTimeout")
		s.pass(45 * time.Second)
		s.wantBodies("after the retention period", s.receive(url, 0))
		s.refused(change(5), "InvalidParameterValue", "Message does not exist")
	})
}

func TestQueueForDeadLetters(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		dead := s.queue("dead")
		url := s.queue("events", "VisibilityTimeout=1", `RedrivePolicy={"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111111111111:dead","maxReceiveCount":"2"}`)
		s.send(url, "poison")
		for range 2 {
			s.wantBodies("the source", s.receive(url, 0), "poison")
			s.pass(time.Second)
		}
		s.wantBodies("the source at the third time", s.receive(url, 0))
		s.wantBodies("the queue of dead letters", s.receive(dead, 0), "poison")
	})
}

func TestBatches(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		client, url := s.sqs(provider), s.queue("events")
		s.send(url, "one", "two")
		got := s.receive(url, 0)
		entry := func(id string, handle *string) types.DeleteMessageBatchRequestEntry {
			return types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: handle}
		}
		remove := func(entries ...types.DeleteMessageBatchRequestEntry) (*sqs.DeleteMessageBatchOutput, error) {
			return client.DeleteMessageBatch(s.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries})
		}
		out := try(remove(entry("a", got[0].ReceiptHandle), entry("b", aws.String("x")))).must(s)
		if len(out.Successful) != 1 || *out.Successful[0].Id != "a" || len(out.Failed) != 1 || *out.Failed[0].Code != "ReceiptHandleIsInvalid" || !out.Failed[0].SenderFault {
			t.Errorf("batch %+v", out)
		}
		_, err := remove(entry("a", got[1].ReceiptHandle), entry("a", got[1].ReceiptHandle))
		s.refused(err, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated.")
		_, err = remove([]types.DeleteMessageBatchRequestEntry{}...)
		s.refused(err, "AWS.SimpleQueueService.EmptyBatchRequest", "at least one DeleteMessageBatchRequestEntry")
		s.pass(time.Minute)
		s.wantBodies("after the batch", s.receive(url, 0), "two")
		_, err = client.PurgeQueue(s.Context(), &sqs.PurgeQueueInput{QueueUrl: &url})
		must(s, 0, err)
		_, err = client.PurgeQueue(s.Context(), &sqs.PurgeQueueInput{QueueUrl: &url})
		s.refused(err, "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on events is allowed every 60 seconds.")
	})
}

func TestQueueTags(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		client := s.sqs(provider)
		out := try(client.CreateQueue(s.Context(), &sqs.CreateQueueInput{QueueName: aws.String("events"), Tags: map[string]string{"team": "risk"}})).must(s)
		_, err := client.TagQueue(s.Context(), &sqs.TagQueueInput{QueueUrl: out.QueueUrl, Tags: map[string]string{"env": "prod"}})
		must(s, 0, err)
		_, err = client.UntagQueue(s.Context(), &sqs.UntagQueueInput{QueueUrl: out.QueueUrl, TagKeys: []string{"team"}})
		must(s, 0, err)
		tags := try(client.ListQueueTags(s.Context(), &sqs.ListQueueTagsInput{QueueUrl: out.QueueUrl})).must(s).Tags
		if len(tags) != 1 || tags["env"] != "prod" {
			t.Errorf("tags %v", tags)
		}
		for _, o := range s.sim.Inventory() {
			if o.Type == "queue" && (o.ID != "arn:aws:sqs:us-east-1:111111111111:events" || o.Tags["env"] != "prod") {
				t.Errorf("the inventory has %+v", o)
			}
		}
	})
}

func TestQueueOfAnotherAccount(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events")
		send := func(account string) error {
			_, err := s.sqs(account).SendMessage(s.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("hello")})
			return err
		}
		s.refused(send(consumer), "AccessDenied", "is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:us-east-1:111111111111:events because no resource-based policy allows")
		_, err := s.sqs(consumer).GetQueueUrl(s.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("events"), QueueOwnerAWSAccountId: aws.String(provider)})
		s.refused(err, "AWS.SimpleQueueService.NonExistentQueue", "or you do not have access to it")
		must(s, 0, s.setQueue(url, `Policy={"Statement":{"Effect":"Allow","Principal":{"AWS":"`+consumer+`"},"Action":["SQS:SendMessage","sqs:DeleteQueue"],"Resource":"*"}}`))
		must(s, 0, send(consumer))
		must(s, 0, send(provider))
		_, err = s.sqs(consumer).DeleteQueue(s.Context(), &sqs.DeleteQueueInput{QueueUrl: &url})
		s.refused(err, "AccessDenied", "sqs:deletequeue")
		must(s, 0, s.setQueue(url, `Policy={"Statement":{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}}`))
		s.refused(send(provider), "AccessDenied", "explicit deny in a resource-based policy")
	})
}

// A long poll takes no time when there is a message, and its full time when
// there is none; whatever comes meanwhile ends it at once.
func TestLongPolling(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events", "ReceiveMessageWaitTimeSeconds=7", "VisibilityTimeout=3")
		began := time.Now()
		took := func(what string, want time.Duration) {
			t.Helper()
			if got := time.Since(began); got != want {
				t.Errorf("%s: took %s, want %s", what, got, want)
			}
			began = time.Now()
		}
		s.wantBodies("with nothing there", s.receive(url, 20))
		took("an empty poll", 20*time.Second)
		out := try(s.sqs(provider).ReceiveMessage(s.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})).must(s)
		s.wantBodies("by the queue's own time", out.Messages)
		took("an empty poll of the queue's own time", 7*time.Second)
		go func() {
			time.Sleep(5 * time.Second)
			s.send(url, "one")
		}()
		s.wantBodies("when one comes", s.receive(url, 20), "one")
		took("a poll until a message", 5*time.Second)
		s.wantBodies("when it comes into sight again", s.receive(url, 20), "one")
		took("a poll until the timeout of another receive", 3*time.Second)
		if n := len(s.sim.Calls()); n != 6 {
			t.Errorf("%d calls in the log; a poll is one", n)
		}
	})
}

// Other requests are served while one polls, and one message goes to one
// of several that poll.
func TestLongPollsSideBySide(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events")
		got := make(chan int, 3)
		for range 3 {
			go func() { got <- len(s.receive(url, 20)) }()
		}
		synctest.Wait()
		s.send(url, "one")
		total := 0
		for range 3 {
			total += <-got
		}
		if total != 1 {
			t.Errorf("one message was received %d times", total)
		}
	})
}

func TestLongPollEnds(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events")
		poll := func(ctx context.Context) chan error {
			ended := make(chan error, 1)
			go func() {
				_, err := s.sqs(provider).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		ctx, cancel := context.WithCancel(s.Context())
		ended := poll(ctx)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("a poll that was given up: %v", err)
		}
		ended = poll(s.Context())
		s.sim.Advance(20 * time.Second)
		if err := <-ended; err != nil {
			t.Errorf("a poll whose time was skipped: %v", err)
		}
		ended = poll(s.Context())
		must(s, 0, s.sim.Reset())
		s.refused(<-ended, "AWS.SimpleQueueService.NonExistentQueue", "")
	})
}

// A message whose answer was lost comes back when its timeout is over: it was
// received, only nobody knows.
func TestLostReceive(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events")
		must(s, 0, s.sim.Inject(Fault{Service: "sqs", Operation: "ReceiveMessage", Nth: 1, Effect: FaultLost}))
		s.send(url, "one")
		if _, err := s.sqs(provider).ReceiveMessage(s.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url}); err == nil {
			t.Error("the answer was not lost")
		}
		s.wantBodies("at once", s.receive(url, 0))
		s.pass(30 * time.Second)
		s.wantBodies("after the timeout", s.receive(url, 0), "one")
	})
}

func TestDeliveredTwice(t *testing.T) {
	for name, turn := range map[string]func(*World){
		"by a fault": nil,
		"by a knob":  func(w *World) { w.Knobs.Choices = map[string]bool{"deliverTwice": true} },
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, turn, func(s *stage) {
				url := s.queue("events")
				if turn == nil {
					must(s, 0, s.sim.Inject(Fault{Operation: "ReceiveMessage", Nth: 1, Effect: FaultTwice}))
				}
				s.send(url, "one")
				var ids []string
				for range 2 {
					out := try(s.sqs(provider).ReceiveMessage(s.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})).must(s)
					s.wantBodies("each time", out.Messages, "one")
					s.delete(url, out.Messages[0])
					ids = append(ids, *out.Messages[0].MessageId)
				}
				if ids[0] != ids[1] {
					t.Errorf("messages %q, want one twice", ids)
				}
				s.pass(time.Minute)
				s.wantBodies("in the end", s.receive(url, 0))
			})
		})
	}
}

// A role needs the right of the single operation for a batch, and is refused in
// SQS's own words.
func TestQueueRights(t *testing.T) {
	for want, c := range map[string]*call{
		"[sqs:DeleteMessage]":               {service: "sqs", op: "DeleteMessageBatch", in: M{}},
		"[sqs:ReceiveMessage]":              {service: "sqs", op: "ReceiveMessage", in: M{}},
		"[sqs:CreateQueue sqs:TagQueue]":    {service: "sqs", op: "CreateQueue", in: M{"tags": M{"a": "b"}}},
		"[sns:CreateTopic sns:TagResource]": {service: "sns", op: "CreateTopic", in: M{"Tags": []any{}}},
	} {
		if got := fmt.Sprint(c.actions()); got != want {
			t.Errorf("%s needs %s, want %s", c.op, got, want)
		}
	}
	refusal := (&call{service: "sqs", caller: caller{ARN: "me"}}).denied("sqs:ReceiveMessage")
	if refusal.Code != "AccessDeniedException" || refusal.Status != 403 || !strings.HasPrefix(refusal.Message, "User: me is not authorized to perform: sqs:receivemessage on") {
		t.Errorf("%+v", refusal)
	}
}

// Faults of AWS's side and throttles come in a form that its client sends again.
func TestQueueFaults(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		url := s.queue("events")
		for _, test := range []struct {
			fault Fault
			code  string
		}{
			{Fault{Effect: FaultThrottle}, "RequestThrottled"},
			{Fault{Effect: FaultExpired}, "ExpiredToken"},
			{Fault{Effect: FaultError, Code: "ServiceUnavailable", Status: 503}, "ServiceUnavailable"},
		} {
			test.fault.Service, test.fault.Nth = "sqs", 1
			must(s, 0, s.sim.Inject(test.fault))
			_, err := s.sqs(provider).ReceiveMessage(s.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
			s.refused(err, test.code, "")
		}
	})
}
