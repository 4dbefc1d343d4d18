package awssim

import "strconv"

// A network is the VPC part of a cell.
type network struct {
	Vpcs           table[*vpc]
	Subnets        table[*subnet]
	SecurityGroups table[*securityGroup]
	Graves         []*securityGroup // deleted groups, which lists may still show
	Interfaces     table[*netInterface]
}

// A vpc is a virtual private cloud.
type vpc struct {
	ID                 string
	CIDR               string
	EnableDNSSupport   bool
	EnableDNSHostnames bool
	Default            bool
	Tags               tags
}

func networkOperations() map[string]operation {
	return map[string]operation{
		"DescribeVpcs":              describeVpcs,
		"CreateVpc":                 createVpc,
		"DeleteVpc":                 deleteVpc,
		"DescribeVpcAttribute":      describeVpcAttribute,
		"ModifyVpcAttribute":        modifyVpcAttribute,
		"DescribeSubnets":           describeSubnets,
		"CreateSubnet":              createSubnet,
		"DeleteSubnet":              deleteSubnet,
		"DescribeAvailabilityZones": describeAvailabilityZones,
	}
}

// vpc finds a VPC of the call's place, or refuses with InvalidVpcID.NotFound.
func (c *call) vpc(id string) (*vpc, error) {
	if v := c.cell().Network.Vpcs.get(id); v != nil {
		return v, nil
	}
	return nil, missingVpc(id)
}

func missingVpc(id string) *Error {
	return notFound("vpc", "InvalidVpcID", "The vpc ID '%s' does not exist", id)
}

func describeVpcs(c *call) (M, error) {
	by := listing[*vpc]{
		IDs: "VpcIds", Key: func(v *vpc) string { return v.ID }, Missing: missingVpc,
		Tags: func(v *vpc) tags { return v.Tags },
		Filters: filterSet[*vpc]{
			"cidr":       one(func(v *vpc) string { return v.CIDR }),
			"cidr-block": one(func(v *vpc) string { return v.CIDR }),
			"is-default": one(func(v *vpc) string { return strconv.FormatBool(v.Default) }),
			"isDefault":  one(func(v *vpc) string { return strconv.FormatBool(v.Default) }),
			"owner-id":   one(func(*vpc) string { return c.account }),
			"state":      one(func(*vpc) string { return "available" }),
			"vpc-id":     one(func(v *vpc) string { return v.ID }),
		},
	}
	return by.reply(c, c.cell().Network.Vpcs.all(), "Vpcs", c.vpcItem)
}

func (c *call) vpcItem(v *vpc) M {
	return M{
		"VpcId": v.ID, "CidrBlock": v.CIDR, "State": "available", "OwnerId": c.account,
		"InstanceTenancy": "default", "IsDefault": v.Default, "DhcpOptionsId": "default",
		"CidrBlockAssociationSet": []any{M{
			"AssociationId": "vpc-cidr-assoc-" + v.ID[len("vpc-"):], "CidrBlock": v.CIDR,
			"CidrBlockState": M{"State": "associated"},
		}},
		"Tags": tagItems(v.Tags),
	}
}

func createVpc(c *call) (M, error) {
	block, err := blockOf(c.in.str("CidrBlock"))
	if err != nil {
		return nil, refuse("InvalidVpc.Range", "The CIDR '%s' is invalid.", c.in.str("CidrBlock"))
	}
	if len(c.cell().Network.Vpcs.Order) >= c.quota("vpcsPerRegion") {
		return nil, refuse("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
	}
	t, err := c.tagSpec("vpc")
	if err != nil {
		return nil, err
	}
	v := &vpc{ID: c.newID("vpc"), CIDR: block.String(), EnableDNSSupport: true, Tags: t}
	c.cell().Network.Vpcs.put(v.ID, v)
	c.sim.addDefaultGroup(c.cell(), v.ID)
	return M{"Vpc": c.vpcItem(v)}, nil
}

// deleteVpc takes the default security group along; everything else must have
// gone before.
func deleteVpc(c *call) (M, error) {
	v, err := c.vpc(c.in.str("VpcId"))
	if err != nil {
		return nil, err
	}
	n := &c.cell().Network
	inUse := refuse("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", v.ID)
	for _, s := range n.Subnets.all() {
		if s.VPC == v.ID {
			return nil, inUse
		}
	}
	for _, g := range n.SecurityGroups.all() {
		if g.VPC == v.ID && !g.Default {
			return nil, inUse
		}
	}
	n.SecurityGroups.drop(c.defaultGroup(v.ID).ID)
	n.Vpcs.drop(v.ID)
	return nil, nil
}

func describeVpcAttribute(c *call) (M, error) {
	v, err := c.vpc(c.in.str("VpcId"))
	if err != nil {
		return nil, err
	}
	out := M{"VpcId": v.ID}
	switch c.in.str("Attribute") {
	case "enableDnsSupport":
		out["EnableDnsSupport"] = M{"Value": v.EnableDNSSupport}
	case "enableDnsHostnames":
		out["EnableDnsHostnames"] = M{"Value": v.EnableDNSHostnames}
	default:
		out["EnableNetworkAddressUsageMetrics"] = M{"Value": false}
	}
	return out, nil
}

func modifyVpcAttribute(c *call) (M, error) {
	v, err := c.vpc(c.in.str("VpcId"))
	if err != nil {
		return nil, err
	}
	support, hostnames := c.in.sub("EnableDnsSupport"), c.in.sub("EnableDnsHostnames")
	switch named := len(c.in) - 1; {
	case named == 0:
		return nil, refuse("MissingParameter", "The request must contain the parameter attribute")
	case named > 1:
		return nil, refuse("InvalidParameterCombination", "Fields for multiple attribute types specified: only one attribute can be modified per call")
	}
	if support != nil {
		v.EnableDNSSupport = support.flag("Value")
	}
	if hostnames != nil {
		v.EnableDNSHostnames = hostnames.flag("Value")
	}
	return nil, nil
}

// tagged contributes to tagging what a cell's network holds.
func (n *network) tagged(l *cell) []taggedResource {
	var all []taggedResource
	add := func(kind, id string, t tags) {
		arn := "arn:aws:ec2:" + l.Region + ":" + l.Account + ":" + kind + "/" + id
		all = append(all, taggedResource{ID: id, ARN: arn, Service: "ec2", Type: kind, Tags: t})
	}
	for _, v := range n.Vpcs.all() {
		add("vpc", v.ID, v.Tags)
	}
	for _, s := range n.Subnets.all() {
		add("subnet", s.ID, s.Tags)
	}
	for _, g := range n.SecurityGroups.all() {
		add("security-group", g.ID, g.Tags)
		for _, r := range g.Rules.all() {
			add("security-group-rule", r.ID, r.Tags)
		}
	}
	for _, i := range n.Interfaces.all() {
		add("network-interface", i.ID, i.Tags)
	}
	return all
}
