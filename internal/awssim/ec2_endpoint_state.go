package awssim

import "time"

// settle puts the endpoint into a state in which it stays until somebody acts.
func (e *endpoint) settle(state string) { e.State, e.Due = state, time.Time{} }

// begin puts the endpoint into a state that ends by itself after d, by an event
// of that kind. A transition that was under way is overtaken.
func (c *call) begin(ep *endpoint, state string, d time.Duration, kind string) {
	ep.State, ep.Due = state, c.due(d)
	c.sim.at(ep.Due, kind, ep.Owner, ep.Region, ep.ID)
}

// onEndpoint makes an event handler of what ends an endpoint's stay in a state.
// It does nothing when the endpoint is gone or something else has come between,
// be it in the same instant.
func onEndpoint(state string, happen func(*Sim, *endpoint)) eventHandler {
	return func(s *Sim, e event) {
		ep := s.cellOf(e.Account, e.Region).PrivateLink.Endpoints.get(e.ID)
		if ep != nil && ep.State == state && e.At.Equal(ep.Due) {
			happen(s, ep)
		}
	}
}

// awaitAcceptance leaves the endpoint to the service's owner, for a while.
func (c *call) awaitAcceptance(ep *endpoint) {
	ep.settle(statePendingAcceptance)
	if d := c.latency("endpointExpire"); d > 0 {
		c.begin(ep, statePendingAcceptance, d, eventEndpointExpired)
	}
}

func (s *Sim) endpointExpired(ep *endpoint) { ep.settle(stateExpired) }

// provision lets an accepted endpoint come up.
func (c *call) provision(ep *endpoint) {
	if err := c.sim.plugIn(ep); err != nil {
		ep.FailureReason = err.Error()
		ep.settle(stateFailed)
		return
	}
	c.begin(ep, statePending, c.latency("endpointProvision"), eventEndpointReady)
}

func (s *Sim) endpointReady(ep *endpoint) { ep.settle(stateAvailable) }

// plugIn gives the endpoint the interfaces that it lacks: all, or none and an
// error.
func (s *Sim) plugIn(ep *endpoint) error {
	l := s.cellOf(ep.Owner, ep.Region)
	var made []*attachment
	for i := range ep.Attachments {
		a := &ep.Attachments[i]
		if a.Interface != "" {
			continue
		}
		nic, err := s.newInterface(l, interfaceSpec{
			Subnet: a.Subnet, Groups: ep.Groups, Address: a.Address,
			Description: "VPC Endpoint Interface " + ep.ID, Type: "vpc_endpoint",
			RequesterManaged: true, RequesterID: "vpce.amazonaws.com",
		})
		if err != nil {
			for _, b := range made {
				s.unplug(l, b)
			}
			return err
		}
		a.Interface = nic.ID
		made = append(made, a)
	}
	return nil
}

// unplug takes an attachment's interface away.
func (s *Sim) unplug(l *cell, a *attachment) {
	if a.Interface != "" {
		s.dropInterface(l, a.Interface)
		a.Interface = ""
	}
}

// deleteEndpoints serves DeleteVpcEndpoints. Unknown endpoints come back as
// unsuccessful, with status 200; one that is being deleted is no matter.
func deleteEndpoints(c *call) (M, error) {
	for _, id := range c.in.strs("VpcEndpointIds") {
		if err := noEndpoint(id); err.Code == "InvalidVpcEndpointId.Malformed" {
			return nil, err
		}
	}
	var failed []M
	for _, id := range c.in.strs("VpcEndpointIds") {
		ep := c.cell().PrivateLink.Endpoints.get(id)
		switch {
		case ep == nil || ep.State == stateDeleted:
			failed = append(failed, unsuccessful(id, refuse("InvalidVpcEndpoint.NotFound", "The Vpc Endpoint Id '%s' does not exist", id)))
		case ep.State != stateDeleting:
			c.begin(ep, stateDeleting, c.latency("endpointDelete"), eventEndpointDeleted)
			c.sim.notify(ep, "Delete")
		}
	}
	return M{"Unsuccessful": list(failed)}, nil
}

// endpointGone ends a deletion: interfaces, private name and quota are free
// again. The row stays visible for a while, on both sides.
func (s *Sim) endpointGone(ep *endpoint) {
	l := s.cellOf(ep.Owner, ep.Region)
	for i := range ep.Attachments {
		s.unplug(l, &ep.Attachments[i])
	}
	s.detachName(ep)
	l.PrivateLink.PerVPC[ep.VPC]--
	ep.State, ep.PrivateDNS, ep.Deleted = stateDeleted, false, s.now()
	ep.Due = s.now().Add(s.latency("endpointLinger"))
	s.at(ep.Due, eventEndpointForgotten, ep.Owner, ep.Region, ep.ID)
}

func (s *Sim) forgetEndpoint(ep *endpoint) {
	s.cellOf(ep.Owner, ep.Region).PrivateLink.Endpoints.drop(ep.ID)
	s.dropNotificationsAbout(ep)
	if svc := s.cellOf(ep.ServiceOwner, ep.Region).PrivateLink.Services.get(ep.ServiceID); svc != nil {
		svc.Connections.drop(ep.ID)
	}
}
