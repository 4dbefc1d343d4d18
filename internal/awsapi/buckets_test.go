package awsapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/planner"
)

// theirs is AWS's side of a bucket.
type theirs struct {
	size, refill, speed float64

	mu     sync.Mutex
	tokens float64
	last   time.Time
}

// take tells whether there was a token.
func (b *theirs) take(at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last.IsZero() {
		b.tokens, b.last = b.size, at
	}
	b.tokens = min(b.size, b.tokens+at.Sub(b.last).Seconds()*b.refill*b.speed)
	b.last = at
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// AWS's own bucket never runs dry, and yet most of its rate is used. Attempts
// that fail on AWS's side take their tokens like others.
func TestRateIsKept(t *testing.T) {
	isolate(t)
	for _, speed := range []float64{1, 60} {
		synctest.Test(t, func(t *testing.T) {
			bucket := &theirs{size: 4, refill: 0.3, speed: speed}
			n := 0
			var mu sync.Mutex
			f := &fakeAWS{answer: func(r request) reply {
				if r.action != "CreateVpcEndpoint" {
					return reply{}
				}
				if !bucket.take(r.at) {
					return ec2Error(503, "RequestLimitExceeded", "Request limit exceeded.")
				}
				mu.Lock()
				defer mu.Unlock()
				if n++; n%5 == 0 {
					return ec2Error(500, "InternalError", "An internal error has occurred")
				}
				return reply{}
			}}
			o := options(f)
			o.Speed = speed
			a := newAPI(t, o)
			p := placeOf(t, a, "risk", "us-east-1")
			const creates = 120
			start := time.Now()
			var wg sync.WaitGroup
			for range creates {
				wg.Go(func() {
					if _, err := p.EC2.CreateVpcEndpoint(t.Context(), &ec2.CreateVpcEndpointInput{VpcId: aws.String("vpc-1")}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			sent := float64(len(f.sent("CreateVpcEndpoint")))
			least := time.Duration((sent - 4) / 0.3 / speed * float64(time.Second))
			if took := time.Since(start); took < least || took > least*106/100 {
				t.Errorf("at speed %v, %v requests took %v, want %v or a little more", speed, sent, took, least)
			}
			for _, c := range a.Calls() {
				if c.Throttled != 0 {
					t.Errorf("at speed %v, AWS's bucket ran dry: %+v", speed, c)
				}
			}
		})
	}
}

// Where others have emptied AWS's bucket, one refusal tells, and what comes
// after is sent at the rate at which it refills.
func TestRefusalSlowsOthers(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		bucket := &theirs{size: 100, refill: 20, speed: 1, last: time.Now()}
		f := &fakeAWS{answer: func(r request) reply {
			if !bucket.take(r.at) {
				return ec2Error(503, "RequestLimitExceeded", "Request limit exceeded.")
			}
			return reply{}
		}}
		a := newAPI(t, options(f))
		p := placeOf(t, a, "base", "us-east-1")
		var wg sync.WaitGroup
		for range 60 {
			wg.Go(func() {
				if err := describeVpcs(t.Context(), p); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(10 * time.Millisecond)
		}
		wg.Wait()
		if n := a.Calls()[0].Throttled; n == 0 || n > 10 {
			t.Errorf("%d of 60 calls were throttled, want a few", n)
		}
	})
}

// Buckets are per account id, region and operation; Route 53's are not per
// region.
func TestWhoseBucket(t *testing.T) {
	isolate(t)
	o := options(&fakeAWS{})
	o.Accounts["platform-too"] = o.Accounts["platform"]
	a := newAPI(t, o)
	first := func(account, where, service, operation string) draw {
		p := placeOf(t, a, account, where)
		who := caller{account: p.Account, bucket: bucketOwner(p.Account, a.accounts[p.Account]), region: region(p.Place)}
		return a.limits.draws(who, service, operation, nil)[0]
	}
	ec2Create := first("platform", "us-east-1", "ec2", "CreateVpcEndpoint")
	if first("platform-too", "us-east-1", "ec2", "CreateVpcEndpoint") != ec2Create {
		t.Error("two names of one account have two buckets")
	}
	for what, other := range map[string]draw{
		"account":   first("risk", "us-east-1", "ec2", "CreateVpcEndpoint"),
		"region":    first("platform", "eu-west-1", "ec2", "CreateVpcEndpoint"),
		"operation": first("platform", "us-east-1", "ec2", "ModifyVpcEndpoint"),
	} {
		if other == ec2Create {
			t.Errorf("another %s has the same bucket", what)
		}
	}
	if first("platform", planner.Global, "route53", "ListHostedZones") != first("platform", "eu-west-1", "route53", "ListHostedZones") {
		t.Error("Route 53 has two buckets in two regions")
	}
	if first("platform", "us-east-1", "elasticloadbalancing", "CreateLoadBalancer") != first("platform", "us-east-1", "elasticloadbalancing", "SetSubnets") {
		t.Error("CreateLoadBalancer and SetSubnets have two buckets")
	}
}

// What a call takes: tokens out of a bucket of so many, at so many a second.
func TestDraws(t *testing.T) {
	upserts := &route53.ChangeResourceRecordSetsInput{ChangeBatch: &types.ChangeBatch{}}
	for range 3 {
		upserts.ChangeBatch.Changes = append(upserts.ChangeBatch.Changes, types.Change{Action: types.ChangeActionUpsert}, types.Change{Action: types.ChangeActionDelete})
	}
	huge := &route53.ChangeResourceRecordSetsInput{ChangeBatch: &types.ChangeBatch{Changes: make([]types.Change, 5000)}}
	for _, test := range []struct {
		service, operation string
		input              any
		want               []string
	}{
		{"ec2", "CreateVpcEndpoint", nil, []string{"1 of 3, 0.294"}},
		{"ec2", "DeleteVpcEndpoints", nil, []string{"1 of 3, 0.294"}},
		{"ec2", "AcceptVpcEndpointConnections", nil, []string{"1 of 9, 0.98"}},
		{"ec2", "CreateTags", nil, []string{"1 of 90, 9.8"}},
		{"ec2", "DescribeVpcEndpoints", nil, []string{"1 of 90, 19.6"}},
		{"ec2", "DescribeSecurityGroups", &ec2.DescribeSecurityGroupsInput{}, []string{"1 of 45, 9.8"}},
		{"ec2", "DescribeSecurityGroups", &ec2.DescribeSecurityGroupsInput{MaxResults: aws.Int32(1000)}, []string{"1 of 90, 19.6"}},
		{"ec2", "DescribeSecurityGroups", &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"x"}}, []string{"1 of 45, 9.8"}},
		{"ec2", "DescribeNetworkInterfaces", &ec2.DescribeNetworkInterfacesInput{}, []string{"1 of 45, 9.8"}},
		{"ec2", "DescribeNetworkInterfaces", &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{{}}}, []string{"1 of 90, 19.6"}},
		{"ec2", "DescribeVpcs", &ec2.DescribeVpcsInput{}, []string{"1 of 90, 19.6"}},
		{"ec2", "AuthorizeSecurityGroupIngress", nil, []string{"1 of 45, 4.9"}},
		{"elasticloadbalancing", "CreateLoadBalancer", nil, []string{"1 of 9, 0.196", "1 of 36, 9.8"}},
		{"elasticloadbalancing", "RegisterTargets", nil, []string{"1 of 18, 3.92", "1 of 36, 9.8"}},
		{"elasticloadbalancing", "DescribeListeners", nil, []string{"1 of 36, 9.8", "1 of 36, 9.8"}},
		{"elasticloadbalancing", "CreateListener", nil, []string{"1 of 18, 2.94", "1 of 36, 9.8"}},
		{"route53", "ListHostedZones", nil, []string{"1 of 45, 9.8", "1 of 45, 9.8"}},
		{"route53", "ChangeResourceRecordSets", upserts, []string{"1 of 45, 9.8", "1 of 45, 9.8", "9 of 1350, 98"}},
		{"route53", "ChangeResourceRecordSets", huge, []string{"1 of 45, 9.8", "1 of 45, 9.8", "1350 of 1350, 98"}},
		{"sns", "CreateTopic", nil, []string{"1 of 27, 29.4"}},
		{"tag", "GetResources", nil, []string{"1 of 13, 14.7"}},
		{"sts", "AssumeRole", nil, []string{"1 of 90, 98"}},
	} {
		var got []string
		for _, d := range newLimits(1).draws(caller{}, test.service, test.operation, test.input) {
			got = append(got, fmt.Sprintf("%d of %d, %.4g", d.tokens, d.limiter.Burst(), float64(d.limiter.Limit())))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.service, test.operation, diff)
		}
	}
}

// Who waits for a token hears of the end of the context, at once where the
// deadline is known to come first; and nothing is sent.
func TestWaitHeedsContext(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAWS{}
		p := placeOf(t, newAPI(t, options(f)), "risk", "us-east-1")
		create := func(ctx context.Context) error {
			_, err := p.EC2.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{VpcId: aws.String("vpc-1")})
			return err
		}
		for range 3 {
			if err := create(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := create(soon); !errors.Is(err, context.DeadlineExceeded) || IsBusy(err) {
			t.Errorf("with a deadline before the token: %v", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it was waited %v for a token that comes too late", took)
		}
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		if err := create(ctx); !errors.Is(err, context.Canceled) || IsBusy(err) {
			t.Errorf("canceled while waiting: %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("the cancelation was heard after %v", took)
		}
		if n := len(f.sent("CreateVpcEndpoint")); n != 3 {
			t.Errorf("%d requests sent, want 3", n)
		}
	})
}
