package planner

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run the test with -update to write it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run the test with -update if that is meant); got:\n%s", file, got)
	}
}

// grouped puts r where people look for it.
func grouped(r Resource, service, consumer string) Resource {
	r.Group = Group{Service: service, Consumer: consumer}
	return r
}

// richInput has something of everything a plan can show.
func richInput() Input {
	class := func(c string, size int) toySpec { return toySpec{Class: c, Size: size} }
	in := Input{
		Fleet: "payments", Commit: "3fa9c1d2b0aa77e1",
		Traits: toyTraits(),
		Want: []Resource{
			grouped(want("net/fraud", toySpec{Class: "a", Zones: []string{"az1", "az3"}}), "fraud", ""),
			grouped(want("hub/fraud/api", toySpec{Base: ref("net/fraud"), Class: "b", Size: 2}), "fraud", ""),
			grouped(want("plug/fraud/risk", toySpec{Base: ref("hub/fraud/api"), Links: []Value{ref("net/fraud"), Ref(toyAddr("net/fraud"), "zones")}}), "fraud", "risk"),
			grouped(want("link/fraud/risk", toySpec{Base: ref("plug/fraud/risk")}), "fraud", "risk"),
			grouped(want("door/fraud/risk", class("new", 1)), "fraud", "risk"),
			grouped(want("plug/fraud/ops@away", toySpec{Base: ref("hub/fraud/api")}), "fraud", "ops"),
			grouped(want("link/fraud/ops", toySpec{Base: ref("plug/fraud/ops@away")}), "fraud", "ops"),
			grouped(want("net/pay", toySpec{Class: "a"}), "pay", ""),
			grouped(want("net/common", toySpec{Class: "x"}), "", ""),
		},
		Live: state(
			grouped(live("net/fraud", "net-1", toySpec{Class: "a", Zones: []string{"az1", "az2"}}), "fraud", ""),
			grouped(live("hub/fraud/api", "arn:toy:hub:r1:111111111111:hub/fraud-api/0123456789abcdef", toySpec{Base: Known("net-1"), Class: "a", Size: 1}), "fraud", ""),
			grouped(live("door/fraud/risk", "door-1", class("old", 1)), "fraud", "risk"),
			grouped(live("link/fraud/gone", "link-9", class("a", 1)), "fraud", "gone"),
			grouped(live("net/pay", "net-2", toySpec{Class: "a"}), "pay", ""),
			grouped(live("net/common", "net-3", toySpec{Class: "x", Opts: toyOpts{On: true}}), "", ""),
		),
		Notes: []Note{
			{NoteWaiting, Group{"fraud", "partner-b"}, toyAddr("link/fraud/partner-b"), "partner-b (account 333333333333) has not made its endpoint"},
			{NoteOutage, Group{"fraud", "gone"}, toyAddr("link/fraud/gone"), "connection link-9 is live and will be rejected: its consumer is removed"},
			{NoteUnknown, Group{"fraud", ""}, toyAddr("hub/fraud/api"), "vpce-0bad of account 999999999999 waits for acceptance, and nobody declared it"},
		},
	}
	return in
}

// blockedInput is richInput with a place that cannot be read.
func blockedInput() Input {
	in := richInput()
	in.Live.Unread = map[Place]string{there: "role linkfleet cannot be assumed: AccessDenied"}
	return in
}

func planOf(t *testing.T, in Input) *Plan { return mustDiff(t, in) }

// render is how a golden file of a format comes to be.
var renders = map[string]func(io.Writer, *Plan) error{
	"txt":  func(w io.Writer, p *Plan) error { return Text(w, p, TextOptions{}) },
	"json": JSON,
}

func TestGolden(t *testing.T) {
	quiet := Input{
		Fleet: "payments", Commit: "3fa9c1d2b0aa77e1",
		Want:  []Resource{want("net/a", toySpec{Class: "a"}), want("net/b", toySpec{Class: "b"})},
		Live:  state(live("net/a", "net-1", toySpec{Class: "a"}), live("net/b", "net-2", toySpec{Class: "b"})),
		Notes: []Note{{NoteWaiting, Group{"fraud", "partner-b"}, toyAddr("link/fraud/partner-b"), "partner-b has not made its endpoint"}},
	}
	hostile := Input{
		Fleet: "evil\x1b[2J", Commit: "abc",
		Want: []Resource{grouped(want("net/a", toySpec{Class: "```\n<script>\x1b[31m@everyone #1 https://evil.example \u202egnp.exe"}), "</summary>**", "[x](javascript:0)")},
		Live: state(live("net/a", "net\u0085-1", toySpec{Class: "|`x`|"})),
	}
	for name, in := range map[string]Input{"rich": richInput(), "blocked": blockedInput(), "quiet": quiet, "hostile": hostile} {
		p := planOf(t, in)
		for ext, render := range renders {
			t.Run(name+"."+ext, func(t *testing.T) {
				var b bytes.Buffer
				if err := render(&b, p); err != nil {
					t.Fatal(err)
				}
				checkGolden(t, name+"."+ext, b.Bytes())
			})
		}
	}
}
