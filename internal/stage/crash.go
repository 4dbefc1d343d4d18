package stage

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
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
	return w.carry(r, w.next, true)
}

// carry sends a request unless the process is dead, and brings the answer
// unless it is dead by then. A call that does not count cannot end it.
func (c *cut) carry(r *http.Request, next http.RoundTripper, counts bool) (*http.Response, error) {
	n := c.begin(counts)
	if c.ends(n, false) {
		return nil, errKilled
	}
	answer, err := next.RoundTrip(r)
	if c.ends(n, true) {
		return nil, errKilled
	}
	return answer, err
}

// begin gives a call its number; 0 if it does not count.
func (c *cut) begin(counts bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !counts {
		return 0
	}
	c.seen++
	return c.seen
}

// ends tells whether the process is dead at the nth call, or, if back, at its
// answer. Others may be under way beside it.
func (c *cut) ends(n int, back bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n == c.nth && c.after == back {
		c.dead = true
		c.kill()
	}
	return c.dead
}

// Crash plans and applies in a new process that dies at its nth call, before
// or after the call has its effect. Nothing it would do later reaches AWS. It
// returns its plan and what it would have reported, nil if it did not come so
// far, and whether it died at all: it may have made fewer calls.
func (s *Stage) Crash(nth int, after bool) (*planner.Plan, *reconcile.Result, bool) {
	s.T.Helper()
	ctx, kill := context.WithCancel(s.T.Context())
	defer kill()
	c := &cut{nth: nth, after: after, kill: kill}
	s.Wire = func(next http.RoundTripper) http.RoundTripper { return cutWire{c, next} }
	run := s.Run()
	s.Wire = nil
	plan, err := run.Plan(ctx)
	if err != nil {
		return nil, nil, c.dead
	}
	res, _ := run.Apply(ctx, nil, plan) // whatever it says, nobody is there to hear it
	return plan, res, c.dead
}
