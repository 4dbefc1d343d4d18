package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// A rule is when it holds, on the clock on the wall of its zone.
type rule struct {
	text        string
	first, last time.Time     // days, as midnight in UTC; zero: any
	weekdays    set           // by time.Weekday; 0: any
	from, to    time.Duration // since midnight; to may be before from, over midnight
	zone        *time.Location
}

const day = 24 * time.Hour

// holds tells whether the rule does at t.
func (r rule) holds(t time.Time) bool {
	wall := stretchAt(t, r.zone).wall(t)
	today := wall.Truncate(day)
	clock := wall.Sub(today)
	if r.from < r.to {
		return r.from <= clock && clock < r.to && r.on(today)
	}
	return clock >= r.from && r.on(today) || clock < r.to && r.on(today.Add(-day))
}

// on tells whether the rule holds on a day.
func (r rule) on(date time.Time) bool {
	if !r.first.IsZero() && (date.Before(r.first) || date.After(r.last)) {
		return false
	}
	return r.weekdays == 0 || r.weekdays.has(int(date.Weekday()))
}

// edge is the first moment after t at which the rule may begin or end to hold:
// where the clock shows midnight or one of its hours, or is put forward or back.
func (r rule) edge(t time.Time) time.Time {
	s := stretchAt(t, r.zone)
	wall := s.wall(t)
	midnight := wall.Truncate(day)
	next := midnight.Add(day)
	for _, clock := range []time.Duration{r.from, r.to} {
		if at := midnight.Add(clock); at.After(wall) && at.Before(next) {
			next = at
		}
	}
	if at := s.at(next); s.holds(at) {
		return at
	}
	return s.ends
}

// parseRule reads a rule. The order of its words is free but for the first.
func parseRule(text string) (r rule, allows bool, err error) {
	words := strings.Fields(text)
	r = rule{text: planner.Clean(strings.Join(words, " ")), to: day, zone: time.UTC}
	if len(words) == 0 || words[0] != "allow" && words[0] != "deny" {
		return rule{}, false, errors.New(`it begins neither with "allow" nor with "deny"`)
	}
	if len(words) == 1 {
		return rule{}, false, fmt.Errorf("it does not say when; write days, hours or dates, such as %q", words[0]+" mon-fri 09:00-17:00 Europe/Zurich")
	}
	given := map[string]string{}
	for _, word := range words[1:] {
		part, read := r.part(word)
		if before, twice := given[part]; twice {
			return rule{}, false, fmt.Errorf("both %q and %q are its %s; write two rules", before, word, part)
		}
		given[part] = word
		if err := read(word); err != nil {
			return rule{}, false, err
		}
	}
	if zone, alone := given["time zone"]; alone && len(given) == 1 {
		return rule{}, false, fmt.Errorf("it does not say when; write days, hours or dates before %q", zone)
	}
	return r, words[0] == "allow", nil
}

// part tells by a word's looks what it says, and what reads it.
func (r *rule) part(word string) (name string, read func(string) error) {
	first, _, _ := strings.Cut(word, "-")
	first, _, _ = strings.Cut(first, ",")
	_, isDay := weekday(first)
	switch {
	case strings.Contains(word, ":"):
		return "hours", r.readHours
	case word[0] >= '0' && word[0] <= '9':
		return "dates", r.readDates
	case isDay:
		return "days", r.readDays
	}
	return "time zone", r.readZone
}

func (r *rule) readZone(word string) (err error) {
	r.zone, err = loadZone(word)
	if err != nil && !strings.Contains(word, "/") {
		return fmt.Errorf("%q is neither days (mon-fri), hours (09:00-17:00), dates (2026-12-20..2027-01-03) nor a time zone (Europe/Zurich)", word)
	}
	return err
}

func (r *rule) readDates(word string) error {
	first, last, ranged := strings.Cut(word, "..")
	if !ranged {
		last = first
	}
	for _, d := range []struct {
		text string
		into *time.Time
	}{{first, &r.first}, {last, &r.last}} {
		date, err := time.Parse(time.DateOnly, d.text)
		if err != nil {
			return fmt.Errorf("%q is no date; write 2026-12-25, or 2026-12-20..2027-01-03 for several days", d.text)
		}
		*d.into = date
	}
	if r.last.Before(r.first) {
		return fmt.Errorf("%q runs backwards; write the earlier date first", word)
	}
	return nil
}

// weekday finds a day by its first three letters or its name.
func weekday(word string) (time.Weekday, bool) {
	for d := range time.Weekday(7) {
		if name := d.String(); strings.EqualFold(word, name) || strings.EqualFold(word, name[:3]) {
			return d, true
		}
	}
	return 0, false
}

func (r *rule) readDays(word string) error {
	for span := range strings.SplitSeq(word, ",") {
		first, last, ranged := strings.Cut(span, "-")
		from, ok := weekday(first)
		to, okToo := weekday(cmp.Or(last, first))
		if !ok || !okToo || ranged && last == "" {
			return fmt.Errorf("%q is no day or range of days; write mon, mon-fri or mon,wed", span)
		}
		for d := from; ; d = (d + 1) % 7 { // "fri-mon" is over the weekend
			r.weekdays |= 1 << d
			if d == to {
				break
			}
		}
	}
	return nil
}

func (r *rule) readHours(word string) (err error) {
	from, to, ranged := strings.Cut(word, "-")
	if !ranged {
		return fmt.Errorf("%q is one time; write a range such as 09:00-17:00", word)
	}
	if r.from, err = clock(from); err != nil {
		return err
	}
	if r.to, err = clock(to); err != nil {
		return err
	}
	if r.from == r.to || r.from == day {
		return fmt.Errorf("%q has no length; for the whole day, leave the hours out", word)
	}
	return nil
}

// clock reads a time of day, midnight at its end included.
func clock(text string) (time.Duration, error) {
	if text == "24:00" {
		return day, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fmt.Errorf("%q is no time of day; write 00:00 to 24:00", text)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}
