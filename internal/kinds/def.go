// Package kinds knows the AWS resources of a fleet: one file per kind, each
// a [Def] at its top, and [All] that lists them. What a fleet wants becomes
// resources here, and what AWS has becomes resources here; comparing them,
// ordering the steps and waiting are generic and live elsewhere.
package kinds

import (
	"context"
	"fmt"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A Def is everything the program knows about one kind of resource whose
// spec is an S. It is the table of contents of the kind's file.
type Def[S any] struct {
	Name  string
	Trait planner.Trait
	// Type is the kind in the Resource Groups Tagging API's words
	// ("ec2:vpc-endpoint"). It is empty for what takes no tags, and then
	// Parent names the kind that such objects belong to: ours is what hangs
	// on an object of ours.
	Type   string
	Parent string
	// Marks are how an object shows whose it is; nil where its parent shows it.
	Marks *marks
	// Reads and Writes are the IAM actions that List and Settled, and
	// Create, Update and Delete need.
	Reads, Writes []string

	// Want gives what the fleet asks for. The live state is for the one
	// kind whose wishes depend on what others did (connections).
	Want func(*schema.Fleet, planner.State) []Item[S]
	// List reads all objects of the fleet in a place, in as few calls as
	// AWS's pages allow.
	List func(context.Context, *Place) ([]Item[S], error)

	Create func(ctx context.Context, p *Place, want Item[S]) (applier.Made, error)
	// Update is nil where every change of the spec is a replacement, and
	// Delete where the object fades with its parent.
	Update func(ctx context.Context, p *Place, was, want Item[S]) (applier.Made, error)
	Delete func(ctx context.Context, p *Place, was Item[S]) error
	// Settled tells how far objects have come; nil: made is ready.
	Settled func(ctx context.Context, p *Place, items []Item[S]) ([]applier.Status, error)
	// Gone tells which deleted objects are no more; nil: deleted is gone.
	Gone func(ctx context.Context, p *Place, items []Item[S]) ([]bool, error)
}

// An Item is a resource with its spec's own type. Its Resource.Spec is unused.
type Item[S any] struct {
	planner.Resource
	Spec S
}

// A Kind is a Def with its spec's type erased.
type Kind struct {
	Name   string
	Trait  planner.Trait
	Type   string
	Parent string
	Reads  []string
	Writes []string

	marks *marks
	want  func(*schema.Fleet, planner.State) []planner.Resource
	list  func(context.Context, *Place) ([]planner.Resource, error)
	act   func(*Places) applier.Actuator
}

// Kind erases the spec's type.
func (d Def[S]) Kind() Kind {
	return Kind{
		Name: d.Name, Trait: d.Trait, Type: d.Type, Parent: d.Parent, Reads: d.Reads, Writes: d.Writes, marks: d.Marks,
		want: func(f *schema.Fleet, live planner.State) []planner.Resource {
			return d.resources(d.Want(f, live))
		},
		list: func(ctx context.Context, p *Place) ([]planner.Resource, error) {
			items, err := d.List(ctx, p)
			if err != nil {
				return nil, fmt.Errorf("reading kind %s: %w", d.Name, err)
			}
			return d.resources(items), nil
		},
		act: func(places *Places) applier.Actuator { return actuator[S]{d, places} },
	}
}

// resources puts the typed specs into plain resources.
func (d Def[S]) resources(items []Item[S]) []planner.Resource {
	rs := make([]planner.Resource, len(items))
	for i, it := range items {
		rs[i] = it.Resource
		rs[i].Addr.Kind = d.Name
		rs[i].Spec = it.Spec
	}
	return rs
}

// Places opens places for reading and changing one fleet's objects.
type Places struct {
	api   *awsapi.API
	fleet string
	zones map[string][]string // hosted zone ids by account name
	// assumed are objects without marks, see Assume.
	assumed map[planner.Place]map[string]planner.Addr
	stint   *stint

	// Speed is how many times faster than the wall AWS's clock runs: 1, also
	// if it is 0, but for a simulator.
	Speed float64
}

// NewPlaces are the places of f, reached through api.
func NewPlaces(api *awsapi.API, f *schema.Fleet) *Places {
	zones := map[string][]string{}
	for z := range sorted(f.Zones) {
		zones[z.Account] = append(zones[z.Account], z.ID)
	}
	return &Places{api: api, fleet: f.Name, zones: zones, stint: newStint()}
}

// Open gives the place p, fresh: what it remembers of AWS's lists is its own.
func (ps *Places) Open(ctx context.Context, p planner.Place) (*Place, error) {
	ap, err := ps.api.Place(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Place{
		Place: ap, Fleet: ps.fleet, Zones: ps.zones[p.Account],
		assumed: ps.assumed[p], stint: ps.stint, speed: ps.Speed,
	}, nil
}

// Actuators gives the applier every kind, by name.
func Actuators(places *Places) map[string]applier.Actuator {
	acts := map[string]applier.Actuator{}
	for _, k := range All() {
		acts[k.Name] = k.act(places)
	}
	return acts
}

// An actuator lets the applier change resources of one kind.
type actuator[S any] struct {
	def    Def[S]
	places *Places
}

// item gives r its spec's own type back.
func (a actuator[S]) item(r planner.Resource) (Item[S], error) {
	spec, ok := r.Spec.(S)
	if !ok {
		return Item[S]{}, fmt.Errorf("%s: spec is a %T, not what kind %s uses", r.Addr, r.Spec, a.def.Name)
	}
	return Item[S]{Resource: r, Spec: spec}, nil
}

func (a actuator[S]) items(rs []planner.Resource) ([]Item[S], error) {
	items := make([]Item[S], len(rs))
	for i, r := range rs {
		it, err := a.item(r)
		if err != nil {
			return nil, err
		}
		items[i] = it
	}
	return items, nil
}

func (a actuator[S]) Create(ctx context.Context, want planner.Resource) (applier.Made, error) {
	it, err := a.item(want)
	if err != nil {
		return applier.Made{}, err
	}
	p, err := a.places.Open(ctx, want.Addr.Place)
	if err != nil {
		return applier.Made{}, err
	}
	// It names what it has just made itself, and what was made for it.
	made, err := a.def.Create(ctx, p, it)
	return made, awsapi.Mark(soonThere(err, madeHere...))
}

func (a actuator[S]) Update(ctx context.Context, was, want planner.Resource) (applier.Made, error) {
	before, err := a.item(was)
	if err != nil {
		return applier.Made{}, err
	}
	after, err := a.item(want)
	if err != nil {
		return applier.Made{}, err
	}
	if a.def.Update == nil {
		return applier.Made{}, fmt.Errorf("%s: kind %s has nothing that can be updated", want.Addr, a.def.Name)
	}
	p, err := a.places.Open(ctx, was.Addr.Place)
	if err != nil {
		return applier.Made{}, err
	}
	made, err := a.def.Update(ctx, p, before, after)
	return made, awsapi.Mark(err)
}

func (a actuator[S]) Delete(ctx context.Context, was planner.Resource) error {
	it, err := a.item(was)
	if err != nil {
		return err
	}
	if a.def.Delete == nil {
		return fmt.Errorf("%s: kind %s goes with its parent and is not deleted by itself", was.Addr, a.def.Name)
	}
	p, err := a.places.Open(ctx, was.Addr.Place)
	if err != nil {
		return err
	}
	return awsapi.Mark(a.def.Delete(ctx, p, it))
}

func (a actuator[S]) Settled(ctx context.Context, at planner.Place, rs []planner.Resource) ([]applier.Status, error) {
	if a.def.Settled == nil {
		return repeat(applier.Status{Readiness: applier.Ready}, len(rs)), nil
	}
	items, err := a.items(rs)
	if err != nil {
		return nil, err
	}
	p, err := a.places.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	sts, err := a.def.Settled(ctx, p, items)
	return sts, awsapi.Mark(err)
}

func (a actuator[S]) Gone(ctx context.Context, at planner.Place, rs []planner.Resource) ([]bool, error) {
	if a.def.Gone == nil {
		return repeat(true, len(rs)), nil
	}
	items, err := a.items(rs)
	if err != nil {
		return nil, err
	}
	p, err := a.places.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	gone, err := a.def.Gone(ctx, p, items)
	return gone, awsapi.Mark(err)
}

func repeat[T any](v T, n int) []T {
	vs := make([]T, n)
	for i := range vs {
		vs[i] = v
	}
	return vs
}
