package awsapi

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/linkfleet/linkfleet/planner"
)

func TestSessionName(t *testing.T) {
	for name, want := range map[string]string{
		"":                     "linkfleet",
		"x":                    "linkfleet-x",
		"linkfleet-0a1b2c3":    "linkfleet-0a1b2c3",
		"main: the 1st/ö":      "main--the-1st--",
		"a_+=,.@-":             "a_+=,.@-",
		string(make90("long")): "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglong",
	} {
		if got := sessionName(name); got != want {
			t.Errorf("sessionName(%q) = %q, want %q", name, got, want)
		}
	}
}

// make90 is 90 or so bytes of s.
func make90(s string) (long []byte) {
	for len(long) < 90 {
		long = append(long, s...)
	}
	return long
}

// A region of an account that is asked for many times at once makes one
// AssumeRole, which says what CloudTrail and the trust policy want to know.
// What is outside of regions goes with us-east-1.
func TestAssumeRoleOnce(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAWS{answer: func(request) reply { return reply{after: time.Second} }}
		a := newAPI(t, options(f))
		var wg sync.WaitGroup
		for n := range 50 {
			wg.Go(func() {
				region := []string{"us-east-1", "eu-west-1", planner.Global}[n%3]
				if _, err := a.Place(t.Context(), planner.Place{Account: "platform", Region: region}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		sent := f.sent("AssumeRole")
		if len(sent) != 2 {
			t.Fatalf("%d AssumeRole for two regions of one account, want 2", len(sent))
		}
		for name, want := range map[string]string{
			"RoleArn":         "arn:aws:iam::111111111111:role/deploy/linkfleet",
			"RoleSessionName": "linkfleet-0a1b2c3",
			"ExternalId":      "x-1",
			"DurationSeconds": "3600",
		} {
			if got := sent[0].form.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
	})
}

// An STS endpoint that does not serve costs its own region and no other,
// whichever is asked for first.
func TestEachRegionHasItsOwnSTS(t *testing.T) {
	isolate(t)
	for _, order := range [][]string{{"me-south-1", "us-east-1"}, {"us-east-1", "me-south-1"}} {
		synctest.Test(t, func(t *testing.T) {
			a := newAPI(t, options(&fakeAWS{answer: func(r request) reply {
				if r.host == "sts.me-south-1.amazonaws.com" {
					return queryError(403, "RegionDisabledException", "STS is not activated in this region for account: 222222222222.")
				}
				return reply{}
			}}))
			for _, region := range order {
				p, err := a.Place(t.Context(), planner.Place{Account: "risk", Region: region})
				if down := region == "me-south-1"; (err != nil) != down {
					t.Errorf("in the order %v %s gives %v", order, region, err)
				}
				if err == nil {
					err = describeVpcs(t.Context(), p)
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

// A session is renewed minutes before its end on AWS's clock, whatever end
// the answer tells (the fake's lies in the past).
func TestSessionIsRenewed(t *testing.T) {
	isolate(t)
	for _, speed := range []float64{1, 60} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeAWS{}
			o := options(f)
			o.Speed = speed
			p := placeOf(t, newAPI(t, o), "risk", "us-east-1")
			for _, step := range []struct {
				sleep time.Duration
				key   string
			}{{0, "ASIA1"}, {54 * time.Minute, "ASIA1"}, {2 * time.Minute, "ASIA2"}, {54 * time.Minute, "ASIA2"}} {
				time.Sleep(scaled(step.sleep, speed))
				if _, err := p.EC2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}); err != nil {
					t.Fatal(err)
				}
				sent := f.sent("DescribeVpcs")
				if got := sent[len(sent)-1].key; got != step.key {
					t.Errorf("at speed %v, %v on: sent with %s, want %s", speed, step.sleep, got, step.key)
				}
			}
		})
	}
}

// A session that AWS calls expired before its time is replaced, by all who
// use it at once; one that is new is not replaced again and again.
func TestExpiredSessionIsReplaced(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		revoked := map[string]bool{}
		var refusals atomic.Int64
		f := &fakeAWS{answer: func(r request) reply {
			if !revoked[r.key] {
				return reply{}
			}
			said := ec2Error(400, "RequestExpired", "Request has expired.")
			said.after = time.Duration(refusals.Add(1)) * time.Second
			return said
		}}
		p := placeOf(t, newAPI(t, options(f)), "risk", "us-east-1")
		describe := func() error {
			_, err := p.EC2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
			return err
		}
		time.Sleep(10 * time.Minute)
		revoked["ASIA1"] = true
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := describe(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(f.sent("AssumeRole")); n != 2 {
			t.Errorf("%d AssumeRole, want 2", n)
		}

		revoked["ASIA2"] = true
		if err := describe(); !IsExpired(err) {
			t.Errorf("a fresh session that is expired gives %v", err)
		}
		if n := len(f.sent("AssumeRole")); n != 2 {
			t.Errorf("%d AssumeRole, want 2", n)
		}
	})
}

// A role that cannot be assumed is asked for again by the next who needs it,
// and never by the SDK on top of its own retries.
func TestAssumeRoleFails(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAWS{answer: func(r request) reply {
			return queryError(403, "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole")
		}}
		a := newAPI(t, options(f))
		at := planner.Place{Account: "risk", Region: "us-east-1"}
		for n := range 2 {
			if _, err := a.Place(t.Context(), at); !IsDenied(err) {
				t.Errorf("Place: %v", err)
			}
			if got := len(f.sent("AssumeRole")); got != n+1 {
				t.Errorf("%d AssumeRole, want %d", got, n+1)
			}
		}
		f.answer = nil
		p := placeOf(t, a, "risk", "us-east-1")
		time.Sleep(time.Hour)
		f.answer = func(r request) reply { return queryError(400, "Throttling", "Rate exceeded") }
		_, err := p.EC2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
		if !IsThrottle(err) || !IsBusy(err) {
			t.Errorf("a call whose session cannot be renewed: %v", err)
		}
		if got, want := len(f.sent("AssumeRole")), 3+maxAttempts; got != want {
			t.Errorf("%d AssumeRole, want %d", got, want)
		}
	})
}
