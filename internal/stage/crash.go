package stage

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/linkfleet/linkfleet/internal/reconcile"
)

// errKilled is what nobody hears: the process that would is dead.
var errKilled = errors.New("the process was killed")

// A cut is the end of a process at its nth call, before the call reaches AWS
// or before the answer reaches the process.
type cut struct {
	nth   int
	after bool
	kill  context.CancelFunc

	mu   sync.Mutex
	seen int
	dead bool
}

type cutWire struct {
	*cut
	next http.RoundTripper
}

func (w cutWire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.ends(false) {
		return nil, errKilled
	}
	answer, err := w.next.RoundTrip(r)
	if w.ends(true) {
		return nil, errKilled
	}
	return answer, err
}

// ends counts a call and tells whether the process is dead; back is for its
// answer.
func (c *cut) ends(back bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return true
	}
	if !back {
		c.seen++
	}
	if c.seen == c.nth && c.after == back {
		c.dead = true
		c.kill()
	}
	return c.dead
}

// Crash plans and applies in a new process that dies at its nth call, before
// or after the call has its effect. Nothing it would do later reaches AWS. It
// returns what the process would have reported, nil if it came to no report,
// and whether it died at all: it may have made fewer calls.
func (s *Stage) Crash(nth int, after bool) (*reconcile.Result, bool) {
	s.T.Helper()
	ctx, kill := context.WithCancel(s.T.Context())
	defer kill()
	c := &cut{nth: nth, after: after, kill: kill}
	s.Wire = func(next http.RoundTripper) http.RoundTripper { return cutWire{c, next} }
	run := s.Run()
	s.Wire = nil
	plan, err := run.Plan(ctx)
	if err != nil {
		return nil, c.dead
	}
	res, _ := run.Apply(ctx, nil, plan) // whatever it says, nobody is there to hear it
	return res, c.dead
}
