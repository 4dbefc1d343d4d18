package lease

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A keeper renews a shared lease.
type keeper struct {
	shared *Shared

	mu   sync.Mutex // guards what follows
	mine entry
	sent time.Time // before the last renewal that is known to have been made
	err  error     // why the last try failed
}

// run renews until ctx ends or the lease is lost. A clock beside it ends the
// lease in time, even while a request hangs.
func (k *keeper) run(ctx context.Context, h *Held) {
	var clock sync.WaitGroup
	defer clock.Wait()
	clock.Go(func() { k.expire(ctx, h) })
	for k.rest(ctx) {
		if by := k.renew(ctx); by != nil {
			h.end(&LostError{Fleet: k.shared.Fleet, By: by})
		}
		select {
		case <-h.Lost():
			return
		default:
		}
	}
}

// expire declares the lease lost, and then over, when it was not renewed.
func (k *keeper) expire(ctx context.Context, h *Held) {
	d := k.shared.duration()
	for {
		left := lostAfter(d) - time.Since(k.lastSent())
		if left <= 0 {
			break
		}
		if !until(ctx, left) {
			return
		}
	}
	why := &LostError{Fleet: k.shared.Fleet, Err: k.reason()}
	h.lose(why)
	if until(ctx, overAfter(d)-time.Since(k.lastSent())) {
		h.end(why)
	}
}

func (k *keeper) lastSent() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sent
}

func (k *keeper) reason() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		return fmt.Errorf("it could not be renewed within %s", lostAfter(k.shared.duration()))
	}
	return fmt.Errorf("it could not be renewed within %s: %w", lostAfter(k.shared.duration()), k.err)
}

// rest waits until it is time to renew, and reports false if ctx ends. After a
// failure that is soon. It is also when the wall's clock has run ahead of
// ours, which it does when the machine was asleep: meanwhile another may have
// taken the lease.
func (k *keeper) rest(ctx context.Context) bool {
	d := k.shared.duration()
	tick := d / tickAfter
	if k.failed() {
		return until(ctx, tick)
	}
	for time.Since(k.lastSent()) < d/renewAfter {
		ours, wall := time.Now(), k.wall()
		if !until(ctx, tick) {
			return false
		}
		if k.wall().Sub(wall)-time.Since(ours) > tick {
			return true
		}
	}
	return ctx.Err() == nil
}

// wall is the time of day, without the clock that stands still in sleep.
func (k *keeper) wall() time.Time {
	if k.shared.wall != nil {
		return k.shared.wall()
	}
	return time.Now().Round(0)
}

func (k *keeper) failed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err != nil
}

// renew gives the record its next version. It returns who holds the lease if
// that is somebody else; the zero Holder if nobody does.
func (k *keeper) renew(ctx context.Context) (by *Holder) {
	sent := time.Now()
	next := k.mine
	next.version++
	ctx, cancel := context.WithDeadline(ctx, k.lastSent().Add(lostAfter(k.shared.duration())))
	defer cancel()
	now, err := k.put(ctx, next)
	k.mu.Lock()
	defer k.mu.Unlock()
	switch k.err = err; {
	case err != nil:
	case now.id != k.mine.id:
		return &now.Holder
	default:
		k.mine.version, k.sent = now.version, sent
	}
	return nil
}

// put writes next in the place of mine and returns what then is there.
//
// If something else was there, it may be our own, of a try whose answer was
// lost, or that of another of the group. Either was written before this try
// and may be older than sent says; so it is written once more. What then comes
// between is younger.
func (k *keeper) put(ctx context.Context, next entry) (entry, error) {
	s := k.shared
	ok, err := s.Records.PutIf(ctx, s.Fleet, next.record(), k.mine.written())
	if err != nil || ok {
		return next, err
	}
	now, err := s.look(ctx)
	if err != nil || now.id != k.mine.id {
		return now, err
	}
	now.version++
	ok, err = s.Records.PutIf(ctx, s.Fleet, now.record(), now.read)
	if err == nil && !ok {
		return s.look(ctx)
	}
	return now, err
}

// free gives the lease back, unless it is somebody else's by now. That of a
// group ends by itself when nobody of it renews it any more.
func (k *keeper) free(ctx context.Context) error {
	s := k.shared
	if s.group != "" {
		return nil
	}
	if _, err := s.Records.PutIf(ctx, s.Fleet, k.mine.freed(), map[string]string{idField: k.mine.id}); err != nil {
		return fmt.Errorf("giving back the lease of fleet %s, which now ends by itself: %w", s.Fleet, err)
	}
	return nil
}
