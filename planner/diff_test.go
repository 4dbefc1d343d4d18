package planner

import (
	"fmt"
	"strings"
	"testing"
)

// short prints what matters of a plan, a line for each step and each thing
// blocked, so that tests read like plans.
func short(p *Plan) string {
	var b strings.Builder
	name := func(k StepKey) string {
		text := fmt.Sprintf("%s %s", k.Action, k.Addr.Path())
		if k.ID != "" {
			text += "=" + k.ID
		}
		return strings.TrimSpace(text)
	}
	for _, s := range p.Steps {
		b.WriteString(name(s.StepKey))
		for _, f := range s.Fields {
			if s.Action != Delete {
				b.WriteString(" " + f.Path)
			}
		}
		for i, on := range s.WaitsFor {
			b.WriteString([]string{" after ", ", "}[min(i, 1)] + name(on))
		}
		b.WriteString("\n")
	}
	for _, bl := range p.Blocked {
		b.WriteString("blocked " + name(bl.StepKey) + ": " + string(bl.Cause) + ": " + bl.Reason + "\n")
	}
	for _, n := range p.Notes {
		b.WriteString("note " + n.Addr.Path() + ": " + n.Text + "\n")
	}
	return b.String()
}

type diffTest struct {
	name   string
	want   []Resource
	live   []Resource
	unread map[Place]string
	plan   string
}

func runDiffTests(t *testing.T, tests []diffTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Input{Want: tt.want, Live: state(tt.live...)}
			in.Live.Unread = tt.unread
			var lines []string
			for line := range strings.Lines(tt.plan) {
				if line = strings.TrimSpace(line); line != "" {
					lines = append(lines, line+"\n")
				}
			}
			if got, want := short(mustDiff(t, in)), strings.Join(lines, ""); got != want {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
		})
	}
}

func base(path string) toySpec { return toySpec{Base: ref(path)} }

func stands(id string) toySpec { return toySpec{Base: Known(id)} }

func links(ids ...string) toySpec {
	s := toySpec{}
	for _, id := range ids {
		s.Links = append(s.Links, Known(id))
	}
	return s
}

func class(c string) toySpec { return toySpec{Class: c} }

func TestDiffBasics(t *testing.T) {
	runDiffTests(t, []diffTest{
		{
			name: "nothing wanted, nothing there",
		}, {
			name: "create in the order of the references",
			want: []Resource{want("net/a", base("hub/b")), want("hub/b", toySpec{})},
			plan: `create hub/b
			       create net/a after create hub/b`,
		}, {
			name: "With is waited for too, but only by a step",
			want: []Resource{
				want("hub/a", toySpec{Base: ref("net/a", "net/b")}), want("hub/c", toySpec{Base: ref("net/a", "net/b")}),
				want("net/a", toySpec{}), want("net/b", toySpec{}),
			},
			live: []Resource{live("net/a", "net-1", toySpec{}), live("hub/c", "hub-1", stands("net-1"))},
			plan: `create net/b
			       create hub/a after create net/b`,
		}, {
			name: "a reference to what stays is what it is now",
			want: []Resource{want("net/a", toySpec{}), want("hub/a", base("net/a"))},
			live: []Resource{live("net/a", "net-1", toySpec{}), live("hub/a", "hub-1", stands("net-1"))},
		}, {
			name: "every field that differs",
			want: []Resource{want("net/a", toySpec{Size: 2, Zones: []string{"a", "b"}, Opts: toyOpts{On: true}})},
			live: []Resource{live("net/a", "net-1", toySpec{Size: 1, Zones: []string{"b", "c"}})},
			plan: `update net/a size zones opts.on`,
		}, {
			name: "sets have no order and no repetitions",
			want: []Resource{want("net/a", toySpec{Zones: []string{"b", "a", "b"}, Links: []Value{Known("y"), Known("x"), Known("y")}})},
			live: []Resource{live("net/a", "net-1", toySpec{Zones: []string{"a", "a", "b"}, Links: []Value{Known("x"), Known("y")}})},
		}, {
			name: "users go before what they use",
			live: []Resource{live("net/a", "net-1", toySpec{}), live("hub/a", "hub-1", stands("net-1")), live("link/a", "link-1", links("hub-1", "net-1"))},
			plan: `delete link/a=link-1
			       delete hub/a=hub-1 after delete link/a=link-1
			       delete net/a=net-1 after delete hub/a=hub-1, delete link/a=link-1`,
		}, {
			name: "an ARN is as good as an id",
			live: []Resource{live("net/a", "net-1", toySpec{}), live("hub/a", "hub-1", stands("arn:net-1"))},
			plan: `delete hub/a=hub-1
			       delete net/a=net-1 after delete hub/a=hub-1`,
		}, {
			name: "an update that moves away comes before the delete",
			want: []Resource{want("hub/a", toySpec{Links: []Value{ref("net/b")}}), want("net/b", toySpec{})},
			live: []Resource{live("net/a", "net-1", toySpec{}), live("hub/a", "hub-1", links("net-1"))},
			plan: `create net/b
			       update hub/a links after create net/b
			       delete net/a=net-1 after update hub/a`,
		}, {
			name: "what a user goes on using is not deleted",
			want: []Resource{want("hub/a", links("net-1"))},
			live: []Resource{live("net/a", "net-1", toySpec{}), live("hub/a", "hub-1", links("net-1"))},
			plan: `blocked delete net/a=net-1: depends: hub/a@home/r1 (hub-1) uses it, and stays`,
		}, {
			name: "nor what an update goes on using",
			want: []Resource{want("hub/a", toySpec{Size: 1, Links: []Value{Known("net-1")}})},
			live: []Resource{live("net/a", "net-1", toySpec{}), live("hub/a", "hub-1", links("net-1"))},
			plan: `update hub/a size
			       blocked delete net/a=net-1: depends: hub/a@home/r1 (hub-1) uses it, and stays`,
		},
	})
}

func TestDiffOutputsThatMayChange(t *testing.T) {
	zones := func(z ...string) toySpec { return toySpec{Zones: z} }
	user := func(v Value) toySpec { return toySpec{Links: []Value{v}} }
	runDiffTests(t, []diffTest{
		{
			name: "an update that may change the output",
			want: []Resource{want("net/a", zones("z2")), want("hub/a", user(Ref(toyAddr("net/a"), "zones")))},
			live: []Resource{live("net/a", "net-1", zones("z1")), live("hub/a", "hub-1", links("zones:,z1"))},
			plan: `update net/a zones
			       update hub/a links after update net/a`,
		}, {
			name: "an update that may change another output",
			want: []Resource{want("net/a", zones("z2")), want("hub/a", user(ref("net/a")))},
			live: []Resource{live("net/a", "net-1", zones("z1")), live("hub/a", "hub-1", links("net-1"))},
			plan: `update net/a zones`,
		}, {
			name: "an update of another field",
			want: []Resource{want("net/a", toySpec{Size: 1, Zones: []string{"z1"}}), want("hub/a", user(Ref(toyAddr("net/a"), "zones")))},
			live: []Resource{live("net/a", "net-1", zones("z1")), live("hub/a", "hub-1", links("zones:,z1"))},
			plan: `update net/a size`,
		}, {
			name: "an update of what will do as it stands",
			want: []Resource{want("net/a", zones("z2")), want("hub/a", toySpec{Size: 1, Links: []Value{RefAsIs(toyAddr("net/a"), "id")}})},
			live: []Resource{live("net/a", "net-1", zones("z1")), live("hub/a", "hub-1", links("net-1"))},
			plan: `update net/a zones
			       update hub/a size`,
		}, {
			name: "an update of what will do as it stands, but for the output",
			want: []Resource{want("net/a", zones("z2")), want("hub/a", user(RefAsIs(toyAddr("net/a"), "zones")))},
			live: []Resource{live("net/a", "net-1", zones("z1")), live("hub/a", "hub-1", links("zones:,z1"))},
			plan: `update net/a zones
			       update hub/a links after update net/a`,
		}, {
			name: "an output AWS has not given yet",
			want: []Resource{want("net/a", toySpec{}), want("hub/a", user(Ref(toyAddr("net/a"), "dnsName")))},
			live: []Resource{live("net/a", "net-1", toySpec{})},
			plan: `blocked create hub/a: depends: needs dnsName of net/a@home/r1, which AWS has not given it yet`,
		},
	})
}

func TestDiffReplacement(t *testing.T) {
	runDiffTests(t, []diffTest{
		{
			name: "new, then users, then the old",
			want: []Resource{want("net/a", class("b")), want("link/a", toySpec{Links: []Value{ref("net/a")}})},
			live: []Resource{live("net/a", "net-1", class("a")), live("link/a", "link-1", links("net-1"))},
			plan: `create net/a class
			       update link/a links after create net/a
			       delete net/a=net-1 after update link/a, create net/a`,
		}, {
			name: "it spreads over references that replace",
			want: []Resource{want("net/a", class("b")), want("hub/a", base("net/a"))},
			live: []Resource{live("net/a", "net-1", class("a")), live("hub/a", "hub-1", stands("net-1"))},
			plan: `create net/a class
			       create hub/a base after create net/a
			       delete hub/a=hub-1 after create hub/a
			       delete net/a=net-1 after create hub/a, delete hub/a=hub-1, create net/a`,
		}, {
			name: "a new user does not hold up the old",
			want: []Resource{want("net/a", class("b")), want("link/a", base("net/a"))},
			live: []Resource{live("net/a", "net-1", class("a"))},
			plan: `create net/a class
			       delete net/a=net-1 after create net/a
			       create link/a after create net/a`,
		}, {
			name: "Alone: the old first, and its users before it",
			want: []Resource{want("plug/a", class("b")), want("link/a", base("plug/a"))},
			live: []Resource{live("plug/a", "plug-1", class("a")), live("link/a", "link-1", stands("plug-1"))},
			plan: `delete link/a=link-1
			       delete plug/a=plug-1 after delete link/a=link-1
			       create plug/a class after delete plug/a=plug-1
			       create link/a base after delete link/a=link-1, create plug/a`,
		}, {
			name: "Alone: the old stays until all else is there that the new needs",
			want: []Resource{want("net/a", class("b")), want("hub/a", toySpec{}), want("plug/a", toySpec{Base: ref("net/a", "hub/a")})},
			live: []Resource{live("net/a", "net-1", class("a")), live("plug/a", "plug-1", stands("net-1"))},
			plan: `create net/a class
			       create hub/a
			       delete plug/a=plug-1 after create hub/a, create net/a
			       create plug/a base after create hub/a, create net/a, delete plug/a=plug-1
			       delete net/a=net-1 after create net/a, create plug/a, delete plug/a=plug-1`,
		}, {
			name: "Alone: but not for what waits for it to go",
			want: []Resource{want("plug/a", class("b")), want("plug/b", base("plug/a"))},
			live: []Resource{live("plug/a", "plug-1", class("a")), live("hub/a", "hub-1", links("plug-1")), live("plug/b", "plug-2", stands("hub-1"))},
			plan: `delete plug/b=plug-2
			       delete hub/a=hub-1 after delete plug/b=plug-2
			       delete plug/a=plug-1 after delete hub/a=hub-1
			       create plug/a class after delete plug/a=plug-1
			       create plug/b base after create plug/a, delete plug/b=plug-2`,
		}, {
			name: "Alone with a surviving user is a named cycle",
			want: []Resource{want("plug/a", class("b")), want("link/a", toySpec{Links: []Value{ref("plug/a")}}), want("net/a", toySpec{})},
			live: []Resource{live("plug/a", "plug-1", class("a")), live("link/a", "link-1", links("plug-1"))},
			plan: `create net/a
			       blocked update link/a: cycle: no order is possible: create the new plug/a@home/r1 waits for delete the old plug/a@home/r1 (plug-1) waits for update link/a@home/r1 waits for create the new plug/a@home/r1
			       blocked create plug/a: cycle: no order is possible: create the new plug/a@home/r1 waits for delete the old plug/a@home/r1 (plug-1) waits for update link/a@home/r1 waits for create the new plug/a@home/r1`,
		}, {
			name: "Guarded: refused, and others go on with what stands",
			want: []Resource{want("door/a", class("b")), want("link/a", base("door/a")), want("link/b", toySpec{Base: ref("door/a"), Size: 1})},
			live: []Resource{live("door/a", "door-1", class("a")), live("link/b", "link-1", stands("door-1"))},
			plan: `create link/a
			       update link/b size
			       blocked create door/a: refused: consumers depend on door-1; a change of class would replace it`,
		}, {
			name: "Guarded with permission",
			want: []Resource{mayReplace(want("door/a", class("b")))},
			live: []Resource{live("door/a", "door-1", class("a"))},
			plan: `create door/a class
			       delete door/a=door-1 after create door/a`,
		}, {
			name: "Guarded: in-place changes need no permission, deletes neither",
			want: []Resource{want("door/a", toySpec{Size: 1})},
			live: []Resource{live("door/a", "door-1", toySpec{}), live("door/b", "door-2", toySpec{})},
			plan: `update door/a size
			       delete door/b=door-2`,
		}, {
			name: "a user that cannot move holds both halves",
			want: []Resource{want("net/a", class("b")), want("hub/a", links("net-1")), want("link/a", base("net/a")), want("link/z", toySpec{})},
			live: []Resource{live("net/a", "net-1", class("a")), live("hub/a", "hub-1", links("net-1"))},
			plan: `create link/z
			       blocked create link/a: depends: waits for the delete of net/a@home/r1 (net-1), which is blocked
			       blocked create net/a: depends: the old cannot go: hub/a@home/r1 (hub-1) uses it, and stays`,
		}, {
			name: "a guarded user that must not move does too",
			want: []Resource{want("net/a", class("b")), want("door/a", base("net/a"))},
			live: []Resource{live("net/a", "net-1", class("a")), live("door/a", "door-1", stands("net-1"))},
			plan: `blocked create door/a: refused: consumers depend on door-1; a change of base would replace it
			       blocked create net/a: depends: the old cannot go: door/a@home/r1 (door-1) uses it, and its replacement is refused`,
		},
	})
}

func mayReplace(r Resource) Resource {
	r.MayReplace = true
	return r
}

func TestDiffFades(t *testing.T) {
	runDiffTests(t, []diffTest{
		{
			name: "it goes with what it is part of",
			live: []Resource{live("hub/a", "hub-1", toySpec{}), live("label/a", "label-1", stands("hub-1"))},
			plan: `delete hub/a=hub-1`,
		}, {
			name: "what it uses besides waits for that",
			live: []Resource{live("hub/a", "hub-1", toySpec{}), live("net/a", "net-1", toySpec{}), live("label/a", "label-1", toySpec{Base: Known("hub-1"), Links: []Value{Known("net-1")}})},
			plan: `delete hub/a=hub-1
			       delete net/a=net-1 after delete hub/a=hub-1`,
		}, {
			name: "unwanted while its whole stays, it stays and says so",
			want: []Resource{want("hub/a", toySpec{})},
			live: []Resource{live("hub/a", "hub-1", toySpec{}), live("label/a", "label-1", stands("hub-1"))},
			plan: `note label/a: label-1 is not wanted, but cannot be deleted by itself; it goes with hub/a@home/r1`,
		}, {
			name: "then what it uses besides is not deleted",
			want: []Resource{want("hub/a", toySpec{})},
			live: []Resource{live("hub/a", "hub-1", toySpec{}), live("net/a", "net-1", toySpec{}), live("label/a", "label-1", toySpec{Base: Known("hub-1"), Links: []Value{Known("net-1")}})},
			plan: `blocked delete net/a=net-1: depends: label/a@home/r1 (label-1) uses it, and stays
			       note label/a: label-1 is not wanted, but cannot be deleted by itself; it goes with hub/a@home/r1`,
		}, {
			name: "with its whole replaced it is made again on the new",
			want: []Resource{want("hub/a", class("b")), want("label/a", base("hub/a"))},
			live: []Resource{live("hub/a", "hub-1", class("a")), live("label/a", "label-1", stands("hub-1"))},
			plan: `create hub/a class
			       create label/a base after create hub/a
			       delete hub/a=hub-1 after create hub/a, create label/a`,
		}, {
			name: "a second one at its address, too",
			want: []Resource{want("hub/a", toySpec{}), want("label/a", base("hub/a"))},
			live: []Resource{live("hub/a", "hub-1", toySpec{}), live("label/a", "label-1", stands("hub-1")), live("label/a", "label-2", stands("hub-1"))},
			plan: `note label/a: label-2 is not wanted, but cannot be deleted by itself; it goes with hub/a@home/r1`,
		}, {
			name: "and what that one uses besides stays",
			want: []Resource{want("hub/a", toySpec{}), want("label/a", base("hub/a"))},
			live: []Resource{
				live("hub/a", "hub-1", toySpec{}), live("net/a", "net-1", toySpec{}), live("label/a", "label-1", stands("hub-1")),
				live("label/a", "label-2", toySpec{Base: Known("hub-1"), Links: []Value{Known("net-1")}}),
			},
			plan: `blocked delete net/a=net-1: depends: label/a@home/r1 (label-2) uses it, and stays
			       note label/a: label-2 is not wanted, but cannot be deleted by itself; it goes with hub/a@home/r1`,
		}, {
			name: "a part of a part goes with the whole",
			live: []Resource{
				live("hub/a", "hub-1", toySpec{}), live("label/a", "label-1", stands("hub-1")), live("net/a", "net-1", toySpec{}),
				live("badge/a", "badge-1", toySpec{Base: Known("label-1"), Links: []Value{Known("net-1")}}),
			},
			plan: `delete hub/a=hub-1
			       delete net/a=net-1 after delete hub/a=hub-1`,
		}, {
			name: "parts of each other are parts of nothing",
			live: []Resource{live("label/a", "label-1", stands("label-2")), live("label/b", "label-2", stands("label-1"))},
			plan: `note label/a: label-1 is not wanted, but cannot be deleted by itself; it goes with what it is part of
			       note label/b: label-2 is not wanted, but cannot be deleted by itself; it goes with what it is part of`,
		}, {
			name: "without a whole to be found",
			live: []Resource{live("label/a", "label-1", stands("hub-1"))},
			plan: `note label/a: label-1 is not wanted, but cannot be deleted by itself; it goes with what it is part of`,
		},
	})
}

// What a text identifies: the owner of an id rather than who shows it, then
// the lowest rank, then nobody.
func TestDiffIdentity(t *testing.T) {
	shows := func(r Resource, out, text string) Resource {
		r.Outputs[out] = text
		return r
	}
	runDiffTests(t, []diffTest{
		{
			name: "the id of another shown as an output",
			live: []Resource{shows(live("net/a", "net-1", toySpec{}), "hub", "hub-1"), live("hub/a", "hub-1", toySpec{}), live("link/a", "link-1", stands("hub-1"))},
			plan: `delete net/a=net-1
			       delete link/a=link-1
			       delete hub/a=hub-1 after delete link/a=link-1`,
		}, {
			name: "a part with the id of its whole",
			live: []Resource{live("hub/a", "hub-1", toySpec{}), live("plug/a", "hub-1", stands("hub-1")), live("link/a", "link-1", stands("hub-1"))},
			plan: `delete plug/a=hub-1
			       delete link/a=link-1
			       delete hub/a=hub-1 after delete link/a=link-1, delete plug/a=hub-1`,
		}, {
			name: "the id of another of its kind shown as an output",
			live: []Resource{live("hub/a", "hub-1", toySpec{}), shows(live("hub/b", "hub-2", toySpec{}), "peer", "hub-1"), live("link/a", "link-1", stands("hub-1"))},
			plan: `delete hub/b=hub-2
			       delete link/a=link-1
			       delete hub/a=hub-1 after delete link/a=link-1`,
		}, {
			name: "an output that two of a rank have",
			live: []Resource{shows(live("hub/a", "hub-1", toySpec{}), "owner", "o"), shows(live("hub/b", "hub-2", toySpec{}), "owner", "o"), live("link/a", "link-1", stands("o"))},
			plan: `delete hub/a=hub-1
			       delete hub/b=hub-2
			       delete link/a=link-1`,
		}, {
			name: "a list",
			live: []Resource{live("net/a", "net-1", toySpec{Zones: []string{"z1"}}), live("link/a", "link-1", stands("zones:,z1"))},
			plan: `delete net/a=net-1
			       delete link/a=link-1`,
		},
	})
}

func TestDiffDuplicates(t *testing.T) {
	runDiffTests(t, []diffTest{
		{
			name: "the one that need not be replaced is kept",
			want: []Resource{want("net/a", toySpec{Class: "b", Size: 1})},
			live: []Resource{live("net/a", "net-1", class("a")), live("net/a", "net-2", class("b"))},
			plan: `update net/a size
			       delete net/a=net-1`,
		}, {
			name: "then the one that is used",
			want: []Resource{want("net/a", toySpec{}), want("hub/a", base("net/a"))},
			live: []Resource{live("net/a", "net-1", toySpec{}), live("net/a", "net-2", toySpec{}), live("hub/a", "hub-1", stands("net-2"))},
			plan: `delete net/a=net-1`,
		}, {
			name: "then the one that most others use",
			want: []Resource{want("net/a", toySpec{}), want("hub/a", base("net/a")), want("hub/b", base("net/a")), want("hub/c", base("net/a"))},
			live: []Resource{
				live("net/a", "net-1", toySpec{}), live("net/a", "net-2", toySpec{}),
				live("hub/a", "hub-1", stands("net-1")), live("hub/b", "hub-2", stands("net-2")), live("hub/c", "hub-3", stands("net-2")),
			},
			plan: `create hub/a base
			       delete hub/a=hub-1 after create hub/a
			       delete net/a=net-1 after delete hub/a=hub-1`,
		}, {
			name: "then the one with the least to change",
			want: []Resource{want("net/a", toySpec{Size: 2})},
			live: []Resource{live("net/a", "net-1", toySpec{Size: 1}), live("net/a", "net-2", toySpec{Size: 2})},
			plan: `delete net/a=net-1`,
		}, {
			name: "then the one of the smallest id",
			want: []Resource{want("net/a", toySpec{})},
			live: []Resource{live("net/a", "net-3", toySpec{}), live("net/a", "net-2", toySpec{}), live("net/a", "net-4", toySpec{})},
			plan: `delete net/a=net-3
			       delete net/a=net-4`,
		}, {
			name: "users of the others move first",
			want: []Resource{want("net/a", class("b")), want("link/a", toySpec{Links: []Value{ref("net/a")}})},
			live: []Resource{live("net/a", "net-1", class("a")), live("net/a", "net-2", class("b")), live("link/a", "link-1", links("net-1"))},
			plan: `update link/a links
			       delete net/a=net-1 after update link/a`,
		}, {
			name: "all of them replaced",
			want: []Resource{want("net/a", class("c"))},
			live: []Resource{live("net/a", "net-1", class("a")), live("net/a", "net-2", class("b"))},
			plan: `create net/a class
			       delete net/a=net-1 after create net/a
			       delete net/a=net-2`,
		}, {
			name: "nobody wants any",
			live: []Resource{live("net/a", "net-1", toySpec{}), live("net/a", "net-2", toySpec{})},
			plan: `delete net/a=net-1
			       delete net/a=net-2`,
		}, {
			name: "one object read twice is one",
			want: []Resource{want("net/a", toySpec{})},
			live: []Resource{live("net/a", "net-1", toySpec{}), live("net/a", "net-1", toySpec{})},
		},
	})
}

func TestDiffUnread(t *testing.T) {
	away := map[Place]string{there: "AccessDenied"}
	runDiffTests(t, []diffTest{
		{
			name:   "unread is never absent, and what needs it waits",
			unread: away,
			want:   []Resource{want("net/a@away", toySpec{}), want("hub/a", base("net/a@away")), want("link/a", base("hub/a")), want("net/b", toySpec{})},
			plan: `create net/b
			       blocked create hub/a: depends: needs net/a@away/r1, whose place could not be read
			       blocked create link/a: depends: needs net/a@away/r1, whose place could not be read
			       blocked net/a: unread: away/r1 could not be read: AccessDenied`,
		}, {
			name:   "what stands and refers to it cannot be judged",
			unread: away,
			want:   []Resource{want("net/a@away", toySpec{}), want("hub/a", base("net/a@away"))},
			live:   []Resource{live("hub/a", "hub-1", stands("net-1"))},
			plan: `blocked hub/a: depends: needs net/a@away/r1, whose place could not be read
			       blocked net/a: unread: away/r1 could not be read: AccessDenied`,
		}, {
			name:   "With an unread resource: nothing to do stays so, a step is blocked",
			unread: away,
			want: []Resource{
				want("net/a@away", toySpec{}), want("net/b", toySpec{}),
				want("hub/a", toySpec{Base: ref("net/b", "net/a@away")}), want("hub/b", toySpec{Base: ref("net/b", "net/a@away")}),
			},
			live: []Resource{live("net/b", "net-1", toySpec{}), live("hub/a", "hub-1", stands("net-1"))},
			plan: `blocked create hub/b: depends: needs net/a@away/r1, whose place could not be read
			       blocked net/a: unread: away/r1 could not be read: AccessDenied`,
		}, {
			name:   "Shared kinds are not deleted, others are",
			unread: away,
			live:   []Resource{live("hub/a", "hub-1", stands("net-1")), live("net/a", "net-1", toySpec{}), live("link/a", "link-1", toySpec{})},
			plan: `delete link/a=link-1
			       blocked delete hub/a=hub-1: unread: something in away/r1 may use it, which could not be read
			       blocked delete net/a=net-1: depends: waits for the delete of hub/a@home/r1 (hub-1), which is blocked`,
		}, {
			name:   "Shared kinds are not replaced either",
			unread: away,
			want:   []Resource{want("hub/a", class("b")), want("link/a", base("hub/a"))},
			live:   []Resource{live("hub/a", "hub-1", class("a"))},
			plan: `blocked create hub/a: unread: the old cannot go: something in away/r1 may use it, which could not be read
			       blocked create link/a: depends: waits for the delete of hub/a@home/r1 (hub-1), which is blocked`,
		}, {
			name:   "what was read of an unread place still uses",
			unread: away,
			live:   []Resource{live("net/a", "net-1", toySpec{}), live("link/a@away", "link-1", stands("net-1"))},
			plan:   `blocked delete net/a=net-1: depends: link/a@away/r1 (link-1) uses it, and away/r1 could not be read in full`,
		},
	})
}

func TestDiffMissing(t *testing.T) {
	runDiffTests(t, []diffTest{
		{
			name: "a reference to what nobody wants",
			want: []Resource{want("hub/a", base("net/a")), want("hub/b", base("net/b"))},
			live: []Resource{live("net/a", "net-1", toySpec{})},
			plan: `delete net/a=net-1
			       blocked create hub/a: depends: needs net/a@home/r1, which the fleet does not ask for
			       blocked create hub/b: depends: needs net/b@home/r1, which the fleet does not ask for`,
		}, {
			name: "With what nobody wants",
			want: []Resource{want("hub/a", toySpec{Base: ref("net/a", "net/b")}), want("net/a", toySpec{})},
			plan: `create net/a
			       blocked create hub/a: depends: needs net/b@home/r1, which the fleet does not ask for`,
		}, {
			name: "references in a ring",
			want: []Resource{want("hub/a", base("hub/b")), want("hub/b", base("hub/a")), want("link/a", base("hub/a")), want("net/a", toySpec{})},
			plan: `create net/a
			       blocked create hub/a: cycle: its spec needs an output of itself: hub/a@home/r1 needs hub/b@home/r1 needs hub/a@home/r1
			       blocked create hub/b: cycle: its spec needs an output of itself: hub/a@home/r1 needs hub/b@home/r1 needs hub/a@home/r1
			       blocked create link/a: depends: needs hub/a@home/r1, which is in a cycle`,
		}, {
			name: "With in a ring",
			want: []Resource{want("hub/a", toySpec{Base: ref("net/a", "hub/b")}), want("hub/b", toySpec{Base: ref("net/a", "hub/a")}), want("net/a", toySpec{})},
			plan: `create net/a
			       blocked create hub/a: cycle: no order is possible: create hub/a@home/r1 waits for create hub/b@home/r1 waits for create hub/a@home/r1
			       blocked create hub/b: cycle: no order is possible: create hub/a@home/r1 waits for create hub/b@home/r1 waits for create hub/a@home/r1`,
		},
	})
}
