package awssim

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
)

// reservedAddresses are the addresses AWS keeps of every subnet: the first
// four and the last. ("Subnet CIDR blocks", VPC User Guide.)
const reservedAddresses = 5

// A subnet is a part of a VPC in one zone. Zone is the account's own name
// (us-east-1a), ZoneID the physical zone (use1-az1), by which accounts compare.
type subnet struct {
	ID, VPC, CIDR string
	Zone, ZoneID  string
	Available     int // addresses left; the world file may say so
	Next          int // where the search for a free address goes on, from the block's start
	Tags          tags

	taken map[string]bool // addresses in use; nil: not counted yet, see network.takenIn
}

// subnet finds a subnet, or refuses with InvalidSubnetID.NotFound.
func (c *call) subnet(id string) (*subnet, error) {
	if s := c.cell().Network.Subnets.get(id); s != nil {
		return s, nil
	}
	return nil, missingSubnet(id)
}

func missingSubnet(id string) *Error {
	return notFound("subnet", "InvalidSubnetID", "The subnet ID '%s' does not exist", id)
}

func describeSubnets(c *call) (M, error) {
	zone := one(func(s *subnet) string { return s.Zone })
	zoneID := one(func(s *subnet) string { return s.ZoneID })
	cidr := one(func(s *subnet) string { return s.CIDR })
	by := listing[*subnet]{
		IDs: "SubnetIds", Key: func(s *subnet) string { return s.ID }, Missing: missingSubnet,
		Tags: func(s *subnet) tags { return s.Tags },
		Filters: filterSet[*subnet]{
			"availability-zone": zone, "availabilityZone": zone,
			"availability-zone-id": zoneID, "availabilityZoneId": zoneID,
			"available-ip-address-count": one(func(s *subnet) string { return strconv.Itoa(s.Available) }),
			"cidr":                       cidr, "cidr-block": cidr, "cidrBlock": cidr,
			"default-for-az": one(func(*subnet) string { return "false" }),
			"owner-id":       one(func(*subnet) string { return c.account }),
			"state":          one(func(*subnet) string { return "available" }),
			"subnet-arn":     one(func(s *subnet) string { return c.arn("ec2", "subnet/"+s.ID) }),
			"subnet-id":      one(func(s *subnet) string { return s.ID }),
			"vpc-id":         one(func(s *subnet) string { return s.VPC }),
		},
	}
	return by.reply(c, c.cell().Network.Subnets.all(), "Subnets", c.subnetItem)
}

func (c *call) subnetItem(s *subnet) M {
	return M{
		"SubnetId": s.ID, "VpcId": s.VPC, "CidrBlock": s.CIDR, "State": "available",
		"AvailabilityZone": s.Zone, "AvailabilityZoneId": s.ZoneID,
		"AvailableIpAddressCount": int64(s.Available), "OwnerId": c.account,
		"SubnetArn": c.arn("ec2", "subnet/"+s.ID), "DefaultForAz": false,
		"MapPublicIpOnLaunch": false, "AssignIpv6AddressOnCreation": false,
		"EnableDns64": false, "Ipv6Native": false, "Ipv6CidrBlockAssociationSet": []any{},
		"Tags": tagItems(s.Tags),
	}
}

func createSubnet(c *call) (M, error) {
	v, err := c.vpc(c.in.str("VpcId"))
	if err != nil {
		return nil, err
	}
	if err := c.roomForSubnet(v); err != nil {
		return nil, err
	}
	block, err := c.subnetBlock(v)
	if err != nil {
		return nil, err
	}
	zone := cmp.Or(c.in.str("AvailabilityZone"), c.sim.zoneName(c.account, c.region, c.in.str("AvailabilityZoneId")), c.region+"a")
	zoneID := c.sim.zoneID(c.account, zone)
	if zoneID == "" {
		return nil, refuse("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the availability zones of this region.", zone)
	}
	t, err := c.tagSpec("subnet")
	if err != nil {
		return nil, err
	}
	s := &subnet{ID: c.newID("subnet"), VPC: v.ID, CIDR: block.String(), Zone: zone, ZoneID: zoneID, Available: capacity(block), Tags: t}
	c.cell().Network.Subnets.put(s.ID, s)
	return M{"Subnet": c.subnetItem(s)}, nil
}

func (c *call) roomForSubnet(v *vpc) error {
	n := 0
	for _, s := range c.cell().Network.Subnets.all() {
		if s.VPC == v.ID {
			n++
		}
	}
	if n >= c.quota("subnetsPerVpc") {
		return refuse("SubnetLimitExceeded", "The maximum number of subnets for %s has been reached.", v.ID)
	}
	return nil
}

// subnetBlock checks the block of a new subnet: inside its VPC's, /16 to /28,
// apart from the others.
func (c *call) subnetBlock(v *vpc) (netip.Prefix, error) {
	text := c.in.str("CidrBlock")
	block, err := blockOf(text)
	if err != nil {
		return netip.Prefix{}, refuse("InvalidSubnet.Range", "The CIDR '%s' is invalid.", text)
	}
	whole, _ := netip.ParsePrefix(v.CIDR) // was checked when the VPC was made
	if block.Bits() < whole.Bits() || !whole.Contains(block.Addr()) {
		return netip.Prefix{}, refuse("InvalidSubnet.Range", "The CIDR '%s' is invalid.", text)
	}
	for _, s := range c.cell().Network.Subnets.all() {
		other, _ := netip.ParsePrefix(s.CIDR)
		if s.VPC == v.ID && other.Overlaps(block) {
			return netip.Prefix{}, refuse("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", text)
		}
	}
	return block, nil
}

// blockOf reads the IPv4 block of a VPC or subnet, /16 to /28, in canonical form.
func blockOf(text string) (netip.Prefix, error) {
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if !block.Addr().Is4() || block.Bits() < 16 || block.Bits() > 28 {
		return netip.Prefix{}, fmt.Errorf("%s is not an IPv4 block of /16 to /28", text)
	}
	return block.Masked(), nil
}

// capacity is how many addresses of a block can be given out.
func capacity(block netip.Prefix) int {
	return max(0, 1<<(32-block.Bits())-reservedAddresses)
}

func deleteSubnet(c *call) (M, error) {
	s, err := c.subnet(c.in.str("SubnetId"))
	if err != nil {
		return nil, err
	}
	for _, i := range c.cell().Network.Interfaces.all() {
		if i.Subnet == s.ID {
			return nil, refuse("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", s.ID)
		}
	}
	c.cell().Network.Subnets.drop(s.ID)
	return nil, nil
}
