package lease

import (
	"context"
	"sync"
	"time"
)

// Held is a lease that is held, and kept until Release.
type Held struct {
	lost, over chan struct{}
	keeping    context.CancelFunc
	kept       chan struct{} // closed when nobody keeps it any more
	free       func(context.Context) error

	mu       sync.Mutex // guards what follows
	why      *LostError
	ended    bool
	released bool
}

// keep begins to keep a lease: keeper runs until its context ends, and free
// gives the lease back.
func keep(keeper func(context.Context, *Held), free func(context.Context) error) *Held {
	ctx, cancel := context.WithCancel(context.Background())
	h := &Held{lost: make(chan struct{}), over: make(chan struct{}), keeping: cancel, kept: make(chan struct{}), free: free}
	go func() {
		defer close(h.kept)
		keeper(ctx, h)
	}()
	return h
}

// Lost is closed when the lease is lost, or might not be kept: from then on
// nothing new may be begun. It stays open after Release.
func (h *Held) Lost() <-chan struct{} { return h.lost }

// Over is closed when somebody else may soon hold the lease: from then on
// nothing may go on. It comes with or after Lost.
func (h *Held) Over() <-chan struct{} { return h.over }

// Err is the [LostError] of a lost lease, and nil otherwise.
func (h *Held) Err() error {
	if why := h.reason(); why != nil {
		return why
	}
	return nil
}

func (h *Held) reason() *LostError {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.why
}

// Release gives the lease back, if it is still held; it never takes it from
// anybody else. When it returns the lease is no longer kept, whatever the
// error: a lease in records then ends by itself.
func (h *Held) Release(ctx context.Context) error {
	h.mu.Lock()
	again := h.released
	h.released = true
	h.mu.Unlock()
	if again {
		return nil
	}
	h.keeping()
	<-h.kept
	return h.free(ctx)
}

// lose closes Lost.
func (h *Held) lose(why *LostError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.why == nil && !h.released {
		h.why = why
		close(h.lost)
	}
}

// end closes Lost and Over.
func (h *Held) end(why *LostError) {
	h.lose(why)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended && !h.released {
		h.ended = true
		close(h.over)
	}
}

// until waits for d or until ctx ends, and reports whether it did not.
func until(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
