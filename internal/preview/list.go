package preview

import (
	"fmt"
	"strings"
)

// A list is a part of the summary: a heading and what stands under it.
type list struct {
	title   string
	entries []entry
	count   int // of what the list is of
	shown   int // lines, of size
}

// An entry is a line, in markdown, and those under it.
type entry struct {
	text string
	subs []string
}

// newList shows all of its entries. What stands under entries counts, if
// anything does: it is what they are reasons for.
func newList(title string, entries []entry) *list {
	l := &list{title: title, entries: entries, count: len(entries)}
	if subs := l.size() - len(entries); subs > 0 {
		l.count = subs
	}
	l.shown = l.size()
	return l
}

// size is how many lines a list has.
func (l *list) size() int {
	n := len(l.entries)
	for _, e := range l.entries {
		n += len(e.subs)
	}
	return n
}

// String is the list with as many lines as are shown. Entries come before
// what stands under others: every reason is told before all that it concerns.
func (l *list) String() string {
	if len(l.entries) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n#### %s (%d)\n\n", l.title, l.count)
	entries := l.entries[:min(l.shown, len(l.entries))]
	for i, n := range share(entries, l.shown-len(entries)) {
		e := entries[i]
		b.WriteString("- " + e.text + "\n")
		for _, s := range e.subs[:n] {
			b.WriteString("  - " + s + "\n")
		}
		if more := len(e.subs) - n; more > 0 {
			fmt.Fprintf(&b, "  - and %d more\n", more)
		}
	}
	if more := len(l.entries) - len(entries); more > 0 {
		fmt.Fprintf(&b, "- and %d more\n", more)
	}
	return b.String()
}

// share gives each entry its share of room for the lines under it: one more
// for each that has more, over and over, until there is no room.
func share(entries []entry, room int) []int {
	shares := make([]int, len(entries))
	for given := true; given && room > 0; {
		given = false
		for i, e := range entries {
			if room > 0 && shares[i] < len(e.subs) {
				shares[i]++
				room--
				given = true
			}
		}
	}
	return shares
}

// with is the list as it would be with n lines.
func (l *list) with(n int) string {
	shorter := *l
	shorter.shown = n
	return shorter.String()
}

// leftOut is how many lines are not shown.
func (l *list) leftOut() int { return l.size() - l.shown }
