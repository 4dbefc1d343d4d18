package page

import (
	"fmt"
	"time"
)

// A when is a moment, for people and for programs.
type when struct {
	ISO  string // for <time datetime>
	Full string // in UTC, to the second
	Ago  string // "3 hours ago"
}

// at is zero for no time at all, which templates leave out.
func (p *pages) at(t time.Time) when {
	if t.IsZero() {
		return when{}
	}
	t = t.UTC()
	return when{ISO: t.Format(time.RFC3339), Full: t.Format("2006-01-02 15:04:05 UTC"), Ago: ago(p.now().Sub(t), t)}
}

// ago says how long something is past, or ahead. What is past by months is
// better given by its date.
func ago(d time.Duration, t time.Time) string {
	past, n := d >= 0, d.Abs()
	var text string
	switch {
	case n < time.Minute && past:
		return "just now"
	case n < time.Minute:
		return "in a moment"
	case n < time.Hour:
		text = count(int(n/time.Minute), "minute")
	case n < 48*time.Hour:
		text = count(int(n/time.Hour), "hour")
	case n < 60*24*time.Hour:
		text = count(int(n/(24*time.Hour)), "day")
	default:
		return t.Format("2 January 2006")
	}
	if past {
		return text + " ago"
	}
	return "in " + text
}

// took is a duration as people read it.
func took(d time.Duration) string {
	switch {
	case d < 0:
		return ""
	case d < time.Second:
		return "under a second"
	case d < time.Minute:
		return d.Truncate(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%dh %02dm", d/time.Hour, d%time.Hour/time.Minute)
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
