package awsapi

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// What Receive may ask for.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
const (
	// MostMessages is how many messages one request can bring.
	MostMessages = 10
	// LongestPoll is how long one request can wait for a message.
	LongestPoll = 20 * time.Second
)

// A Queue is a standard queue of SQS, by whose messages we are told of
// something. A run that only reads must not touch it: neither Receive nor
// Delete is sent then.
type Queue struct {
	client *sqs.Client
	url    string
	region string
}

// Queue is the queue of a URL, in this place's region.
func (p *Place) Queue(url string) *Queue {
	return &Queue{client: p.SQS, url: url, region: region(p.Place)}
}

// A Received is one receive of a message. Of a standard queue a message may be
// received more than once, also after it was deleted.
type Received struct {
	ID, Body string
	// Handle deletes the message, if it is of the message's last receive.
	Handle string
	// Sent is when the message came into the queue, to the millisecond;
	// zero if AWS does not tell.
	Sent time.Time
	// Times is how often it was received, this time included; 0 if AWS
	// does not tell.
	Times int
}

// Receive gives up to most messages (1 to MostMessages), and waits so long
// (whole seconds, up to LongestPoll) until there is one; then there may be
// none. What it gives is out of everybody's sight for the queue's visibility
// timeout, and then comes again unless it is deleted. So it does if ctx ends
// while an answer is on its way.
func (q *Queue) Receive(ctx context.Context, most int, wait time.Duration) ([]Received, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            &q.url,
		MaxNumberOfMessages: int32(min(max(most, 1), MostMessages)),
		WaitTimeSeconds:     int32(min(max(wait, 0), LongestPoll) / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount,
		},
	})
	if err != nil {
		return nil, q.explain(err)
	}
	received := make([]Received, len(out.Messages))
	for i, m := range out.Messages {
		received[i] = receivedOf(m)
	}
	return received, nil
}

func receivedOf(m types.Message) Received {
	r := Received{ID: aws.ToString(m.MessageId), Body: aws.ToString(m.Body), Handle: aws.ToString(m.ReceiptHandle)}
	if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		r.Sent = time.UnixMilli(ms)
	}
	r.Times, _ = strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]) // 0 where it is no number
	return r
}

// Delete deletes the message of a handle. One that has gone already is no
// matter.
func (q *Queue) Delete(ctx context.Context, handle string) error {
	_, err := q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: &handle})
	return q.explain(err)
}

// explain says what to do about a queue that is not there.
func (q *Queue) explain(err error) error {
	if err != nil && IsNotFound(err) {
		return fmt.Errorf("there is no queue %s in %s; make it, or give its URL as `aws sqs get-queue-url` prints it: %w", q.url, q.region, err)
	}
	return err
}
