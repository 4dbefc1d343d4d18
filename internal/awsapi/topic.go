package awsapi

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// A Topic is a topic of SNS, to tell people something.
type Topic struct {
	client *sns.Client
	arn    string
}

// Topic is the topic of an ARN, in this place's region.
func (p *Place) Topic(arn string) *Topic { return &Topic{client: p.SNS, arn: arn} }

// Publish sends a message with a subject, which mail shows.
func (t *Topic) Publish(ctx context.Context, subject, message string) error {
	_, err := t.client.Publish(ctx, &sns.PublishInput{TopicArn: &t.arn, Subject: &subject, Message: &message})
	if err != nil && IsNotFound(err) {
		return fmt.Errorf("there is no topic %s; make it, or give its ARN as `aws sns list-topics` prints it: %w", t.arn, err)
	}
	return err
}
