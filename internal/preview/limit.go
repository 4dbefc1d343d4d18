package preview

import (
	"unicode/utf16"
	"unicode/utf8"
)

// A Limit is how long a comment may be, as its forge counts.
type Limit struct {
	N    int // 0: as long as it gets; otherwise [LeastLimit] at least
	Unit Unit
}

// LeastLimit is the smallest limit that is kept to whatever a fleet holds.
// No forge has one near it.
const LeastLimit = 16_384

// A Unit is what a forge counts.
type Unit int

// The units.
const (
	Bytes  Unit = iota // of UTF-8
	Runes              // Unicode's code points
	UTF16s             // code units of UTF-16, as JavaScript and Java count
)

// of is how long text is.
func (u Unit) of(text string) int {
	switch u {
	case Runes:
		return utf8.RuneCountInString(text)
	case UTF16s:
		n := 0
		for _, r := range text {
			n += utf16.RuneLen(r)
		}
		return n
	default:
		return len(text)
	}
}
