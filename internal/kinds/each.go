package kinds

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
)

// readEach asks for a fact of each object, side by side. The answers are in
// the order of the objects; an object that went after it was listed has nil.
func readEach[T, R any](ctx context.Context, objects []T, read func(context.Context, T) (R, error)) ([]*R, error) {
	found := make([]*R, len(objects))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(perObject)
	for i, o := range objects {
		g.Go(func() error {
			fact, err := read(ctx, o)
			if awsapi.IsNotFound(err) {
				return nil
			}
			found[i] = &fact
			return err
		})
	}
	return found, g.Wait()
}

// soonThere marks that something is not found as passing by itself: to be
// used only for what AWS has just said it made.
func soonThere(err error) error {
	if awsapi.IsNotFound(err) {
		return applier.Busy{Err: err}
	}
	return err
}
