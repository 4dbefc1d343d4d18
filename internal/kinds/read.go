package kinds

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"golang.org/x/sync/errgroup"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// placesAtOnce bounds how many places are read side by side: their answers
// are held in memory until they are resources.
const placesAtOnce = 64

// Read reads the live objects of a fleet in all of its places at once. A
// place that cannot be read is unread, with the reason, as a whole. The
// error is ctx's.
//
// A place is read for the kinds that the fleet has there. For what it had
// there once, AWS's index of tags is asked: it lags behind by a little, which
// is why it is not asked about the kinds that should be there.
//
// Where within is not nil, no other places are read than those in it.
func Read(ctx context.Context, places *Places, f *schema.Fleet, within map[planner.Place]bool) (planner.State, error) {
	state := planner.State{Live: map[planner.Addr][]planner.Resource{}, Unread: map[planner.Place]string{}}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(placesAtOnce)
	for place, wanted := range kindsByPlace(f) {
		if within != nil && !within[place] {
			state.Unread[place] = NotLooked
			continue
		}
		g.Go(func() error {
			rs, err := readPlace(ctx, places, place, wanted)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				state.Unread[place] = awsapi.Explain(err)
				return nil
			}
			for _, r := range rs {
				state.Live[r.Addr] = append(state.Live[r.Addr], r)
			}
			return nil
		})
	}
	_ = g.Wait() // every failure is in state.Unread
	return state, ctx.Err()
}

// NotLooked is why a place is unread that was not to be read.
const NotLooked = "it was not looked at"

// PlacesOf are the places where some services of a fleet have, or are to
// have, anything, by the files, and those that tell whose the services'
// connections are.
func PlacesOf(f *schema.Fleet, names []string) map[planner.Place]bool {
	part := *f
	part.Services = map[string]*schema.Service{}
	for _, name := range names {
		if s := f.Services[name]; s != nil {
			part.Services[name] = s
		}
	}
	found := map[planner.Place]bool{}
	for _, r := range Want(&part, planner.State{}).Want {
		found[r.Addr.Place] = true
	}
	for s := range services(&part) {
		for c := range consumers(s) {
			if a := f.Accounts[c.Account]; a != nil && !a.External {
				found[planner.Place{Account: c.Account, Region: s.Region}] = true
			}
		}
	}
	return found
}

// kindsByPlace is every place that linkfleet may look at and the kinds that
// the fleet has there.
func kindsByPlace(f *schema.Fleet) map[planner.Place][]string {
	found := map[planner.Place][]string{}
	for _, a := range f.Accounts {
		for _, region := range f.Regions {
			if !a.External {
				found[planner.Place{Account: a.Name, Region: region}] = nil
			}
		}
	}
	for _, z := range f.Zones {
		found[planner.Place{Account: z.Account, Region: planner.Global}] = []string{verificationRecord().Name}
	}
	for _, r := range Want(f, planner.State{}).Want {
		at := r.Addr.Place
		if !slices.Contains(found[at], r.Addr.Kind) {
			found[at] = append(found[at], r.Addr.Kind)
		}
	}
	return found
}

// readPlace reads one place, all kinds side by side.
func readPlace(ctx context.Context, places *Places, at planner.Place, wanted []string) ([]planner.Resource, error) {
	p, err := places.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	if at.Region != planner.Global {
		lingering, err := p.lingering(ctx, wanted)
		if err != nil {
			return nil, err
		}
		wanted = append(slices.Clone(wanted), lingering...)
	}
	return p.list(ctx, withChildren(wanted))
}

// withChildren are the kinds of those names and what hangs on them.
func withChildren(names []string) []Kind {
	var kinds []Kind
	for _, k := range All() { // parents come before their children
		if slices.Contains(names, k.Name) || k.Parent != "" && slices.ContainsFunc(kinds, func(p Kind) bool { return p.Name == k.Parent }) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// list lists all objects of the kinds, side by side.
func (p *Place) list(ctx context.Context, kinds []Kind) ([]planner.Resource, error) {
	found := make([][]planner.Resource, len(kinds))
	g, ctx := errgroup.WithContext(ctx)
	for i, k := range kinds {
		g.Go(func() (err error) {
			found[i], err = k.list(ctx, p)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// lingering asks AWS's index of tags which kinds besides the wanted have
// objects of the fleet in the place, by name.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
func (p *Place) lingering(ctx context.Context, wanted []string) ([]string, error) {
	byType := map[string]string{}
	for _, k := range All() {
		if k.Type != "" && !slices.Contains(wanted, k.Name) {
			byType[k.Type] = k.Name
		}
	}
	if len(byType) == 0 {
		return nil, nil // no filter would be every type
	}
	pages := tagging.NewGetResourcesPaginator(p.Tagging, &tagging.GetResourcesInput{
		TagFilters:          []tagtypes.TagFilter{{Key: aws.String(TagFleet), Values: []string{p.Fleet}}},
		ResourceTypeFilters: slices.Sorted(maps.Keys(byType)),
		ResourcesPerPage:    aws.Int32(100),
	})
	found := map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.ResourceTagMappingList {
			if name, ok := byType[typeOfARN(aws.ToString(r.ResourceARN))]; ok {
				found[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// typeOfARN is service:type, as the tagging API calls it. A topic's ARN ends
// in its bare name.
func typeOfARN(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	service, rest := parts[2], parts[5]
	if service == "sns" {
		return "sns:topic"
	}
	typ, _, _ := strings.Cut(rest, "/")
	return service + ":" + typ
}
