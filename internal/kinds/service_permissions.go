package kinds

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/sync/errgroup"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// servicePermissions is the whole set of principals that may connect to a
// service. It belongs to the service: a principal added by hand is drift. An
// endpoint that is connected does not need it any more, so it goes whatever may
// be connected from places that could not be read.
func servicePermissions() Def[permissionsSpec] {
	return Def[permissionsSpec]{
		Name:   "service-permissions",
		Trait:  planner.Trait{Rank: 60},
		Parent: "endpoint-service",
		Reads:  []string{"ec2:DescribeVpcEndpointServicePermissions"},
		Writes: []string{"ec2:ModifyVpcEndpointServicePermissions"},
		Want:   wantPermissions,
		List:   listPermissions,
		Create: createPermissions,
		Update: updatePermissions,
		Delete: deletePermissions,
	}
}

type permissionsSpec struct {
	Service    planner.Value `json:"service" plan:"replace"`
	Principals []string      `json:"principals"`
}

// wantPermissions wants no empty set: a service without consumers is one
// nobody may connect to, as AWS makes it. The door does not wait for other
// changes of the service: it must close also where those are refused.
func wantPermissions(f *schema.Fleet, _ planner.State) []Item[permissionsSpec] {
	var items []Item[permissionsSpec]
	for s := range services(f) {
		if principals := principalsOf(s); len(principals) > 0 {
			items = append(items, Item[permissionsSpec]{
				Resource: planner.Resource{Addr: addrPermissions(s), Group: groupOf(s, nil), Origin: s.Pos.Short()},
				Spec:     permissionsSpec{Service: planner.RefAsIs(addrService(s), "id"), Principals: principals},
			})
		}
	}
	return items
}

func principalsOf(s *schema.Service) []string {
	var all []string
	for c := range consumers(s) {
		all = append(all, c.Principals...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// listPermissions asks for each service of ours, side by side: AWS has no
// list over services.
func listPermissions(ctx context.Context, p *Place) ([]Item[permissionsSpec], error) {
	ours, err := p.ourServices(ctx)
	if err != nil {
		return nil, err
	}
	found := make([][]string, len(ours))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(perObject)
	for i, s := range ours {
		g.Go(func() (err error) {
			found[i], err = readPermissions(ctx, p, s.id())
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var items []Item[permissionsSpec]
	for i, s := range ours {
		if len(found[i]) > 0 {
			items = append(items, permissionsItem(p, s, found[i]))
		}
	}
	return items, nil
}

func permissionsItem(p *Place, s ourService, principals []string) Item[permissionsSpec] {
	addr := planner.Addr{Kind: "service-permissions", Name: s.Addr.Name, Place: p.Place.Place}
	made := permissionsMade(s.id())
	return Item[permissionsSpec]{
		Resource: planner.Resource{Addr: addr, Group: groupFromName(addr), ID: made.ID, Outputs: made.Outputs},
		Spec:     permissionsSpec{Service: planner.Known(s.id()), Principals: principals},
	}
}

// permissionsMade names the set by its service: it has no id of its own.
func permissionsMade(serviceID string) applier.Made {
	id := serviceID + "/permissions"
	return applier.Made{ID: id, Outputs: planner.Outputs{"id": id}}
}

func readPermissions(ctx context.Context, p *Place, serviceID string) ([]string, error) {
	var principals []string
	pages := ec2.NewDescribeVpcEndpointServicePermissionsPaginator(p.EC2, &ec2.DescribeVpcEndpointServicePermissionsInput{
		ServiceId: aws.String(serviceID), MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, allowed := range page.AllowedPrincipals {
			principals = append(principals, aws.ToString(allowed.Principal))
		}
	}
	slices.Sort(principals)
	return slices.Compact(principals), nil
}

func createPermissions(ctx context.Context, p *Place, want Item[permissionsSpec]) (applier.Made, error) {
	id := want.Spec.Service.Known
	return permissionsMade(id), changePermissions(ctx, p, id, difference{missing: want.Spec.Principals})
}

func updatePermissions(ctx context.Context, p *Place, was, want Item[permissionsSpec]) (applier.Made, error) {
	id := was.Spec.Service.Known
	return permissionsMade(id), changePermissions(ctx, p, id, differ(was.Spec.Principals, want.Spec.Principals))
}

// deletePermissions closes the door. That the service is gone too is fine.
func deletePermissions(ctx context.Context, p *Place, was Item[permissionsSpec]) error {
	return unlessGone(changePermissions(ctx, p, was.Spec.Service.Known, difference{extra: was.Spec.Principals}))
}

// principalsPerCall keeps a request to a size that AWS takes; it publishes
// no bound.
const principalsPerCall = 100

// changePermissions lets in whom it must before it shuts out whom it must
// not: replacing a role by another never leaves the consumer without both.
func changePermissions(ctx context.Context, p *Place, serviceID string, d difference) error {
	for _, add := range batches(d.missing, principalsPerCall) {
		if _, err := p.EC2.ModifyVpcEndpointServicePermissions(ctx, &ec2.ModifyVpcEndpointServicePermissionsInput{
			ServiceId: aws.String(serviceID), AddAllowedPrincipals: add,
		}); err != nil {
			return err
		}
	}
	for _, remove := range batches(d.extra, principalsPerCall) {
		if _, err := p.EC2.ModifyVpcEndpointServicePermissions(ctx, &ec2.ModifyVpcEndpointServicePermissionsInput{
			ServiceId: aws.String(serviceID), RemoveAllowedPrincipals: remove,
		}); err != nil {
			return err
		}
	}
	return nil
}
