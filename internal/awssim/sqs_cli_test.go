package awssim

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// The aws client works with queues and with topics that send to them: what it
// sends is understood, and it understands answers and refusals.
func TestQueuesByCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("the aws CLI takes its time")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("aws CLI not installed")
	}
	t.Parallel()
	sim, err := New(Options{World: stageWorld()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	defer server.Close()
	run := func(account, command string) string {
		// Version 1 of the aws client takes no heed of AWS_ENDPOINT_URL for SQS.
		return awsCLI(t, server.URL, account, command+" --endpoint-url "+server.URL)
	}
	s := &stage{T: t, sim: sim}
	topic := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
	s.queue("events", snsPolicy(topic))
	s.queue("kept", "VisibilityTimeout=60")
	at := server.URL + "/" + provider + "/"
	s.send(at+"kept", "direct")
	try(s.subscribe(provider, topic, eventsQueue, "RawMessageDelivery=true")).must(s)
	s.publish(topic, "news")
	var running sync.WaitGroup
	for _, c := range []struct{ account, command, want string }{
		{provider, "sqs create-queue --queue-name kept --attributes VisibilityTimeout=61", "(QueueAlreadyExists) when calling the CreateQueue operation: A queue already exists with the same name and a different value for attribute VisibilityTimeout"},
		{provider, "sqs create-queue --queue-name new --attributes VisibilityTimeout=61 --tags team=risk --output text", at + "new"},
		{provider, "sqs get-queue-url --queue-name ghost", "(AWS.SimpleQueueService.NonExistentQueue) when calling the GetQueueUrl operation: The specified queue does not exist."},
		{provider, "sqs get-queue-attributes --queue-url $AT/events --attribute-names Policy --query Attributes.Policy --output text", "sns.amazonaws.com"},
		{provider, "sqs receive-message --queue-url $AT/events --wait-time-seconds 5 --query Messages[].Body --output text", "news"},
		{provider, "sqs receive-message --queue-url $AT/kept --attribute-names All --query Messages[].[Body,Attributes.ApproximateReceiveCount] --output text", "direct\t1"},
		{provider, "sqs delete-message --queue-url $AT/kept --receipt-handle x", "(ReceiptHandleIsInvalid)"},
		{provider, "sns subscribe --topic-arn " + topic + " --protocol sqs --notification-endpoint " + eventsQueue + " --output text", topic + ":"},
		{consumer, "sqs send-message --queue-url $AT/kept --message-body x", "(AccessDenied) when calling the SendMessage operation: User: arn:aws:iam::" + consumer},
	} {
		running.Go(func() {
			command := strings.ReplaceAll(c.command, "$AT/", at)
			if got := run(c.account, command); !strings.Contains(got, c.want) {
				t.Errorf("aws %s\nprints\n%s\nwant\n%s", command, got, c.want)
			}
		})
	}
	running.Wait()
}

// A poll over a real connection ends when the client goes away, and takes no
// message with it.
func TestPollEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	sim, err := New(Options{World: stageWorld()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	s := &stage{T: t, sim: sim}
	url := s.queue("events")
	ask := func(body string, timeout time.Duration) error {
		client := server.Client()
		client.Timeout = timeout
		req, err := newJSONRequest(server.URL, "sqs", "AmazonSQS.ReceiveMessage", body)
		if err != nil {
			return err
		}
		answer, err := client.Do(req)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	if err := ask(`{"QueueUrl": "`+url+`", "WaitTimeSeconds": 20}`, 50*time.Millisecond); err == nil {
		t.Error("an empty poll was answered at once")
	}
	server.Close() // waits for handlers that are still at it
	s.send(url, "one")
	s.wantBodies("after the poll", s.receive(url, 0), "one")
}

func newJSONRequest(server, service, target, body string) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, server, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+provider+"/20300101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	req.Header.Set("X-Amz-Target", target)
	return req, nil
}
