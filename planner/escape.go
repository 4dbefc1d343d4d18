package planner

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names, ids and error texts come from the fleet's authors, from AWS and from
// strangers' tags. Each format has its own way to make them harmless.

// Clean makes text fit for a terminal and for a line: whatever is not
// printable, be it an escape sequence, a line break, an invisible or
// direction-changing character or a broken byte, stands as its Go escape.
// What is clean stays as it is.
func Clean(text string) string {
	if isClean(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return b.String()
}

func isClean(text string) bool {
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// PlainJSON escapes, in a JSON text, the characters that JSON allows in
// strings but terminals and editors may obey: DEL and the C1 controls, and
// what changes the direction of writing or is invisible.
func PlainJSON(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == '\n' || unicode.IsPrint(r) {
			out = append(out, text[:size]...)
		} else {
			for _, u := range utf16Of(r) {
				out = fmt.Appendf(out, `\u%04x`, u)
			}
		}
		text = text[size:]
	}
	return out
}
