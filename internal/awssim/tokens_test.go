package awssim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"
)

func fixedKey(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: homeAccount, SecretAccessKey: "x"}, nil
}

// tokenSim is a simulator whose CreateVpcEndpoint only counts, so that this
// test is about tokens alone.
func tokenSim(r *rig) *int {
	made := 0
	r.sim.ops["ec2"]["CreateVpcEndpoint"] = func(c *call) (M, error) {
		if c.in.str("VpcId") == "vpc-bad" {
			return nil, refuse("InvalidVpcID.NotFound", "no")
		}
		made++
		return M{"VpcEndpoint": M{"VpcEndpointId": c.newID("vpce")}}, nil
	}
	return &made
}

func TestIdempotency(t *testing.T) {
	w := coreWorld()
	w.Knobs.NoThrottling = true
	inBubble(t, Options{World: w}, func(r *rig) {
		made := tokenSim(r)
		create := func(token, vpc string) (string, error) {
			out, err := r.ec2().CreateVpcEndpoint(r.Context(), &ec2.CreateVpcEndpointInput{ClientToken: &token, VpcId: &vpc, VpcEndpointType: "Interface"})
			if err != nil {
				return "", err
			}
			return *out.VpcEndpoint.VpcEndpointId, nil
		}
		first, err := create("token", homeVPC)
		r.must(err)
		again, err := create("token", homeVPC)
		r.must(err)
		if first != again || *made != 1 {
			t.Errorf("%s, then %s; %d made", first, again, *made)
		}
		_, err = create("token", "vpc-00000000")
		r.refused(err, "IdempotentParameterMismatch", "different request parameters")
		_, err = create(strings.Repeat("x", 65), homeVPC)
		r.refused(err, "InvalidParameterValue", "64 ASCII")
		_, err = create("failed", "vpc-bad")
		r.refused(err, "InvalidVpcID.NotFound", "no")
		_, err = create("failed", homeVPC)
		r.must(err) // a refused request claims no token
		time.Sleep(24*time.Hour + time.Second)
		later, err := create("token", homeVPC)
		r.must(err)
		if later == first {
			t.Error("the token is remembered for ever")
		}
	})
}

// An answer that was lost after its effect is found again with the token.
func TestLostAnswerIsFoundAgain(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		made := tokenSim(r)
		r.must(r.sim.Inject(Fault{Effect: FaultLost, Nth: 1}))
		in := &ec2.CreateVpcEndpointInput{ClientToken: aws.String("t"), VpcId: aws.String(homeVPC)}
		if _, err := r.ec2().CreateVpcEndpoint(r.Context(), in); err == nil {
			t.Error("the answer was not lost")
		}
		_, err := r.ec2().CreateVpcEndpoint(r.Context(), in)
		r.must(err)
		if *made != 1 {
			t.Errorf("%d made", *made)
		}
	})
}

func TestStateFile(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	var group string
	var session aws.Credentials
	options := Options{State: state, World: coreWorld()}
	inBubble(t, options, func(r *rig) {
		group = r.group("kept", "a", "b")
		var err error
		session, err = r.assume(r.as("developer"), &sts.AssumeRoleInput{RoleArn: roleNamed("open")})
		r.must(err)
	})
	inBubble(t, options, func(r *rig) {
		if shown := r.shownGroup(group); *shown.GroupName != "kept" || *shown.Tags[0].Value != "b" {
			t.Errorf("%+v", shown)
		}
		_, err := ec2.NewFromConfig(r.with(session)).DescribeVpcs(r.Context(), nil)
		r.must(err)
		if again := r.group("another"); again == group {
			t.Error("an id was given out twice")
		}
		r.must(r.sim.Reset())
	})
	inBubble(t, options, func(r *rig) {
		if r.groups() != 1 {
			t.Errorf("%d groups after a reset, want the default one", r.groups())
		}
	})
}

func TestStateFileThatCannotBeRead(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(state, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{State: state}); err == nil || !strings.Contains(err.Error(), state) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

// Requests from many sides at once are served one at a time.
func TestConcurrentCallers(t *testing.T) {
	sim, err := New(Options{World: coreWorld()})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, sim: sim}
	client := r.ec2()
	var group errgroup.Group
	for i := range 8 {
		group.Go(func() error {
			_, err := client.CreateSecurityGroup(t.Context(), groupInput(fmt.Sprint("g", i)))
			sim.Calls()
			return err
		})
	}
	r.must(group.Wait())
	if got := r.groups(); got != 9 {
		t.Errorf("%d groups, want 8 and the default one", got)
	}
}
