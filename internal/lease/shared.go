package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"
)

// Records keep small records that all appliers can reach. A record is strings
// by name.
type Records interface {
	// Get is the record of key as it is now; nil if there is none.
	Get(ctx context.Context, key string) (map[string]string, error)
	// PutIf makes next the record of key if at that moment it has all that
	// was has, or does not exist if was is nil. It reports whether so it
	// was. It may report false although it wrote next, after an answer that
	// was lost.
	PutIf(ctx context.Context, key string, next, was map[string]string) (bool, error)
}

// Shared is a lease among machines that share nothing but records.
//
// No two clocks are ever compared. A holder renews its lease, which gives the
// record a new version. Who wants the lease and sees a version stand for as
// long as the lease lasts, by its own clock that nobody sets, knows that its
// holder is gone. A holder counts from before it sent its last renewal, and so
// always gives up before anybody else may take over.
type Shared struct {
	Records Records
	Fleet   string // also the key of the record
	// Duration is how long the lease lasts without being renewed; 0 is 30
	// seconds. It is renewed three times as often.
	Duration time.Duration
	// Watching, if set, is told once that Acquire looks whether the holder
	// is still there, which takes as long as the holder's lease lasts.
	Watching func(Holder)
	// Rollout, if set, is the commit that the holder rolls out. The record
	// keeps it for those who come after, until another one is rolled out.
	Rollout string
	// Follows, if set, is asked whether the lease may be taken after the
	// rollout that the record keeps. If not, nothing is written.
	Follows func(commit string) error

	group string           // who may hold it together; empty: one alone
	wall  func() time.Time // nil: the machine's; for tests
}

// defaultDuration is long enough for AWS's worst minute of throttling to spare
// a renewal or two, and short enough to wait for after a crash.
const defaultDuration = 30 * time.Second

// longestDuration bounds how long a record of whatever content can keep a
// lease after its holder is gone.
const longestDuration = 10 * time.Minute

// What part of a lease's duration things take.
const (
	renewAfter = 3  // a third: renewed so long after the last renewal
	lookAfter  = 10 // a tenth: between two looks at somebody else's
	tickAfter  = 30 // a thirtieth: between two tries to renew, and looks at the clock
)

// lostAfter is when a holder that could not renew begins nothing any more, and
// overAfter when it lets nothing go on. The rest is for requests on their way.
func lostAfter(d time.Duration) time.Duration { return d * 2 / 3 }
func overAfter(d time.Duration) time.Duration { return d * 9 / 10 }

func (s *Shared) duration() time.Duration {
	if s.Duration > 0 {
		return min(s.Duration, longestDuration)
	}
	return defaultDuration
}

// Acquire takes the lease if nobody holds it, or if its holder is seen to be
// gone.
func (s *Shared) Acquire(ctx context.Context, h Holder) (*Held, error) {
	h.Since = time.Now()
	mine := entry{id: cmp.Or(s.group, rand.Text()), duration: s.duration(), Holder: h}
	found, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	if !found.yields(mine) {
		if found, err = s.watch(ctx, mine, found); err != nil {
			return nil, err
		}
	}
	return s.take(ctx, mine, found)
}

// look reads the record; a lease that nobody holds has no id.
func (s *Shared) look(ctx context.Context) (entry, error) {
	record, err := s.Records.Get(ctx, s.Fleet)
	if err != nil {
		return entry{}, fmt.Errorf("looking who holds the lease of fleet %s: %w", s.Fleet, err)
	}
	return readEntry(record), nil
}

// watch returns an entry that mine may replace: found when it has stood for as
// long as it lasts, or the one after its release. If found changes otherwise
// its holder is there, or it has another one.
func (s *Shared) watch(ctx context.Context, mine, found entry) (entry, error) {
	if s.Watching != nil {
		s.Watching(found.Holder)
	}
	for began := time.Now(); time.Since(began) <= found.duration; {
		if !until(ctx, found.duration/lookAfter) {
			return entry{}, ctx.Err()
		}
		now, err := s.look(ctx)
		switch {
		case err != nil:
			return entry{}, err
		case now.yields(mine):
			return now, nil
		case now.id != found.id || now.version != found.version:
			return entry{}, s.held(now)
		}
	}
	return found, nil
}

// held says who was seen to be there.
func (s *Shared) held(by entry) error {
	return &HeldError{Fleet: s.Fleet, Holder: by.Holder, Way: "it was there just now; wait until it is done, and run again"}
}

// take writes mine where found is. If mine is there already, an answer was lost
// or it is that of another of the group; either may be older than this try, so
// it is written once more.
func (s *Shared) take(ctx context.Context, mine, found entry) (*Held, error) {
	for {
		if err := s.follows(found.rollout); err != nil {
			return nil, err
		}
		mine.version, mine.rollout = found.version+1, cmp.Or(s.Rollout, found.rollout)
		sent := time.Now()
		ok, err := s.Records.PutIf(ctx, s.Fleet, mine.record(), found.read)
		if ok {
			k := &keeper{shared: s, mine: mine, sent: sent}
			return keep(k.run, k.free), nil
		}
		if err == nil {
			if found, err = s.look(ctx); err == nil && found.id != mine.id {
				return nil, s.held(found)
			}
		}
		if err != nil {
			s.tidy(ctx, mine)
			return nil, fmt.Errorf("taking the lease of fleet %s: %w", s.Fleet, err)
		}
	}
}

func (s *Shared) follows(rollout string) error {
	if s.Follows == nil || rollout == "" {
		return nil
	}
	return s.Follows(rollout)
}

// tidy frees what may have been taken without our knowing, so that nobody has
// to wait for it to end. If it cannot, it does end. What a group holds is left
// to the others of it.
func (s *Shared) tidy(ctx context.Context, mine entry) {
	if s.group != "" {
		return
	}
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_, _ = s.Records.PutIf(ctx, s.Fleet, mine.freed(), map[string]string{idField: mine.id})
}

// An entry is what the record says.
type entry struct {
	// id is of one acquisition, or of a group; empty: nobody holds the lease.
	id string
	// version rises with every change of the record, for ever.
	version  int64
	duration time.Duration
	// rollout is the commit that was rolled out last, by this holder or one
	// before.
	rollout string
	// read is what tells the record that was read from all others; nil: there
	// was none.
	read map[string]string
	Holder
}

// The fields of a record.
const (
	idField       = "holder"
	versionField  = "version"
	durationField = "duration"
	whoField      = "who"
	hostField     = "host"
	processField  = "process"
	commitField   = "commit"
	sinceField    = "since"
	rolloutField  = "rollout"
)

// yields tells whether mine may take the place of e at once.
func (e entry) yields(mine entry) bool { return e.id == "" || e.id == mine.id }

func readEntry(record map[string]string) entry {
	e := entry{id: record[idField], rollout: record[rolloutField], Holder: Holder{
		Who: record[whoField], Host: record[hostField], Commit: record[commitField],
	}}
	// What cannot be read counts as nothing: it is only shown, or, of the
	// version and the duration, written anew by who takes over.
	e.version, _ = strconv.ParseInt(record[versionField], 10, 64)
	e.Process, _ = strconv.Atoi(record[processField])
	e.Since, _ = time.Parse(time.RFC3339, record[sinceField])
	e.duration, _ = time.ParseDuration(record[durationField])
	if e.duration <= 0 || e.duration > longestDuration {
		e.duration = longestDuration
	}
	if record != nil {
		e.read = map[string]string{}
	}
	for _, name := range []string{idField, versionField} {
		if value, ok := record[name]; ok {
			e.read[name] = value
		}
	}
	return e
}

func (e entry) record() map[string]string {
	return map[string]string{
		idField: e.id, versionField: strconv.FormatInt(e.version, 10), durationField: e.duration.String(),
		whoField: e.Who, hostField: e.Host, commitField: e.Commit,
		processField: strconv.Itoa(e.Process), sinceField: e.Since.UTC().Format(time.RFC3339),
		rolloutField: e.rollout,
	}
}

// written is what tells the record that record made from all others.
func (e entry) written() map[string]string {
	return map[string]string{idField: e.id, versionField: strconv.FormatInt(e.version, 10)}
}

// freed is the record after e. It stays, so that versions go on rising; its
// version leaves room for a renewal that happened although its answer was
// lost.
func (e entry) freed() map[string]string {
	return map[string]string{idField: "", versionField: strconv.FormatInt(e.version+2, 10), rolloutField: e.rollout}
}
