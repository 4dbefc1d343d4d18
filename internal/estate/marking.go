package estate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A marking sets the marks of objects, or takes them off.
type marking struct {
	fleet *schema.Fleet
	doing string // what it is called in errors
	do    func(ctx context.Context, addr planner.Addr, id string) error
}

// apart takes the endpoint services out of objects.
func apart(objects []Object) (services, parts []Object) {
	for _, o := range objects {
		if o.Addr.Kind == "endpoint-service" {
			services = append(services, o)
		} else {
			parts = append(parts, o)
		}
	}
	return services, parts
}

// inTurn does the first objects and then the others, less those of services
// of which one of the first failed. So whoever stops in between, or fails,
// leaves no endpoint service that is the fleet's while an endpoint of its is
// not: an apply would take that for a stranger's, and reject its connection.
func (m marking) inTurn(ctx context.Context, first, then []Object, did func(Object)) error {
	failed := map[string]planner.Addr{} // by service
	var errs []error
	for i, o := range slices.Concat(first, then) {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		var err error
		if i < len(first) {
			err = m.do(ctx, o.Addr, o.ID)
		} else {
			err = m.unlessHeld(ctx, o, failed)
		}
		if err == nil {
			did(o)
			continue
		}
		errs = append(errs, fmt.Errorf("%s %s as %s: %w", m.doing, o.ID, o.Addr, err))
		for name := range m.fleet.Services {
			if i < len(first) && partOf(m.fleet, o.Addr, name) {
				failed[name] = o.Addr
			}
		}
	}
	return errors.Join(errs...)
}

// unlessHeld does an object, unless something of its service failed before.
func (m marking) unlessHeld(ctx context.Context, o Object, failed map[string]planner.Addr) error {
	for name, other := range failed {
		if partOf(m.fleet, o.Addr, name) {
			return fmt.Errorf("it waits for %s, so that the next apply rejects no connection of theirs; mend what is wrong there, and run again", other)
		}
	}
	return m.do(ctx, o.Addr, o.ID)
}
