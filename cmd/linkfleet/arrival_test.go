package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/forge/forgetest"
	"github.com/linkfleet/linkfleet/planner"
)

const (
	eventTopic = "arn:aws:sns:us-east-1:111111111111:events"
	eventQueue = "arn:aws:sqs:us-east-1:111111111111:events"
)

// A partner who connects between two runs is accepted because AWS tells of it:
// nothing is polled and nothing is scheduled.
func TestPartnerIsAcceptedWhenItComes(t *testing.T) {
	t.Parallel()
	s := newStory(t, forgetest.GitHub).byHTTP()
	url := s.makesQueue()
	v := s.serves("--drift", "", "--events-queue", url, "--events-region", "us-east-1")
	v.delivers(forgetest.Delivery{Branch: "main", After: v.repo.Git("rev-parse", "main")})
	v.eventually("the fleet stands", func() bool { return v.applied(v.repo.Git("rev-parse", "main")) })
	s.subscribes()
	id := s.connects()
	began := time.Now()
	v.eventually("the partner's connection is accepted", func() bool { return s.connection(id) == "available" })
	t.Logf("it was accepted after %s", time.Since(began).Round(time.Millisecond))
	v.ends()
}

// place is an account of the story as its administrator, or a role, reaches it.
func (s *story) place(account, role string) *awsapi.Place {
	s.Helper()
	api, err := awsapi.New(s.Context(), awsapi.Options{
		Accounts: map[string]awsapi.Account{"at": {ID: account, RoleARN: role}}, SessionName: "hand", Endpoint: s.aws, Speed: storySpeed,
		Credentials: &awsapi.Credentials{AccessKeyID: account, SecretAccessKey: "x"},
	})
	if err != nil {
		s.Fatal(err)
	}
	place, err := api.Place(s.Context(), planner.Place{Account: "at", Region: "us-east-1"})
	if err != nil {
		s.Fatal(err)
	}
	return place
}

// makesQueue makes a queue that the topic may send to and linkfleet may read.
func (s *story) makesQueue() (url string) {
	s.Helper()
	statement := func(principal, actions, condition string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Principal":%s,"Action":%s,"Resource":%q%s}`, principal, actions, eventQueue, condition)
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[%s,%s]}`,
		statement(`{"Service":"sns.amazonaws.com"}`, `"sqs:SendMessage"`, fmt.Sprintf(`,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}`, eventTopic)),
		statement(`{"AWS":"123456789012"}`, `["sqs:ReceiveMessage","sqs:DeleteMessage"]`, ""))
	made, err := s.place("111111111111", "").SQS.CreateQueue(s.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("events"), Attributes: map[string]string{"Policy": policy},
	})
	if err != nil {
		s.Fatal(err)
	}
	return aws.ToString(made.QueueUrl)
}

func (s *story) subscribes() {
	s.Helper()
	_, err := s.place("111111111111", "").SNS.Subscribe(s.Context(), &sns.SubscribeInput{
		TopicArn: aws.String(eventTopic), Protocol: aws.String("sqs"), Endpoint: aws.String(eventQueue),
	})
	if err != nil {
		s.Fatal(err)
	}
}

// connects makes an endpoint as the partner's role.
func (s *story) connects() (id string) {
	s.Helper()
	services, err := s.place("111111111111", "").EC2.DescribeVpcEndpointServiceConfigurations(s.Context(), &ec2.DescribeVpcEndpointServiceConfigurationsInput{})
	if err != nil || len(services.ServiceConfigurations) != 1 {
		s.Fatalf("services: %+v (%v)", services, err)
	}
	made, err := s.place("333333333333", "arn:aws:iam::333333333333:role/client").EC2.CreateVpcEndpoint(s.Context(), &ec2.CreateVpcEndpointInput{
		VpcEndpointType: ec2types.VpcEndpointTypeInterface, VpcId: aws.String("vpc-0b0000000000000c1"),
		ServiceName: services.ServiceConfigurations[0].ServiceName, SubnetIds: []string{"subnet-0b0000000000000c1"},
	})
	if err != nil {
		s.Fatal(err)
	}
	return aws.ToString(made.VpcEndpoint.VpcEndpointId)
}

// connection is the state of an endpoint's connection.
func (s *story) connection(endpoint string) string {
	for _, o := range s.sim.Inventory() {
		if o.Type == "connection" && strings.Contains(o.ID, endpoint) {
			return o.State
		}
	}
	return "none"
}
