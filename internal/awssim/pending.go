package awssim

import (
	"context"
	"time"
)

// A pending is a request that AWS answers later: a ReceiveMessage that polls
// long. Its handler has looked once and said until when there may be a better
// answer; nothing is locked while it waits.
type pending struct {
	request *request
	changed <-chan struct{} // closed when the world changes
	delay   time.Duration   // the machine's, until something is due
}

// pend sets a request aside. It looks again when anything changes, when an
// event is due (which changes things only if somebody looks), when its handler
// asked for it, and when its time is over.
func (q *request) pend() *pending {
	s, next := q.sim, q.until
	if !q.look.IsZero() && q.look.Before(next) {
		next = q.look
	}
	if len(s.world.Events) > 0 && s.world.Events[0].At.Before(next) {
		next = s.world.Events[0].At
	}
	if s.waiting == nil {
		s.waiting = make(chan struct{})
	}
	return &pending{request: q, changed: s.waiting, delay: s.clock.delay(next)}
}

// wake lets every pending request look again.
func (s *Sim) wake() {
	if s.waiting != nil {
		close(s.waiting)
		s.waiting = nil
	}
}

// wait returns when there is something to look at; false when nobody waits for
// the answer any more.
func (p *pending) wait(ctx context.Context) bool {
	timer := time.NewTimer(p.delay)
	defer timer.Stop()
	select {
	case <-p.changed:
		return true
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// resume lets a pending request look again. It has passed every stage before
// its handler, and is in the log of calls.
func (s *Sim) resume(p *pending) (answer reply, dropped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	q := p.request
	q.now, q.until, q.look, q.idle = s.now(), time.Time{}, time.Time{}, false
	return q.finish(q.perform())
}
