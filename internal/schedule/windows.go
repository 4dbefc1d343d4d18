package schedule

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// Windows are when something may begin. A rule that denies wins over any that
// allows; without a rule that allows, what is not denied is open. The zero
// Windows are always open. [ParseWindows] makes others.
type Windows struct{ allow, deny []rule }

// ParseWindows reads rules, each written as allow or deny, when, and a time
// zone (UTC if there is none):
//
//	allow mon-fri 09:00-17:00 Europe/Zurich
//	deny 2026-12-20..2027-01-03
//	deny fri 12:00-24:00
//	allow mon,wed 22:00-06:00 America/New_York
//
// When is a day or days from .. to, both included; days of the week; and hours,
// the second of which is the first that is out. All that are given must hold.
// Hours over midnight belong to the day that they begin on. They go by the
// clock on the wall: an hour that comes twice when it is put back is in twice.
//
// The error names every rule that cannot be read, and what to write.
func ParseWindows(rules ...string) (Windows, error) {
	var w Windows
	var errs []error
	for i, text := range rules {
		r, allows, err := parseRule(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("window rule %d %q: %w", i+1, planner.Clean(text), err))
		case allows:
			w.allow = append(w.allow, r)
		default:
			w.deny = append(w.deny, r)
		}
	}
	if len(errs) > 0 {
		return Windows{}, errors.Join(errs...)
	}
	return w, nil
}

// horizon is how far ahead Open looks for a change: a year, with its holidays.
const horizon = 366 * 24 * time.Hour

// Open tells whether something may begin now, and until when that stays so:
// until is the first moment at which it is otherwise, or zero if there is none
// within a year. Why says, of what is closed, which rule denies it or that none
// allows it.
func (w Windows) Open(now time.Time) (open bool, until time.Time, why string) {
	why = w.closed(now)
	return why == "", w.change(now, why == ""), why
}

// closed is why it is, or empty.
func (w Windows) closed(t time.Time) string {
	for _, r := range w.deny {
		if r.holds(t) {
			return fmt.Sprintf("the rule %q denies it", r.text)
		}
	}
	if len(w.allow) == 0 || slices.ContainsFunc(w.allow, func(r rule) bool { return r.holds(t) }) {
		return ""
	}
	return fmt.Sprintf("it is outside what %q%s allows", w.allow[0].text, orOthers(len(w.allow)-1))
}

func orOthers(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " or the other rule"
	}
	return fmt.Sprintf(" or one of %d other rules", n)
}

// change is when it is no longer as it is now. Only where a rule has an edge
// can it be.
func (w Windows) change(now time.Time, open bool) time.Time {
	rules := slices.Concat(w.allow, w.deny)
	for t := now; len(rules) > 0; {
		t = nextEdge(rules, t)
		if t.Sub(now) > horizon {
			break
		}
		if (w.closed(t) == "") != open {
			return t
		}
	}
	return time.Time{}
}

func nextEdge(rules []rule, after time.Time) time.Time {
	first := rules[0].edge(after)
	for _, r := range rules[1:] {
		if at := r.edge(after); at.Before(first) {
			first = at
		}
	}
	return first
}
