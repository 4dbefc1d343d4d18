package kinds

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A connected is what the connections of live state forbid.
type connected struct {
	fleet *schema.Fleet
	// endpoints are the ids of those connected, or waiting to be, by service.
	endpoints map[planner.Addr][]string
}

// keepConnected refuses the steps that AWS refuses while endpoints are
// connected to a service: to replace its load balancer, to take subnets off
// it, or to take the private name away from consumers that stay or come.
// https://docs.aws.amazon.com/vpc/latest/privatelink/configure-endpoint-service.html
// https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
//
// Live is the state before judge took out what is to be left alone: AWS
// counts strangers' connections too.
func keepConnected(f *schema.Fleet, live planner.State) planner.Rule {
	c := connected{fleet: f, endpoints: map[planner.Addr][]string{}}
	for _, r := range connectionsOf(live) {
		if state(r) != connRejected {
			at := planner.Addr{Kind: endpointService().Name, Name: r.Group.Service, Place: r.Addr.Place}
			c.endpoints[at] = append(c.endpoints[at], r.Outputs["endpoint"])
		}
	}
	return c.refuse
}

func (c connected) refuse(p *planner.Plan) []planner.Blocked {
	var refused []planner.Blocked
	for _, st := range p.Steps {
		if why := c.object(p, st); why != nil {
			refused = append(refused, planner.Blocked{
				StepKey: st.StepKey, Group: groupOfStep(st), Cause: planner.CauseRefused,
				Reason: why.reason, Mend: why.mend,
			})
		}
	}
	return refused
}

func groupOfStep(st planner.Step) planner.Group {
	if st.Action == planner.Delete {
		return st.Before.Group
	}
	return st.After.Group
}

func (c connected) object(p *planner.Plan, st planner.Step) *objection {
	switch st.Addr.Kind {
	case "load-balancer":
		return cmp.Or(c.objectToBalancer(st), c.objectToSecondBalancer(p, st))
	case "endpoint-service":
		return c.objectToGivingUp(p, st)
	case "private-dns-name", "verification-record", "endpoint-private-dns":
		return c.objectToNameless(p, st)
	}
	return nil
}

func (c connected) objectToBalancer(st planner.Step) *objection {
	at := st.Addr
	at.Kind = endpointService().Name
	n := len(c.endpoints[at])
	before, _ := st.Before.Spec.(loadBalancerSpec)
	after, _ := st.After.Spec.(loadBalancerSpec)
	off := without(before.Subnets, after.Subnets)
	switch {
	case n == 0:
		return nil
	case st.Replaces && st.Action == planner.Create:
		return &objection{
			fmt.Sprintf("%d connections go through this load balancer, and AWS does not let a service give up a load balancer with endpoints connected", n),
			fmt.Sprintf("undo the change at %s, or declare a second service on the new load balancer and move the consumers to it", st.After.Origin),
		}
	case st.Action == planner.Update && len(off) > 0:
		return &objection{
			fmt.Sprintf("%d connections go through this load balancer, and AWS takes no subnet off one with endpoints connected", n),
			fmt.Sprintf("keep %s at %s for as long as there are connections", strings.Join(off, ", "), st.After.Origin),
		}
	}
	return nil
}

// objectToGivingUp refuses to take a load balancer off a service, which the
// plan asks for also where that one has lost its tags, or somebody has added
// one by hand. Of a balancer that is replaced, its own step tells.
func (c connected) objectToGivingUp(p *planner.Plan, st planner.Step) *objection {
	before, _ := st.Before.Spec.(endpointServiceSpec)
	after, _ := st.After.Spec.(endpointServiceSpec)
	lost := without(known(before.LoadBalancers), known(after.LoadBalancers))
	n := len(c.endpoints[st.Addr])
	if st.Action != planner.Update || n == 0 || len(lost) == 0 {
		return nil
	}
	mend := fmt.Sprintf("leave %s on it until nobody is connected, or declare a second service and move the consumers to it", strings.Join(lost, ", "))
	if made := balancerMadeFor(p, st.Addr); made != nil {
		if made.Replaces {
			return nil
		}
		mend = fmt.Sprintf("give %s the tags of %s back with linkfleet adopt, if it is the service's own", strings.Join(lost, ", "), made.Addr)
	}
	return &objection{
		fmt.Sprintf("%d connections go through %s, and AWS does not let a service give up a load balancer with endpoints connected", n, strings.Join(lost, ", ")), mend,
	}
}

// objectToSecondBalancer refuses to make a load balancer for a service that
// cannot move to it.
func (c connected) objectToSecondBalancer(p *planner.Plan, st planner.Step) *objection {
	if st.Action != planner.Create || st.Replaces {
		return nil
	}
	for _, service := range p.Steps {
		if at := st.Addr; service.Addr.Kind == endpointService().Name && service.Addr.Name == at.Name && service.Addr.Place == at.Place {
			return c.objectToGivingUp(p, service)
		}
	}
	return nil
}

// balancerMadeFor is the step that makes the load balancer of the service at
// an address; nil if none does.
func balancerMadeFor(p *planner.Plan, service planner.Addr) *planner.Step {
	at := service
	at.Kind = loadBalancer().Name
	for _, st := range p.Steps {
		if st.Action == planner.Create && st.Addr == at {
			return &st
		}
	}
	return nil
}

// objectToNameless refuses all that follows from a service's loss of its
// private name together: half of it would be an outage for nothing.
func (c connected) objectToNameless(p *planner.Plan, st planner.Step) *objection {
	s := c.fleet.Services[groupOfStep(st).Service]
	if s == nil || s.PrivateDNS != nil || st.Action != planner.Delete || c.consumerAsks(s, st) {
		return nil
	}
	n := c.staying(p, s)
	if n == 0 {
		return nil
	}
	return &objection{
		fmt.Sprintf("%d endpoints are connected to %s or come, and AWS takes no private name from a service with endpoints connected", n, s.Name),
		fmt.Sprintf("put privateDNS back at %s until the consumers are gone; a consumer alone does without it by privateDNS: false", s.Pos.Short()),
	}
}

// staying is how many endpoints a plan leaves connected to a service. Those that
// come count where others are to leave first: that takes as long as coming
// does, so that there never is a moment without any.
func (c connected) staying(p *planner.Plan, s *schema.Service) (n int) {
	for _, endpoint := range c.endpoints[addrService(s)] {
		if !leaves(p, endpoint) {
			n++
		}
	}
	if len(c.endpoints[addrService(s)]) == 0 {
		return 0
	}
	for _, st := range p.Steps {
		if st.Action == planner.Create && st.Addr.Kind == connection().Name && st.After.Group.Service == s.Name {
			n++
		}
	}
	return n
}

// consumerAsks tells whether a private name is turned off for the consumer's
// own sake.
func (c connected) consumerAsks(s *schema.Service, st planner.Step) bool {
	if st.Addr.Kind != endpointPrivateDNS().Name {
		return false
	}
	consumer := s.Consumers[st.Before.Group.Consumer]
	return consumer == nil || consumer.Endpoint == nil || !consumer.Endpoint.PrivateDNS
}

// leaves tells whether a plan ends the connection of an endpoint.
func leaves(p *planner.Plan, endpoint string) bool {
	for _, st := range p.Steps {
		if st.Action == planner.Delete && (st.ID == endpoint || st.Before.Outputs["endpoint"] == endpoint) {
			return true
		}
	}
	return false
}

// acceptWhatComes holds the acceptance of an endpoint whose replacement is
// refused: the one that stays is another service's, and never shows up at
// this one.
func acceptWhatComes(p *planner.Plan) []planner.Blocked {
	var held []planner.Blocked
	for _, st := range p.Steps {
		if st.Addr.Kind != connection().Name || st.Action != planner.Create {
			continue
		}
		for _, b := range p.Blocked {
			if b.Addr.Kind == endpoint().Name && b.Action == planner.Create && b.Group == st.After.Group {
				held = append(held, planner.Blocked{
					StepKey: st.StepKey, Group: st.After.Group, Cause: planner.CauseDepends,
					Reason: fmt.Sprintf("needs %s, whose replacement is refused", b.Addr),
				})
			}
		}
	}
	return held
}
