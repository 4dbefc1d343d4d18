// Package estate takes endpoint services that stand already under linkfleet
// and lets them go again: [Import] writes the fleet's files from what stands
// in AWS, [Adoption] has what stands show that it is the fleet's, [Release]
// takes that back. None of them changes anything else in AWS.
//
// Which object is which resource of the fleet is always said by id, in the
// files that Import writes beside the services and people may write too:
// nothing is adopted by guesswork.
package estate

import (
	"context"
	"fmt"
	"strings"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// An Object is one object of AWS's and the resource that it is, or should be.
type Object struct {
	Addr planner.Addr
	ID   string
}

// look reads what stands in the places and plans with it.
func look(ctx context.Context, places *kinds.Places, f *schema.Fleet) (planner.State, *planner.Plan, error) {
	live, err := read(ctx, places, f)
	if err != nil {
		return live, nil, err
	}
	wishes := kinds.Want(f, live)
	plan, err := planner.Diff(planner.Input{
		Fleet: f.Name, Want: wishes.Want, Live: wishes.Live, Notes: wishes.Notes, Rules: wishes.Rules, Traits: kinds.Traits(),
	})
	return live, plan, err
}

// read reads every place, or fails.
func read(ctx context.Context, places *kinds.Places, f *schema.Fleet) (planner.State, error) {
	live, err := kinds.Read(ctx, places, f, nil)
	if err != nil {
		return live, fmt.Errorf("reading AWS: %w", err)
	}
	return live, unread(live.Unread)
}

func unread(places map[planner.Place]string) error {
	var all []string
	for p, why := range places {
		all = append(all, fmt.Sprintf("%s: %s", p, why))
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("whose objects are can only be told when all of the fleet can be read, and these places cannot: %s", joinSorted(all))
}

// partOf tells whether a resource is part of a service. A topic is part of
// every service that names it.
func partOf(f *schema.Fleet, addr planner.Addr, service string) bool {
	if addr.Kind == "topic" {
		s := f.Services[service]
		return s != nil && s.Notifications != nil && s.Notifications.Topic == addr.Name && (planner.Place{Account: s.Account, Region: s.Region}) == addr.Place
	}
	name, _, _ := strings.Cut(addr.Name, "/")
	return name == service
}
