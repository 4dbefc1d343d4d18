package kinds

import (
	"context"
	"slices"

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

// madeHere are the codes of AWS's errors that say of what linkfleet makes that
// it does not exist.
var madeHere = []string{
	"InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound", "InvalidSecurityGroup",
	"LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound",
	"InvalidVpcEndpointServiceId.NotFound", "InvalidVpcEndpointService.NotFound",
	"InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound",
	"NotFound", // a topic
}

// soonThere marks that AWS does not find something as passing by itself, if the
// code is among those given: to be used for what AWS has just said it made,
// which not all of it has heard of for some seconds. What others made, such as a
// subnet, is not there however long one waits.
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
func soonThere(err error, codes ...string) error {
	if slices.Contains(codes, awsapi.Code(err)) {
		return applier.Busy{Err: err}
	}
	return err
}
