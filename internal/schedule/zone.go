package schedule

import (
	"fmt"
	"time"
	_ "time/tzdata" // a container image may come without zones
)

// loadZone finds a time zone by its name in the IANA database. The machine's
// own zone is refused: the same text would mean another time elsewhere.
func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || zone == time.Local {
		return nil, fmt.Errorf("%q is no time zone; write one of the IANA database, such as UTC or Europe/Zurich", name)
	}
	return zone, nil
}

// A stretch is a time in which the clock of a zone is not put forward or back.
// Within it the time on the wall, kept as if it were UTC, is the time plus a
// constant.
type stretch struct {
	begins, ends time.Time // zero: it always was, or will always be, so
	offset       time.Duration
}

func stretchAt(t time.Time, zone *time.Location) stretch {
	t = t.In(zone)
	_, seconds := t.Zone()
	s := stretch{offset: time.Duration(seconds) * time.Second}
	s.begins, s.ends = t.ZoneBounds()
	return s
}

// wall is what the clock shows at t, and at is when it shows that.
func (s stretch) wall(t time.Time) time.Time  { return t.UTC().Add(s.offset) }
func (s stretch) at(wall time.Time) time.Time { return wall.Add(-s.offset) }

// holds tells whether t is before the stretch's end.
func (s stretch) holds(t time.Time) bool { return s.ends.IsZero() || t.Before(s.ends) }
