package kinds

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/planner"
)

// What AWS makes under a name of our own choosing it makes once: the name is
// taken. The rest is kept from being made twice by tokens and by patience.
//
// An earlier run may have been cut off just after AWS made something, and
// AWS's lists may not show it yet. Everything an earlier run made is older
// than this run, because one applier acts at a time. So once this run has
// lasted longer than lists lag, what they do not show is not there.

const (
	// lagging is how long AWS's lists commonly lag at most.
	lagging = time.Minute
	// young is how long something may take to be shown after it was made. AWS
	// speaks of seconds to minutes.
	// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
	young = 5 * time.Minute
)

// A stint is the time that one process acts on a fleet.
type stint struct {
	began time.Time
	nonce string

	mu     sync.Mutex
	doubts map[string]time.Time // when an object was first seen without tags, by ARN
	said   map[string]time.Time // when a change was made that AWS may show late, by what it is
}

func newStint() *stint {
	return &stint{began: time.Now(), nonce: rand.Text(), doubts: map[string]time.Time{}, said: map[string]time.Time{}}
}

// mayLackTags tells whether the tags that an object does not show may yet be
// on their way, because it was first asked about less than lagging ago.
func (p *Place) mayLackTags(arn string) bool {
	p.stint.mu.Lock()
	defer p.stint.mu.Unlock()
	first, doubted := p.stint.doubts[arn]
	if !doubted {
		first = time.Now()
		p.stint.doubts[arn] = first
	}
	return !p.past(first, lagging)
}

// once makes a change, unless this stint has made it so shortly ago that AWS
// may not show it yet. what tells changes apart.
func (p *Place) once(what string, change func() error) error {
	if p.said(what, lagging) {
		return nil
	}
	if err := change(); err != nil {
		return err
	}
	p.say(what)
	return nil
}

// say notes that this stint has made a change.
func (p *Place) say(what string) {
	p.stint.mu.Lock()
	defer p.stint.mu.Unlock()
	p.stint.said[what] = time.Now()
}

// said tells whether this stint has made a change no longer than d ago, in
// AWS's time.
func (p *Place) said(what string, d time.Duration) bool {
	p.stint.mu.Lock()
	defer p.stint.mu.Unlock()
	when, said := p.stint.said[what]
	return said && !p.past(when, d)
}

// past tells whether more than d has gone by since then, in AWS's time.
func (p *Place) past(then time.Time, d time.Duration) bool {
	return float64(time.Since(then))*max(p.speed, 1) > float64(d)
}

// errHidden is why something is not made yet.
var errHidden = errors.New("an earlier run may have made it; waiting until AWS's lists would show it")

// unlessHidden holds a create back until lists that lag by no more than lag,
// in AWS's time, show whatever earlier runs made. Who calls it has looked.
func (p *Place) unlessHidden(lag time.Duration) error {
	if p.past(p.stint.began, lag) {
		return nil
	}
	return applier.Busy{Err: errHidden}
}

// stintToken is the idempotency token of a create that is the same for as long
// as the process acts: a create sent again because its answer was lost is the
// same create. Unlike one that comes from the wish alone, it does not have AWS
// answer, for a day, with what was made of the same wish and has been deleted
// since. after is the id of what this stint has deleted itself, if anything.
func (p *Place) stintToken(addr planner.Addr, after string) *string {
	return p.token(addr, p.stint.nonce, after)
}
