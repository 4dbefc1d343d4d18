package awssim

import (
	"slices"
	"testing"
	"time"
)

// blown is what a storm does to the first hundred looks at VPCs, and to a
// create after each.
func blown(r *rig, storm Storm) []string {
	r.Helper()
	r.must(r.sim.Begin(storm))
	var codes []string
	for range 100 {
		_, err := r.ec2().DescribeVpcs(r.Context(), nil)
		codes = append(codes, refusalCode(err))
		time.Sleep(time.Minute) // virtual; no throttle lasts
	}
	return codes
}

// The same seed strikes the same calls, another seed others; at rate 1 none
// is spared, and at rate 0 and after the storm all are.
func TestStorm(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		storm := Storm{Seed: 7, Rate: 0.3, Effects: []Effect{FaultThrottle, FaultError}}
		first := blown(r, storm)
		if again := blown(r, storm); !slices.Equal(first, again) {
			t.Errorf("%v, then %v", first, again)
		}
		if struck := 100 - calm(first); struck < 15 || struck > 45 {
			t.Errorf("%d of 100 calls are struck at rate 0.3", struck)
		}
		storm.Seed = 8
		if slices.Equal(first, blown(r, storm)) {
			t.Error("two seeds make the same storm")
		}
		storm.Rate, storm.Calm = 1, 50*time.Minute
		if n := calm(blown(r, storm)); n < 45 || n > 55 {
			t.Errorf("%d calls in the calm, want half", n)
		}
		if n := calm(blown(r, Storm{})); n != 100 {
			t.Errorf("%d calls without a storm, want 100", n)
		}
	})
}

func calm(codes []string) int {
	n := 0
	for _, c := range codes {
		if c == "no refusal" {
			n++
		}
	}
	return n
}

// An organisation is throttled as a whole, and for a while.
func TestStormOverTheOrganisation(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		r.must(r.sim.Begin(Storm{Rate: 1, Effects: []Effect{FaultThrottleAll}}))
		_, err := r.ec2().DescribeVpcs(r.Context(), nil)
		r.refused(err, "RequestLimitExceeded", "")
		r.sim.storm.Rate = 0.0001
		_, err = r.ec2().DescribeSubnets(r.Context(), nil)
		r.refused(err, "RequestLimitExceeded", "")
		time.Sleep(20 * time.Second)
		_, err = r.ec2().DescribeSubnets(r.Context(), nil)
		r.must(err)
	})
}

func TestStormByControl(t *testing.T) {
	inBubble(t, Options{}, func(r *rig) {
		r.control("POST", "/_sim/faults", `{"seed": 1, "rate": 1, "effects": ["error"], "calm": "1m"}`, nil)
		_, err := r.ec2().DescribeVpcs(r.Context(), nil)
		if err == nil {
			t.Error("no storm")
		}
		time.Sleep(61 * time.Second)
		_, err = r.ec2().DescribeVpcs(r.Context(), nil)
		r.must(err)
		for _, bad := range []Storm{{Rate: 2}, {Rate: 0.5, Effects: []Effect{"explode"}}} {
			if r.sim.Begin(bad) == nil {
				t.Errorf("%+v was begun", bad)
			}
		}
	})
}
