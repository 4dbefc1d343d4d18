package awssim

// A network is the VPC part of a cell.
type network struct {
	Vpcs           table[*vpc]
	Subnets        table[*subnet]
	SecurityGroups table[*securityGroup]
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

// A subnet is a part of a VPC in one zone. Zone is the account's own name
// (us-east-1a), ZoneID the physical zone (use1-az1), by which accounts compare.
type subnet struct {
	ID, VPC, CIDR string
	Zone, ZoneID  string
	Available     int // addresses left; the world file may say so
	Next          int // the next address to try
	Tags          tags
}

// vpc finds a VPC of the call's place, or refuses with InvalidVpcID.NotFound.
func (c *call) vpc(id string) (*vpc, error) {
	if v := c.cell().Network.Vpcs.get(id); v != nil {
		return v, nil
	}
	return nil, notFound("vpc", "InvalidVpcID", "The vpc ID '%s' does not exist", id)
}

// subnet finds a subnet, or refuses with InvalidSubnetID.NotFound.
func (c *call) subnet(id string) (*subnet, error) {
	if v := c.cell().Network.Subnets.get(id); v != nil {
		return v, nil
	}
	return nil, notFound("subnet", "InvalidSubnetID", "The subnet ID '%s' does not exist", id)
}

func (n *network) tagged(l *cell) []taggedResource { panic("not yet") }
