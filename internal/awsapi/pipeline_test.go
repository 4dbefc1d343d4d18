package awsapi

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/planner"
)

// Each service's throttle is retried, in its own words.
func TestThrottlesAreRetried(t *testing.T) {
	isolate(t)
	for name, test := range map[string]struct {
		action  string
		refusal func() reply
		call    func(context.Context, *Place) error
	}{
		"EC2": {"CreateVpcEndpoint",
			func() reply { return ec2Error(503, "RequestLimitExceeded", "Request limit exceeded.") },
			func(ctx context.Context, p *Place) error {
				_, err := p.EC2.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{VpcId: aws.String("vpc-1")})
				return err
			}},
		"EC2 with status 400": {"DescribeVpcs",
			func() reply { return ec2Error(400, "RequestLimitExceeded", "Request limit exceeded.") },
			describeVpcs},
		"ELBv2": {"DescribeLoadBalancers",
			func() reply { return queryError(400, "Throttling", "Rate exceeded") },
			func(ctx context.Context, p *Place) error {
				_, err := p.ELB.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{})
				return err
			}},
		"SNS": {"CreateTopic",
			func() reply { return queryError(429, "Throttled", "Rate exceeded") },
			func(ctx context.Context, p *Place) error {
				_, err := p.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("x")})
				return err
			}},
		"SNS with status 400": {"CreateTopic",
			func() reply { return queryError(400, "Throttled", "Rate exceeded") },
			func(ctx context.Context, p *Place) error {
				_, err := p.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("x")})
				return err
			}},
		"Route 53": {"POST",
			func() reply { return queryError(400, "Throttling", "Rate exceeded") },
			changeRecords},
		"STS": {"AssumeRole",
			func() reply { return queryError(400, "Throttling", "Rate exceeded") },
			func(ctx context.Context, p *Place) error { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				refusals := 5
				f := &fakeAWS{answer: func(r request) reply {
					if r.action != test.action || refusals == 0 {
						return reply{}
					}
					refusals--
					return test.refusal()
				}}
				a := newAPI(t, options(f))
				p := placeOf(t, a, "risk", "us-east-1")
				if err := test.call(t.Context(), p); err != nil {
					t.Fatal(err)
				}
				if n := len(f.sent(test.action)); n != 6 {
					t.Errorf("%d requests, want 6", n)
				}
			})
		})
	}
}

func describeVpcs(ctx context.Context, p *Place) error {
	_, err := p.EC2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	return err
}

func changeRecords(ctx context.Context, p *Place) error {
	_, err := p.Route53.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String("Z1"),
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{
			Action:            types.ChangeActionUpsert,
			ResourceRecordSet: &types.ResourceRecordSet{Name: aws.String("x."), Type: types.RRTypeTxt},
		}}},
	})
	return err
}

// What goes on for long is told after so many attempts and so much time, as
// something that passes.
func TestRetriesEnd(t *testing.T) {
	isolate(t)
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for name, test := range map[string]struct {
		answer   func(request) reply
		attempts int
		within   time.Duration // of AWS's clock
	}{
		"throttled":          {func(request) reply { return ec2Error(503, "RequestLimitExceeded", "") }, maxAttempts, 2 * time.Minute},
		"failing":            {func(request) reply { return ec2Error(500, "InternalError", "") }, maxAttempts, 30 * time.Second},
		"gateway":            {func(request) reply { return reply{status: 502, body: strings.NewReader("<html>Bad Gateway")} }, maxAttempts, 30 * time.Second},
		"connection reset":   {func(request) reply { return reply{lost: syscall.ECONNRESET} }, maxAttempts, 30 * time.Second},
		"answer broken off":  {func(request) reply { return reply{status: 200, body: brokenBody()} }, maxAttempts, 30 * time.Second},
		"connection refused": {func(request) reply { return reply{lost: refused} }, dialAttempts, 2 * time.Second},
	} {
		for _, speed := range []float64{1, 100} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &fakeAWS{answer: test.answer}
					o := options(f)
					o.Speed = speed
					p := placeOf(t, newAPI(t, o), "base", "us-east-1")
					start := time.Now()
					err := describeVpcs(t.Context(), p)
					if !IsBusy(err) {
						t.Errorf("the error is not one that passes: %v", err)
					}
					if n := len(f.sent("DescribeVpcs")); n != test.attempts {
						t.Errorf("%d attempts, want %d", n, test.attempts)
					}
					if took := time.Since(start); took > scaled(test.within, speed) {
						t.Errorf("at speed %v it took %v", speed, took)
					}
				})
			})
		}
	}
}

// What has had its own retries is not retried by who waits for it.
func TestNoRetriesOfRetries(t *testing.T) {
	lost := &smithyhttp.RequestSendError{Err: syscall.ECONNRESET}
	for err, want := range map[error]bool{
		lost:                                 true,
		&assumeError{"role", lost}:           false,
		&credentialsError{lost}:              false,
		&verdict{err: lost}:                  false,
		&verdict{io.EOF, true}:               true,
		errors.New("something else"):         false,
		&aws.RequestCanceledError{Err: lost}: false,
	} {
		if got := newRetryer(1).IsErrorRetryable(err); got != want {
			t.Errorf("%T %v is retried: %v, want %v", err, err, got, want)
		}
	}
}

// brokenBody ends early.
func brokenBody() io.Reader {
	return io.MultiReader(strings.NewReader("<DescribeVpcsResponse><vpcSet>"), errorReader{io.ErrUnexpectedEOF})
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// The SDK takes all of these for a list without items. None is sent again.
func TestImplausibleAnswers(t *testing.T) {
	isolate(t)
	for name, body := range map[string]string{
		"empty":       "",
		"blank":       " \n",
		"portal":      "<!DOCTYPE html><html><body>Please log in</body></html>",
		"text":        "OK",
		"list":        "[]",
		"other XML":   `<?xml version="1.0"?><ListBucketResult/>`,
		"broken XML":  "<DescribeVpcsResponse><vpcSet>",
		"broken head": "<?xml",
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeAWS{answer: func(request) reply { return ok(body) }}
			p := placeOf(t, newAPI(t, options(f)), "base", "us-east-1")
			if err := describeVpcs(t.Context(), p); err == nil || IsBusy(err) {
				t.Errorf("DescribeVpcs: %v", err)
			}
			if n := len(f.sent("DescribeVpcs")); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestReadOnly(t *testing.T) {
	isolate(t)
	f := &fakeAWS{}
	o := options(f)
	o.ReadOnly = true
	p := placeOf(t, newAPI(t, o), "risk", "us-east-1")
	ctx := t.Context()
	if err := describeVpcs(ctx, p); err != nil {
		t.Error(err)
	}
	if _, err := p.Tagging.GetResources(ctx, &tagging.GetResourcesInput{}); err != nil {
		t.Error(err)
	}
	if _, err := p.SNS.ListTopics(ctx, &sns.ListTopicsInput{}); err != nil {
		t.Error(err)
	}
	sent := len(f.seen)
	for _, change := range []func() error{
		func() error { return changeRecords(ctx, p) },
		func() error {
			_, err := p.EC2.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{})
			return err
		},
		func() error {
			_, err := p.EC2.AcceptVpcEndpointConnections(ctx, &ec2.AcceptVpcEndpointConnectionsInput{})
			return err
		},
		func() error {
			_, err := p.ELB.SetSubnets(ctx, &elb.SetSubnetsInput{})
			return err
		},
		func() error {
			_, err := p.SNS.DeleteTopic(ctx, &sns.DeleteTopicInput{})
			return err
		},
		func() error {
			_, err := p.Tagging.TagResources(ctx, &tagging.TagResourcesInput{})
			return err
		},
	} {
		if err := change(); !errors.Is(err, ErrReadOnly) || IsBusy(err) {
			t.Errorf("a change in a read-only run: %v", err)
		}
	}
	if len(f.seen) != sent {
		t.Errorf("sent: %v", f.seen[sent:])
	}
}

func TestCalls(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		answers := []reply{
			ec2Error(503, "RequestLimitExceeded", ""), ec2Error(500, "InternalError", ""), {lost: syscall.ECONNRESET}, {}, // one call
			ec2Error(400, "InvalidParameterValue", ""), // another
		}
		f := &fakeAWS{answer: func(r request) reply {
			if r.action != "DescribeVpcs" || len(answers) == 0 {
				return reply{}
			}
			first := answers[0]
			answers = answers[1:]
			return first
		}}
		a := newAPI(t, options(f))
		if len(a.Calls()) != 0 {
			t.Errorf("before any call: %v", a.Calls())
		}
		p := placeOf(t, a, "risk", "eu-west-1")
		if err := describeVpcs(t.Context(), p); err != nil {
			t.Error(err)
		}
		if err := describeVpcs(t.Context(), p); Code(err) != "InvalidParameterValue" {
			t.Error(err)
		}
		if err := describeVpcs(t.Context(), placeOf(t, a, "risk", "us-east-1")); err != nil {
			t.Error(err)
		}
		if err := changeRecords(t.Context(), placeOf(t, a, "base", planner.Global)); err != nil {
			t.Error(err)
		}
		if _, err := p.ELB.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{}); err != nil {
			t.Error(err)
		}
		want := []CallCount{
			{Service: "ec2", Operation: "DescribeVpcs", Account: "risk", Region: "eu-west-1", Calls: 5, Throttled: 1, Errors: 3},
			{Service: "ec2", Operation: "DescribeVpcs", Account: "risk", Region: "us-east-1", Calls: 1},
			{Service: "elasticloadbalancing", Operation: "DescribeLoadBalancers", Account: "risk", Region: "eu-west-1", Calls: 1},
			{Service: "route53", Operation: "ChangeResourceRecordSets", Account: "base", Region: "us-east-1", Calls: 1},
			{Service: "sts", Operation: "AssumeRole", Account: "risk", Region: "eu-west-1", Calls: 1},
			{Service: "sts", Operation: "AssumeRole", Account: "risk", Region: "us-east-1", Calls: 1},
		}
		if diff := cmp.Diff(want, a.Calls()); diff != "" {
			t.Error("calls (-want +got):\n" + diff)
		}
	})
}
