package awsapi_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/planner"
)

func TestPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, err := awssim.New(awssim.Options{World: awssim.World{Accounts: map[string]awssim.WorldAccount{queueAccount: {}}}})
		if err != nil {
			t.Fatal(err)
		}
		api, err := awsapi.New(t.Context(), awsapi.Options{
			Accounts:    map[string]awsapi.Account{"home": {}},
			Credentials: &awsapi.Credentials{AccessKeyID: queueAccount, SecretAccessKey: "x"}, Transport: sim.Client().Transport,
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := api.Place(t.Context(), planner.Place{Account: "home", Region: "eu-west-1"})
		if err != nil {
			t.Fatal(err)
		}
		const missing = "arn:aws:sns:eu-west-1:" + queueAccount + ":nobody"
		if err := p.Topic(missing).Publish(t.Context(), "subject", "text"); err == nil || !strings.Contains(err.Error(), "there is no topic "+missing) {
			t.Errorf("publishing to nobody: %v", err)
		}
		made, err := p.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("told")})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Topic(aws.ToString(made.TopicArn)).Publish(t.Context(), "subject", "text"); err != nil {
			t.Error(err)
		}
	})
}
