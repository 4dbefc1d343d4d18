package awssim

import (
	"crypto/sha256"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
)

// States of a private DNS name's verification.
const (
	namePending  = "pendingVerification"
	nameVerified = "verified"
	nameFailed   = "failed"
)

// A privateName is the friendly name under which consumers may reach a service
// once its owner has shown to own the domain: by a TXT record in the public
// DNS that holds Value, at Label.Domain.
type privateName struct {
	Domain string // lower case; may begin with *.
	Label  string // _ and 20 letters and digits
	Value  string // vpce: and 20 letters and digits
	State  string

	CheckDue   time.Time // when the verification under way ends; zero: none is
	RecheckDue time.Time // when AWS looks at the proof again of itself; zero: never
}

// newPrivateName begins a name's life, with a token of its own.
func (c *call) newPrivateName(domain string) *privateName {
	return &privateName{
		Domain: domain,
		Label:  "_" + scramble(c.newHex(40), 36, 20),
		Value:  "vpce:" + scramble(c.newHex(40), 62, 20),
		State:  namePending,
	}
}

// scramble returns n digits to a base (62 at most) that depend on text alone.
func scramble(text string, base, n int) string {
	sum := sha256.Sum256([]byte(text))
	digits := new(big.Int).SetBytes(sum[:]).Text(base)
	return digits[len(digits)-n:]
}

var dnsName = regexp.MustCompile(`^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// checkDomain refuses a private name that is not a lower-case domain name of
// at most 255 characters (PrivateLink guide, "Manage DNS names").
func checkDomain(domain string) error {
	if domain != "" && (len(domain) > 255 || !dnsName.MatchString(domain)) {
		return refuse("InvalidParameter", "The private DNS name %s is not a valid DNS name.", domain)
	}
	return nil
}

// editPrivateName returns the service's private name as the request wants it.
// Another name starts over, with another token. A name cannot be taken away
// while endpoints are connected (PrivateLink guide, "Manage DNS names").
func (c *call) editPrivateName(svc *endpointService) (*privateName, error) {
	domain, remove := c.in.str("PrivateDnsName"), c.in.flag("RemovePrivateDnsName")
	switch {
	case domain != "" && remove:
		return nil, refuse("InvalidParameterCombination", "PrivateDnsName and RemovePrivateDnsName cannot be specified together.")
	case remove && svc.PrivateName != nil && c.sim.liveTo(svc) > 0 && !c.choice("removeUsedPrivateName"):
		return nil, refuse("InvalidParameter", "The private DNS name cannot be removed while endpoints are connected to the service %s.", svc.ID)
	case remove:
		return nil, nil
	case domain == "" || svc.PrivateName != nil && svc.PrivateName.Domain == domain:
		return svc.PrivateName, nil
	}
	if err := checkDomain(domain); err != nil {
		return nil, err
	}
	return c.newPrivateName(domain), nil
}

// startDomainVerification serves StartVpcEndpointServicePrivateDnsVerification.
// A name that is verified stays so until the check says otherwise.
func startDomainVerification(c *call) (M, error) {
	svc, err := c.ownService(c.in.str("ServiceId"))
	if err != nil {
		return nil, err
	}
	name := svc.PrivateName
	if name == nil {
		return nil, refuse("InvalidParameter", "The service %s does not have a private DNS name.", svc.ID)
	}
	if name.State == nameFailed {
		name.State = namePending
	}
	name.CheckDue = c.due(c.latency("domainVerification"))
	c.sim.at(name.CheckDue, eventDomainChecked, svc.Owner, svc.Region, svc.ID)
	return M{"ReturnValue": true}, nil
}

// domainChecked ends the latest verification. From then on AWS looks again now
// and then.
func (s *Sim) domainChecked(svc *endpointService, e event) {
	name := svc.PrivateName
	if name == nil || !e.At.Equal(name.CheckDue) {
		return
	}
	name.CheckDue = time.Time{}
	s.settleName(name)
	s.recheckLater(svc)
}

// domainRechecked looks whether the proof of a verified name still stands.
// Losing it hinders new uses of the name and leaves the present ones alone.
func (s *Sim) domainRechecked(svc *endpointService, e event) {
	if name := svc.PrivateName; name != nil && name.State == nameVerified && e.At.Equal(name.RecheckDue) {
		s.settleName(name)
		s.recheckLater(svc)
	}
}

func (s *Sim) settleName(name *privateName) {
	name.State = nameFailed
	if s.proves(name) {
		name.State = nameVerified
	}
}

// recheckLater plans the next look at a verified name, if the knob wants any.
func (s *Sim) recheckLater(svc *endpointService) {
	if wait := s.latency("domainRecheck"); wait > 0 && svc.PrivateName.State == nameVerified {
		svc.PrivateName.RecheckDue = s.now().Add(wait)
		s.at(svc.PrivateName.RecheckDue, eventDomainRechecked, svc.Owner, svc.Region, svc.ID)
	}
}

// proves tells whether the public DNS holds the name's token: at the label
// under the domain, or at the domain itself for DNS providers that take no
// underscore, or likewise at a parent domain, which covers its children.
func (s *Sim) proves(name *privateName) bool {
	domain := strings.TrimPrefix(name.Domain, "*.")
	for strings.Contains(domain, ".") {
		for _, at := range []string{name.Label + "." + domain, domain} {
			if slices.Contains(s.publicTXT(at), name.Value) {
				return true
			}
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return false
}

// A hiddenZone is the private hosted zone that AWS keeps in a consumer's VPC
// for the private name of a service. The consumer does not see it.
type hiddenZone struct {
	Endpoint string
	Until    time.Time // when it goes; zero: it is in use
}

func hiddenZoneKey(vpcID, domain string) string { return vpcID + "/" + domain }

// checkPrivateDNS refuses private DNS on an endpoint, in the order and words of
// AWS. accepted tells whether the service's owner has let the connection in.
func (c *call) checkPrivateDNS(svc *endpointService, v *vpc, accepted bool) error {
	switch {
	case svc.PrivateName == nil:
		return refuse("InvalidParameter", "Private DNS can't be enabled because the service %s does not provide a private DNS name.", svc.name())
	case svc.PrivateName.State != nameVerified:
		return refuse("InvalidParameter", "Private DNS can't be enabled because the service %s has not verified the private DNS name.", svc.name())
	case !accepted:
		return refuse("InvalidParameter", "Private DNS can't be enabled because the connection to the service %s has not been accepted.", svc.name())
	case !v.EnableDNSSupport || !v.EnableDNSHostnames:
		return refuse("InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for %s", v.ID)
	case c.nameTaken(v.ID, svc.PrivateName.Domain):
		return refuse("InvalidParameter", "private-dns-enabled cannot be set because there is already a conflicting DNS domain for %s in the VPC %s",
			svc.PrivateName.Domain, v.ID)
	}
	return nil
}

// nameTaken tells whether a zone of that name already answers in the VPC: a
// hidden one, be it on its way out, or one of Route 53 that is associated.
func (c *call) nameTaken(vpcID, domain string) bool {
	hidden := c.cell().PrivateLink.HiddenZones[hiddenZoneKey(vpcID, domain)]
	if hidden != nil && (hidden.Until.IsZero() || hidden.Until.After(c.now)) {
		return true
	}
	name, err := domainName(domain)
	if err != nil {
		return false
	}
	for _, a := range c.sim.accounts() {
		for _, zone := range a.DNS.Zones.all() {
			if zone.Private && zone.Name == name && slices.Contains(zone.VPCs, zoneVPC{ID: vpcID, Region: c.region}) {
				return true
			}
		}
	}
	return false
}

// attachName lets the service's private name answer in the endpoint's VPC.
func (s *Sim) attachName(ep *endpoint, svc *endpointService) {
	p := &s.cellOf(ep.Owner, ep.Region).PrivateLink
	if p.HiddenZones == nil {
		p.HiddenZones = make(map[string]*hiddenZone)
	}
	ep.PrivateName = svc.PrivateName.Domain
	p.HiddenZones[hiddenZoneKey(ep.VPC, ep.PrivateName)] = &hiddenZone{Endpoint: ep.ID}
}

// detachName takes it away; the zone lingers, and conflicts, for a while.
func (s *Sim) detachName(ep *endpoint) {
	if ep.PrivateName == "" {
		return
	}
	zone := s.cellOf(ep.Owner, ep.Region).PrivateLink.HiddenZones[hiddenZoneKey(ep.VPC, ep.PrivateName)]
	if zone != nil && zone.Endpoint == ep.ID {
		zone.Until = s.now().Add(s.latency("privateDNSDetach"))
	}
	ep.PrivateName = ""
}
