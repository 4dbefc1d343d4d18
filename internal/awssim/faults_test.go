package awssim

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func (r *rig) groups() int {
	return len(r.sim.cellOf(homeAccount, "us-east-1").Network.SecurityGroups.Order)
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault   Fault
		code    string // of the refusal; "" for success; "-" for no answer
		text    string
		effects int // groups made
	}{
		"throttle":       {Fault{Effect: FaultThrottle}, "RequestLimitExceeded", "throttled on ec2:CreateSecurityGroup", 0},
		"error":          {Fault{Effect: FaultError, Status: 503, Code: "Unavailable", Message: "try later"}, "Unavailable", "try later", 0},
		"error, no more": {Fault{Effect: FaultError}, "InternalError", "500", 0},
		"reset":          {Fault{Effect: FaultReset}, "-", "EOF", 0},
		"lost":           {Fault{Effect: FaultLost}, "-", "EOF", 1},
		"garbage":        {Fault{Effect: FaultGarbage}, "-", "deserialization failed", 0},
		"expired":        {Fault{Effect: FaultExpired}, "RequestExpired", "expired", 0},
		"other service":  {Fault{Effect: FaultReset, Service: "sns"}, "", "", 1},
		"other account":  {Fault{Effect: FaultReset, Account: roleAccount}, "", "", 1},
		"this operation": {Fault{Effect: FaultReset, Service: "ec2", Operation: "CreateSecurityGroup", Account: homeAccount, Region: "us-east-1"}, "-", "EOF", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(r *rig) {
				before := r.groups()
				r.must(r.sim.Inject(test.fault))
				_, err := r.ec2().CreateSecurityGroup(r.Context(), groupInput("x"))
				switch {
				case test.code == "":
					r.must(err)
				case test.code == "-":
					if err == nil || !strings.Contains(err.Error(), test.text) {
						t.Errorf("got %v, want %q", err, test.text)
					}
				default:
					r.refused(err, test.code, test.text)
				}
				if made := r.groups() - before; made != test.effects {
					t.Errorf("%d groups made, want %d", made, test.effects)
				}
			})
		})
	}
}

// The nth call is struck and no other; Times bounds the rest.
func TestFaultsByIndex(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		r.must(r.sim.Inject(Fault{Effect: FaultError, Code: "Third", Nth: 3}))
		r.must(r.sim.Inject(Fault{Effect: FaultError, Code: "Twice", Operation: "DescribeSubnets", Times: 2}))
		var got []string
		for range 4 {
			_, err := r.ec2().DescribeVpcs(r.Context(), nil)
			got = append(got, refusalCode(err))
		}
		for range 3 {
			_, err := r.ec2().DescribeSubnets(r.Context(), nil)
			got = append(got, refusalCode(err))
		}
		want := "no refusal,no refusal,Third,no refusal,Twice,Twice,no refusal"
		if strings.Join(got, ",") != want {
			t.Errorf("got %v, want %s", got, want)
		}
		if err := r.sim.Inject(Fault{Effect: "explode"}); err == nil {
			t.Error("an unknown effect was planned")
		}
	})
}

// A stale list misses what is young, and only as often as was planned.
func TestStaleFault(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		id := r.group("young")
		r.must(r.sim.Inject(Fault{Effect: FaultStale, Lag: time.Minute, Times: 1}))
		_, err := r.ec2().DescribeSecurityGroups(r.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
		r.refused(err, "InvalidGroup.NotFound", id)
		r.shownGroup(id)
	})
}

func TestControl(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		r.control("POST", "/_sim/faults", `[{"operation":"DescribeVpcs","effect":"stale","lag":"30s"},{"operation":"DescribeSubnets","effect":"error","code":"Boom","times":1}]`, nil)
		_, err := r.ec2().DescribeSubnets(r.Context(), nil)
		r.refused(err, "Boom", "")
		session, err := r.assume(r.as("developer"), &sts.AssumeRoleInput{RoleArn: roleNamed("open"), RoleSessionName: aws.String("commit-7")})
		r.must(err)
		_, err = ec2.NewFromConfig(r.with(session)).DescribeVpcs(r.Context(), nil)
		r.must(err)

		var calls struct {
			Total int
			Calls []CallCount
			Log   []Call
		}
		r.control("GET", "/_sim/calls?log=1", "", &calls)
		if calls.Total != 3 || len(calls.Calls) != 3 || calls.Calls[0] != (CallCount{"ec2", "DescribeSubnets", homeAccount, "us-east-1", 1}) {
			t.Errorf("%+v", calls)
		}
		if calls.Log[0].Code != "Boom" || calls.Log[2].Session != "commit-7" || calls.Log[2].N != 3 {
			t.Errorf("%+v", calls.Log)
		}
		r.control("POST", "/_sim/reset?calls", "", nil)
		r.control("GET", "/_sim/calls", "", &calls)
		if calls.Total != 0 {
			t.Errorf("%d calls after a reset", calls.Total)
		}

		before := r.sim.Now()
		r.control("POST", "/_sim/clock", `{"advance": "90s"}`, nil)
		if got := r.sim.Now().Sub(before); got != 90*time.Second {
			t.Errorf("the clock went %s", got)
		}
		r.group("gone after a reset")
		r.control("POST", "/_sim/reset", "", nil)
		if r.groups() != 1 {
			t.Errorf("%d groups after a reset, want the default one", r.groups())
		}
		_, err = ec2.NewFromConfig(r.with(session)).DescribeVpcs(r.Context(), nil)
		r.refused(err, "AuthFailure", "")
		var world struct{ Cells map[string]any }
		r.control("GET", "/_sim/world", "", &world)
		if world.Cells[homeAccount+"/us-east-1"] == nil {
			t.Errorf("cells %v", sortedKeys(world.Cells))
		}
	})
}

func TestControlRefuses(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		for _, test := range []struct{ method, path, body string }{
			{"POST", "/_sim/faults", `{}`},
			{"POST", "/_sim/faults", `[{"effect":"explode"}]`},
			{"POST", "/_sim/faults", `[{"effect":"stale","lag":"soon"}]`},
			{"POST", "/_sim/clock", `{"advance":"-1s"}`},
			{"POST", "/_sim/clock", `{"advance":"soon"}`},
			{"POST", "/_sim/clock", `nonsense`},
			{"GET", "/_sim/nothing", ""},
		} {
			req, err := http.NewRequestWithContext(r.Context(), test.method, "http://aws.test"+test.path, strings.NewReader(test.body))
			r.must(err)
			if status, body := r.send(req); status < 400 || !strings.Contains(body, `"error"`) {
				t.Errorf("%s %s %s: %d %s", test.method, test.path, test.body, status, body)
			}
		}
	})
}

// Over a socket, too, a fault drops the connection.
func TestDroppedSocket(t *testing.T) {
	sim, err := New(Options{World: coreWorld()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(sim)
	server.Config.ErrorLog = nil
	server.Start()
	defer server.Close()
	if err := sim.Inject(Fault{Effect: FaultReset}); err != nil {
		t.Fatal(err)
	}
	config := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1, Credentials: aws.CredentialsProviderFunc(fixedKey)}
	_, err = ec2.NewFromConfig(config).DescribeVpcs(t.Context(), nil)
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want the connection gone", err)
	}
}
