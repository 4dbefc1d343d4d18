package awssim

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A clock maps the machine's time to the simulator's.
type clock struct {
	began time.Time // machine's
	start time.Time // simulator's, at began
	speed float64
}

func newClock(start time.Time, speed float64) clock {
	began := time.Now()
	if start.IsZero() {
		start = began
	}
	if speed <= 0 {
		speed = 1
	}
	return clock{began: began, start: start.UTC(), speed: speed}
}

func (k clock) now() time.Time {
	return k.start.Add(time.Duration(float64(time.Since(k.began)) * k.speed))
}

// machine translates a time of the simulator's to the machine's.
func (k clock) machine(t time.Time) time.Time {
	return time.Now().Add(time.Duration(float64(t.Sub(k.now())) / k.speed)).UTC()
}

// delay is how long the machine waits for a time of the simulator's: never
// less, so that it has come when the wait is over.
func (k clock) delay(t time.Time) time.Duration {
	return max(0, time.Duration(math.Ceil(float64(t.Sub(k.now()))/k.speed)))
}

// at schedules an event. Kind names its handler, by convention with the
// subject first ("privatelink.available"); account, region and id say what it
// is about.
func (s *Sim) at(t time.Time, kind, account, region, id string) {
	s.world.Counter++
	e := event{At: t, Seq: s.world.Counter, Kind: kind, Account: account, Region: region, ID: id}
	i, _ := slices.BinarySearchFunc(s.world.Events, e, byTime)
	s.world.Events = slices.Insert(s.world.Events, i, e)
}

// after schedules an event d from the simulator's now, for event handlers.
func (s *Sim) after(d time.Duration, kind, account, region, id string) {
	s.at(s.now().Add(d), kind, account, region, id)
}

func byTime(a, b event) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq))
}

// catchUp runs every event that is due, each at its own time, and then sets
// the clock to the present.
func (s *Sim) catchUp() {
	s.until = s.clock.now()
	before := s.world.Version
	for len(s.world.Events) > 0 && !s.world.Events[0].At.After(s.until) {
		e := s.world.Events[0]
		s.world.Events = s.world.Events[1:]
		if e.At.After(s.world.Now) {
			s.world.Now = e.At
		}
		s.happen(e)
	}
	if s.until.After(s.world.Now) {
		s.world.Now = s.until
	}
	if s.world.Version != before {
		s.changed()
	}
}

// happen runs an event's handler. A party's tick changes the world only if it
// says so itself.
func (s *Sim) happen(e event) {
	if s.holdUp(e) {
		return
	}
	handler := s.handlers[e.Kind]
	if handler == nil {
		s.unserved("event", e.Kind)
		return
	}
	handler(s, e)
	if e.Kind != tick {
		s.world.Version++
	}
}
