package awssim

import (
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// The aws client works with load balancers, zones, topics and tags: what it
// sends is understood, and it understands answers and refusals.
func TestRegionalByCommandLine(t *testing.T) {
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
	s := &stage{T: t, sim: sim}
	b, g := s.balancer(nlb("fraud", subnet1, subnet2)), s.group(tcpGroup("fraud"))
	s.listener(b, g, 8443)
	must(s, 0, s.register(g, targets("10.20.1.10", "10.20.2.10")...))
	topic := s.topic(&sns.CreateTopicInput{Name: aws.String("events")})
	must(s, 0, s.setTopic(topic, "Policy", vpcePolicy("*", "*")))

	arns := strings.NewReplacer("$LB", *b.LoadBalancerArn, "$TG", *g.TargetGroupArn, "$TOPIC", topic)
	var running sync.WaitGroup
	for _, c := range []struct{ account, command, want string }{
		{provider, "elbv2 create-load-balancer --name second --type network --scheme internal --subnet-mappings SubnetId=" + subnet1 +
			",PrivateIPv4Address=10.20.1.77 --security-groups " + group1 + " --tags Key=team,Value=risk" +
			" --query LoadBalancers[0].AvailabilityZones[0].LoadBalancerAddresses[0].PrivateIPv4Address", `"10.20.1.77"`},
		{provider, "elbv2 delete-target-group --target-group-arn $TG",
			"An error occurred (ResourceInUse) when calling the DeleteTargetGroup operation: Target group '$TG' is currently in use by a listener or a rule"},
		{provider, "resourcegroupstaggingapi get-resources --tag-filters Key=team,Values=none --query 'length(ResourceTagMappingList)'", "0\n"},
		{dnsOwner, `route53 change-resource-record-sets --hosted-zone-id Z0EXAMPLE --change-batch '{"Changes":[{"Action":"CREATE","ResourceRecordSet":` +
			`{"Name":"www.payments.example.com","Type":"A","TTL":60,"ResourceRecords":[{"Value":"192.0.2.2"}]}}]}'`,
			"(InvalidChangeBatch) when calling the ChangeResourceRecordSets operation: [Tried to create resource record set [name='www.payments.example.com.', type='A'] but it already exists]"},
		{provider, "sns get-topic-attributes --topic-arn $TOPIC --query Attributes.Policy --output text", "vpce.amazonaws.com"},
		{consumer, "sns publish --topic-arn $TOPIC --message hello", "(AuthorizationError)"},
	} {
		running.Go(func() {
			command, want := arns.Replace(c.command), arns.Replace(c.want)
			if got := awsCLI(t, server.URL, c.account, command); !strings.Contains(got, want) {
				t.Errorf("aws %s\nprints\n%s\nwant\n%s", command, got, want)
			}
		})
	}
	running.Wait()
}
