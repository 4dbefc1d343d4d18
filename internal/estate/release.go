package estate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A Release is what would no longer show that it is the fleet's.
type Release struct {
	Objects []Object // by address
	// Topics that go with the service although other services of the fleet
	// name them: with the service's right to publish, linkfleet cannot keep
	// their policies any more.
	Topics []SharedTopic

	marking
}

// A SharedTopic is a topic and the other services that name it.
type SharedTopic struct {
	ARN      string
	Services []string
}

// PlanRelease reads what the fleet has of a service. The service must still
// be in the fleet's files: once it is not, the next apply deletes it.
func PlanRelease(ctx context.Context, api *awsapi.API, f *schema.Fleet, service string) (*Release, error) {
	if f.Services[service] == nil {
		return nil, fmt.Errorf("the fleet has no service %q; a service is let go of before it is taken out of the files, because the next apply deletes what is not in them", service)
	}
	places := kinds.NewPlaces(api, f)
	live, err := read(ctx, places, f)
	if err != nil {
		return nil, err
	}
	r := &Release{marking: marking{f, "letting go of", places.Unmark}}
	for addr, stands := range live.Live {
		if !kinds.MarksItself(addr.Kind) || !partOf(f, addr, service) {
			continue
		}
		for _, one := range stands {
			r.Objects = append(r.Objects, Object{addr, one.ID})
			if others := sharing(f, addr, service); len(others) > 0 {
				r.Topics = append(r.Topics, SharedTopic{one.ID, others})
			}
		}
	}
	slices.SortFunc(r.Objects, func(a, b Object) int { return a.Addr.Compare(b.Addr) })
	if len(r.Objects) == 0 {
		return nil, fmt.Errorf("nothing of service %s in AWS is fleet %s's, so there is nothing to let go of", service, f.Name)
	}
	return r, nil
}

// sharing are the other services that a topic is part of.
func sharing(f *schema.Fleet, addr planner.Addr, service string) []string {
	if addr.Kind != "topic" {
		return nil
	}
	var others []string
	for _, name := range slices.Sorted(maps.Keys(f.Services)) {
		if name != service && partOf(f, addr, name) {
			others = append(others, name)
		}
	}
	return others
}

// Do takes the fleet's marks off the objects, and hears of each. The endpoint
// service comes first, and where it fails, all stays as it is; what fails
// after that does not keep the others from it. The error tells all that
// failed.
func (r *Release) Do(ctx context.Context, did func(Object)) error {
	services, parts := apart(r.Objects)
	return r.inTurn(ctx, services, parts, did)
}
