package kinds

import (
	"cmp"
	"fmt"
	"strings"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// An outlook knows who is connected, and so what the steps of a plan do to
// clients.
type outlook struct {
	fleet *schema.Fleet
	// connected counts the connections in use of each service, by the address
	// of its endpoint service.
	connected map[planner.Addr]int
	// leaving are the endpoints, by id, that the plan deletes or replaces: to
	// tell that is to tell what becomes of what is theirs.
	leaving map[string]bool
}

// outages names what the steps of a plan cut off, before they do. That a load
// balancer leaves subnets or goes while clients come in there is not among
// them: keepConnected refuses it, as AWS does.
func outages(f *schema.Fleet, live planner.State) planner.Remark {
	connected := map[planner.Addr]int{}
	for _, r := range connectionsOf(live) {
		if state(r) == connAccepted {
			connected[planner.Addr{Kind: endpointService().Name, Name: r.Group.Service, Place: r.Addr.Place}]++
		}
	}
	return func(p *planner.Plan) []planner.Note {
		o := outlook{fleet: f, connected: connected, leaving: map[string]bool{}}
		for _, st := range p.Steps {
			if st.Addr.Kind == endpoint().Name && st.Action == planner.Delete {
				o.leaving[st.ID] = true
			}
		}
		var notes []planner.Note
		for _, st := range p.Steps {
			if text := o.of(st); text != "" {
				g := st.Group()
				notes = append(notes, planner.Note{Kind: planner.NoteOutage, Group: g, Addr: st.Addr, Text: text})
			}
		}
		return notes
	}
}

// of is what a step does to clients; empty if nothing.
func (o outlook) of(st planner.Step) string {
	switch before := st.Before.Spec.(type) {
	case endpointSpec:
		return o.ofEndpoint(st, before)
	case connectionSpec:
		return o.ofConnection(st, before)
	case endpointDNSSpec:
		return o.ofEndpointDNS(st, before)
	case listenerSpec:
		return o.ofListener(st, before)
	}
	return ""
}

func (o outlook) ofEndpoint(st planner.Step, before endpointSpec) string {
	switch {
	case !serves(st.Before):
		return ""
	case st.Action == planner.Update:
		return ofLeftSubnets(st, before)
	case st.Action != planner.Delete:
		return ""
	case st.Replaces:
		return fmt.Sprintf("endpoint %s is connected and will be replaced: its clients lose their connections", st.ID)
	case o.declares(st.Before.Group):
		return fmt.Sprintf("endpoint %s is connected and will be deleted: its consumer has another", st.ID)
	}
	return fmt.Sprintf("endpoint %s is connected and will be deleted: its consumer is removed", st.ID)
}

// serves tells whether clients may be connected through an endpoint: one that
// serves is pending again while a change of it settles.
func serves(endpoint planner.Resource) bool {
	state := endpoint.Outputs["state"]
	return sameState(state, ec2types.StateAvailable) || sameState(state, ec2types.StatePending)
}

// ofLeftSubnets tells of the network interfaces that an endpoint gives up.
func ofLeftSubnets(st planner.Step, before endpointSpec) string {
	after, _ := st.After.Spec.(endpointSpec)
	left := without(before.Subnets, after.Subnets)
	if len(left) == 0 {
		return ""
	}
	return fmt.Sprintf("endpoint %s is connected and leaves %s: connections through it are cut", st.Before.ID, strings.Join(left, ", "))
}

// declares tells whether the fleet has an endpoint for a consumer.
func (o outlook) declares(g planner.Group) bool {
	s := o.fleet.Services[g.Service]
	return s != nil && s.Consumers[g.Consumer] != nil && s.Consumers[g.Consumer].Endpoint != nil
}

func (o outlook) ofConnection(st planner.Step, before connectionSpec) string {
	if st.Action != planner.Delete || st.Replaces || before.State != connAccepted || o.leaving[before.Endpoint.Known] {
		return ""
	}
	why := "it belongs to no declared consumer"
	if s := o.fleet.Services[st.Before.Group.Service]; s == nil || placeOf(s) != st.Addr.Place {
		why = "its service is removed"
	}
	return fmt.Sprintf("%s is connected and will be cut off: %s", whose(st.Before), why)
}

// ofEndpointDNS tells of a name that an endpoint stops answering to, or that
// goes off for a moment on its way to another.
func (o outlook) ofEndpointDNS(st planner.Step, before endpointDNSSpec) string {
	after, _ := st.After.Spec.(endpointDNSSpec)
	if o.leaving[before.Endpoint.Known] || st.Action == planner.Create || after.Name == before.Name {
		return ""
	}
	return fmt.Sprintf("%s will not lead to endpoint %s in its VPC any more: clients that go by this name are cut off",
		cmp.Or(before.Name, "the service's private name"), before.Endpoint.Known)
}

func (o outlook) ofListener(st planner.Step, before listenerSpec) string {
	n := o.through(st)
	after, _ := st.After.Spec.(listenerSpec)
	switch {
	case n == 0 || st.Replaces && st.Action == planner.Create:
		return ""
	case st.Action == planner.Delete:
		return fmt.Sprintf("port %d will be closed, and %s it: clients of that port are cut off", before.Port, reach(n))
	case after.Port != before.Port:
		return fmt.Sprintf("port %d becomes %d, and %s it: clients of the old port are cut off", before.Port, after.Port, reach(n))
	}
	return ""
}

// reach counts connections in a sentence.
func reach(n int) string {
	if n == 1 {
		return "1 connection reaches"
	}
	return fmt.Sprintf("%d connections reach", n)
}

// through counts the connections that a part of a service serves. A service
// that goes itself has none left by then, and each of them has been told.
func (o outlook) through(st planner.Step) int {
	s := o.fleet.Services[st.Group().Service]
	if s == nil || placeOf(s) != st.Addr.Place {
		return 0
	}
	return o.connected[addrService(s)]
}
