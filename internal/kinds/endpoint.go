package kinds

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// endpoint is a managed consumer's interface endpoint. It is created with
// private DNS off, because AWS refuses private DNS before the connection is
// accepted; endpoint-private-dns turns it on.
func endpoint() Def[endpointSpec] {
	return Def[endpointSpec]{
		Name:    "endpoint",
		Trait:   planner.Trait{Rank: 110, Guarded: true, Shared: true},
		Type:    "ec2:vpc-endpoint",
		Marks:   ec2Marks(),
		Reads:   []string{"ec2:DescribeVpcEndpoints"},
		Writes:  []string{"ec2:CreateVpcEndpoint", "ec2:ModifyVpcEndpoint", "ec2:DeleteVpcEndpoints", "ec2:CreateTags"},
		Want:    wantEndpoints,
		List:    listEndpoints,
		Create:  createEndpoint,
		Update:  updateEndpoint,
		Delete:  deleteEndpoint,
		Settled: settledEndpoints,
		Gone:    goneEndpoints,
	}
}

type endpointSpec struct {
	VPC            string          `json:"vpc" plan:"replace"`
	Service        planner.Value   `json:"service" plan:"replace"`
	Subnets        []string        `json:"subnets"`
	SecurityGroups []planner.Value `json:"securityGroups"`
	IPAddressType  string          `json:"ipAddressType"`
}

// wantEndpoints has each endpoint wait for the permission of its service:
// to who is not permitted, AWS says that the service does not exist.
func wantEndpoints(f *schema.Fleet, _ planner.State) []Item[endpointSpec] {
	var items []Item[endpointSpec]
	for s := range services(f) {
		for c := range managed(s) {
			items = append(items, Item[endpointSpec]{
				Resource: planner.Resource{
					Addr: addrEndpoint(s, c), Group: groupOf(s, c),
					Origin: c.Endpoint.Pos.Short(), MayReplace: c.Endpoint.AllowReplace,
				},
				Spec: endpointSpec{
					VPC:            c.Endpoint.VPC,
					Service:        planner.Ref(addrService(s), "name", addrPermissions(s)),
					Subnets:        c.Endpoint.Subnets,
					SecurityGroups: []planner.Value{planner.Ref(addrEndpointGroup(s, c), "id")},
					IPAddressType:  "ipv4",
				},
			})
		}
	}
	return items
}

// An ourEndpoint is an endpoint of the fleet and its address.
type ourEndpoint struct {
	ec2types.VpcEndpoint
	Addr planner.Addr
}

func (e ourEndpoint) id() string { return aws.ToString(e.VpcEndpointId) }

// ourEndpoints reads the fleet's endpoints of the place, once. Those that
// AWS gave up on can never serve again; they are known by their ids, so
// that the consumer's own address is free for a new one.
func (p *Place) ourEndpoints(ctx context.Context) ([]ourEndpoint, error) {
	return p.endpoints.get(ctx, func(ctx context.Context) ([]ourEndpoint, error) {
		var ours []ourEndpoint
		for _, filters := range p.candidates("endpoint", "vpc-endpoint-id") {
			err := p.eachEndpoint(ctx, filters, func(e ec2types.VpcEndpoint) {
				addr, ok := p.whose("endpoint", aws.ToString(e.VpcEndpointId), ec2Tag(e.Tags))
				if !ok || endpointGone(e.State) {
					return
				}
				if endpointDead(e.State) {
					addr.Name += "/" + aws.ToString(e.VpcEndpointId)
				}
				ours = append(ours, ourEndpoint{e, addr})
			})
			if err != nil {
				return nil, err
			}
		}
		return setSurplusApart(ours), nil
	})
}

// setSurplusApart knows an endpoint by its id, like those that AWS gave up on,
// if another at its address has come further: the one that serves stays, the
// one that waits for its acceptance goes.
func setSurplusApart(ours []ourEndpoint) []ourEndpoint {
	furthest := map[planner.Addr]int{}
	for _, e := range ours {
		furthest[e.Addr] = max(furthest[e.Addr], e.progress())
	}
	for i, e := range ours {
		if e.progress() < furthest[e.Addr] {
			ours[i].Addr.Name += "/" + e.id()
		}
	}
	return ours
}

// progress is how far an endpoint has come.
func (e ourEndpoint) progress() int {
	switch {
	case sameState(e.State, ec2types.StateAvailable), sameState(e.State, ec2types.StatePending):
		return 2
	case sameState(e.State, ec2types.StatePendingAcceptance):
		return 1
	}
	return 0
}

// eachEndpoint goes through all pages of a filtered list.
func (p *Place) eachEndpoint(ctx context.Context, filters []ec2types.Filter, do func(ec2types.VpcEndpoint)) error {
	pages := ec2.NewDescribeVpcEndpointsPaginator(p.EC2, &ec2.DescribeVpcEndpointsInput{Filters: filters, MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, e := range page.VpcEndpoints {
			do(e)
		}
	}
	return nil
}

func endpointGone(s ec2types.State) bool {
	return sameState(s, ec2types.StateDeleting) || sameState(s, ec2types.StateDeleted)
}

func endpointDead(s ec2types.State) bool {
	return sameState(s, ec2types.StateFailed) || sameState(s, ec2types.StateExpired)
}

func listEndpoints(ctx context.Context, p *Place) ([]Item[endpointSpec], error) {
	ours, err := p.ourEndpoints(ctx)
	var items []Item[endpointSpec]
	for _, e := range ours {
		items = append(items, readEndpoint(e))
	}
	return items, err
}

func readEndpoint(e ourEndpoint) Item[endpointSpec] {
	var groups []string
	for _, g := range e.Groups {
		groups = append(groups, aws.ToString(g.GroupId))
	}
	subnets := slices.Clone(e.SubnetIds)
	slices.Sort(subnets)
	return Item[endpointSpec]{
		Resource: planner.Resource{Addr: e.Addr, Group: groupFromName(e.Addr), ID: e.id(), Outputs: endpointOutputs(e.VpcEndpoint)},
		Spec: endpointSpec{
			VPC:            aws.ToString(e.VpcId),
			Service:        planner.Known(aws.ToString(e.ServiceName)),
			Subnets:        subnets,
			SecurityGroups: values(groups),
			IPAddressType:  ipAddressType(e.IpAddressType),
		},
	}
}

// ipAddressType is AWS's default where it says nothing.
func ipAddressType(t ec2types.IpAddressType) string {
	if t == "" {
		return string(ec2types.IpAddressTypeIpv4)
	}
	return string(t)
}

func endpointOutputs(e ec2types.VpcEndpoint) planner.Outputs {
	out := planner.Outputs{"id": aws.ToString(e.VpcEndpointId), "state": string(e.State)}
	if len(e.DnsEntries) > 0 {
		out["dnsName"] = aws.ToString(e.DnsEntries[0].DnsName)
	}
	return out
}

// createEndpoint asks under a token that comes from what cannot change of the
// endpoint. So AWS answers with the one that an earlier run made, and if it was
// to be another way then, refuses: that one is found and changed.
//
// The security groups are among what cannot change because ours go, and come
// anew with other ids, only when the endpoint has gone.
//
// It is told that the service does not exist for a little while after the
// permission was given: that passes by itself.
func createEndpoint(ctx context.Context, p *Place, want Item[endpointSpec]) (applier.Made, error) {
	in := &ec2.CreateVpcEndpointInput{
		VpcEndpointType:   ec2types.VpcEndpointTypeInterface,
		VpcId:             aws.String(want.Spec.VPC),
		ServiceName:       aws.String(want.Spec.Service.Known),
		SubnetIds:         want.Spec.Subnets,
		SecurityGroupIds:  known(want.Spec.SecurityGroups),
		IpAddressType:     ec2types.IpAddressType(want.Spec.IPAddressType),
		PrivateDnsEnabled: aws.Bool(false),
		TagSpecifications: p.ec2Tags(ec2types.ResourceTypeVpcEndpoint, want.Addr),
	}
	identity := slices.Concat([]string{want.Spec.VPC, want.Spec.Service.Known}, in.SecurityGroupIds)
	// Where AWS answers for an earlier endpoint that has been deleted since,
	// the next of a row of tokens is tried.
	for n := 0; ; n++ {
		in.ClientToken = p.token(want.Addr, append(identity, strconv.Itoa(n))...)
		out, err := p.EC2.CreateVpcEndpoint(ctx, in)
		switch awsapi.Code(err) {
		case "InvalidServiceName":
			return applier.Made{}, applier.Busy{Err: err}
		case "IdempotentParameterMismatch":
			if made, found, err := p.takeUpEndpoint(ctx, want); err != nil || found {
				return made, err
			}
			if err := p.unlessHidden(young); err != nil {
				return applier.Made{}, err
			}
			continue
		}
		if err != nil {
			return applier.Made{}, onceOffered(err)
		}
		made := applier.Made{ID: aws.ToString(out.VpcEndpoint.VpcEndpointId), Outputs: endpointOutputs(*out.VpcEndpoint)}
		dead, err := p.endpointIsDead(ctx, *out.VpcEndpoint, serverTime(out.ResultMetadata))
		if err != nil || !dead {
			return made, err
		}
	}
}

// takeUpEndpoint finds the endpoint that an earlier run made for the same
// address in the same VPC to the same service, and changes it to what is
// wanted now.
func (p *Place) takeUpEndpoint(ctx context.Context, want Item[endpointSpec]) (made applier.Made, found bool, err error) {
	filters := append(p.ours(),
		ec2types.Filter{Name: aws.String("tag:" + TagAddress), Values: []string{want.Addr.Path()}},
		ec2types.Filter{Name: aws.String("vpc-id"), Values: []string{want.Spec.VPC}},
		ec2types.Filter{Name: aws.String("service-name"), Values: []string{want.Spec.Service.Known}})
	var standing Item[endpointSpec]
	err = p.eachEndpoint(ctx, filters, func(e ec2types.VpcEndpoint) {
		if !endpointGone(e.State) && !endpointDead(e.State) {
			standing, found = readEndpoint(ourEndpoint{e, want.Addr}), true
		}
	})
	if err != nil || !found {
		return applier.Made{}, false, err
	}
	made, err = updateEndpoint(ctx, p, standing, want)
	return made, true, err
}

// endpointIsDead tells whether AWS answered a create with an endpoint that is
// gone: shown as such, or made a while ago by AWS's own clock and not shown
// at all any more.
func (p *Place) endpointIsDead(ctx context.Context, made ec2types.VpcEndpoint, now time.Time) (bool, error) {
	dead := now.Sub(aws.ToTime(made.CreationTimestamp)) > young
	err := p.eachEndpoint(ctx, byEndpointID(aws.ToString(made.VpcEndpointId)), func(e ec2types.VpcEndpoint) {
		dead = endpointGone(e.State) || endpointDead(e.State)
	})
	return dead, err
}

// serverTime is AWS's time at an answer.
func serverTime(m middleware.Metadata) time.Time {
	t, ok := awsmiddleware.GetServerTime(m)
	if !ok {
		return time.Now()
	}
	return t
}

// onceOffered marks as passing by itself that the service is not offered in a
// subnet's zone: Preflight has seen that its load balancer stands there, but a
// zone that is new to the service takes minutes to arrive.
// https://docs.aws.amazon.com/vpc/latest/privatelink/configure-endpoint-service.html
func onceOffered(err error) error {
	if awsapi.Code(err) == "InvalidParameter" && strings.Contains(err.Error(), "does not support the availability zone") {
		return applier.Busy{Err: err}
	}
	return err
}

func byEndpointID(ids ...string) []ec2types.Filter {
	return []ec2types.Filter{{Name: aws.String("vpc-endpoint-id"), Values: ids}}
}

// updateEndpoint starts from the endpoint as it is, not as it was read: a
// modification in two parts may be picked up between them.
func updateEndpoint(ctx context.Context, p *Place, was, want Item[endpointSpec]) (applier.Made, error) {
	made := applier.Made{ID: was.ID, Outputs: was.Outputs}
	now := was.Spec
	if err := p.eachEndpoint(ctx, byEndpointID(was.ID), func(e ec2types.VpcEndpoint) {
		now = readEndpoint(ourEndpoint{e, was.Addr}).Spec
	}); err != nil {
		return made, err
	}
	in := endpointChange(was.ID, now, want.Spec)
	if reflect.DeepEqual(in, &ec2.ModifyVpcEndpointInput{VpcEndpointId: in.VpcEndpointId}) {
		return made, nil // any modification would put the endpoint to pending
	}
	_, err := p.EC2.ModifyVpcEndpoint(ctx, in)
	if awsapi.Code(err) != "DuplicateSubnetsInSameZone" || len(in.RemoveSubnetIds) == 0 {
		return made, soonThere(onceOffered(err), "InvalidGroup.NotFound")
	}
	// A subnet cannot be added beside another of its zone: take the old one
	// off now, and come back for the rest when AWS is done with that.
	_, err = p.EC2.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: in.VpcEndpointId, RemoveSubnetIds: in.RemoveSubnetIds})
	if err != nil {
		return made, err
	}
	return made, applier.Busy{Err: errSubnetSwap, Half: true}
}

func endpointChange(id string, now, want endpointSpec) *ec2.ModifyVpcEndpointInput {
	subnets := differ(now.Subnets, want.Subnets)
	groups := differ(known(now.SecurityGroups), known(want.SecurityGroups))
	in := &ec2.ModifyVpcEndpointInput{
		VpcEndpointId:          aws.String(id),
		AddSubnetIds:           subnets.missing,
		RemoveSubnetIds:        subnets.extra,
		AddSecurityGroupIds:    groups.missing,
		RemoveSecurityGroupIds: groups.extra,
	}
	if now.IPAddressType != want.IPAddressType {
		in.IpAddressType = ec2types.IpAddressType(want.IPAddressType)
	}
	return in
}

func deleteEndpoint(ctx context.Context, p *Place, was Item[endpointSpec]) error {
	out, err := p.EC2.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{was.ID}})
	if err == nil {
		err = awsapi.Unsuccessful(out.Unsuccessful)
	}
	return unlessGone(err)
}

// endpointStates reads the states of endpoints; one that AWS does not show
// is missing.
func (p *Place) endpointStates(ctx context.Context, ids []string) (map[string]ec2types.VpcEndpoint, error) {
	found := map[string]ec2types.VpcEndpoint{}
	for _, batch := range batches(ids, 200) { // AWS's limit of values of a filter
		err := p.eachEndpoint(ctx, byEndpointID(batch...), func(e ec2types.VpcEndpoint) {
			found[aws.ToString(e.VpcEndpointId)] = e
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func settledEndpoints(ctx context.Context, p *Place, items []Item[endpointSpec]) ([]applier.Status, error) {
	found, err := p.endpointStates(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	sts := make([]applier.Status, len(items))
	for i, it := range items {
		sts[i] = endpointStatus(found[it.ID].State)
	}
	return sts, nil
}

// endpointStatus is the one table of an endpoint's states.
// https://docs.aws.amazon.com/vpc/latest/privatelink/concepts.html
func endpointStatus(s ec2types.State) applier.Status {
	st := applier.Status{Readiness: applier.Waiting, Reason: string(s)}
	switch {
	case s == "":
		st.Reason = "not visible yet"
	case sameState(s, ec2types.StateAvailable):
		st.Readiness = applier.Ready
	case sameState(s, ec2types.StatePendingAcceptance):
		st.Readiness = applier.Usable
	case endpointGone(s), endpointDead(s), sameState(s, ec2types.StateRejected):
		st.Readiness = applier.Broken
	}
	return st
}

func goneEndpoints(ctx context.Context, p *Place, items []Item[endpointSpec]) ([]bool, error) {
	found, err := p.endpointStates(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(items))
	for i, it := range items {
		e, visible := found[it.ID]
		gone[i] = !visible || sameState(e.State, ec2types.StateDeleted)
	}
	return gone, nil
}

func idsOf[S any](items []Item[S]) []string {
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.ID
	}
	return ids
}
