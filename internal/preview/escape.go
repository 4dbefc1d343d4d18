package preview

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/linkfleet/linkfleet/planner"
)

// invisible is a zero-width space. Forges look for mentions, references and
// links after they have read the entities, so these must be broken up.
const invisible = "&#8203;"

// prose makes text mean itself in the prose of a comment, and in HTML: no
// markup, no mention of anyone, no reference, no link.
//
// What the forges take for references is on their pages:
// https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
// https://docs.gitlab.com/user/markdown/#gitlab-specific-references
// https://docs.gitea.com/usage/issues-prs/automatically-linked-references
func prose(text string) string {
	var b strings.Builder
	text = planner.Clean(text)
	for i, r := range text {
		before, after := text[:i], text[i+utf8.RuneLen(r):]
		switch {
		case strings.ContainsRune("@#[", r), strings.ContainsRune(sigils, r) && startsWord(after):
			fmt.Fprintf(&b, "&#%d;%s", r, invisible)
		case startsLink(before, r, after), r == '-' && endsTracker(before) && startsNumber(after):
			b.WriteString(invisible)
			b.WriteRune(r)
		case r == ':' && startsEmoji(before, after):
			b.WriteRune(r)
			b.WriteString(invisible)
		case strings.ContainsRune("\\`*_[]<>&|~$", r), startsList(before, r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// sigils refer to something on GitLab, where a word or a number follows: a
// merge request, a snippet, a milestone, a label, an alert, an epic, an
// iteration; or they open an addition or a placeholder.
const sigils = "!$%~^&*{"

func startsWord(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return isWord(r) || strings.ContainsRune("\"'+-{", r)
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func startsNumber(text string) bool { return text != "" && text[0] >= '0' && text[0] <= '9' }

// startsLink tells whether r is where a link would be taken for one:
// "https://", "www.".
func startsLink(before string, r rune, after string) bool {
	return r == ':' && strings.HasPrefix(after, "//") || r == '.' && strings.HasSuffix(strings.ToLower(before), "www")
}

// endsTracker tells whether the text ends in what is followed by the number of
// an issue: "GH", and capitals where another tracker is set up.
func endsTracker(text string) bool {
	word := text[strings.LastIndexFunc(text, func(r rune) bool { return !isWord(r) })+1:]
	return word != "" && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" || strings.EqualFold(word, "gh")
}

// startsEmoji tells whether a colon may open ":name:". Within a word, as in an
// ARN, it opens nothing.
func startsEmoji(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(strings.TrimRight(before, ":"))
	next, _ := utf8.DecodeRuneInString(after)
	return !isWord(last) && (isWord(next) || next == '+' || next == '-')
}

// startsList tells whether r, after before, would begin an item of a list.
func startsList(before string, r rune) bool {
	if r == '-' || r == '+' {
		return before == ""
	}
	return (r == '.' || r == ')') && before != "" && strings.Trim(before, "0123456789") == ""
}

// code is text as code within a line, where nothing is markup.
func code(text string) string {
	text = planner.Clean(text)
	ticks := strings.Repeat("`", longestRun(text)+1)
	if text == "" || strings.Trim(text, " ") == "" || strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") ||
		strings.HasPrefix(text, " ") && strings.HasSuffix(text, " ") {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

// fence is a line of backticks that no run within lines ends.
func fence(lines []string) string {
	longest := 2
	for _, line := range lines {
		longest = max(longest, longestRun(line))
	}
	return strings.Repeat("`", longest+1)
}

// longestRun is how many backticks stand side by side.
func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		run++
		if r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// clip keeps as many runes of text as it may have. It looks at no more of it:
// strangers write long texts.
func clip(text string, most int) string {
	runes, end := 0, 0
	for at := range text {
		if runes++; runes == most {
			end = at
		}
		if runes > most {
			return text[:end] + "…"
		}
	}
	return text
}

// Marker is the text by which the comment on a fleet is found again, once it is
// hidden in front of it: plain text without "--" or angle brackets, of at most
// 200 bytes, the same for all previews of a fleet and of no other. That a
// comment has it does not prove whose it is; anybody can write it.
func Marker(fleet string) string {
	const longest = 128
	name := strings.ReplaceAll(url.QueryEscape(fleet), "--", "-%2D")
	if len(name) > longest {
		name = fmt.Sprintf("%.64s.%x", name, sha256.Sum256([]byte(fleet)))[:longest]
	}
	return "linkfleet:preview fleet=" + name
}

// Command is words as a line for a shell.
func Command(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

// shellWord is text as one word of a POSIX shell, or of Bash where it holds
// what does not print.
func shellWord(text string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,"
	switch {
	case text != "" && strings.Trim(text, plain) == "":
		return text
	case planner.Clean(text) == text:
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	default:
		escaped := planner.Clean(strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text))
		return "$'" + escaped + "'"
	}
}

// link is an address as a link; "" if it is none of the web. A password in it
// is left out.
func link(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	u.User = nil
	text := u.String()
	if strings.ContainsAny(text, " <>\\`\"") || planner.Clean(text) != text {
		return ""
	}
	return "<" + text + ">"
}
