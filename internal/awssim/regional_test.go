package awssim

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
)

// Accounts of the world that these tests play in.
const (
	provider = "111111111111"
	consumer = "222222222222"
	dnsOwner = "444444444444"
)

// A stage is a simulator in a test, with the clients of its accounts.
type stage struct {
	*testing.T
	sim *Sim
}

// stageWorld has two VPCs at the provider, one at the consumer and a public
// zone at the owner of the DNS.
func stageWorld() World {
	subnets := map[string]WorldSubnet{
		"subnet-0a000000000000001": {CIDR: "10.20.1.0/24", ZoneID: "use1-az1"},
		"subnet-0a000000000000002": {CIDR: "10.20.2.0/24", ZoneID: "use1-az2"},
		"subnet-0a000000000000003": {CIDR: "10.20.3.0/24", ZoneID: "use1-az4"},
		"subnet-0a00000000000001b": {CIDR: "10.20.11.0/24", ZoneID: "use1-az1"},
		"subnet-0a00000000000009f": {CIDR: "10.20.99.0/28", ZoneID: "use1-az6", AvailableIPs: new(3)},
	}
	groups := map[string]WorldSecurityGroup{
		"sg-0a000000000000001": {Name: "one", Description: "first"},
		"sg-0a000000000000002": {Name: "two", Description: "second"},
	}
	other := WorldVPC{
		CIDR:           "10.30.0.0/16",
		Subnets:        map[string]WorldSubnet{"subnet-0b000000000000001": {CIDR: "10.30.1.0/24", ZoneID: "use1-az2"}},
		SecurityGroups: map[string]WorldSecurityGroup{"sg-0b000000000000001": {Name: "three", Description: "third"}},
	}
	return World{
		Seed:  "stage",
		Knobs: Knobs{NoThrottling: true, UnhealthyTargets: []string{"10.20.2.66"}},
		Accounts: map[string]WorldAccount{
			provider: {Regions: map[string]WorldRegion{"us-east-1": {VPCs: map[string]WorldVPC{
				"vpc-0a000000000000001": {CIDR: "10.20.0.0/16", Subnets: subnets, SecurityGroups: groups},
				"vpc-0b000000000000001": other,
			}}}},
			consumer: {},
			dnsOwner: {HostedZones: map[string]WorldZone{
				"Z0EXAMPLE": {Name: "payments.example.com", Records: []WorldRecord{
					{Name: "www.payments.example.com", Type: "A", Values: []string{"192.0.2.1"}},
				}},
			}},
		},
	}
}

const (
	vpcA, vpcB             = "vpc-0a000000000000001", "vpc-0b000000000000001"
	subnet1, subnet2       = "subnet-0a000000000000001", "subnet-0a000000000000002"
	subnet3, subnet1b      = "subnet-0a000000000000003", "subnet-0a00000000000001b"
	subnetFull, subnetB    = "subnet-0a00000000000009f", "subnet-0b000000000000001"
	group1, group2, groupB = "sg-0a000000000000001", "sg-0a000000000000002", "sg-0b000000000000001"
)

// onStage plays a test in virtual time, with the knobs turned as the test wants.
func onStage(t *testing.T, turn func(*World), play func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := stageWorld()
		if turn != nil {
			turn(&w)
		}
		sim, err := New(Options{World: w})
		if err != nil {
			t.Fatal(err)
		}
		play(&stage{T: t, sim: sim})
	})
}

func (s *stage) config(account, region string) aws.Config {
	return aws.Config{
		Region:           region,
		Credentials:      credentials.NewStaticCredentialsProvider(account, "secret", ""),
		HTTPClient:       s.sim.Client(),
		BaseEndpoint:     aws.String("http://aws.invalid"),
		RetryMaxAttempts: 1,
	}
}

func (s *stage) elb() *elb.Client {
	return elb.NewFromConfig(s.config(provider, "us-east-1"))
}

func (s *stage) ec2() *ec2.Client {
	return ec2.NewFromConfig(s.config(provider, "us-east-1"))
}

func (s *stage) route53(account string) *route53.Client {
	return route53.NewFromConfig(s.config(account, "us-east-1"))
}

func (s *stage) sns(account string) *sns.Client {
	return sns.NewFromConfig(s.config(account, "us-east-1"))
}

func (s *stage) tagging(account string) *tagging.Client {
	return tagging.NewFromConfig(s.config(account, "us-east-1"))
}

// pass lets virtual time go by.
func (s *stage) pass(d time.Duration) { time.Sleep(d) }

// must ends the test when a call that has to work does not.
func must[T any](s *stage, out T, err error) T {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// An outcome is what a call gave, for must.
type outcome[T any] struct {
	out T
	err error
}

// try takes a call's results as they come.
func try[T any](out T, err error) outcome[T] { return outcome[T]{out, err} }

func (o outcome[T]) must(s *stage) T {
	s.Helper()
	return must(s, o.out, o.err)
}

// refused checks AWS's error code and a piece of its text.
func (s *stage) refused(err error, code, text string) {
	s.Helper()
	var refusal smithy.APIError
	if !errors.As(err, &refusal) {
		s.Errorf("got %v, want %s", err, code)
		return
	}
	if refusal.ErrorCode() != code || !strings.Contains(refusal.ErrorMessage(), text) {
		s.Errorf("got %s: %s\nwant %s: …%s…", refusal.ErrorCode(), refusal.ErrorMessage(), code, text)
	}
}
