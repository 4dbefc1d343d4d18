package planner

import (
	"reflect"
	"strings"
	"testing"
)

func TestDiffRefusesBrokenInput(t *testing.T) {
	misplaced := state(live("net/a", "net-1", toySpec{}))
	misplaced.Live[toyAddr("net/b")] = misplaced.Live[toyAddr("net/a")]
	delete(misplaced.Live, toyAddr("net/a"))
	tests := []struct {
		name string
		in   Input
		want string
	}{
		{"a kind without a trait", Input{Want: []Resource{want("cloud/a", toySpec{})}}, `cloud/a@home/r1: kind "cloud" has no trait`},
		{"a live kind without a trait", Input{Live: state(live("cloud/a", "c-1", toySpec{}))}, `cloud/a@home/r1: kind "cloud" has no trait`},
		{"two at one address", Input{Want: []Resource{want("net/a", toySpec{}), want("net/a", toySpec{})}}, "net/a@home/r1: wanted twice, at toy.cue:1 and toy.cue:1"},
		{"no spec", Input{Want: []Resource{{Addr: toyAddr("net/a")}}}, "net/a@home/r1: wanted: a spec must be a struct, not <nil>"},
		{"no live spec", Input{Live: state(Resource{Addr: toyAddr("net/a")})}, "net/a@home/r1: live: a spec must be a struct, not <nil>"},
		{"specs of two types", Input{Want: []Resource{want("net/a", toySpec{})}, Live: state(Resource{Addr: toyAddr("net/a"), ID: "x", Spec: toyOpts{}})}, "net/a@home/r1: the wanted spec is a planner.toySpec, the live one a planner.toyOpts"},
		{"a live spec that is not known", Input{Live: state(live("net/a", "net-1", base("net/b")))}, "net/a@home/r1: live: base refers to net/b@home/r1 instead of being known"},
		{"a live resource under another address", Input{Live: misplaced}, "net/b@home/r1: live resource of another address, net/a@home/r1, stands under it"},
		{"all faults at once, sorted", Input{Want: []Resource{want("cloud/b", toySpec{}), want("cloud/a", toySpec{})}}, "cloud/a@home/r1: kind \"cloud\" has no trait\ncloud/b@home/r1: kind \"cloud\" has no trait"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Traits = toyTraits()
			if p, err := Diff(tt.in); p != nil || err == nil || err.Error() != tt.want {
				t.Errorf("Diff = %v, %v; want %s", p, err, tt.want)
			}
		})
	}
}

func TestDiffLeavesItsInputAlone(t *testing.T) {
	first, second := richInput(), richInput()
	mustDiff(t, first)
	if !reflect.DeepEqual(first, second) {
		t.Error("Diff changed its input")
	}
}

func TestStepsCarryWhatTheApplierNeeds(t *testing.T) {
	p := mustDiff(t, Input{
		Want: []Resource{want("net/a", toySpec{Zones: []string{"z"}}), want("hub/a", base("net/b")), want("net/b", toySpec{}), want("door/a", base("net/a"))},
		Live: state(live("net/a", "net-1", toySpec{})),
	})
	byKey := map[string]Step{}
	for _, s := range p.Steps {
		byKey[s.StepKey.String()] = s
	}
	up := byKey["update net/a@home/r1"]
	if up.Before.ID != "net-1" || up.Before.Outputs["arn"] != "arn:net-1" || up.After.Origin != "toy.cue:1" || up.Verb != "update" {
		t.Errorf("update: %+v", up)
	}
	if v := byKey["create hub/a@home/r1"].After.Spec.(toySpec).Base; !v.IsRef() {
		t.Errorf("a value to be known later came out as %+v", v)
	}
	if v := byKey["create door/a@home/r1"].After.Spec.(toySpec).Base; v.Known != "net-1" || v.IsRef() {
		t.Errorf("a known value came out as %+v", v)
	}
	want := []Fact{{toyAddr("net/a"), "id", "net-1"}}
	if !reflect.DeepEqual(p.Facts, want) {
		t.Errorf("Facts = %v; want %v", p.Facts, want)
	}
}

func TestVerbs(t *testing.T) {
	p := mustDiff(t, Input{
		Want: []Resource{want("link/a", toySpec{}), want("link/b", base("net/x"))},
		Live: state(live("link/c", "link-1", toySpec{})),
	})
	got := []string{p.Steps[0].Verb, p.Steps[1].Verb, p.Blocked[0].Verb}
	if strings.Join(got, " ") != "accept reject accept" {
		t.Errorf("verbs %v", got)
	}
	if want := "Plan: 1 to create (1 accept), 0 to change, 0 to replace, 1 to delete (1 reject); 1 blocked"; p.Summary() != want {
		t.Errorf("Summary = %s; want %s", p.Summary(), want)
	}
}

// A rule sees the plan, refuses steps of it, and cannot do anything else. It
// is asked again of what is left, until nothing more is refused.
func TestRules(t *testing.T) {
	in := Input{
		Want: []Resource{want("net/a", class("b")), want("hub/a", base("net/a")), want("link/a", base("hub/a")), want("link/b", toySpec{})},
		Live: state(live("net/a", "net-1", class("a"))),
	}
	refuse := func(key StepKey) Rule {
		asked := false
		return func(p *Plan) []Blocked {
			if len(p.Steps) != 5 && !asked {
				t.Errorf("the rule sees %d steps; want 5", len(p.Steps))
			}
			asked = true
			return []Blocked{{StepKey: key, Reason: "not today", Mend: "come tomorrow"}}
		}
	}
	tests := []struct {
		name, plan string
		key        StepKey
	}{
		{"waiters too", `
			create net/a class
			delete net/a=net-1 after create net/a
			create link/b
			blocked create hub/a: refused: not today
			blocked create link/a: depends: needs hub/a@home/r1, which is refused
		`, StepKey{Action: Create, Addr: toyAddr("hub/a")}},
		{"both halves", `
			create link/b
			blocked create hub/a: depends: waits for the delete of net/a@home/r1 (net-1), which is blocked
			blocked create link/a: depends: waits for the delete of net/a@home/r1 (net-1), which is blocked
			blocked create net/a: refused: the old cannot go: not today
		`, StepKey{Action: Delete, Addr: toyAddr("net/a"), ID: "net-1"}},
		{"nothing that is not a step", `
			create net/a class
			delete net/a=net-1 after create net/a
			create hub/a after create net/a
			create link/a after create hub/a
			create link/b
		`, StepKey{Action: Delete, Addr: toyAddr("hub/a")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in.Rules = []Rule{refuse(tt.key)}
			p := mustDiff(t, in)
			if got, want := short(p), strings.ReplaceAll(strings.TrimPrefix(strings.TrimRight(tt.plan, "\t"), "\n"), "\t", ""); got != want {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
			for _, b := range p.Blocked {
				if b.Cause == CauseRefused && b.Mend != "come tomorrow" {
					t.Errorf("the mend of %+v is lost", b)
				}
			}
		})
	}
}

func TestGuardedMendNamesTheOrigin(t *testing.T) {
	p := mustDiff(t, Input{Want: []Resource{want("door/a", class("b"))}, Live: state(live("door/a", "door-1", class("a")))})
	if m := p.Blocked[0].Mend; !strings.Contains(m, "allowReplace: true") || !strings.Contains(m, "toy.cue:1") {
		t.Errorf("Mend = %q", m)
	}
}

func TestDigest(t *testing.T) {
	digest := func(change func(*Input)) string {
		in := blockedInput()
		change(&in)
		return mustDiff(t, in).Digest()
	}
	same := digest(func(*Input) {})
	tests := []struct {
		name   string
		change func(*Input)
		same   bool
	}{
		{"commit", func(in *Input) { in.Commit = "other" }, false},
		{"fleet", func(in *Input) { in.Fleet = "other" }, false},
		{"a wanted field", func(in *Input) { in.Want[0].Spec = toySpec{Class: "a", Zones: []string{"az9"}} }, false},
		{"a live field", func(in *Input) {
			in.Live.Live[toyAddr("net/fraud")][0].Spec = toySpec{Class: "a", Zones: []string{"az7"}}
		}, false},
		{"a live id", func(in *Input) { in.Live.Live[toyAddr("link/fraud/gone")][0].ID = "link-8" }, false},
		{"what is blocked", func(in *Input) { in.Want = in.Want[:len(in.Want)-1]; in.Live.Unread = nil }, false},
		{"a fact", func(in *Input) {
			in.Want = append(in.Want, want("link/x", base("net/pay")))
			in.Live.Live[toyAddr("net/pay")][0].Outputs["id"] = "net-7"
		}, false},
		{"why a place is unread", func(in *Input) { in.Live.Unread[there] = "AccessDenied (request 123)" }, true},
		{"an output nobody uses", func(in *Input) { in.Live.Live[toyAddr("net/fraud")][0].Outputs["state"] = "x" }, true},
		{"where it is asked for", func(in *Input) { in.Want[0].Origin = "elsewhere.cue:9" }, true},
		{"an outage more", func(in *Input) { in.Remarks = []Remark{cut("link/fraud/late")} }, false},
		{"another outage", func(in *Input) { in.Notes[1].Addr = toyAddr("link/fraud/late") }, false},
		{"the text of an outage", func(in *Input) { in.Notes[1].Text = "cut off" }, true},
		{"other notes", func(in *Input) { in.Notes = in.Notes[1:2] }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := digest(tt.change) == same; got != tt.same {
				t.Errorf("same digest: %v; want %v", got, tt.same)
			}
		})
	}
}

// cut is a remark that what is at an address will be cut off.
func cut(path string) Remark {
	return func(*Plan) []Note {
		return []Note{{NoteOutage, Group{Service: "fraud"}, toyAddr(path), "connected"}}
	}
}

func TestIs(t *testing.T) {
	p := &Plan{Fleet: "f"}
	d := p.Digest()
	for digest, want := range map[string]bool{
		d: true, p.ShortDigest(): true, d[:20]: true, d[:11]: false, "": false, d + "0": false, strings.Repeat("0", 12): false,
	} {
		if p.Is(digest) != want {
			t.Errorf("Is(%q) = %v", digest, !want)
		}
	}
	merged := &Plan{Fleet: "f", Commit: "c1"}
	for digest, want := range map[string]bool{
		d: true, merged.Digest(): true, (&Plan{Fleet: "f", Commit: "c2"}).Digest(): false, (&Plan{Fleet: "g"}).Digest(): false,
	} {
		if merged.Is(digest) != want {
			t.Errorf("of commit c1, Is(%q) = %v", digest, !want)
		}
	}
}

func TestSummary(t *testing.T) {
	waits := func(names ...string) (notes []Note) {
		for _, n := range names {
			notes = append(notes, Note{Kind: NoteWaiting, Group: Group{"s", n}})
		}
		return notes
	}
	tests := []struct {
		plan Plan
		want string
	}{
		{Plan{Unchanged: 57}, "Nothing to do: 57 resources are as the fleet says"},
		{Plan{Unchanged: 1, Notes: waits("b", "b")}, "Nothing to do: 1 resource is as the fleet says; waiting for b"},
		{Plan{Notes: waits("a", "b", "c", "d", "e")}, "Nothing to do: 0 resources are as the fleet says; waiting for a, b, c and 2 more"},
		{Plan{Unchanged: 2, Blocked: make([]Blocked, 3), Unread: map[Place]string{here: "x"}}, "Nothing can be done now: 2 resources are as the fleet says; 3 blocked; 1 place could not be read"},
	}
	for _, tt := range tests {
		if got := tt.plan.Summary(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
