package lease

import (
	"context"
	"errors"
	"sync"
)

// A part is the lease of one part of a fleet.
//
// It is two: that of the part, which one holder has alone, and that of the
// fleet, which the holders of a group have together. So a group keeps out who
// wants the whole fleet, and who divides it in another way. The fleet's is
// never given back, since nobody knows who is the last of the group: it ends
// by itself.
type part struct {
	own, fleet *Shared
}

// Part is the lease of a part of the fleet that has a name. Those of a group
// may hold their parts side by side, while nobody else holds the fleet.
func (s *Shared) Part(name, group string) Lease {
	own, fleet := *s, *s
	own.Fleet += "/" + name
	own.Rollout, own.Follows = "", nil // the fleet's lease keeps it
	fleet.group = "group " + group
	return &part{&own, &fleet}
}

// Acquire takes the part and then the fleet for the group.
func (p *part) Acquire(ctx context.Context, h Holder) (*Held, error) {
	own, err := p.own.Acquire(ctx, h)
	if err != nil {
		return nil, err
	}
	fleet, err := p.fleet.Acquire(ctx, h)
	if err != nil {
		return nil, errors.Join(err, own.Release(context.WithoutCancel(ctx)))
	}
	return both(own, fleet), nil
}

// both is held as long as each of the two is.
func both(own, fleet *Held) *Held {
	return keep(func(ctx context.Context, h *Held) {
		var each sync.WaitGroup
		each.Go(func() { h.follow(ctx, own) })
		each.Go(func() { h.follow(ctx, fleet) })
		each.Wait()
	}, func(ctx context.Context) error {
		return errors.Join(fleet.Release(ctx), own.Release(ctx))
	})
}

// follow loses h when other is lost.
func (h *Held) follow(ctx context.Context, other *Held) {
	select {
	case <-other.Lost():
		h.lose(other.reason())
	case <-ctx.Done():
		return
	}
	select {
	case <-other.Over():
		h.end(other.reason())
	case <-ctx.Done():
	}
}
