package kinds

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

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
	found, err := readEach(ctx, ours, func(ctx context.Context, s ourService) ([]string, error) {
		return readPermissions(ctx, p, s.id())
	})
	if err != nil {
		return nil, err
	}
	var items []Item[permissionsSpec]
	for i, s := range ours {
		if found[i] != nil && len(*found[i]) > 0 {
			items = append(items, permissionsItem(p, s, *found[i]))
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
	return permissionsMade(id), changePermissions(ctx, p, id, nil, want.Spec.Principals)
}

func updatePermissions(ctx context.Context, p *Place, was, want Item[permissionsSpec]) (applier.Made, error) {
	id := was.Spec.Service.Known
	return permissionsMade(id), changePermissions(ctx, p, id, was.Spec.Principals, want.Spec.Principals)
}

// deletePermissions closes the door. That the service is gone too is fine.
func deletePermissions(ctx context.Context, p *Place, was Item[permissionsSpec]) error {
	return unlessGone(changePermissions(ctx, p, was.Spec.Service.Known, was.Spec.Principals, nil))
}

// principalsPerCall keeps a request to a size that AWS takes; it publishes
// no bound.
const principalsPerCall = 100

// changePermissions shuts out the accounts that may connect no more, and then
// lets in whom it must: neither a quota that is used up nor a principal that
// AWS refuses holds the door open. In an account that stays, the new principals
// come before the old ones go, so that it is never without both; where they
// are refused, the old ones stay.
func changePermissions(ctx context.Context, p *Place, serviceID string, was, want []string) error {
	d := differ(was, want)
	stays := accountsOf(want)
	var leaving, replaced []string
	for _, principal := range d.extra {
		if stays[accountOf(principal)] {
			replaced = append(replaced, principal)
		} else {
			leaving = append(leaving, principal)
		}
	}
	_, err := eachBatch(leaving, func(batch []string) error {
		return modifyPermissions(ctx, p, serviceID, nil, batch)
	})
	refused, refusal := eachBatch(d.missing, func(batch []string) error {
		return modifyPermissions(ctx, p, serviceID, batch, nil)
	})
	waits := accountsOf(refused)
	replaced = slices.DeleteFunc(replaced, func(principal string) bool { return waits[accountOf(principal)] })
	_, last := eachBatch(replaced, func(batch []string) error {
		return modifyPermissions(ctx, p, serviceID, nil, batch)
	})
	return errors.Join(err, refusal, last)
}

// eachBatch does all batches, and returns what was in those that failed.
func eachBatch(principals []string, do func([]string) error) (failed []string, err error) {
	for _, batch := range batches(principals, principalsPerCall) {
		if e := do(batch); e != nil {
			failed, err = append(failed, batch...), errors.Join(err, e)
		}
	}
	return failed, err
}

func modifyPermissions(ctx context.Context, p *Place, serviceID string, add, remove []string) error {
	_, err := p.EC2.ModifyVpcEndpointServicePermissions(ctx, &ec2.ModifyVpcEndpointServicePermissionsInput{
		ServiceId: aws.String(serviceID), AddAllowedPrincipals: add, RemoveAllowedPrincipals: remove,
	})
	return err
}

// accountOf is the account in a principal's ARN; "*" has none.
func accountOf(principal string) string {
	parts := strings.SplitN(principal, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}

func accountsOf(principals []string) map[string]bool {
	accounts := map[string]bool{}
	for _, principal := range principals {
		accounts[accountOf(principal)] = true
	}
	return accounts
}
