package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/linkfleet/linkfleet/planner"
)

// A Cron strikes at the times of a cron expression. [ParseCron] makes one.
//
// Where the clock is put forward, a strike that falls into the hour that is
// left out comes right after it; where the clock is put back, a strike in the
// hour that comes twice comes the first time only. So what is to be done daily
// is done daily. An expression whose hour field begins with "*" strikes at
// intervals, and does so whatever the clock shows: neither of the two is then
// for it. (Vixie cron makes the same difference.)
type Cron struct {
	text     string
	on       cron.Schedule // on a clock that is never put forward or back
	interval bool
	zone     *time.Location
	delay    time.Duration
}

// ParseCron reads a cron expression of five fields (minute, hour, day of the
// month, month, day of the week) or one of @hourly, @daily, @weekly, @monthly
// and @yearly, with the name of a time zone behind it; without one, UTC.
//
// Fields are numbers, months and days also names (jan, mon), ranges, lists and
// steps ("*/15", "9-17/2"). Where both fields for days are given, it strikes on
// the days of either, as crontab(5) has it.
func ParseCron(text string) (Cron, error) {
	c := Cron{text: text, zone: time.UTC}
	words := strings.Fields(text)
	if strings.Contains(text, "=") || strings.HasPrefix(text, "@every") { // zones go behind, and there is a --poll
		return Cron{}, c.fault(errForm)
	}
	want := 5
	if len(words) > 0 && strings.HasPrefix(words[0], "@") {
		want = 1
	}
	if len(words) != want && len(words) != want+1 {
		return Cron{}, c.fault(fmt.Errorf("it has %d fields; %w", len(words), errForm))
	}
	var err error
	if len(words) > want {
		if c.zone, err = loadZone(words[want]); err != nil {
			return Cron{}, c.fault(err)
		}
	}
	if c.on, err = cron.ParseStandard(strings.Join(words[:want], " ")); err != nil {
		return Cron{}, c.fault(fmt.Errorf("%s; %w", planner.Clean(err.Error()), errForm))
	}
	if c.on.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Cron{}, c.fault(errors.New("no month it names has such a day; it would never strike"))
	}
	c.interval = words[0] == "@hourly" || want == 5 && strings.HasPrefix(words[1], "*")
	return c, nil
}

// errForm is how an expression is written.
var errForm = errors.New("write minute, hour, day, month and weekday, such as \"0 6 * * mon-fri\", or @hourly, @daily, @weekly, @monthly or @yearly, and a time zone if it is not UTC")

// fault is an error of the expression.
func (c Cron) fault(err error) error {
	return fmt.Errorf("cron schedule %q: %w", planner.Clean(c.text), err)
}

// Spread delays each strike by a time under most that depends on the fleet's
// name alone: a server keeps its own over restarts, and those of many fleets do
// not strike at once.
func (c Cron) Spread(fleet string, most time.Duration) Cron {
	c.delay = 0
	if most > 0 {
		sum := sha256.Sum256([]byte(fleet))
		c.delay = time.Duration(binary.BigEndian.Uint64(sum[:]) % uint64(most)).Truncate(time.Second)
	}
	return c
}

// Next is the first strike after a time, in the expression's zone. It is zero
// only for the zero Cron, which never strikes.
func (c Cron) Next(after time.Time) time.Time {
	if c.zone == nil {
		return time.Time{}
	}
	at := c.next(after.Add(-c.delay))
	if at.IsZero() {
		return at
	}
	return at.Add(c.delay).In(c.zone)
}

// next goes from one stretch of the zone's time to the next one. In each, the
// clock on the wall is as regular as UTC.
func (c Cron) next(after time.Time) time.Time {
	s := stretchAt(after, c.zone)
	from := s.wall(after)
	for {
		wall := c.on.Next(c.skipRepeated(s, from))
		if wall.IsZero() {
			return wall
		}
		if at := s.at(wall); s.holds(at) {
			return at
		}
		following := stretchAt(s.ends, c.zone)
		begins := following.wall(s.ends)
		if !c.interval && wall.Before(begins) {
			return s.ends // the clock was put forward over it
		}
		s, from = following, begins.Add(-1)
	}
}

// skipRepeated is from, or the end of what the clock shows a second time in a
// stretch if that is later.
func (c Cron) skipRepeated(s stretch, from time.Time) time.Time {
	if c.interval || s.begins.IsZero() {
		return from
	}
	shown := stretchAt(s.begins.Add(-1), c.zone).wall(s.begins)
	if last := shown.Add(-1); from.Before(last) {
		return last
	}
	return from
}
