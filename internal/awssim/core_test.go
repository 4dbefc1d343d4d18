package awssim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// The accounts of these tests: one that acts, one that is acted in.
const (
	homeAccount = "123456789012"
	roleAccount = "555555555555"
	homeVPC     = "vpc-0c000000000000001"
	homeSubnetA = "subnet-0c000000000000001"
	homeSubnetB = "subnet-0c000000000000002"
)

func coreWorld() World {
	return World{Seed: "core", Accounts: map[string]WorldAccount{
		homeAccount: {
			AccessKeys: []string{"AKIAHOMEHOMEHOME0001"},
			Zones:      map[string]string{"us-east-1a": "use1-az4", "us-east-1b": "use1-az1"},
			Regions: map[string]WorldRegion{"us-east-1": {VPCs: map[string]WorldVPC{homeVPC: {
				CIDR: "10.0.0.0/16",
				Subnets: map[string]WorldSubnet{
					homeSubnetA: {CIDR: "10.0.1.0/24", Zone: "us-east-1a", Tags: map[string]string{"tier": "private"}},
					homeSubnetB: {CIDR: "10.0.2.0/28", Zone: "us-east-1b", AvailableIPs: aws.Int(2)},
				},
			}}}},
		},
		roleAccount: {Roles: map[string]WorldRole{
			"open":     {Trust: []string{homeAccount}},
			"narrow":   {Trust: []string{"arn:aws:iam::" + homeAccount + ":user/developer"}, ExternalID: "secret", Actions: []string{"ec2:Describe*"}},
			"nobody":   {Trust: []string{"999999999999"}},
			"chained":  {Trust: []string{"arn:aws:iam::" + roleAccount + ":role/open"}, MaxSession: 12 * time.Hour},
			"anybody":  {Trust: []string{"*"}, Path: "/teams/"},
			"endpoint": {Trust: []string{"*"}, Actions: []string{"ec2:CreateSecurityGroup"}},
		}},
	}}
}

// A rig is a simulator under test.
type rig struct {
	*testing.T
	sim *Sim
}

// inBubble runs a test in virtual time, on a simulator of the options.
func inBubble(t *testing.T, options Options, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if options.World.Accounts == nil {
			options.World = coreWorld()
		}
		sim, err := New(options)
		if err != nil {
			t.Fatal(err)
		}
		test(&rig{T: t, sim: sim})
	})
}

// as is the SDK's configuration of an access key without session.
func (r *rig) as(key string) aws.Config {
	return r.with(aws.Credentials{AccessKeyID: key, SecretAccessKey: "x"})
}

func (r *rig) with(c aws.Credentials) aws.Config {
	return aws.Config{
		Region: "us-east-1", HTTPClient: r.sim.Client(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	}
}

func (r *rig) ec2() *ec2.Client { return ec2.NewFromConfig(r.as(homeAccount)) }

// assume takes a role's session keys.
func (r *rig) assume(from aws.Config, in *sts.AssumeRoleInput) (aws.Credentials, error) {
	r.Helper()
	if in.RoleSessionName == nil {
		in.RoleSessionName = aws.String("test")
	}
	out, err := sts.NewFromConfig(from).AssumeRole(r.Context(), in)
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey,
		SessionToken: *out.Credentials.SessionToken, Expires: *out.Credentials.Expiration, CanExpire: true,
	}, nil
}

// must fails the test on an error.
func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// refused fails the test unless err is AWS's refusal of that code, with the text in it.
func (r *rig) refused(err error, code, text string) {
	r.Helper()
	if got := refusalCode(err); got != code || !strings.Contains(err.Error(), text) {
		r.Errorf("got %v, want %s with %q", err, code, text)
	}
}

func refusalCode(err error) string {
	if err == nil {
		return "no refusal"
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return "not AWS's: " + err.Error()
}

// form sends a query request by hand, as the SDK would never send it.
func (r *rig) form(service string, params ...string) (int, string) {
	r.Helper()
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://aws.test/", strings.NewReader(form.Encode()))
	r.must(err)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+homeAccount+"/20300101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	return r.send(req)
}

func (r *rig) send(req *http.Request) (int, string) {
	r.Helper()
	answer, err := r.sim.Client().Do(req)
	r.must(err)
	body, err := io.ReadAll(answer.Body)
	r.must(err)
	return answer.StatusCode, string(body)
}

// control speaks to the simulator's own endpoints.
func (r *rig) control(method, path, body string, into any) {
	r.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://aws.test"+path, strings.NewReader(body))
	r.must(err)
	status, text := r.send(req)
	if status != http.StatusOK {
		r.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if into != nil {
		r.must(json.Unmarshal([]byte(text), into))
	}
}
