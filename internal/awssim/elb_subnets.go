package awssim

import (
	"cmp"
	"slices"
	"time"
)

// wantedSubnets settles the subnets of a new balancer from Subnets or
// SubnetMappings, and with them its VPC and its nodes (without interfaces).
func (c *call) wantedSubnets(b *loadBalancer) error {
	mappings, err := c.subnetMappings()
	if err != nil {
		return err
	}
	b.Nodes = make(map[string]*node)
	for _, m := range mappings {
		if err := c.wantNode(b, m); err != nil {
			return err
		}
	}
	if b.Type == "application" && len(b.Subnets) < 2 {
		return refuse("ValidationError", "At least two subnets in two different Availability Zones must be specified")
	}
	if b.IPAddressType != "ipv4" {
		return refuse("InvalidConfigurationRequest", "You must specify subnets with an associated IPv6 CIDR block.")
	}
	return nil
}

// subnetMappings reads Subnets or SubnetMappings as mappings.
func (c *call) subnetMappings() ([]M, error) {
	subnets, mappings := c.in.strs("Subnets"), c.in.list("SubnetMappings")
	if len(subnets) > 0 && len(mappings) > 0 {
		return nil, refuse("ValidationError", "You can specify either subnets or subnet mappings, not both")
	}
	for _, id := range subnets {
		mappings = append(mappings, M{"SubnetId": id})
	}
	if len(mappings) == 0 {
		return nil, refuse("ValidationError", "At least one subnet must be specified")
	}
	return mappings, nil
}

// wantNode adds one mapping's subnet and node to a balancer.
func (c *call) wantNode(b *loadBalancer, mapping M) error {
	id := mapping.str("SubnetId")
	s := c.cell().Network.Subnets.get(id)
	if s == nil {
		return refuse("SubnetNotFound", "The subnet ID '%s' does not exist", id)
	}
	if b.VPC == "" {
		b.VPC = s.VPC
	}
	if s.VPC != b.VPC {
		return refuse("InvalidConfigurationRequest", "All subnets must belong to the same VPC: '%s'", b.VPC)
	}
	for _, n := range b.Nodes {
		if n.ZoneID == s.ZoneID {
			return refuse("InvalidConfigurationRequest",
				"A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
	}
	address, allocation := mapping.str("PrivateIPv4Address"), mapping.str("AllocationId")
	if address != "" && (b.Type != "network" || b.Scheme != "internal") {
		return refuse("ValidationError", "A private IPv4 address can be specified only for internal Network Load Balancers")
	}
	if allocation != "" {
		return refuse("AllocationIdNotFound", "The allocation IDs are not available for use")
	}
	b.Subnets = append(b.Subnets, id)
	b.Nodes[id] = &node{Zone: s.Zone, ZoneID: s.ZoneID, Address: address, Pinned: address != ""}
	return nil
}

// leastFree is how many free addresses a subnet of a balancer must have
// (NLB guide, "Availability Zones").
const leastFree = 8

// attach makes the interfaces of a balancer's nodes in the given subnets. It
// makes all or none.
func (c *call) attach(b *loadBalancer, subnets []string) error {
	for _, id := range subnets {
		if s := c.cell().Network.Subnets.get(id); s.Available < leastFree && !b.Nodes[id].Pinned {
			return refuse("InvalidSubnet",
				"Not enough IP space available in %s. ELB requires at least %d free IP addresses in each subnet.", id, leastFree)
		}
	}
	for i, id := range subnets {
		if err := c.attachNode(b, id); err != nil {
			for _, done := range subnets[:i] {
				c.dropInterface(b.Nodes[done].Interface)
			}
			return err
		}
	}
	return nil
}

func (c *call) attachNode(b *loadBalancer, subnet string) error {
	n := b.Nodes[subnet]
	eni, err := c.newInterface(interfaceSpec{
		Subnet:           subnet,
		Groups:           b.SecurityGroups,
		Description:      "ELB " + b.path(),
		Type:             map[string]string{"network": "network_load_balancer", "gateway": "gateway_load_balancer"}[b.Type],
		RequesterManaged: true,
		RequesterID:      "amazon-elb",
		Address:          n.Address,
	})
	if err != nil {
		return refuse("InvalidSubnet", "The address for '%s' cannot be taken: %v", subnet, err)
	}
	n.Interface, n.Address = eni.ID, eni.Address
	return nil
}

// detach lets go of a node's interface after the knob's time.
func (c *call) detach(n *node, knob string) {
	if d := c.latency(knob); d > 0 {
		c.at(d, "balancing.detach", c.account, c.region, n.Interface)
		return
	}
	c.dropInterface(n.Interface)
}

// setSubnets replaces the whole list. A network load balancer keeps its zones
// while endpoints are connected through it, and changes the subnet of a zone
// only in two steps, remove and add (NLB guide, "Availability Zones").
func setSubnets(c *call) (M, error) {
	b, err := c.balancerFor(c.in.str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	want := &loadBalancer{
		Type: b.Type, Scheme: b.Scheme, VPC: b.VPC,
		IPAddressType: cmp.Or(c.in.str("IpAddressType"), b.IPAddressType),
	}
	if err := c.wantedSubnets(want); err != nil {
		return nil, err
	}
	added, removed := without(want.Subnets, b.Subnets), without(b.Subnets, want.Subnets)
	if err := c.checkSwap(b, want, added, removed); err != nil {
		return nil, err
	}
	if err := c.checkVacated(b, want, added); err != nil {
		return nil, err
	}
	for _, id := range b.Subnets {
		if kept := want.Nodes[id]; kept != nil {
			*kept = *b.Nodes[id]
		}
	}
	want.ARN, want.SecurityGroups = b.ARN, b.SecurityGroups
	if err := c.attach(want, added); err != nil {
		return nil, err
	}
	for _, id := range removed {
		c.detach(b.Nodes[id], "loadBalancerZones")
		b.vacate(b.Nodes[id].ZoneID, c.now.Add(c.latency("loadBalancerZones")))
	}
	b.Subnets, b.Nodes, b.IPAddressType = want.Subnets, want.Nodes, want.IPAddressType
	if len(added) > 0 {
		c.provisionBalancer(b, "loadBalancerZones")
	}
	reply := M{"AvailabilityZones": b.zoneItems(), "IpAddressType": b.IPAddressType}
	if b.Type == "network" {
		reply["EnablePrefixForIpv6SourceNat"] = "off"
	}
	return reply, nil
}

func (c *call) checkSwap(b, want *loadBalancer, added, removed []string) error {
	if b.Type != "network" || len(removed) == 0 {
		return nil
	}
	if c.sim.liveConnections(b.ARN) > 0 {
		return refuse("InvalidConfigurationRequest",
			"You cannot remove subnets from load balancer '%s' because it has active VPC endpoint associations", b.ARN)
	}
	for _, id := range added {
		for _, old := range removed {
			if b.Nodes[old].ZoneID == want.Nodes[id].ZoneID {
				return refuse("InvalidConfigurationRequest",
					"You cannot change the subnet of Availability Zone '%s' in one request: remove '%s', then add '%s'",
					b.Nodes[old].Zone, old, id)
			}
		}
	}
	return nil
}

// vacate notes until when a zone is being left.
func (b *loadBalancer) vacate(zone string, until time.Time) {
	if b.Vacating == nil {
		b.Vacating = make(map[string]time.Time)
	}
	b.Vacating[zone] = until
}

// checkVacated refuses to add a subnet in a zone that is still being left (NLB
// guide, "Availability Zones": the removal must be complete).
func (c *call) checkVacated(b, want *loadBalancer, added []string) error {
	for _, id := range added {
		if n := want.Nodes[id]; b.Type == "network" && c.now.Before(b.Vacating[n.ZoneID]) {
			return refuse("InvalidConfigurationRequest",
				"A subnet of Availability Zone '%s' is still being removed from load balancer '%s'", n.Zone, b.ARN)
		}
	}
	return nil
}

// without returns what is in all and not in drop, in all's order.
func without(all, drop []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(drop, id) })
}

// zoneItems shows the nodes as replies do. Addresses show only where a subnet
// mapping fixed them.
func (b *loadBalancer) zoneItems() []any {
	return listBy(b.Subnets, func(id string) M {
		n := b.Nodes[id]
		addresses := []any{}
		if n.Pinned {
			addresses = append(addresses, M{"PrivateIPv4Address": n.Address})
		}
		return M{"ZoneName": n.Zone, "SubnetId": id, "LoadBalancerAddresses": addresses}
	})
}

// checkGroups refuses security groups that are not there or of another VPC.
func (c *call) checkGroups(vpc string, groups []string) error {
	if limit := c.quota("securityGroupsPerInterface"); len(groups) > limit {
		return refuse("ValidationError", "A load balancer can have at most '%d' security groups", limit)
	}
	for _, id := range groups {
		g := c.cell().Network.SecurityGroups.get(id)
		if g == nil {
			return refuse("InvalidSecurityGroup", "Security group '%s' does not exist", id)
		}
		if g.VPC != vpc {
			return refuse("InvalidConfigurationRequest", "One or more security groups are invalid")
		}
	}
	return nil
}

// setSecurityGroups replaces a balancer's groups, on its interfaces too.
func setSecurityGroups(c *call) (M, error) {
	b, err := c.balancerFor(c.in.str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	groups := c.in.strs("SecurityGroups")
	if err := c.checkGroupChange(b, groups); err != nil {
		return nil, err
	}
	b.SecurityGroups = groups
	if b.Type == "network" {
		b.EnforceInbound = cmp.Or(c.in.str("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"), b.EnforceInbound)
	}
	for _, n := range b.Nodes {
		if eni := c.cell().Network.Interfaces.get(n.Interface); eni != nil {
			eni.Groups = slices.Clone(groups)
		}
	}
	reply := M{"SecurityGroupIds": list(groups)}
	if b.EnforceInbound != "" {
		reply["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] = b.EnforceInbound
	}
	return reply, nil
}

func (c *call) checkGroupChange(b *loadBalancer, groups []string) error {
	switch {
	case b.Type == "gateway":
		return refuse("InvalidConfigurationRequest", "SetSecurityGroups is not supported for load balancers of type 'gateway'")
	case b.WithoutGroups && b.Type == "network":
		return refuse("InvalidConfigurationRequest",
			"You cannot set security groups on a Network Load Balancer which was created without any security groups.")
	case len(groups) == 0:
		return refuse("InvalidConfigurationRequest", "You cannot remove all security groups from load balancer '%s'", b.ARN)
	case b.Type != "network" && c.in.has("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"):
		return refuse("InvalidConfigurationRequest",
			"Enforcing inbound rules on PrivateLink traffic is not supported for load balancers of type '%s'", b.Type)
	}
	return c.checkGroups(b.VPC, groups)
}

// setIPAddressType accepts what the subnets can do; those of the simulator
// have no IPv6 blocks.
func setIPAddressType(c *call) (M, error) {
	b, err := c.balancerFor(c.in.str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	if c.in.str("IpAddressType") != "ipv4" {
		return nil, refuse("InvalidSubnet", "You must specify subnets with an associated IPv6 CIDR block.")
	}
	b.IPAddressType = "ipv4"
	return M{"IpAddressType": b.IPAddressType}, nil
}
