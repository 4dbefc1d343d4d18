package awssim

import (
	"slices"
	"strings"
	"time"
)

// States of an endpoint, and of the connection it makes. They travel in
// lowerCamel, whatever the SDKs' constants say.
const (
	statePendingAcceptance = "pendingAcceptance"
	statePending           = "pending"
	stateAvailable         = "available"
	stateRejected          = "rejected"
	stateExpired           = "expired"
	stateFailed            = "failed"
	stateDeleting          = "deleting"
	stateDeleted           = "deleted"
)

// isLive tells whether an endpoint in a state stands, or may come to stand
// without its owner's doing.
func isLive(state string) bool {
	return state == statePendingAcceptance || state == statePending || state == stateAvailable
}

// An endpoint is an interface VPC endpoint, in the cell of its owner.
type endpoint struct {
	ID, Owner, Region string
	VPC               string
	State             string
	Service           string // the service's name
	ServiceID         string
	ServiceOwner      string
	Attachments       []attachment // by subnet, in the order they were asked for
	Groups            []string     // ids of security groups
	IPType            string
	DNSRecordType     string
	Policy            string
	PrivateDNS        bool
	PrivateName       string // the name its hidden zone answers to; "" if it has none
	Accepted          bool
	FailureReason     string
	Tags              tags
	Created, Deleted  time.Time
	Due               time.Time // when the transition under way ends; zero: none is
}

// An attachment is an endpoint's foot in a subnet.
type attachment struct {
	Subnet    string
	Zone      string // the owner's name of the subnet's zone
	Address   string // pinned; "": any
	Interface string // "" until there is one
}

func (e *endpoint) arn() string {
	return "arn:aws:ec2:" + e.Region + ":" + e.Owner + ":vpc-endpoint/" + e.ID
}

// noEndpoint refuses an endpoint id.
func noEndpoint(id string) *Error {
	return notFound("vpce", "InvalidVpcEndpointId", "The Vpc Endpoint Id '%s' does not exist", id)
}

// standingEndpoint returns the id of an account's endpoint in a VPC that is
// connected to the service, or waits for it; "" if there is none.
func (s *Sim) standingEndpoint(account, region, vpc, serviceName string) string {
	for _, ep := range s.cellOf(account, region).PrivateLink.Endpoints.all() {
		if ep.VPC == vpc && ep.Service == serviceName && isLive(ep.State) {
			return ep.ID
		}
	}
	return ""
}

// createEndpoint serves CreateVpcEndpoint, for interface endpoints to the
// services of this world.
func createEndpoint(c *call) (M, error) {
	v, err := c.vpc(c.in.str("VpcId"))
	if err != nil {
		return nil, err
	}
	svc, err := c.serviceToConnect()
	if err != nil {
		return nil, err
	}
	ep := &endpoint{
		Owner: c.account, Region: c.region, VPC: v.ID,
		Service: svc.name(), ServiceID: svc.ID, ServiceOwner: svc.Owner,
		IPType: "ipv4", DNSRecordType: "ipv4", Accepted: !svc.AcceptanceRequired, Created: c.now,
	}
	if err := c.readEndpoint(ep, svc, v); err != nil {
		return nil, err
	}
	if err := c.admitEndpoint(ep, svc); err != nil {
		return nil, err
	}
	return c.echoToken(M{"VpcEndpoint": c.endpointItem(ep)}), nil
}

// serviceToConnect finds the service a CreateVpcEndpoint wants. One that does
// not admit the caller does not exist for it.
func (c *call) serviceToConnect() (*endpointService, error) {
	name := c.in.str("ServiceName")
	if name == "" {
		return nil, refuse("MissingParameter", "The request must contain the parameter ServiceName")
	}
	svc := c.sim.serviceNamed(name, c.region)
	if svc == nil || !svc.admits(c.account, c.principal) {
		return nil, noServiceName(name)
	}
	if region := c.in.str("ServiceRegion"); region != "" && region != svc.Region {
		return nil, noServiceName(name)
	}
	kind := c.in.str("VpcEndpointType")
	if kind == "" {
		kind = "Gateway"
	}
	if kind != "Interface" {
		return nil, refuse("InvalidParameter", "Endpoint type (%s) does not match available service types ([Interface]).", kind)
	}
	if c.now.Sub(svc.Created) < c.latency("serviceUnavailable") {
		return nil, &Error{Code: "Unavailable", Message: "The service is unavailable. Please try again shortly.", Status: 503}
	}
	return svc, nil
}

// readEndpoint checks what a CreateVpcEndpoint asks of the endpoint and writes it
// there. Nothing else changes.
func (c *call) readEndpoint(ep *endpoint, svc *endpointService, v *vpc) (err error) {
	if ep.Attachments, err = c.attachmentsWanted(ep, svc, c.in.strs("SubnetIds")); err != nil {
		return err
	}
	if ep.Groups, err = c.groupsWanted(v, c.in.strs("SecurityGroupIds")); err != nil {
		return err
	}
	if err = c.readOptions(ep); err != nil {
		return err
	}
	if ep.PrivateDNS = c.in.flag("PrivateDnsEnabled"); ep.PrivateDNS {
		if err = c.checkPrivateDNS(svc, v, ep.Accepted); err != nil {
			return err
		}
	}
	if c.cell().PrivateLink.PerVPC[v.ID] >= c.quota("endpointsPerVpc") {
		return refuse("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached for the VPC '%s'.", v.ID)
	}
	ep.Tags, err = c.tagSpec("vpc-endpoint")
	return err
}

// attachmentsWanted returns the endpoint's attachments with one more for each
// of the subnets, after checking that each is in the endpoint's VPC, in a zone
// that the service covers, and in a zone of its own.
func (c *call) attachmentsWanted(ep *endpoint, svc *endpointService, subnets []string) ([]attachment, error) {
	wanted := slices.Clone(ep.Attachments)
	pins, err := c.pinnedAddresses(subnets)
	if err != nil {
		return nil, err
	}
	for _, id := range subnets {
		sub, err := c.subnet(id)
		if err != nil {
			return nil, err
		}
		switch {
		case sub.VPC != ep.VPC:
			return nil, refuse("InvalidParameter", "The subnet %s does not belong to the VPC %s.", id, ep.VPC)
		case !slices.Contains(svc.ZoneIDs, sub.ZoneID):
			return nil, refuse("InvalidParameter", "The VPC endpoint service %s does not support the availability zone of the subnet: %s.", svc.name(), id)
		case slices.ContainsFunc(wanted, func(a attachment) bool { return a.Zone == sub.Zone }):
			return nil, refuse("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of %s. "+
				"VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.", id)
		}
		wanted = append(wanted, attachment{Subnet: id, Zone: sub.Zone, Address: pins[id]})
	}
	return wanted, nil
}

// pinnedAddresses reads SubnetConfigurations: the addresses that the caller
// chooses in subnets, each of which must also be among the subnets.
func (c *call) pinnedAddresses(subnets []string) (map[string]string, error) {
	pins := make(map[string]string)
	for _, config := range c.in.list("SubnetConfigurations") {
		id := config.str("SubnetId")
		if config.has("Ipv6") {
			return nil, refuse("InvalidParameter", "The subnet %s does not have an IPv6 CIDR block.", id)
		}
		if !slices.Contains(subnets, id) {
			return nil, refuse("InvalidParameter", "The subnet %s of SubnetConfigurations is not among the subnets of the request.", id)
		}
		pins[id] = config.str("Ipv4")
	}
	return pins, nil
}

// groupsWanted checks security groups: they must exist in the VPC. None means
// the VPC's default group.
func (c *call) groupsWanted(v *vpc, ids []string) ([]string, error) {
	if len(ids) == 0 {
		if g := c.defaultGroup(v.ID); g != nil {
			return []string{g.ID}, nil
		}
		return nil, refuse("InvalidGroup.NotFound", "The VPC '%s' has no default security group", v.ID)
	}
	ids = distinct(ids)
	for _, id := range ids {
		g, err := c.securityGroup(id)
		if err != nil {
			return nil, err
		}
		if g.VPC != v.ID {
			return nil, refuse("InvalidParameter", "Security group %s does not belong to the VPC %s.", id, v.ID)
		}
	}
	if most := c.quota("securityGroupsPerInterface"); len(ids) > most {
		return nil, refuse("SecurityGroupsPerInterfaceLimitExceeded", "The maximum number of security groups per interface has been reached (%d).", most)
	}
	return ids, nil
}

// distinct returns texts without repetitions, in their order.
func distinct(texts []string) []string {
	var out []string
	for _, text := range texts {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// readOptions checks the address type, DNS options and policy of a request and
// writes what it asks for to the endpoint. All services here are IPv4.
func (c *call) readOptions(ep *endpoint) error {
	if kind := c.in.str("IpAddressType"); kind != "" && kind != "ipv4" {
		return refuse("InvalidParameter", "The VPC endpoint service %s does not support the IP address type %s.", ep.Service, kind)
	}
	options := c.in.sub("DnsOptions")
	for _, name := range []string{"PrivateDnsPreference", "PrivateDnsSpecifiedDomains", "PrivateDnsOnlyForInboundResolverEndpoint"} {
		if options.has(name) && (options.flag(name) || options.str(name) != "" || len(options.strs(name)) > 0) {
			return refuse("InvalidParameter", "DnsOptions %s is not applicable to the VPC endpoint service %s.", name, ep.Service)
		}
	}
	switch kind := options.str("DnsRecordIpType"); kind {
	case "":
	case "ipv4", "service-defined":
		ep.DNSRecordType = kind
	default:
		return refuse("InvalidParameter", "The DNS record IP type %s does not match the IP address type ipv4.", kind)
	}
	if c.in.has("PolicyDocument") && strings.TrimSpace(c.in.str("PolicyDocument")) != "" {
		return refuse("InvalidParameter", "The VPC endpoint service %s does not support endpoint policies.", ep.Service)
	}
	return nil
}

// admitEndpoint makes the endpoint exist, if its subnets have addresses left.
func (c *call) admitEndpoint(ep *endpoint, svc *endpointService) error {
	ep.ID = c.newID("vpce")
	if ep.Accepted || c.choice("interfacesWhilePending") {
		if err := c.sim.plugIn(ep); err != nil {
			return err
		}
	}
	p := &c.cell().PrivateLink
	p.Endpoints.put(ep.ID, ep)
	if p.PerVPC == nil {
		p.PerVPC = make(map[string]int)
	}
	p.PerVPC[ep.VPC]++
	svc.Connections.put(ep.ID, &connection{
		ID: c.newID("vpce-conn"), Service: svc.ID, Endpoint: ep.ID, Account: ep.Owner, Region: ep.Region, Tags: tags{},
	})
	if ep.PrivateDNS {
		c.sim.attachName(ep, svc)
	}
	if ep.Accepted {
		c.provision(ep)
	} else {
		c.awaitAcceptance(ep)
	}
	c.sim.notify(ep, "Connect")
	return nil
}
