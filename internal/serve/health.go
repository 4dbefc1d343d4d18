package serve

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// trouble is what does not work at the moment, by what is being done.
type trouble struct {
	mu      sync.Mutex
	running bool
	of      map[string]error
}

func (t *trouble) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = true
}

func (t *trouble) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = false
}

// set keeps how something went.
func (t *trouble) set(what string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.of, what)
		return
	}
	if t.of == nil {
		t.of = map[string]error{}
	}
	t.of[what] = err
}

// now is all that is amiss, in the order of what is being done.
func (t *trouble) now() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.running {
		return errors.New("the server does not run")
	}
	var all []error
	for _, what := range slices.Sorted(maps.Keys(t.of)) {
		all = append(all, fmt.Errorf("%s: %w", what, t.of[what]))
	}
	return errors.Join(all...)
}

// Healthy tells what keeps the server from working, so that it had better be
// started anew: it does not run, or cannot write its ledger. That others (the
// forge, AWS) do not answer is not that.
func (s *Server) Healthy() error { return s.trouble.now() }

// Ready tells what keeps the server from doing what it is asked for.
func (s *Server) Ready() error {
	err := s.trouble.now()
	if !s.fetched.Load() {
		err = errors.Join(err, errors.New("the repository was not fetched yet; what keeps it from that is in the log"))
	}
	return err
}
