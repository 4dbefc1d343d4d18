package awssim

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A netInterface is an elastic network interface (ENI).
type netInterface struct {
	ID, VPC, Subnet, Zone, ZoneID string
	Address                       string // private IPv4
	Groups                        []string
	Description                   string
	Type                          string // interface, vpc_endpoint, network_load_balancer
	RequesterManaged              bool
	RequesterID                   string
	Attachment                    string // "ela-attach-…"
	AttachmentOwner               string
	Created                       time.Time
	Tags                          tags
}

// An interfaceSpec says what interface is wanted.
type interfaceSpec struct {
	Subnet           string
	Groups           []string
	Description      string
	Type             string // vpc_endpoint, network_load_balancer
	RequesterManaged bool
	RequesterID      string // the AWS service's principal or account
	Address          string // a pinned IPv4 address; "": the next free one
}

func interfaceOperations() map[string]operation {
	return map[string]operation{"DescribeNetworkInterfaces": describeNetworkInterfaces}
}

// newInterface makes an interface in the call's place and takes an address of
// its subnet. It refuses with InvalidSubnetID.NotFound,
// InsufficientFreeAddressesInSubnet, InvalidIPAddress.InUse,
// SecurityGroupsPerInterfaceLimitExceeded and the group errors.
func (c *call) newInterface(spec interfaceSpec) (*netInterface, error) {
	return c.sim.newInterface(c.cell(), spec)
}

// dropInterface removes an interface and frees its address; one that is gone
// is no matter.
func (c *call) dropInterface(id string) { c.sim.dropInterface(c.cell(), id) }

// newInterface is call.newInterface for event handlers.
func (s *Sim) newInterface(l *cell, spec interfaceSpec) (*netInterface, error) {
	in := l.Network.Subnets.get(spec.Subnet)
	if in == nil {
		return nil, missingSubnet(spec.Subnet)
	}
	if err := s.checkGroups(l, in.VPC, spec.Groups); err != nil {
		return nil, err
	}
	if len(l.Network.Interfaces.Order) >= s.quota("interfacesPerRegion") {
		return nil, refuse("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached.")
	}
	address, err := l.Network.claim(in, spec.Address)
	if err != nil {
		return nil, err
	}
	made := &netInterface{
		ID: s.newID("eni"), VPC: in.VPC, Subnet: in.ID, Zone: in.Zone, ZoneID: in.ZoneID,
		Address: address, Groups: slices.Clone(spec.Groups), Description: spec.Description,
		Type: spec.Type, RequesterManaged: spec.RequesterManaged, RequesterID: spec.RequesterID,
		Attachment: s.newID("ela-attach"), AttachmentOwner: "amazon-aws",
		Created: s.now(), Tags: tags{},
	}
	in.Available--
	l.Network.Interfaces.put(made.ID, made)
	return made, nil
}

// dropInterface is call.dropInterface for event handlers.
func (s *Sim) dropInterface(l *cell, id string) {
	gone := l.Network.Interfaces.get(id)
	if gone == nil {
		return
	}
	l.Network.Interfaces.drop(id)
	if in := l.Network.Subnets.get(gone.Subnet); in != nil {
		in.Available++
		delete(in.taken, gone.Address)
	}
}

// checkGroups refuses security groups that an interface in a VPC cannot carry.
func (s *Sim) checkGroups(l *cell, vpcID string, groups []string) error {
	if len(groups) > s.quota("securityGroupsPerInterface") {
		return refuse("SecurityGroupsPerInterfaceLimitExceeded", "The maximum number of security groups per interface has been reached.")
	}
	for _, id := range groups {
		g := l.Network.SecurityGroups.get(id)
		if g == nil {
			return missingGroup(id)
		}
		if g.VPC != vpcID {
			return refuse("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
		}
	}
	return nil
}

// claim picks the address of a new interface: the wanted one, or the next free
// one after the last that was given out, so that addresses are not soon reused.
func (n *network) claim(in *subnet, want string) (string, error) {
	if in.Available <= 0 {
		return "", refuse("InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request.")
	}
	taken := n.takenIn(in)
	block, err := netip.ParsePrefix(in.CIDR)
	if err != nil {
		return "", err
	}
	if want != "" {
		if err := pinned(block, want, taken); err != nil {
			return "", err
		}
		taken[want] = true
		return want, nil
	}
	for range capacity(block) {
		address := nth(block, 4+in.Next%capacity(block))
		in.Next++
		if !taken[address] {
			taken[address] = true
			return address, nil
		}
	}
	return "", refuse("InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request.")
}

// takenIn are a subnet's addresses in use, counted once and kept from then on.
func (n *network) takenIn(in *subnet) map[string]bool {
	if in.taken == nil {
		in.taken = make(map[string]bool)
		for _, i := range n.Interfaces.all() {
			if i.Subnet == in.ID {
				in.taken[i.Address] = true
			}
		}
	}
	return in.taken
}

// pinned refuses an address that a new interface cannot have.
func pinned(block netip.Prefix, want string, taken map[string]bool) error {
	address, err := netip.ParseAddr(want)
	if err != nil || !block.Contains(address) {
		return refuse("InvalidParameterValue", "Address %s does not fall within the subnet's address range", want)
	}
	offset := binary.BigEndian.Uint32(address.AsSlice()) - binary.BigEndian.Uint32(block.Masked().Addr().AsSlice())
	if offset < 4 || int(offset) >= 4+capacity(block) {
		return refuse("InvalidParameterValue", "Address %s is in subnet's reserved address range", want)
	}
	if taken[want] {
		return refuse("InvalidIPAddress.InUse", "The specified address is already in use.")
	}
	return nil
}

// nth is the address n after the start of a block.
func nth(block netip.Prefix, n int) string {
	start := binary.BigEndian.Uint32(block.Masked().Addr().AsSlice())
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, start+uint32(n)))).String()
}

func describeNetworkInterfaces(c *call) (M, error) {
	by := listing[*netInterface]{
		IDs: "NetworkInterfaceIds", Key: func(i *netInterface) string { return i.ID }, Apart: true,
		Missing: func(id string) *Error {
			return notFound("eni", "InvalidNetworkInterfaceID", "The networkInterface ID '%s' does not exist", id)
		},
		Tags: func(i *netInterface) tags { return i.Tags },
		Life: func(i *netInterface) (time.Time, time.Time) { return i.Created, time.Time{} },
		Filters: filterSet[*netInterface]{
			"addresses.private-ip-address": one(func(i *netInterface) string { return i.Address }),
			"attachment.attachment-id":     one(func(i *netInterface) string { return i.Attachment }),
			"attachment.status":            one(func(*netInterface) string { return "attached" }),
			"availability-zone":            one(func(i *netInterface) string { return i.Zone }),
			"availability-zone-id":         one(func(i *netInterface) string { return i.ZoneID }),
			"description":                  one(func(i *netInterface) string { return i.Description }),
			"group-id":                     func(i *netInterface) []string { return i.Groups },
			"interface-type":               one(func(i *netInterface) string { return i.Type }),
			"network-interface-id":         one(func(i *netInterface) string { return i.ID }),
			"owner-id":                     one(func(*netInterface) string { return c.account }),
			"private-ip-address":           one(func(i *netInterface) string { return i.Address }),
			"requester-id":                 one(func(i *netInterface) string { return i.RequesterID }),
			"requester-managed":            one(func(i *netInterface) string { return strconv.FormatBool(i.RequesterManaged) }),
			"status":                       one(func(*netInterface) string { return "in-use" }),
			"subnet-id":                    one(func(i *netInterface) string { return i.Subnet }),
			"vpc-id":                       one(func(i *netInterface) string { return i.VPC }),
		},
	}
	return by.reply(c, c.cell().Network.Interfaces.all(), "NetworkInterfaces", c.interfaceItem)
}

func (c *call) interfaceItem(i *netInterface) M {
	dns := "ip-" + strings.ReplaceAll(i.Address, ".", "-") + ".ec2.internal"
	return M{
		"NetworkInterfaceId": i.ID, "VpcId": i.VPC, "SubnetId": i.Subnet, "OwnerId": c.account,
		"AvailabilityZone": i.Zone, "AvailabilityZoneId": i.ZoneID, "Status": "in-use",
		"Description": i.Description, "InterfaceType": i.Type, "SourceDestCheck": false,
		"RequesterManaged": i.RequesterManaged, "RequesterId": i.RequesterID,
		"MacAddress": macAddress(i.ID), "PrivateDnsName": dns, "PrivateIpAddress": i.Address,
		"PrivateIpAddresses": []any{M{"Primary": true, "PrivateIpAddress": i.Address, "PrivateDnsName": dns}},
		"Ipv6Addresses":      []any{},
		"Attachment": M{
			"AttachmentId": i.Attachment, "DeviceIndex": int64(1), "Status": "attached",
			"DeleteOnTermination": false, "InstanceOwnerId": i.AttachmentOwner,
		},
		"Groups": listBy(i.Groups, func(id string) M {
			group := M{"GroupId": id}
			if g := c.cell().Network.SecurityGroups.get(id); g != nil {
				group["GroupName"] = g.Name
			}
			return group
		}),
		"TagSet": tagItems(i.Tags),
	}
}

// macAddress makes a MAC address of an interface's id.
func macAddress(id string) string {
	hex := id[len(id)-10:]
	return "0a:" + hex[:2] + ":" + hex[2:4] + ":" + hex[4:6] + ":" + hex[6:8] + ":" + hex[8:]
}
