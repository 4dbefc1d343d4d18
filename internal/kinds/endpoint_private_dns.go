package kinds

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// errSubnetSwap says why an endpoint's update is not finished yet.
var errSubnetSwap = errors.New("the endpoint leaves one subnet of the zone before it takes the other")

// endpointPrivateDNS is a service's private name answering in a consumer's
// VPC. It is there when it is on. Two endpoints of a VPC cannot answer to
// one name, so the old is turned off before the new is turned on.
func endpointPrivateDNS() Def[endpointDNSSpec] {
	return Def[endpointDNSSpec]{
		Name: "endpoint-private-dns",
		Trait: planner.Trait{
			Rank: 130, Alone: true,
			Verbs: map[planner.Action]string{planner.Create: "turn on", planner.Delete: "turn off"},
		},
		Parent: "endpoint",
		Reads:  []string{"ec2:DescribeVpcEndpoints"},
		// AWS puts a zone of its own into the VPC in the caller's name.
		// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
		// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/r53-api-permissions-ref.html
		Writes: []string{"ec2:ModifyVpcEndpoint", "route53:AssociateVPCWithHostedZone", "ec2:DescribeVpcs"},
		Want:   wantEndpointDNS,
		List:   listEndpointDNS,
		Create: createEndpointDNS,
		Update: updateEndpointDNS,
		Delete: func(ctx context.Context, p *Place, was Item[endpointDNSSpec]) error {
			return unlessGone(p.setPrivateDNS(ctx, was.Spec.Endpoint.Known, false))
		},
		Settled: settledEndpointDNS,
		Gone:    goneEndpointDNS,
	}
}

type endpointDNSSpec struct {
	Endpoint planner.Value `json:"endpoint" plan:"replace"`
	// Name is what the endpoint answers to: the name that its service had
	// when it was turned on.
	Name string `json:"name"`
}

// wantEndpointDNS waits for what AWS asks: the name verified, the
// connection accepted.
func wantEndpointDNS(f *schema.Fleet, _ planner.State) []Item[endpointDNSSpec] {
	var items []Item[endpointDNSSpec]
	for s := range services(f) {
		for c := range managed(s) {
			if !c.Endpoint.PrivateDNS || s.PrivateDNS == nil {
				continue
			}
			needs := []planner.Addr{addrVerification(s)}
			if s.AcceptanceRequired {
				needs = append(needs, addrConnection(s, c))
			}
			items = append(items, Item[endpointDNSSpec]{
				Resource: planner.Resource{Addr: addrEndpointDNS(s, c), Group: groupOf(s, c), Origin: c.Endpoint.Pos.Short()},
				Spec:     endpointDNSSpec{Endpoint: planner.Ref(addrEndpoint(s, c), "id", needs...), Name: s.PrivateDNS.Name},
			})
		}
	}
	return items
}

// listEndpointDNS passes over endpoints that lead nowhere any more: AWS lets
// no setting of theirs change, and the name goes with them.
func listEndpointDNS(ctx context.Context, p *Place) ([]Item[endpointDNSSpec], error) {
	ours, err := p.ourEndpoints(ctx)
	var items []Item[endpointDNSSpec]
	for _, e := range ours {
		if !aws.ToBool(e.PrivateDnsEnabled) || endpointDead(e.State) || sameState(e.State, ec2types.StateRejected) {
			continue
		}
		addr := e.Addr
		addr.Kind = "endpoint-private-dns"
		made := endpointDNSMade(e.id())
		items = append(items, Item[endpointDNSSpec]{
			Resource: planner.Resource{Addr: addr, Group: groupFromName(addr), ID: made.ID, Outputs: made.Outputs},
			Spec:     endpointDNSSpec{Endpoint: planner.Known(e.id()), Name: privateNameOf(e.VpcEndpoint)},
		})
	}
	return items, err
}

// privateNameOf is the name that an endpoint answers to besides those that
// AWS gives it.
// https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-share-your-services.html
func privateNameOf(e ec2types.VpcEndpoint) string {
	for _, entry := range e.DnsEntries {
		if name := canonicalName(aws.ToString(entry.DnsName)); !strings.Contains(name, ".vpce.amazonaws.com") {
			return strings.Replace(name, `\052.`, "*.", 1) // an asterisk as Route 53 writes it
		}
	}
	return ""
}

// endpointDNSMade names the setting by its endpoint: it has no id of its own.
func endpointDNSMade(endpointID string) applier.Made {
	id := endpointID + "/private-dns"
	return applier.Made{ID: id, Outputs: planner.Outputs{"id": id}}
}

func createEndpointDNS(ctx context.Context, p *Place, want Item[endpointDNSSpec]) (applier.Made, error) {
	id := want.Spec.Endpoint.Known
	return endpointDNSMade(id), unlessTaken(p.setPrivateDNS(ctx, id, true))
}

// updateEndpointDNS turns the name off and on again: an endpoint takes its
// service's new name only when it is turned on.
func updateEndpointDNS(ctx context.Context, p *Place, _, want Item[endpointDNSSpec]) (applier.Made, error) {
	id := want.Spec.Endpoint.Known
	found, err := p.endpointStates(ctx, []string{id})
	if err != nil {
		return endpointDNSMade(id), err
	}
	e := found[id]
	if !aws.ToBool(e.PrivateDnsEnabled) || privateNameOf(e) == want.Spec.Name {
		return createEndpointDNS(ctx, p, want)
	}
	if err := p.once("off "+id, func() error { return p.setPrivateDNS(ctx, id, false) }); err != nil {
		return endpointDNSMade(id), err
	}
	return endpointDNSMade(id), applier.Busy{Half: true, Err: fmt.Errorf("the endpoint lets go of the name %s before it takes %s", privateNameOf(e), want.Spec.Name)}
}

func (p *Place) setPrivateDNS(ctx context.Context, endpointID string, on bool) error {
	_, err := p.EC2.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: aws.String(endpointID), PrivateDnsEnabled: aws.Bool(on)})
	return err
}

// unlessTaken marks that another endpoint of the VPC answers to the name as
// passing by itself: one that is on its way out keeps it for some minutes.
func unlessTaken(err error) error {
	if awsapi.Code(err) == "InvalidParameter" && strings.Contains(err.Error(), "conflicting DNS domain") {
		return applier.Busy{Err: err}
	}
	return err
}

func settledEndpointDNS(ctx context.Context, p *Place, items []Item[endpointDNSSpec]) ([]applier.Status, error) {
	found, err := p.endpointsOfDNS(ctx, items)
	if err != nil {
		return nil, err
	}
	sts := make([]applier.Status, len(items))
	for i, it := range items {
		e := found[endpointOfDNS(it)]
		sts[i] = endpointStatus(e.State)
		if sts[i].Readiness == applier.Ready && !aws.ToBool(e.PrivateDnsEnabled) {
			sts[i] = applier.Status{Readiness: applier.Waiting, Reason: "off"}
		}
	}
	return sts, nil
}

// goneEndpointDNS waits until the endpoint has let the name go: AWS refuses
// further modifications before.
func goneEndpointDNS(ctx context.Context, p *Place, items []Item[endpointDNSSpec]) ([]bool, error) {
	found, err := p.endpointsOfDNS(ctx, items)
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(items))
	for i, it := range items {
		e, visible := found[endpointOfDNS(it)]
		gone[i] = !visible || endpointGone(e.State) || !aws.ToBool(e.PrivateDnsEnabled) && !sameState(e.State, ec2types.StatePending)
	}
	return gone, nil
}

func endpointOfDNS(it Item[endpointDNSSpec]) string { return strings.TrimSuffix(it.ID, "/private-dns") }

func (p *Place) endpointsOfDNS(ctx context.Context, items []Item[endpointDNSSpec]) (map[string]ec2types.VpcEndpoint, error) {
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = endpointOfDNS(it)
	}
	return p.endpointStates(ctx, ids)
}
