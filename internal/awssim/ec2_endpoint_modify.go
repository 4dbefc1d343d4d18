package awssim

import "slices"

// A makeover is what a ModifyVpcEndpoint makes of an endpoint.
type makeover struct {
	attachments []attachment
	dropped     []attachment // whose interfaces go
	groups      []string
	privateDNS  bool
}

// modifyEndpoint serves ModifyVpcEndpoint. A standing endpoint goes back to
// pending until the change is through, and takes no other meanwhile. One that
// waits for acceptance is changed at once and goes on waiting.
func modifyEndpoint(c *call) (M, error) {
	ep := c.cell().PrivateLink.Endpoints.get(c.in.str("VpcEndpointId"))
	if ep == nil || ep.State == stateDeleted {
		return nil, noEndpoint(c.in.str("VpcEndpointId"))
	}
	switch ep.State {
	case statePending:
		return nil, refuse("OperationInProgress", "VpcEndpoint modify operation in progress")
	case stateAvailable, statePendingAcceptance:
	default:
		return nil, refuse("IncorrectState", "The VPC endpoint %s is in the state %s and cannot be modified.", ep.ID, ep.State)
	}
	svc := c.sim.serviceNamed(ep.Service, ep.Region)
	if svc == nil {
		return nil, noServiceName(ep.Service)
	}
	changed := *ep
	if err := c.readOptions(&changed); err != nil {
		return nil, err
	}
	m, err := c.planMakeover(ep, svc)
	if err != nil {
		return nil, err
	}
	ep.DNSRecordType = changed.DNSRecordType
	if err := c.applyMakeover(ep, svc, m); err != nil {
		return nil, err
	}
	if ep.State == stateAvailable {
		c.begin(ep, statePending, c.latency("endpointModify"), eventEndpointReady)
	}
	return M{"Return": true}, nil
}

// planMakeover checks a request to modify an endpoint without changing it.
func (c *call) planMakeover(ep *endpoint, svc *endpointService) (*makeover, error) {
	for _, name := range []string{"AddRouteTableIds", "RemoveRouteTableIds", "ResetPolicy"} {
		if c.in.has(name) {
			return nil, refuse("InvalidParameter", "%s is only applicable to Gateway VPC endpoints.", name)
		}
	}
	v, err := c.vpc(ep.VPC)
	if err != nil {
		return nil, err
	}
	m := &makeover{privateDNS: c.in.flagOr("PrivateDnsEnabled", ep.PrivateDNS)}
	if m.attachments, m.dropped, err = c.editAttachments(ep, svc); err != nil {
		return nil, err
	}
	if m.groups, err = c.editGroups(ep, v); err != nil {
		return nil, err
	}
	if m.privateDNS && !ep.PrivateDNS {
		err = c.checkPrivateDNS(svc, v, ep.Accepted)
	}
	return m, err
}

// editAttachments returns the attachments as the request wants them, and those
// that go. An address pinned in a subnet that the endpoint already uses
// replaces the interface there.
func (c *call) editAttachments(ep *endpoint, svc *endpointService) (left, dropped []attachment, err error) {
	remove, add := c.in.strs("RemoveSubnetIds"), c.in.strs("AddSubnetIds")
	for _, id := range remove {
		if !slices.ContainsFunc(ep.Attachments, func(a attachment) bool { return a.Subnet == id }) {
			return nil, nil, refuse("InvalidParameter", "The subnet %s is not associated with the VPC endpoint %s.", id, ep.ID)
		}
	}
	for _, config := range c.in.list("SubnetConfigurations") {
		if id := config.str("SubnetId"); !slices.Contains(add, id) {
			add = append(add, id)
		}
		remove = append(remove, config.str("SubnetId"))
	}
	rest := *ep
	rest.Attachments = nil
	for _, a := range ep.Attachments {
		if slices.Contains(remove, a.Subnet) {
			dropped = append(dropped, a)
		} else {
			rest.Attachments = append(rest.Attachments, a)
		}
	}
	left, err = c.attachmentsWanted(&rest, svc, add)
	return left, dropped, err
}

// editGroups returns the security groups as the request wants them.
func (c *call) editGroups(ep *endpoint, v *vpc) ([]string, error) {
	add, remove := c.in.strs("AddSecurityGroupIds"), c.in.strs("RemoveSecurityGroupIds")
	groups := slices.DeleteFunc(slices.Clone(ep.Groups), func(id string) bool { return slices.Contains(remove, id) })
	for _, id := range add {
		if !slices.Contains(groups, id) {
			groups = append(groups, id)
		}
	}
	if len(groups) == 0 {
		return nil, refuse("InvalidParameter", "The VPC endpoint %s must have at least one security group.", ep.ID)
	}
	return c.groupsWanted(v, groups)
}

// applyMakeover changes the endpoint, or nothing if a subnet is full.
func (c *call) applyMakeover(ep *endpoint, svc *endpointService, m *makeover) error {
	before, groups := ep.Attachments, ep.Groups
	ep.Attachments, ep.Groups = m.attachments, m.groups
	if ep.Accepted || c.choice("interfacesWhilePending") {
		if err := c.sim.plugIn(ep); err != nil {
			ep.Attachments, ep.Groups = before, groups
			return err
		}
	}
	for i := range m.dropped {
		c.sim.unplug(c.cell(), &m.dropped[i])
	}
	for _, a := range ep.Attachments {
		if nic := c.cell().Network.Interfaces.get(a.Interface); nic != nil {
			nic.Groups = slices.Clone(ep.Groups)
		}
	}
	switch {
	case m.privateDNS && !ep.PrivateDNS:
		c.sim.attachName(ep, svc)
	case !m.privateDNS:
		c.sim.detachName(ep)
	}
	ep.PrivateDNS = m.privateDNS
	return nil
}
