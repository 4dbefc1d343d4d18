package estate

import (
	"context"
	"errors"
	"fmt"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// An Adoption is what would show that it is the fleet's, and what a plan
// would find to do then.
type Adoption struct {
	Objects []Object // that show nothing yet, by address
	Done    int      // objects that are the fleet's already
	// Left is the plan that there would be after it: without steps where
	// the fleet's files say what stands.
	Left *planner.Plan

	marking
}

// PlanAdoption reads AWS as if the objects were the fleet's already. It
// refuses objects that somebody else keeps, that do not exist, and those of
// resources that the fleet does not want. With a service's name it is about
// that service alone.
func PlanAdoption(ctx context.Context, api *awsapi.API, f *schema.Fleet, objects map[planner.Addr]string, service string) (*Adoption, error) {
	if service != "" {
		if f.Services[service] == nil {
			return nil, fmt.Errorf("the fleet has no service %q", service)
		}
		objects = only(objects, func(addr planner.Addr) bool { return partOf(f, addr, service) })
	}
	if len(objects) == 0 {
		return nil, errors.New("no file in the folder adopt says an id of what is to be adopted")
	}
	places := kinds.NewPlaces(api, f)
	if err := allWanted(f, objects); err != nil {
		return nil, err
	}
	shown, err := places.Marks(ctx, objects)
	if err != nil {
		return nil, err
	}
	a := &Adoption{marking: marking{f, "adopting", places.Mark}}
	todo := only(objects, func(addr planner.Addr) bool { return shown[addr] != kinds.Mark{Fleet: f.Name, Path: addr.Path()} })
	a.Objects, a.Done = ordered(todo), len(objects)-len(todo)
	if err := a.refuseKept(shown); err != nil {
		return nil, err
	}
	live, plan, err := look(ctx, places.Assume(todo), f)
	if err != nil {
		return nil, err
	}
	a.Left = plan
	if service != "" {
		a.Left = partOfPlan(f, plan, service)
	}
	return a, a.refuseMissing(live)
}

func only(objects map[planner.Addr]string, keep func(planner.Addr) bool) map[planner.Addr]string {
	some := map[planner.Addr]string{}
	for addr, id := range objects {
		if keep(addr) {
			some[addr] = id
		}
	}
	return some
}

// allWanted refuses ids for resources that the fleet's files do not ask for.
func allWanted(f *schema.Fleet, objects map[planner.Addr]string) error {
	wanted := map[planner.Addr]bool{}
	for _, r := range kinds.Want(f, planner.State{}).Want {
		wanted[r.Addr] = kinds.MarksItself(r.Addr.Kind)
	}
	var errs []error
	for _, o := range ordered(objects) {
		if !wanted[o.Addr] {
			errs = append(errs, fmt.Errorf("the fleet's files ask for no %s that %s could be; write it, or delete the line from the folder adopt", o.Addr, o.ID))
		}
	}
	return errors.Join(errs...)
}

// refuseKept refuses objects that show whose they are already.
func (a *Adoption) refuseKept(shown map[planner.Addr]kinds.Mark) error {
	var errs []error
	for _, o := range a.Objects {
		if m, ok := shown[o.Addr]; ok {
			errs = append(errs, fmt.Errorf("%s cannot become %s: it is %s of fleet %s; let go of it there first, with linkfleet release in that fleet", o.ID, o.Addr, m.Path, m.Fleet))
		}
	}
	return errors.Join(errs...)
}

// refuseMissing refuses ids of nothing, and addresses that the fleet has
// another object for.
func (a *Adoption) refuseMissing(live planner.State) error {
	var errs []error
	for _, o := range a.Objects {
		switch stands := live.Live[o.Addr]; {
		case len(stands) == 0:
			errs = append(errs, fmt.Errorf("there is no object %s in %s that could become %s", o.ID, o.Addr.Place, o.Addr))
		case len(stands) > 1:
			errs = append(errs, fmt.Errorf("%s cannot become %s: the fleet has one already, %s", o.ID, o.Addr, another(stands, o.ID)))
		}
	}
	return errors.Join(errs...)
}

func another(stands []planner.Resource, id string) string {
	for _, r := range stands {
		if r.ID != id {
			return r.ID
		}
	}
	return stands[0].ID
}

// partOfPlan is what of a plan is about one service.
func partOfPlan(f *schema.Fleet, plan *planner.Plan, service string) *planner.Plan {
	part := *plan
	part.Steps, part.Blocked, part.Notes = nil, nil, nil
	for _, st := range plan.Steps {
		if partOf(f, st.Addr, service) {
			part.Steps = append(part.Steps, st)
		}
	}
	for _, b := range plan.Blocked {
		if partOf(f, b.Addr, service) {
			part.Blocked = append(part.Blocked, b)
		}
	}
	for _, n := range plan.Notes {
		if n.Group.Service == service {
			part.Notes = append(part.Notes, n)
		}
	}
	return &part
}

// Do has the objects show that they are the fleet's, and hears of each. What
// fails does not keep the others from it, but for the endpoint services that
// it is part of: they come last. The error tells all that failed.
func (a *Adoption) Do(ctx context.Context, did func(Object)) error {
	services, parts := apart(a.Objects)
	return a.inTurn(ctx, parts, services, did)
}
