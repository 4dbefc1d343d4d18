package kinds

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// endpointService is what consumers connect to. All they hold of it is its
// name, which AWS makes from its id: it is never replaced, and nothing in
// its spec would ask for it.
func endpointService() Def[endpointServiceSpec] {
	return Def[endpointServiceSpec]{
		Name:  "endpoint-service",
		Trait: planner.Trait{Rank: 50, Guarded: true, Shared: true},
		Type:  "ec2:vpc-endpoint-service",
		Marks: ec2Marks(),
		Reads: []string{"ec2:DescribeVpcEndpointServiceConfigurations"},
		Writes: []string{
			"ec2:CreateVpcEndpointServiceConfiguration", "ec2:ModifyVpcEndpointServiceConfiguration",
			"ec2:DeleteVpcEndpointServiceConfigurations", "ec2:CreateTags", "ec2:DeleteTags",
		},
		Want:    wantServices,
		List:    listServices,
		Create:  createService,
		Update:  updateService,
		Delete:  deleteService,
		Settled: settledServices,
		Gone:    goneServices,
	}
}

type endpointServiceSpec struct {
	LoadBalancers      []planner.Value `json:"loadBalancers"`
	AcceptanceRequired bool            `json:"acceptanceRequired"`
	IPAddressTypes     []string        `json:"ipAddressTypes"`
	// Zones are those of the load balancer. A zone added to the balancer
	// reaches the service only when the service is modified.
	// https://docs.aws.amazon.com/vpc/latest/privatelink/configure-endpoint-service.html
	Zones planner.Value `json:"zones"`
	Terms serviceTerms  `json:"terms"`
}

// wantServices has a new service wait for its listeners: one that admits
// consumers should answer them. A change of a service that stands does not
// wait for changes of theirs, which may wait for a listener to go, and that for
// the service; it waits for its balancer's by way of the zones.
func wantServices(f *schema.Fleet, _ planner.State) []Item[endpointServiceSpec] {
	var items []Item[endpointServiceSpec]
	for s := range services(f) {
		var ports []planner.Addr
		for l := range listeners(s) {
			ports = append(ports, addrListener(s, l))
		}
		items = append(items, Item[endpointServiceSpec]{
			Resource: planner.Resource{Addr: addrService(s), Group: groupOf(s, nil), Origin: s.Pos.Short()},
			Spec: endpointServiceSpec{
				LoadBalancers:      []planner.Value{{From: addrBalancer(s), Out: "arn", With: ports, AsIs: true}},
				AcceptanceRequired: s.AcceptanceRequired,
				IPAddressTypes:     []string{"ipv4"},
				Zones:              planner.Ref(addrBalancer(s), "zones"),
				Terms:              wantTerms(f, s),
			},
		})
	}
	return items
}

// throughListeners has live services name the listeners of their load
// balancers: a service is reached through them, so they stay until it has
// gone or moved to another balancer.
func throughListeners(live planner.State) planner.State {
	ports := map[string][]planner.Addr{}
	for addr, rs := range live.Live {
		for _, r := range rs {
			if l, ok := r.Spec.(listenerSpec); ok {
				ports[l.LoadBalancer.Known] = append(ports[l.LoadBalancer.Known], addr)
			}
		}
	}
	out := planner.State{Live: maps.Clone(live.Live), Unread: live.Unread}
	for addr, rs := range live.Live {
		if addr.Kind != "endpoint-service" {
			continue
		}
		rs = slices.Clone(rs)
		for i, r := range rs {
			spec := r.Spec.(endpointServiceSpec)
			spec.LoadBalancers = slices.Clone(spec.LoadBalancers)
			for j, v := range spec.LoadBalancers {
				spec.LoadBalancers[j].With = slices.SortedFunc(slices.Values(ports[v.Known]), planner.Addr.Compare)
			}
			rs[i].Spec = spec
		}
		out.Live[addr] = rs
	}
	return out
}

// An ourService is an endpoint service of the fleet and its address.
type ourService struct {
	ec2types.ServiceConfiguration
	Addr planner.Addr
}

func (s ourService) id() string { return aws.ToString(s.ServiceId) }

// ourServices reads the fleet's services of the place, once.
func (p *Place) ourServices(ctx context.Context) ([]ourService, error) {
	return p.services.get(ctx, func(ctx context.Context) ([]ourService, error) {
		var ours []ourService
		for _, filters := range p.candidates("endpoint-service", "service-id") {
			err := p.eachService(ctx, filters, func(s ec2types.ServiceConfiguration) {
				addr, ok := p.whose("endpoint-service", aws.ToString(s.ServiceId), ec2Tag(s.Tags))
				if ok && !serviceGone(s.ServiceState) {
					ours = append(ours, ourService{s, addr})
				}
			})
			if err != nil {
				return nil, err
			}
		}
		return ours, nil
	})
}

// eachService goes through all pages of a filtered list.
func (p *Place) eachService(ctx context.Context, filters []ec2types.Filter, do func(ec2types.ServiceConfiguration)) error {
	pages := ec2.NewDescribeVpcEndpointServiceConfigurationsPaginator(p.EC2, &ec2.DescribeVpcEndpointServiceConfigurationsInput{
		Filters: filters, MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, s := range page.ServiceConfigurations {
			do(s)
		}
	}
	return nil
}

func serviceGone(state ec2types.ServiceState) bool {
	return sameState(state, ec2types.ServiceStateDeleting) || sameState(state, ec2types.ServiceStateDeleted)
}

// sameState compares states whose letters travel in another case than the
// SDK's constants have.
func sameState[A, B ~string](a A, b B) bool { return strings.EqualFold(string(a), string(b)) }

func listServices(ctx context.Context, p *Place) ([]Item[endpointServiceSpec], error) {
	ours, err := p.ourServices(ctx)
	var items []Item[endpointServiceSpec]
	for _, s := range ours {
		items = append(items, readService(p, s))
	}
	return items, err
}

func readService(p *Place, s ourService) Item[endpointServiceSpec] {
	types := make([]string, len(s.SupportedIpAddressTypes))
	for i, t := range s.SupportedIpAddressTypes {
		types[i] = string(t)
	}
	slices.Sort(types)
	return Item[endpointServiceSpec]{
		Resource: planner.Resource{Addr: s.Addr, Group: groupFromName(s.Addr), ID: s.id(), Outputs: p.serviceOutputs(s.ServiceConfiguration)},
		Spec: endpointServiceSpec{
			LoadBalancers:      values(s.NetworkLoadBalancerArns),
			AcceptanceRequired: aws.ToBool(s.AcceptanceRequired),
			IPAddressTypes:     types,
			Zones:              planner.Known(joinZones(s.AvailabilityZones)),
			Terms:              readTerms(s.Tags),
		},
	}
}

func (p *Place) serviceOutputs(s ec2types.ServiceConfiguration) planner.Outputs {
	id := aws.ToString(s.ServiceId)
	return planner.Outputs{
		"id":   id,
		"name": aws.ToString(s.ServiceName),
		"arn":  fmt.Sprintf("arn:aws:ec2:%s:%s:vpc-endpoint-service/%s", p.Region, p.AccountID, id),
	}
}

// joinZones makes one comparable value of zone names.
func joinZones(zones []string) string {
	zones = slices.Clone(zones)
	slices.Sort(zones)
	return strings.Join(slices.Compact(zones), ",")
}

// createService looks for the service first, in case one was made whose
// answer was lost, and goes on from what it finds: nothing may rest on a
// service that does not ask for acceptance where it should. A second service
// on the same load balancer AWS refuses, whatever its lists show.
func createService(ctx context.Context, p *Place, want Item[endpointServiceSpec]) (applier.Made, error) {
	standing, found, err := p.serviceAt(ctx, want.Addr)
	if err != nil {
		return applier.Made{}, err
	}
	if found {
		return updateService(ctx, p, standing, want)
	}
	if err := p.unlessHidden(lagging); err != nil {
		return applier.Made{}, err
	}
	tags := p.ec2Tags(ec2types.ResourceTypeVpcEndpointService, want.Addr)
	tags[0].Tags = append(tags[0].Tags, want.Spec.Terms.tags()...)
	out, err := p.EC2.CreateVpcEndpointServiceConfiguration(ctx, &ec2.CreateVpcEndpointServiceConfigurationInput{
		AcceptanceRequired:      aws.Bool(want.Spec.AcceptanceRequired),
		NetworkLoadBalancerArns: known(want.Spec.LoadBalancers),
		SupportedIpAddressTypes: want.Spec.IPAddressTypes,
		ClientToken:             p.stintToken(want.Addr, ""),
		TagSpecifications:       tags,
	})
	if err != nil {
		return applier.Made{}, onceLetGo(err)
	}
	return applier.Made{ID: aws.ToString(out.ServiceConfiguration.ServiceId), Outputs: p.serviceOutputs(*out.ServiceConfiguration)}, nil
}

// onceLetGo marks as passing by itself what AWS says of a load balancer that
// another service has: one of ours that is not listed yet, or one about to go.
// So is a balancer that is not active: after a run that was cut short, nobody
// has waited for it.
func onceLetGo(err error) error {
	for _, passing := range []string{"already associated", "not active"} {
		if awsapi.Code(err) == "InvalidParameter" && strings.Contains(err.Error(), passing) {
			return applier.Busy{Err: err}
		}
	}
	return err
}

// serviceAt finds the fleet's service of an address as AWS lists it now.
func (p *Place) serviceAt(ctx context.Context, addr planner.Addr) (it Item[endpointServiceSpec], found bool, err error) {
	out, err := p.EC2.DescribeVpcEndpointServiceConfigurations(ctx, &ec2.DescribeVpcEndpointServiceConfigurationsInput{
		Filters: append(p.ours(), ec2types.Filter{Name: aws.String("tag:" + TagAddress), Values: []string{addr.Path()}}),
	})
	if err != nil {
		return it, false, err
	}
	for _, s := range out.ServiceConfigurations {
		if !serviceGone(s.ServiceState) {
			return readService(p, ourService{s, addr}), true, nil
		}
	}
	return it, false, nil
}

// updateService modifies the service even when only zones differ: the call
// alone makes it take the load balancer's zones over.
func updateService(ctx context.Context, p *Place, was, want Item[endpointServiceSpec]) (applier.Made, error) {
	if err := changeTerms(ctx, p, was.ID, was.Spec.Terms, want.Spec.Terms); err != nil {
		return applier.Made{}, err
	}
	balancers := differ(known(was.Spec.LoadBalancers), known(want.Spec.LoadBalancers))
	types := differ(was.Spec.IPAddressTypes, want.Spec.IPAddressTypes)
	_, err := p.EC2.ModifyVpcEndpointServiceConfiguration(ctx, &ec2.ModifyVpcEndpointServiceConfigurationInput{
		ServiceId:                     aws.String(was.ID),
		AcceptanceRequired:            aws.Bool(want.Spec.AcceptanceRequired),
		AddNetworkLoadBalancerArns:    balancers.missing,
		RemoveNetworkLoadBalancerArns: balancers.extra,
		AddSupportedIpAddressTypes:    types.missing,
		RemoveSupportedIpAddressTypes: types.extra,
	})
	return applier.Made{ID: was.ID, Outputs: was.Outputs}, onceLetGo(err)
}

// deleteService is refused by AWS while connections stand; those that are
// about to go make it pass by itself.
func deleteService(ctx context.Context, p *Place, was Item[endpointServiceSpec]) error {
	out, err := p.EC2.DeleteVpcEndpointServiceConfigurations(ctx, &ec2.DeleteVpcEndpointServiceConfigurationsInput{ServiceIds: []string{was.ID}})
	if err == nil {
		err = awsapi.Unsuccessful(out.Unsuccessful)
	}
	if awsapi.Code(err) == "ExistingVpcEndpointConnections" {
		return applier.Busy{Err: err}
	}
	return unlessGone(err)
}

// describeServices finds the items' services by id, as AWS has them now. A
// service that AWS does not know (any more) is missing from the answer.
func describeServices(ctx context.Context, p *Place, items []Item[endpointServiceSpec]) (map[string]ec2types.ServiceConfiguration, error) {
	found := map[string]ec2types.ServiceConfiguration{}
	for _, batch := range batches(items, 200) {
		var ids []string
		for _, it := range batch {
			ids = append(ids, it.ID)
		}
		err := p.eachService(ctx, []ec2types.Filter{{Name: aws.String("service-id"), Values: ids}}, func(s ec2types.ServiceConfiguration) {
			found[aws.ToString(s.ServiceId)] = s
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// settledServices also waits for the zones: after a modification they take
// minutes to arrive.
func settledServices(ctx context.Context, p *Place, items []Item[endpointServiceSpec]) ([]applier.Status, error) {
	found, err := describeServices(ctx, p, items)
	if err != nil {
		return nil, err
	}
	sts := make([]applier.Status, len(items))
	for i, it := range items {
		s, ok := found[it.ID]
		sts[i] = serviceStatus(s, ok, it.Spec.Zones.Known)
	}
	return sts, nil
}

func serviceStatus(s ec2types.ServiceConfiguration, found bool, zones string) applier.Status {
	state := string(s.ServiceState)
	switch {
	case !found:
		return applier.Status{Readiness: applier.Waiting, Reason: "not visible yet"}
	case sameState(state, ec2types.ServiceStateFailed), serviceGone(s.ServiceState):
		return applier.Status{Readiness: applier.Broken, Reason: state}
	case !sameState(state, ec2types.ServiceStateAvailable):
		return applier.Status{Readiness: applier.Waiting, Reason: state}
	case zones != "" && joinZones(s.AvailabilityZones) != zones:
		return applier.Status{Readiness: applier.Usable, Reason: "zones " + joinZones(s.AvailabilityZones)}
	}
	return applier.Status{Readiness: applier.Ready, Reason: state}
}

func goneServices(ctx context.Context, p *Place, items []Item[endpointServiceSpec]) ([]bool, error) {
	found, err := describeServices(ctx, p, items)
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(items))
	for i, it := range items {
		s, ok := found[it.ID]
		gone[i] = !ok || sameState(s.ServiceState, ec2types.ServiceStateDeleted)
	}
	return gone, nil
}
