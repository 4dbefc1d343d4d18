package awssim

import "time"

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
func (s *Sim) newInterface(l *cell, spec interfaceSpec) (*netInterface, error) { panic("not yet") }

// dropInterface is call.dropInterface for event handlers.
func (s *Sim) dropInterface(l *cell, id string) { panic("not yet") }

func interfaceOperations() map[string]operation { return nil }
