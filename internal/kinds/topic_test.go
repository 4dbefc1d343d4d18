package kinds_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/schema"
)

// A topic that was let go a moment ago is neither changed nor deleted on the
// word of AWS's index of tags, which has not heard of it yet.
func TestTopicThatWasLetGo(t *testing.T) {
	tests := map[string]func(*schema.Fleet){
		"unwanted": func(f *schema.Fleet) {
			for _, s := range f.Services {
				s.Notifications = nil
			}
		},
		"shared by fewer": func(f *schema.Fleet) { f.Services["fraud"].Notifications = nil },
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				world, err := awssim.LoadWorld(exampleDir + "/sandbox/world.cue")
				if err != nil {
					t.Fatal(err)
				}
				world.Knobs.Latencies = map[string]time.Duration{"taggingLag": 30 * time.Second}
				s := stage.New(t, world, exampleFleet(t))
				s.Converge()
				time.Sleep(time.Hour)
				s.WantEmpty() // the index knows all
				hand, topic := s.Hands(platformID, region).SNS, aws.String("arn:aws:sns:"+region+":"+platformID+":"+topicName(s.Fleet))
				if _, err := hand.UntagResource(t.Context(), &sns.UntagResourceInput{
					ResourceArn: topic, TagKeys: []string{kinds.TagFleet, kinds.TagAddress},
				}); err != nil {
					t.Fatal(err)
				}
				before, err := hand.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic})
				if err != nil {
					t.Fatal(err)
				}
				edit(s.Fleet)
				if err := s.Apply().Err(); err == nil || !strings.Contains(err.Error(), "is left as it is") {
					t.Errorf("the apply says %v", err)
				}
				after, err := hand.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic})
				if err != nil || after.Attributes["Policy"] != before.Attributes["Policy"] {
					t.Errorf("the topic was changed: %v, %v", after, err)
				}
			})
		})
	}
}

func topicName(f *schema.Fleet) string { return f.Services["fraud"].Notifications.Topic }
