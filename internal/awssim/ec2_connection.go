package awssim

import (
	"slices"
	"time"
)

// A connection is an endpoint as the owner of the service sees it. Its state is
// the endpoint's. It is listed as long as the endpoint is, rejected and deleted
// ones included.
type connection struct {
	ID       string // vpce-conn-…
	Service  string // id
	Endpoint string
	Account  string // the endpoint's owner
	Region   string
	Tags     tags
}

// endpointOf returns the endpoint of a connection.
func (s *Sim) endpointOf(conn *connection) *endpoint {
	return s.cellOf(conn.Account, conn.Region).PrivateLink.Endpoints.get(conn.Endpoint)
}

// A connectionRow is a connection together with what it joins.
type connectionRow struct {
	*connection
	service  *endpointService
	endpoint *endpoint
}

// describeConnections serves DescribeVpcEndpointConnections: the connections to
// all of the caller's services.
func describeConnections(c *call) (M, error) {
	filters := filterSet[connectionRow]{
		"ip-address-type":    one(func(r connectionRow) string { return r.endpoint.IPType }),
		"service-id":         one(func(r connectionRow) string { return r.Service }),
		"vpc-endpoint-owner": one(func(r connectionRow) string { return r.Account }),
		"vpc-endpoint-state": one(func(r connectionRow) string { return r.endpoint.State }),
		"vpc-endpoint-region": func(r connectionRow) []string {
			if r.Region != r.service.Region {
				return []string{r.Region, "cross-region"}
			}
			return []string{r.Region}
		},
	}
	// Documented, but reported to be refused by AWS itself.
	if c.choice("connectionFilterEndpoint") {
		filters["vpc-endpoint-id"] = one(func(r connectionRow) string { return r.Endpoint })
	}
	return listing[connectionRow]{
		Key:     func(r connectionRow) string { return r.Endpoint },
		Filters: filters,
		Life:    func(r connectionRow) (created, deleted time.Time) { return r.endpoint.Created, time.Time{} },
		Paging:  clippedPaging(),
	}.reply(c, c.connectionRows(), "VpcEndpointConnections", connectionItem)
}

// connectionRows gathers the connections to the caller's services.
func (c *call) connectionRows() []connectionRow {
	var rows []connectionRow
	for _, svc := range c.cell().PrivateLink.Services.all() {
		if svc.State == serviceDeleted {
			continue
		}
		for _, conn := range svc.Connections.all() {
			rows = append(rows, connectionRow{conn, svc, c.sim.endpointOf(conn)})
		}
	}
	return rows
}

// connectionItem renders a connection.
func connectionItem(r connectionRow) M {
	return M{
		"ServiceId":               r.Service,
		"VpcEndpointId":           r.Endpoint,
		"VpcEndpointOwner":        r.Account,
		"VpcEndpointState":        r.endpoint.State,
		"CreationTimestamp":       r.endpoint.Created,
		"DnsEntries":              r.endpoint.publicEntries(),
		"NetworkLoadBalancerArns": list(r.service.LoadBalancers),
		"IpAddressType":           r.endpoint.IPType,
		"VpcEndpointConnectionId": r.ID,
		"Tags":                    tagItems(r.Tags),
		"VpcEndpointRegion":       r.Region,
	}
}

// acceptConnections serves AcceptVpcEndpointConnections: waiting endpoints come
// up; so do rejected ones, which AWS leaves open and a knob decides.
func acceptConnections(c *call) (M, error) {
	from := []string{statePendingAcceptance}
	if c.choice("acceptRejected") {
		from = append(from, stateRejected)
	}
	return c.decide(from, "Accept", func(ep *endpoint) {
		ep.Accepted = true
		c.provision(ep)
	})
}

// rejectConnections serves RejectVpcEndpointConnections. Rejecting an available
// connection is how an owner cuts it. The endpoint stays with its owner,
// useless, until it is deleted there.
func rejectConnections(c *call) (M, error) {
	return c.decide([]string{statePendingAcceptance, statePending, stateAvailable}, "Reject", func(ep *endpoint) {
		ep.Accepted = false
		ep.settle(stateRejected)
	})
}

// decide applies the verdict of a service's owner to the endpoints the request
// names, as far as they are in one of the states, and tells who is interested.
// The others come back as unsuccessful, with status 200.
func (c *call) decide(from []string, happening string, verdict func(*endpoint)) (M, error) {
	svc, err := c.ownService(c.in.str("ServiceId"))
	if err != nil {
		return nil, err
	}
	var failed []M
	for _, id := range c.in.strs("VpcEndpointIds") {
		conn := svc.Connections.get(id)
		if conn == nil || c.sim.endpointOf(conn).State == stateDeleted {
			failed = append(failed, unsuccessful(id, refuse("InvalidVpcEndpoint.NotFound", "The Vpc Endpoint Id '%s' does not exist", id)))
			continue
		}
		ep := c.sim.endpointOf(conn)
		if !slices.Contains(from, ep.State) {
			failed = append(failed, unsuccessful(id, refuse("InvalidState", "Operation not allowed in current state: %s", ep.State)))
			continue
		}
		verdict(ep)
		c.sim.notify(ep, happening)
	}
	return M{"Unsuccessful": list(failed)}, nil
}
