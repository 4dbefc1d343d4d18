// Package events reads what AWS tells of the connections of endpoint services:
// connection notifications, which an SNS topic sends on to a queue of SQS.
//
// An event never decides anything. The Git repository is the registry of who
// may connect, and what is connected, AWS says when it is asked. A message
// could be forged by whoever may send to the topic or the queue, be late, come
// twice or not at all. So it only wakes a run, which reads everything for
// itself and would have come by its schedule anyway; what the message says is
// for the log.
//
// The queue is the fleet owner's. It wants a policy that lets sns.amazonaws.com
// send for the topic (aws:SourceArn), a subscription of the topic, with or
// without raw message delivery, and of whoever reads it the IAM actions
// [Actions].
package events

import (
	"context"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
)

// Actions are the IAM actions that reading a queue needs, on the queue itself.
// A queue under a key of KMS needs kms:Decrypt on the key besides.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
func Actions() []string { return []string{"sqs:DeleteMessage", "sqs:ReceiveMessage"} }

// A Queue is where messages come from; [awsapi.Queue] is one.
type Queue interface {
	// Receive gives up to most messages and waits so long for the first.
	Receive(ctx context.Context, most int, wait time.Duration) ([]awsapi.Received, error)
	// Delete deletes the message of a handle.
	Delete(ctx context.Context, handle string) error
}

// A Reader reads a queue.
type Reader struct{ queue Queue }

// NewReader reads queue.
func NewReader(queue Queue) *Reader { return &Reader{queue: queue} }

// A Message is a message of the queue. It comes again after the queue's
// visibility timeout (30 s unless set) until it is acknowledged.
type Message struct {
	Notice
	// ID is SQS's, the same each time the message comes.
	ID string
	// Sent is when the message came into the queue by AWS's clock, zero if
	// AWS does not tell; Received when it came to us.
	Sent, Received time.Time
	// Unclear is why the message is not understood, in one clause without a
	// word of the message itself; empty if it is. Of a message that is not,
	// the Notice is empty.
	//
	// It is to be acknowledged like any other. Left in the queue it would
	// come again with every timeout for as long as the queue keeps messages
	// (4 days unless set), and a few like it would take the place of those
	// that are understood. Nothing is lost with it: what it was to tell, the
	// next run finds by itself.
	Unclear string

	handle string
	queue  Queue
}

// Ack deletes the message from the queue. A message that is acknowledged only
// after what it woke is under way survives a crash in between.
func (m Message) Ack(ctx context.Context) error {
	if err := m.queue.Delete(ctx, m.handle); err != nil {
		return fmt.Errorf("acknowledging message %s: %w", m.ID, err)
	}
	return nil
}

// Next waits for messages and gives those that are there, ten at most; none
// after 20 s in which none came. It asks AWS once. An error that is not of ctx
// may last, as when a right is missing: callers pause before they try again.
func (r *Reader) Next(ctx context.Context) ([]Message, error) {
	received, err := r.queue.Receive(ctx, awsapi.MostMessages, awsapi.LongestPoll)
	if err != nil {
		return nil, fmt.Errorf("receiving connection events: %w", err)
	}
	messages := make([]Message, len(received))
	for i, m := range received {
		messages[i] = Message{ID: m.ID, Sent: m.Sent, Received: time.Now(), handle: m.Handle, queue: r.queue}
		notice, err := Parse(m.Body)
		if err != nil {
			messages[i].Unclear = err.Error()
			continue
		}
		messages[i].Notice = notice
	}
	return messages, nil
}
