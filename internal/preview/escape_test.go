package preview

import (
	"strings"
	"testing"
)

func TestProse(t *testing.T) {
	for text, want := range map[string]string{
		"plain: a/b-c (d), e.f":                   "plain: a/b-c (d), e.f",
		"us-east-1, vpce-0123, a - b, 50%, wait!": "us-east-1, vpce-0123, a - b, 50%, wait!",
		"arn:aws:iam::111111111111:role/x":        "arn:aws:iam::111111111111:role/x",
		"<b>&amp;":                                "&#60;b&#62;&#38;&#8203;amp;",
		"**x** _y_ `z` ~s~ $m$":                   "&#42;&#42;&#8203;x&#42;&#42; &#95;y&#95; &#96;z&#96; &#126;&#8203;s&#126; &#36;&#8203;m&#36;",
		"[t](javascript:x)":                       "&#91;&#8203;t&#93;(javascript:x)",
		"@all #12":                                "&#64;&#8203;all &#35;&#8203;12",
		"https://evil.example":                    "https&#8203;://evil.example",
		"WWW.evil.example":                        "WWW&#8203;.evil.example",
		"a|b\\c":                                  "a&#124;b&#92;c",
		"- item":                                  "&#45; item",
		"1. item":                                 "1&#46; item",
		"12) item":                                "12&#41; item",
		"two\nlines":                              "two&#92;nlines",
		"gh-12 JIRA-3":                            "gh&#8203;-12 JIRA&#8203;-3",
		"!12 %4 ^5 &6":                            "&#33;&#8203;12 &#37;&#8203;4 &#94;&#8203;5 &#38;&#8203;6",
		":shipit: x":                              ":&#8203;shipit: x",
		"::x":                                     "::&#8203;x",
		"[[wiki]]":                                "&#91;&#8203;&#91;&#8203;wiki&#93;&#93;",
		"{+x+}":                                   "&#123;&#8203;+x+}",
	} {
		if got := prose(text); got != want {
			t.Errorf("prose(%q) = %q; want %q", text, got, want)
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

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"a<b>@c": "`a<b>@c`", "": "`  `", " ": "`   `", "`": "`` ` ``", "a``b": "```a``b```", " x ": "`  x  `", "x\ny": "`x\\ny`",
	} {
		if got := code(text); got != want {
			t.Errorf("code(%q) = %s; want %s", text, got, want)
		}
	}
}

func TestMarker(t *testing.T) {
	for fleet, want := range map[string]string{
		"payments":         "payments",
		"a b":              "a+b",
		"--> <b>@x":        "-%2D%3E+%3Cb%3E%40x",
		"---":              "-%2D-",
		"x\n<!-- other ->": "x%0A%3C%21-%2D+other+-%3E",
	} {
		if got := Marker(fleet); got != "linkfleet:preview fleet="+want {
			t.Errorf("Marker(%q) = %s", fleet, got)
		}
	}
	long := strings.Repeat("ä", 300)
	if Marker(long) == Marker(long+"x") || len(Marker(long)) > 200 {
		t.Errorf("Marker of a long name: %s", Marker(long))
	}
}

func TestShellWord(t *testing.T) {
	for text, want := range map[string]string{
		"a/b-c_1.cue": "a/b-c_1.cue", "": "''", "a b": "'a b'", "$(rm)": "'$(rm)'", "it's": `'it'\''s'`,
		"a\nb": `$'a\nb'`, "it's\x1b\\": `$'it\'s\x1b\\'`,
	} {
		if got := shellWord(text); got != want {
			t.Errorf("shellWord(%q) = %s; want %s", text, got, want)
		}
	}
}

func TestLink(t *testing.T) {
	for address, want := range map[string]string{
		"https://ci.example/job/7?a=b&c#d":   "<https://ci.example/job/7?a=b&c#d>",
		"https://user:secret@ci.example/job": "<https://ci.example/job>",
		"javascript:alert(1)":                "",
		"https://ci.example/<b>":             "<https://ci.example/%3Cb%3E>",
		"https://ci.example/?<b>":            "",
		"/local/path":                        "",
		"https://user:secret@ci.example/%zz": "",
	} {
		if got := link(address); got != want {
			t.Errorf("link(%q) = %s; want %s", address, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for text, want := range map[string]string{"": "", "äöü": "äöü", "äöüß": "äöüß", "äöüßx": "äöü…", strings.Repeat("x", 1<<20): "xxx…"} {
		if got := clip(text, 4); got != want {
			t.Errorf("got %.20q; want %q", got, want)
		}
	}
	long := strings.Repeat("x", 1<<20)
	cut := ""
	if n := testing.AllocsPerRun(10, func() { cut = clip(long, 100) }); n > 1 || len(cut) != 99+len("…") {
		t.Errorf("%v allocations to cut a long text to %d bytes", n, len(cut))
	}
}
