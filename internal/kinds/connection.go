package kinds

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// connection is the provider's side of an endpoint: accepted, when it
// belongs to a declared consumer. Creating one is accepting it, deleting one
// is rejecting it. Whose a connection is, judge decides.
func connection() Def[connectionSpec] {
	return Def[connectionSpec]{
		Name: "connection",
		Trait: planner.Trait{
			Rank: 120, Shared: true,
			Verbs: map[planner.Action]string{planner.Create: "accept", planner.Update: "accept", planner.Delete: "reject"},
		},
		Parent: "endpoint-service",
		Reads:  []string{"ec2:DescribeVpcEndpointConnections"},
		Writes: []string{"ec2:AcceptVpcEndpointConnections", "ec2:RejectVpcEndpointConnections"},
		Want:   wantConnections,
		List:   listConnections,
		Create: func(ctx context.Context, p *Place, want Item[connectionSpec]) (applier.Made, error) {
			return accept(ctx, p, want.Spec)
		},
		Update: func(ctx context.Context, p *Place, _, want Item[connectionSpec]) (applier.Made, error) {
			return accept(ctx, p, want.Spec)
		},
		Delete:  reject,
		Settled: settledConnections,
		Gone:    goneConnections,
	}
}

type connectionSpec struct {
	Service  planner.Value `json:"service" plan:"replace"`
	Endpoint planner.Value `json:"endpoint" plan:"replace"`
	State    string        `json:"state"`
}

// The states of a connection that matter here. AWS has more words for
// accepted; the others mean that there is no connection.
const (
	connAccepted = "accepted"
	connPending  = "pendingAcceptance"
	connRejected = "rejected"
)

// wantConnections accepts what judge found to be a declared consumer's.
// Where acceptance is not required AWS accepts by itself; only connections
// from before that was so still wait. Nobody waits for other changes of the
// service, which may be refused.
func wantConnections(f *schema.Fleet, live planner.State) []Item[connectionSpec] {
	byConsumer := connectionsByConsumer(live)
	var items []Item[connectionSpec]
	for s := range services(f) {
		for c := range consumers(s) {
			if c.Endpoint != nil {
				if s.AcceptanceRequired || len(live.Live[addrConnection(s, c)]) > 0 {
					items = append(items, wantConnection(s, c, addrConnection(s, c), planner.Ref(addrEndpoint(s, c), "id")))
				}
				continue
			}
			for _, r := range byConsumer[addrConnection(s, c)] {
				items = append(items, wantConnection(s, c, r.Addr, r.Spec.(connectionSpec).Endpoint))
			}
		}
	}
	return items
}

func wantConnection(s *schema.Service, c *schema.Consumer, at planner.Addr, endpoint planner.Value) Item[connectionSpec] {
	return Item[connectionSpec]{
		Resource: planner.Resource{Addr: at, Group: groupOf(s, c), Origin: c.Pos.Short()},
		Spec:     connectionSpec{Service: planner.RefAsIs(addrService(s), "id"), Endpoint: endpoint, State: connAccepted},
	}
}

// connectionsByConsumer finds the connections that judge gave to consumers
// who make their own endpoints, under the consumer's address.
func connectionsByConsumer(live planner.State) map[planner.Addr][]planner.Resource {
	found := map[planner.Addr][]planner.Resource{}
	for addr, rs := range live.Live {
		if i := strings.LastIndex(addr.Name, "/"); addr.Kind == "connection" && strings.Count(addr.Name, "/") == 2 {
			addr.Name = addr.Name[:i]
			found[addr] = append(found[addr], rs...)
		}
	}
	return found
}

// listConnections reads all connections of our services in one sweep. Their
// addresses are service/endpoint-id until judge knows better. Connections
// that ended stay listed by AWS for a while; they are as good as gone.
func listConnections(ctx context.Context, p *Place) ([]Item[connectionSpec], error) {
	ours, err := p.ourServices(ctx)
	if err != nil || len(ours) == 0 {
		return nil, err
	}
	names := map[string]string{}
	for _, s := range ours {
		names[s.id()] = s.Addr.Name
	}
	var items []Item[connectionSpec]
	err = p.eachConnection(ctx, nil, func(c ec2types.VpcEndpointConnection) {
		name, ok := names[aws.ToString(c.ServiceId)]
		state := connectionState(c.VpcEndpointState)
		if ok && state != "" {
			items = append(items, readConnection(p, c, name, state))
		}
	})
	return items, err
}

func (p *Place) eachConnection(ctx context.Context, filters []ec2types.Filter, do func(ec2types.VpcEndpointConnection)) error {
	pages := ec2.NewDescribeVpcEndpointConnectionsPaginator(p.EC2, &ec2.DescribeVpcEndpointConnectionsInput{
		Filters: filters, MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, c := range page.VpcEndpointConnections {
			do(c)
		}
	}
	return nil
}

// connectionState is the spec's word for AWS's state; "" for one that ended.
func connectionState(s ec2types.State) string {
	switch {
	case sameState(s, ec2types.StateAvailable), sameState(s, ec2types.StatePending):
		return connAccepted
	case sameState(s, ec2types.StatePendingAcceptance):
		return connPending
	case sameState(s, ec2types.StateRejected):
		return connRejected
	}
	return ""
}

func readConnection(p *Place, c ec2types.VpcEndpointConnection, service, state string) Item[connectionSpec] {
	svc, ep := aws.ToString(c.ServiceId), aws.ToString(c.VpcEndpointId)
	addr := planner.Addr{Kind: "connection", Name: service + "/" + ep, Place: p.Place.Place}
	made := connectionMade(svc, ep)
	made.Outputs["endpoint"] = ep
	made.Outputs["owner"] = aws.ToString(c.VpcEndpointOwner)
	made.Outputs["since"] = aws.ToTime(c.CreationTimestamp).UTC().Format(time.RFC3339)
	return Item[connectionSpec]{
		Resource: planner.Resource{Addr: addr, Group: planner.Group{Service: service}, ID: made.ID, Outputs: made.Outputs},
		Spec:     connectionSpec{Service: planner.Known(svc), Endpoint: planner.Known(ep), State: state},
	}
}

// connectionMade names a connection by its two ends.
func connectionMade(serviceID, endpointID string) applier.Made {
	id := serviceID + "/" + endpointID
	return applier.Made{ID: id, Outputs: planner.Outputs{"id": id}}
}

// accept accepts first and looks only when AWS does not: that what is
// accepted already is no failure, and that the provider sees a new endpoint
// a little later than its owner.
func accept(ctx context.Context, p *Place, want connectionSpec) (applier.Made, error) {
	made := connectionMade(want.Service.Known, want.Endpoint.Known)
	out, err := p.EC2.AcceptVpcEndpointConnections(ctx, &ec2.AcceptVpcEndpointConnectionsInput{
		ServiceId: aws.String(want.Service.Known), VpcEndpointIds: []string{want.Endpoint.Known},
	})
	if err == nil {
		err = awsapi.Unsuccessful(out.Unsuccessful)
	}
	if err == nil {
		return made, nil
	}
	found, readErr := connectionStates(ctx, p, []string{made.ID})
	switch state := found[made.ID]; {
	case readErr != nil:
		return made, err
	case state == "":
		return made, applier.Busy{Err: errNotSeen}
	case connectionState(state) == connAccepted:
		return made, nil
	case awsapi.IsNotFound(err): // not everywhere yet: it was just seen
		return made, applier.Busy{Err: err}
	case connectionState(state) == connRejected:
		return made, fmt.Errorf("AWS accepts no connection any more that was rejected: endpoint %s has to be made anew, by its owner, "+
			"or, where linkfleet keeps it, by removing it by name (fleet.removed) for one apply and declaring it again: %w", want.Endpoint.Known, err)
	}
	return made, err
}

// reject forgives that the endpoint is gone: so is its connection.
func reject(ctx context.Context, p *Place, was Item[connectionSpec]) error {
	out, err := p.EC2.RejectVpcEndpointConnections(ctx, &ec2.RejectVpcEndpointConnectionsInput{
		ServiceId: aws.String(was.Spec.Service.Known), VpcEndpointIds: []string{was.Spec.Endpoint.Known},
	})
	if err == nil {
		err = awsapi.Unsuccessful(out.Unsuccessful)
	}
	return unlessGone(err)
}

// connectionStates reads the connections of those ids as they are now. It
// asks by endpoint, which AWS documents and has been known to refuse; then it
// asks by service, whose answer may be a hundred times as long.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointConnections.html
func connectionStates(ctx context.Context, p *Place, ids []string) (map[string]ec2types.State, error) {
	var services, endpoints []string
	for _, id := range ids {
		service, endpoint, _ := strings.Cut(id, "/")
		services, endpoints = append(services, service), append(endpoints, endpoint)
	}
	found, err := p.connectionsBy(ctx, "vpc-endpoint-id", endpoints)
	switch awsapi.Code(err) {
	case "InvalidFilter", "InvalidParameterValue":
		return p.connectionsBy(ctx, "service-id", without(services, nil))
	}
	return found, err
}

// connectionsBy reads the states of the connections that a filter lets
// through, by service/endpoint.
func (p *Place) connectionsBy(ctx context.Context, filter string, values []string) (map[string]ec2types.State, error) {
	found := map[string]ec2types.State{}
	for _, batch := range batches(values, 200) { // AWS's limit of values of a filter
		filters := []ec2types.Filter{{Name: aws.String(filter), Values: batch}}
		err := p.eachConnection(ctx, filters, func(c ec2types.VpcEndpointConnection) {
			found[aws.ToString(c.ServiceId)+"/"+aws.ToString(c.VpcEndpointId)] = c.VpcEndpointState
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func settledConnections(ctx context.Context, p *Place, items []Item[connectionSpec]) ([]applier.Status, error) {
	found, err := connectionStates(ctx, p, idsOf(items))
	if err != nil {
		return nil, err
	}
	sts := make([]applier.Status, len(items))
	for i, it := range items {
		state := found[it.ID]
		sts[i] = applier.Status{Readiness: applier.Waiting, Reason: string(state)}
		switch {
		case state == "":
			sts[i].Reason = "not visible yet"
		case sameState(state, ec2types.StateAvailable):
			sts[i].Readiness = applier.Ready
		case connectionState(state) == "", connectionState(state) == connRejected:
			sts[i].Readiness = applier.Broken
		}
	}
	return sts, nil
}

func goneConnections(ctx context.Context, p *Place, items []Item[connectionSpec]) ([]bool, error) {
	found, err := connectionStates(ctx, p, idsOf(items))
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(items))
	for i, it := range items {
		state := connectionState(found[it.ID])
		gone[i] = state == "" || state == connRejected
	}
	return gone, nil
}
