package preview

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var (
	entity    = regexp.MustCompile(`&#\d+;`)
	ticks     = regexp.MustCompile("`+")
	ourMarkup = regexp.MustCompile(`(?m)^</?details>|<summary>|</summary>$|<https?://[^\s<>]+>$`)
	reference = regexp.MustCompile(`(?i)[@#][\pL\pN]|\bGH-\d|[!$%~^][\pL\pN"]|\w://|www\.|(?:^|[^\pL\pN_:]):[\w+-]+:`)
	alignment = regexp.MustCompile(`(?m)^\|---\|(:---:\|)*$`)
)

// checkComment holds a comment to its promises: nothing in it but what is
// printable, all of it closed, and no markup that is not ours.
func checkComment(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("the comment is no UTF-8")
	}
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("the comment has %q in it", r)
		}
	}
	outside, open := withoutBlocks(text)
	if open {
		t.Error("a block of code is not closed")
	}
	outside = withoutCode(outside)
	depth := 0
	for line := range strings.Lines(outside) {
		depth += strings.Count(line, "<details>") - strings.Count(line, "</details>")
		if depth < 0 || depth > 1 {
			t.Fatalf("folds are not balanced at %q", line)
		}
		if strings.HasPrefix(line, "/") {
			t.Errorf("a line that forges obey: %q", line)
		}
	}
	if depth != 0 {
		t.Error("a fold is not closed")
	}
	prose := ourMarkup.ReplaceAllString(alignment.ReplaceAllString(outside, ""), "")
	if i := strings.IndexAny(prose, "<>[]@`"); i >= 0 {
		t.Errorf("markup at %q", prose[i:min(len(prose), i+60)])
	}
	plain := entity.ReplaceAllStringFunc(prose, func(entity string) string {
		if entity == invisible {
			return "\u200b"
		}
		var n rune
		for _, d := range strings.Trim(entity, "&#;") {
			n = n*10 + d - '0'
		}
		return string(n)
	})
	if found := reference.FindString(ourHeading.ReplaceAllString(plain, "")); found != "" {
		t.Errorf("a reference: %q", found)
	}
}

var ourHeading = regexp.MustCompile(`(?m)^####? `)

// withoutCode is text without the code within its lines: what stands between
// as many backticks and as many.
func withoutCode(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		for {
			open := ticks.FindStringIndex(line)
			if open == nil {
				break
			}
			b.WriteString(line[:open[0]])
			rest, n := line[open[1]:], open[1]-open[0]
			runs := ticks.FindAllStringIndex(rest, -1)
			i := slices.IndexFunc(runs, func(run []int) bool { return run[1]-run[0] == n })
			if i < 0 {
				b.WriteString(line[open[0]:open[1]])
				line = rest
				continue
			}
			line = rest[runs[i][1]:]
		}
		b.WriteString(line)
	}
	return b.String()
}

// withoutBlocks is text without its blocks of code. It tells whether the last
// of them is left open.
func withoutBlocks(text string) (outside string, open bool) {
	var b strings.Builder
	fence := ""
	for line := range strings.Lines(text) {
		mark := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		info := strings.TrimSpace(line[len(mark):])
		switch {
		case fence == "" && len(mark) >= 3 && (info == "diff" || info == "sh"):
			fence = mark
		case fence == "":
			b.WriteString(line)
		case len(mark) >= len(fence) && info == "":
			fence = ""
		}
	}
	return b.String(), fence != ""
}
