package preview

import (
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// hostileInputs say text wherever a text of somebody else's may stand.
func hostileInputs(text string) []Input {
	place := planner.Place{Account: text, Region: text}
	addr := planner.Addr{Kind: "endpoint", Name: text, Place: place}
	g := planner.Group{Service: text, Consumer: text}
	r := planner.Resource{Addr: addr, Group: g, Spec: spec{VPC: text}, ID: text, Origin: text}
	key := planner.StepKey{Action: planner.Delete, Addr: addr, ID: text}
	pos := schema.Pos{File: text, Line: 1, Column: 1}
	p := &planner.Plan{
		Fleet: text, Commit: text, Targets: []planner.Group{g}, Unchanged: 1,
		Steps: []planner.Step{
			{StepKey: planner.StepKey{Action: planner.Update, Addr: addr}, Verb: text, Before: r, After: r, Fields: []planner.Field{
				{Path: text, Before: text, After: text}, {Path: "set", Removed: []string{text}, Added: []string{text}},
			}},
			{StepKey: key, Verb: reject, Before: r},
			{StepKey: key, Verb: text, Before: r, Replaces: true},
		},
		Blocked: []planner.Blocked{{StepKey: key, Verb: text, Group: g, Cause: planner.CauseRefused, Reason: text, Mend: text}},
		Limits:  []planner.Exceeded{{Tally: planner.Deletes, Service: text, Planned: 2, Allowed: 1, Total: 2}},
		Notes:   []planner.Note{{Kind: planner.NoteOutage, Group: g, Text: text}, {Kind: planner.NoteWaiting, Addr: addr, Text: text}, {Kind: planner.NoteUnknown, Group: g, Text: text}, {Kind: planner.NoteWarning, Group: g, Text: text}},
		Unread:  map[planner.Place]string{place: text},
	}
	open := fleet(func(s *schema.Service) {
		s.Name, s.Waiver = text, &schema.Waiver{Reason: text, Expires: time.Unix(0, 0)}
		s.Consumers[text] = &schema.Consumer{Name: text, Principals: []string{"*", text + ":root"}}
	})
	common := Input{
		Fleet: text, Commit: text, Base: text, Folder: text, Pull: 1, MoreURL: text, Apply: []string{text},
		Warnings: []schema.Warning{{Pos: pos, Path: text, Message: text, Mend: text}},
	}
	planned, invalid, conflicting := common, common, common
	planned.Plan, planned.Is = p, open
	planned.Coverage = []Coverage{{Service: text, Consumer: text, Zones: []string{text}, Offered: []string{text, "use1-az1"}}, {Service: text + "x", Consumer: text, Zones: []string{text}}}
	invalid.Invalid = schema.Errors{{Pos: pos, Path: text, Message: text, Mend: text}, {Message: text}}.Err()
	conflicting.Conflicts = []string{text, "x"}
	return []Input{planned, invalid, conflicting}
}

// FuzzComment has strangers write what forges would obey. Whatever they write,
// the comment keeps to its promises, also where it is cut.
func FuzzComment(f *testing.F) {
	for _, text := range []string{
		"", "plain", "\x1b[2J\x9b", "```\n</details><script>", "\u202e@everyone @org/team #1 !2 $3 %4 ~5 ^6 &7 GH-8 http://x", "|\r\n\x00\xff",
		"> `` www.x", "-->", "--", "<!-- x -->", "/close", "`", " ` ", "&lt;", "[x](y)", "![i](j)", "{+a+}", ":shipit: x", "[[wiki]]", "a@b.c",
		"https://user:secret@x.example/y?a=<b>", "1. x", "- x", "$(rm)", "'", `\`, "\U000e0001", "org/repo#1", "ABC-1", "%{x}", "~~~", "    x",
		strings.Repeat("@", 5000), strings.Repeat("\U000e0001", 2000), strings.Repeat("`", 3000), strings.Repeat("' ", 600),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, in := range hostileInputs(text) {
			checkComment(t, Comment(in, Limit{}))
			for unit := range UTF16s + 1 {
				small := Comment(in, Limit{LeastLimit, unit})
				checkComment(t, small)
				if n := unit.of(small); n > LeastLimit {
					t.Errorf("%d of %d characters", n, LeastLimit)
				}
			}
			checkPlain(t, in)
			checkMarker(t, Marker(in.Fleet))
		}
	})
}

// checkPlain holds the status and the annotations to theirs.
func checkPlain(t *testing.T, in Input) {
	t.Helper()
	_, description := Status(in)
	if n := Runes.of(description); n > longestDescription || planner.Clean(description) != description {
		t.Errorf("a description of %d characters: %q", n, description)
	}
	for _, a := range Annotations(in) {
		if planner.Clean(a.Message) != a.Message || a.Path == "" {
			t.Errorf("annotation %+v", a)
		}
	}
}

// checkMarker holds the marker to what can be hidden.
func checkMarker(t *testing.T, marker string) {
	t.Helper()
	if len(marker) > 200 || strings.Contains(marker, "--") || strings.ContainsAny(marker, "<>\r\n") || planner.Clean(marker) != marker {
		t.Errorf("the marker %q cannot be hidden", marker)
	}
}
