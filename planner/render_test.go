package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// marks is a theme that shows what was dressed as what.
func marks() Theme {
	mark := func(name string) func(string) string {
		return func(s string) string { return "<" + name + ">" + s + "</>" }
	}
	return Theme{
		Heading: mark("h"), Create: mark("c"), Update: mark("u"), Replace: mark("r"), Delete: mark("d"),
		Blocked: mark("b"), Waiting: mark("w"), Dim: mark("dim"),
	}
}

func TestTextTheme(t *testing.T) {
	var b bytes.Buffer
	if err := Text(&b, mustDiff(t, richInput()), TextOptions{Theme: marks(), Width: 60}); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "rich-themed.txt", b.Bytes())
}

func TestWrap(t *testing.T) {
	tests := []struct {
		text  string
		width int
		want  string
	}{
		{"one two three four five", 20, "one two three four|five"},
		{"one two three four five", 0, "one two three four five"},
		{"one two three four five", 5, "one two three four five"}, // too narrow to try
		{"äöü äöü äöü äöü äöü äöü", 20, "äöü äöü äöü äöü äöü|äöü"},
		{"averyveryverylongwordwithoutspaces b", 20, "averyveryverylongwordwithoutspaces|b"},
		{"", 30, ""},
	}
	for _, tt := range tests {
		if got := strings.Join(wrap(tt.text, tt.width), "|"); got != tt.want {
			t.Errorf("wrap(%q, %d) = %q; want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestShortID(t *testing.T) {
	for id, want := range map[string]string{
		"":                       "",
		"vpce-0123456789abcdef0": "vpce-0123456789abcdef0",
		"arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/net/fraud/50dc6c495c0c9188": "loadbalancer/net/fraud/50dc6c495c0c9188",
		strings.Repeat("x", 60) + "end": strings.Repeat("x", 20) + "…" + strings.Repeat("x", 16) + "end",
		"vpce-\x1b[31m":                 `vpce-\x1b[31m`,
	} {
		if got := shortID(id); got != want {
			t.Errorf("shortID(%q) = %q; want %q", id, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain ünïcode → 世界":   "plain ünïcode → 世界",
		"\x1b]0;title\x07":     `\x1b]0;title\a`,
		"two\nlines\r\tx":      `two\nlines\r\tx`,
		"c1\u009b31m":          `c1\u009b31m`,
		"rtl\u202etxt\u200b":   `rtl\u202etxt\u200b`,
		"bad\xff\xc3(":         `bad\xff\xc3(`,
		"\ufffd":               "\ufffd",
		"\U000e0001 tag chars": `\U000e0001 tag chars`,
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q; want %q", text, got, want)
		}
	}
}

// hostilePlan says text wherever a text of somebody else's may stand.
func hostilePlan(text string) *Plan {
	addr := Addr{Kind: "net", Name: text, Place: Place{text, text}}
	g := Group{text, text}
	r := Resource{Addr: addr, Group: g, Spec: toySpec{Class: text, Zones: []string{text}}, ID: text, Outputs: Outputs{text: text}, Origin: text}
	step := Step{StepKey: StepKey{Update, addr, ""}, Verb: text, Before: r, After: r, Fields: []Field{
		{Path: text, Before: text, After: text}, {Path: "set", Removed: []string{text}, Added: []string{text}},
	}}
	return &Plan{
		Fleet: text, Commit: text, Steps: []Step{step},
		Blocked: []Blocked{{StepKey: StepKey{Create, addr, text}, Verb: text, Group: g, Cause: CauseRefused, Reason: text, Mend: text}},
		Notes:   []Note{{NoteOutage, g, addr, text}, {NoteWaiting, g, addr, text}},
		Unread:  map[Place]string{addr.Place: text},
		Facts:   []Fact{{addr, text, text}},
	}
}

// FuzzRender holds every format to its promise: nothing in it but what is
// printable.
func FuzzRender(f *testing.F) {
	for _, text := range []string{"", "plain", "\x1b[2J\x9b", "```\n</details><script>", "\u202e@x #1 http://x", "|\r\n\x00\xff", "> `` www.x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := hostilePlan(text)
		for ext, render := range renders {
			var b bytes.Buffer
			if err := render(&b, p); err != nil {
				t.Fatal(err)
			}
			if !utf8.Valid(b.Bytes()) {
				t.Errorf("%s is no UTF-8", ext)
			}
			for _, r := range b.String() {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Errorf("%s has %q in it", ext, r)
				}
			}
			if ext == "json" && !json.Valid(b.Bytes()) {
				t.Errorf("broken JSON: %s", b.Bytes())
			}
		}
	})
}

// bigPlan has many services and much that is blocked.
func bigPlan(t *testing.T) *Plan {
	in := Input{Fleet: "big", Commit: "c0ffee"}
	for s := range 30 {
		svc := fmt.Sprintf("svc%02d", s)
		for c := range 20 {
			who := fmt.Sprintf("consumer%02d", c)
			in.Want = append(in.Want,
				grouped(want("net/"+svc+"/"+who, toySpec{}), svc, who),
				grouped(want("hub/"+svc+"/"+who, base("net/nowhere")), svc, who))
		}
	}
	return mustDiff(t, in)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestRenderersPassOnWriteErrors(t *testing.T) {
	for ext, render := range renders {
		if err := render(brokenWriter{}, bigPlan(t)); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s: error %v", ext, err)
		}
	}
}
