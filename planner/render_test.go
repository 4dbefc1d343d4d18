package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
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

func TestMarkdownEscapes(t *testing.T) {
	for text, want := range map[string]string{
		"plain: a/b-c (d), e.f": "plain: a/b-c (d), e.f",
		"<b>&amp;":              "&#60;b&#62;&#38;amp;",
		"**x** _y_ `z` ~s~ $m$": "&#42;&#42;x&#42;&#42; &#95;y&#95; &#96;z&#96; &#126;s&#126; &#36;m&#36;",
		"[t](javascript:x)":     "&#91;t&#93;(javascript:x)",
		"@all #12":              "&#64;&#8203;all &#35;&#8203;12",
		"https://evil.example":  "https&#8203;://evil.example",
		"WWW.evil.example":      "WWW&#8203;.evil.example",
		"a|b\\c":                "a&#124;b&#92;c",
		"- item":                "&#45; item",
		"1. item":               "1&#46; item",
		"12) item":              "12&#41; item",
		"two\nlines":            "two&#92;nlines",
	} {
		if got := markdown(text); got != want {
			t.Errorf("markdown(%q) = %q; want %q", text, got, want)
		}
	}
}

func TestFence(t *testing.T) {
	for text, want := range map[string]string{"": "```", "a `b` c": "```", "```": "````", "x\n`````y": "``````"} {
		if got := fence(strings.Split(text, "\n")); got != want {
			t.Errorf("fence(%q) = %s; want %s", text, got, want)
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

var (
	codeBlock = regexp.MustCompile("(?ms)^(````*)diff\n.*?^(````*)\n")
	ourMarkup = regexp.MustCompile(`</?details>|</?summary>`)
)

// FuzzRender holds every format to its promise: nothing in it but what is
// printable, and no markup that is not ours.
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
			if ext == "md" {
				checkProse(t, b.String())
			}
		}
	})
}

// checkProse looks for markup outside of the blocks of code.
func checkProse(t *testing.T, text string) {
	t.Helper()
	for _, m := range codeBlock.FindAllStringSubmatch(text, -1) {
		if m[1] != m[2] {
			t.Errorf("a block opened by %s is closed by %s:\n%s", m[1], m[2], text)
		}
	}
	prose := ourMarkup.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "")
	prose = regexp.MustCompile("(?m)^Digest: `[0-9a-f]{64}`$").ReplaceAllString(prose, "")
	if i := strings.IndexAny(prose, "<>[]@`"); i >= 0 {
		t.Errorf("markup at %q:\n%s", prose[i:min(len(prose), i+20)], text)
	}
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

// A comment within its limit keeps its summary and its digest, says what it
// leaves out, and leaves no block open.
func TestMarkdownLimit(t *testing.T) {
	p := bigPlan(t)
	for _, limit := range []int{1000, 2000, 10_000, 30_000, 1_000_000} {
		var b bytes.Buffer
		if err := Markdown(&b, p, MarkdownOptions{Limit: limit}); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		if len(text) > limit {
			t.Errorf("limit %d: %d bytes", limit, len(text))
		}
		if !strings.Contains(text, "| 600 | 0 | 0 | 0 | 600 | 0 |") || !strings.HasSuffix(text, "Digest: `"+p.Digest()+"`\n") {
			t.Errorf("limit %d: summary or digest is missing:\n%s", limit, text)
		}
		if cut := strings.Contains(text, "Lines left out"); cut != (limit < 100_000) {
			t.Errorf("limit %d: says that something is left out: %v", limit, cut)
		}
		if strings.Count(text, "<details>") != strings.Count(text, "</details>") || strings.Count(text, "```")%2 != 0 {
			t.Errorf("limit %d: a block is left open", limit)
		}
	}
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
