package awssim

// A securityGroup is a set of rules that interfaces carry.
type securityGroup struct {
	ID, Name, Description, VPC string
	Default                    bool
	Rules                      table[*securityGroupRule]
	Tags                       tags
}

// A securityGroupRule admits one peer (CIDR, IPv6 CIDR, prefix list or group).
type securityGroupRule struct {
	ID                      string
	Egress                  bool
	Protocol                string // tcp, udp, icmp, icmpv6, a number, or -1 for all
	From, To                int64  // ports; -1 for all
	CIDR, CIDR6, PrefixList string
	Group, GroupOwner       string
	Description             string
	Tags                    tags
}

// securityGroup finds a group, or refuses with InvalidGroup.NotFound.
func (c *call) securityGroup(id string) (*securityGroup, error) {
	if v := c.cell().Network.SecurityGroups.get(id); v != nil {
		return v, nil
	}
	return nil, notFound("sg", "InvalidGroup", "The security group '%s' does not exist", id)
}

// defaultGroup returns a VPC's default security group.
func (c *call) defaultGroup(vpcID string) *securityGroup {
	for _, g := range c.cell().Network.SecurityGroups.all() {
		if g.VPC == vpcID && g.Default {
			return g
		}
	}
	return nil
}

func securityGroupOperations() map[string]operation { return nil }
