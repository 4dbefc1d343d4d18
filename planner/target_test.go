package planner

import (
	"slices"
	"strings"
	"testing"
)

func TestTargets(t *testing.T) {
	in := richInput()
	whole := mustDiff(t, in)
	in.Targets = []Group{{"fraud", "risk"}}
	p := mustDiff(t, in)
	for _, s := range p.Steps {
		if s.Group().Consumer == "ops" || s.Group().Service == "pay" || s.Group().Service == "" {
			t.Errorf("%s is neither of the target nor needed by it", s.StepKey)
		}
	}
	for _, need := range []string{"create plug/fraud/risk@home/r1", "update net/fraud@home/r1", "create hub/fraud/api@home/r1"} {
		if !slices.Contains(keysOf(p), need) {
			t.Errorf("%s is missing: %q", need, keysOf(p))
		}
	}
	for _, n := range p.Notes {
		if n.Group.Consumer != "risk" {
			t.Errorf("a note of another part: %+v", n)
		}
	}
	if p.Digest() == whole.Digest() || !strings.Contains(p.Summary(), "only services/fraud/consumers/risk and what it needs") {
		t.Errorf("the plan does not say that it is partial: %s", p.Summary())
	}

	// A target that changes nothing is still another plan.
	in.Targets = []Group{{Service: "nobody"}}
	if p := mustDiff(t, in); len(p.Steps) > 0 || p.Digest() == mustDiff(t, Input{Fleet: in.Fleet, Commit: in.Commit, Traits: in.Traits}).Digest() {
		t.Errorf("nobody's plan: %q", keysOf(p))
	}
}

// Whatever part is taken first, what a step waits for is in it.
func TestTargetsAreClosed(t *testing.T) {
	for _, target := range []Group{{Service: "fraud"}, {"fraud", "ops"}, {"fraud", "gone"}, {Service: "pay"}} {
		in := richInput()
		in.Targets = []Group{target}
		p := mustDiff(t, in)
		there := map[StepKey]bool{}
		for _, s := range p.Steps {
			for _, on := range s.WaitsFor {
				if !there[on] {
					t.Errorf("%s: %s waits for %s, which is left out", target.Target(), s.StepKey, on)
				}
			}
			there[s.StepKey] = true
		}
	}
}

func TestParseTarget(t *testing.T) {
	for _, text := range []string{"services/fraud", "services/fraud/consumers/risk"} {
		if g, err := ParseTarget(text); err != nil || g.Target() != text {
			t.Errorf("%q: %v, %v", text, g, err)
		}
	}
	for _, text := range []string{"", "fraud", "services", "services/", "services//consumers/x", "services/a/b", "services/a/listeners/x", "a/b/consumers/c"} {
		if g, err := ParseTarget(text); err == nil {
			t.Errorf("%q is taken for %v", text, g)
		}
	}
}
