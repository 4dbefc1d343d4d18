package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// A set is of small numbers: bit n is set for n.
type set uint64

func (s set) has(n int) bool { return s&(1<<n) != 0 }

// fields are what a cron expression says, whatever the zone.
type fields struct {
	minutes, hours, days, months, weekdays set

	everyDay, everyWeekday bool // the field begins with "*"
	interval               bool // that of hours does
}

// farthest is how far apart strikes can be: 29 February from 2096 to 2104.
const farthest = 8 * 366 * 24 * time.Hour

// next is the first time after another that the fields name, on a clock that
// is never put forward or back; zero if there is none.
func (f fields) next(after time.Time) time.Time {
	t := after.Truncate(time.Minute).Add(time.Minute)
	for end := t.Add(farthest); t.Before(end); {
		if f.match(t) {
			return t
		}
		switch year, month, day := t.Date(); {
		case !f.months.has(int(month)):
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !f.onDay(t):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case !f.hours.has(t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		default:
			t = t.Add(time.Minute)
		}
	}
	return time.Time{}
}

// match tells whether the fields name a minute.
func (f fields) match(t time.Time) bool {
	return f.months.has(int(t.Month())) && f.onDay(t) && f.hours.has(t.Hour()) && f.minutes.has(t.Minute())
}

// onDay is as crontab(5) has it: of two fields that restrict the day, either
// is enough.
func (f fields) onDay(t time.Time) bool {
	day, weekday := f.days.has(t.Day()), f.weekdays.has(int(t.Weekday()))
	if f.everyDay || f.everyWeekday {
		return day && weekday
	}
	return day || weekday
}

// A cronError says which expression is wrong, and how.
type cronError struct {
	text string
	err  error
}

func (e *cronError) Error() string {
	return fmt.Sprintf("cron schedule %q: %v", planner.Clean(e.text), e.err)
}

func (e *cronError) Unwrap() error { return e.err }

// alias is what an abbreviation of crontab(5) stands for.
func alias(word string) (expression string, known bool) {
	switch word {
	case "@hourly":
		return "0 * * * *", true
	case "@daily", "@midnight":
		return "0 0 * * *", true
	case "@weekly":
		return "0 0 * * 0", true
	case "@monthly":
		return "0 0 1 * *", true
	case "@yearly", "@annually":
		return "0 0 1 1 *", true
	}
	return "", false
}

func parseCron(text string) (fields, *time.Location, error) {
	words := strings.Fields(text)
	if len(words) > 0 && strings.HasPrefix(words[0], "@") {
		long, known := alias(words[0])
		if !known {
			return fields{}, nil, fmt.Errorf("%q is unknown; write @hourly, @daily, @weekly, @monthly, @yearly or five fields", words[0])
		}
		words = append(strings.Fields(long), words[1:]...)
	}
	if len(words) != 5 && len(words) != 6 {
		return fields{}, nil, fmt.Errorf("it has %d fields; write minute, hour, day, month and weekday, such as \"0 6 * * mon-fri\", and a time zone if it is not UTC", len(words))
	}
	zone := time.UTC
	if len(words) == 6 {
		var err error
		if zone, err = loadZone(words[5]); err != nil {
			return fields{}, nil, err
		}
	}
	f, err := parseFields(words)
	return f, zone, err
}

func parseFields(words []string) (f fields, err error) {
	for i, field := range []struct {
		name     string
		min, max int
		names    string // three letters each
		into     *set
	}{
		{"minute", 0, 59, "", &f.minutes},
		{"hour", 0, 23, "", &f.hours},
		{"day", 1, 31, "", &f.days},
		{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", &f.months},
		{"weekday", 0, 7, "sunmontuewedthufrisatsun", &f.weekdays},
	} {
		p := fieldParser{field.min, field.max, field.names}
		if *field.into, err = p.list(words[i]); err != nil {
			return fields{}, fmt.Errorf("in the field of the %s, %w", field.name, err)
		}
	}
	if f.weekdays.has(7) {
		f.weekdays |= 1 // Sunday is 0 and 7
	}
	star := func(i int) bool { return strings.HasPrefix(words[i], "*") }
	f.interval, f.everyDay, f.everyWeekday = star(1), star(2), star(4)
	if f.next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return fields{}, fmt.Errorf("no month it names has day %s; it would never strike", words[2])
	}
	return f, nil
}

// A fieldParser knows what may stand in one field.
type fieldParser struct {
	min, max int
	names    string // of the numbers from min on, three letters each
}

func (p fieldParser) list(text string) (all set, err error) {
	for element := range strings.SplitSeq(text, ",") {
		some, err := p.element(element)
		if err != nil {
			return 0, err
		}
		all |= some
	}
	return all, nil
}

// element reads "*", "5", "9-17" or one of these with "/2".
func (p fieldParser) element(text string) (some set, err error) {
	span, stepText, stepped := strings.Cut(text, "/")
	from, to := p.min, p.max
	if span != "*" {
		if from, to, err = p.span(span, stepped); err != nil {
			return 0, err
		}
	}
	step := 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > p.max {
			return 0, fmt.Errorf("%q has no step from 1 to %d behind its \"/\"", text, p.max)
		}
	}
	for n := from; n <= to; n += step {
		some |= 1 << n
	}
	return some, nil
}

func (p fieldParser) span(text string, stepped bool) (from, to int, err error) {
	first, last, ranged := strings.Cut(text, "-")
	if from, err = p.number(first); err != nil || !ranged {
		if err == nil && stepped {
			err = fmt.Errorf("a step needs a range; write %s-%d before the \"/\"", text, p.max)
		}
		return from, from, err
	}
	if to, err = p.number(last); err != nil {
		return 0, 0, err
	}
	if to == 0 && from > 0 && p.names != "" {
		to = p.max // "fri-sun": Sunday is 0 and 7
	}
	if to < from {
		return 0, 0, fmt.Errorf("%q runs backwards; write it as two ranges with a comma between", text)
	}
	return from, to, nil
}

func (p fieldParser) number(text string) (int, error) {
	if len(text) == 3 {
		if at := strings.Index(p.names, strings.ToLower(text)); at >= 0 && at%3 == 0 {
			return p.min + at/3, nil
		}
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || int(n) < p.min || int(n) > p.max {
		return 0, fmt.Errorf("%q is not a number from %d to %d%s", text, p.min, p.max, p.hint())
	}
	return int(n), nil
}

func (p fieldParser) hint() string {
	if p.names == "" {
		return ""
	}
	return " or a name such as " + p.names[:3]
}
