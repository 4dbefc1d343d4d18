package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func only(services ...string) *Shard {
	return &Shard{Name: strings.Join(services, "+"), Holds: func(s string, _ Place) bool { return slices.Contains(services, s) }}
}

// The shards of a fleet do together what the whole does, and nothing twice.
func TestShards(t *testing.T) {
	whole := mustDiff(t, richInput())
	var steps []string
	digests := map[string]bool{whole.Digest(): true}
	for _, shard := range []*Shard{only("fraud"), only("pay", ""), only("nobody")} {
		in := richInput()
		in.Shard = shard
		p := mustDiff(t, in)
		for _, s := range p.Steps {
			if !shard.Holds(s.Group().Service, s.Addr.Place) {
				t.Errorf("shard %s takes %s", shard.Name, s.StepKey)
			}
			steps = append(steps, fmt.Sprint(s.StepKey))
		}
		for _, n := range p.Notes {
			if !shard.Holds(n.Group.Service, n.Addr.Place) {
				t.Errorf("shard %s tells of another's: %+v", shard.Name, n)
			}
		}
		if p.Shard != shard.Name || digests[p.Digest()] || !strings.Contains(p.Summary(), "only shard "+shard.Name) {
			t.Errorf("the plan does not say that it is of shard %s: %s", shard.Name, p.Summary())
		}
		digests[p.Digest()] = true
	}
	want := keysOf(whole)
	slices.Sort(want)
	slices.Sort(steps)
	if !slices.Equal(steps, want) {
		t.Errorf("the shards' steps are\n%q\nand the whole's\n%q", steps, want)
	}
}

// What needs something of another shard's service waits for that shard.
func TestShardKeepsOff(t *testing.T) {
	in := Input{
		Fleet: "payments", Traits: toyTraits(),
		Want: []Resource{
			grouped(want("net/fraud", toySpec{Class: "a"}), "fraud", ""),
			grouped(want("hub/pay/api", toySpec{Base: ref("net/fraud")}), "pay", ""),
		},
	}
	in.Shard = only("pay")
	p := mustDiff(t, in)
	if len(p.Steps) > 0 || len(p.Blocked) != 1 || p.Blocked[0].Addr != toyAddr("hub/pay/api") {
		t.Errorf("steps %q, blocked %+v", keysOf(p), p.Blocked)
	}
	in.Shard = only("fraud")
	if p := mustDiff(t, in); len(p.Steps) != 1 || len(p.Blocked) > 0 {
		t.Errorf("steps %q, blocked %+v", keysOf(p), p.Blocked)
	}
}

// Targets limit a shard further.
func TestTargetsOfShard(t *testing.T) {
	in := richInput()
	in.Shard = only("fraud")
	in.Targets = []Group{{"fraud", "risk"}, {Service: "pay"}}
	p := mustDiff(t, in)
	if len(p.Steps) == 0 {
		t.Error("there is nothing to do")
	}
	for _, s := range p.Steps {
		if s.Group().Service != "fraud" || s.Group().Consumer == "ops" {
			t.Errorf("%s is in the plan", s.StepKey)
		}
	}
}

// A limit is of the fleet, and its shards act beside each other: each of them
// counts what all of them do, but for what nobody does.
func TestShardsShareLimits(t *testing.T) {
	in := Input{Live: state(
		grouped(live("net/fraud", "net-1", toySpec{}), "fraud", ""), grouped(live("hub/fraud", "hub-1", toySpec{}), "fraud", ""),
		grouped(live("net/pay", "net-2", toySpec{}), "pay", ""), grouped(live("net/kept", "net-3", toySpec{}), "kept", ""),
	)}
	in.Limits = []Limit{func(p *Plan) []Exceeded {
		return []Exceeded{{Tally: Deletes, Planned: p.Changes().Delete, Total: p.Changes().Delete}}
	}}
	in.Rules = []Rule{func(*Plan) []Blocked {
		return []Blocked{{StepKey: StepKey{Action: Delete, Addr: toyAddr("net/kept"), ID: "net-3"}, Reason: "it is kept"}}
	}}
	for _, shard := range []*Shard{nil, only("fraud"), only("pay"), only("kept"), only("nobody")} {
		in.Shard = shard
		if p := mustDiff(t, in); len(p.Limits) != 1 || p.Limits[0].Planned != 3 {
			t.Errorf("shard %q counts %+v", shard.name(), p.Limits)
		}
	}
}
