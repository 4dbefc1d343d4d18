package schema

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// checkService checks a service against the fleet around it.
func (c *checker) checkService(f *field, s *Service) {
	c.ownAccount(f.get("account"), "a service stands where linkfleet has a role")
	c.region(f.get("region"), s)
	c.checkListeners(f.get("listeners"), s)
	c.checkClients(f.get("loadBalancer").get("securityGroup"), s)
	c.checkPrivateDNS(f.get("privateDNS").get("name"), s)
	c.checkTopic(f.get("notifications").get("topic"), s)
	c.checkWaiver(f.get("waiver").get("expires"), s)
	c.checkConsumers(f.get("consumers"), s)
}

func (c *checker) region(f *field, s *Service) {
	if s.Region == "" || len(c.frame.Regions) == 0 || slices.Contains(c.frame.Regions, s.Region) {
		return
	}
	f.fault(fmt.Sprintf("%q is not one of fleet.regions", s.Region), "add it there, or write one of "+listed(slices.Values(c.frame.Regions)))
}

func (c *checker) checkListeners(f *field, s *Service) {
	if f.exists() && len(s.Listeners) == 0 {
		f.fault("the service has no listener", "write one: https: {port: 443, targets: {…}}")
	}
	ports := map[int]string{}
	for name, lf := range f.each() {
		l := s.Listeners[name]
		if other, ok := ports[l.Port]; ok && l.Port != 0 {
			lf.get("port").fault(fmt.Sprintf("port %d is listener %s's too", l.Port, other), "give each listener a port of its own")
		} else {
			ports[l.Port] = name
		}
		c.checkProtocol(lf, l)
		c.checkCertificate(lf.get("certificate"), l, s)
		c.checkTargets(lf.get("targets"), l, s)
		c.checkHealth(lf.get("healthCheck"), l)
	}
}

// checkProtocol finds fields of the other protocol.
func (c *checker) checkProtocol(f *field, l *Listener) {
	for _, name := range []string{"certificate", "sslPolicy"} {
		if g := f.get(name); l.Protocol == "TCP" && g.exists() && !c.known[g.path()] {
			g.fault("a TCP listener has no "+name, `delete it, or write protocol: "TLS"`)
		}
	}
	if g := f.get("certificate"); l.Protocol == "TLS" && !g.exists() {
		g.fault("is missing", "write "+g.shape.wants)
	}
	if g := f.get("idleTimeout"); l.Protocol == "TLS" && g.exists() && !c.known[g.path()] {
		g.fault("a TLS listener's idle timeout is AWS's, 350 seconds", "delete it")
	}
}

var certificateARN = regexp.MustCompile(`^arn:aws:acm:([a-z0-9-]+):([0-9]{12}):`)

// checkCertificate holds to where AWS looks for a listener's certificate: in
// ACM of the load balancer's own region (ACM guide, "Supported Regions") and
// account. Of any other it answers CertificateNotFound, half-way.
func (c *checker) checkCertificate(f *field, l *Listener, s *Service) {
	m := certificateARN.FindStringSubmatch(l.Certificate)
	if m == nil || l.Protocol != "TLS" {
		return
	}
	account := c.frame.Accounts[s.Account]
	switch {
	case s.Region != "" && m[1] != s.Region:
		f.fault(fmt.Sprintf("the certificate is in %s and the service in %s", m[1], s.Region), "both must be in one region: ask ACM for one there")
	case account != nil && account.ID != "" && m[2] != account.ID:
		f.fault(fmt.Sprintf("the certificate is in account %s and the service in %s (%s)", m[2], s.Account, account.ID), "both must be in one account: ask ACM for one there")
	}
}

var instanceID = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

func (c *checker) checkTargets(f *field, l *Listener, s *Service) {
	if l.Targets.Protocol == "TLS" && l.Protocol == "TCP" {
		f.get("protocol").fault("targets take TLS from a TLS listener only", `write "TCP", which passes the clients' TLS through, or make the listener's protocol "TLS"`)
	}
	addresses := f.get("addresses")
	c.repeated(addresses)
	count := 0
	for _, e := range addresses.elements() {
		count++
		address := e.str()
		switch {
		case address == "":
		case l.Targets.Type == "ip" && !isTargetIP(address):
			e.fault(fmt.Sprintf("%q is not an address that a target can have", address), `write a private IPv4 address, such as "10.20.1.10"`)
		case l.Targets.Type == "instance" && !instanceID.MatchString(address):
			e.fault(fmt.Sprintf("%q is not an instance's id", address), `write one such as "i-0123456789abcdef0"`)
		}
	}
	if count == 0 && addresses.exists() && !c.known[addresses.path()] {
		c.warn(addresses.pos(), addresses.path(), "the listener has no targets", "list their addresses")
	}
	if l.Targets.Type == "alb" {
		c.checkALB(f, l, s)
	}
}

// isTargetIP leaves out what no host in a VPC answers to.
func isTargetIP(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && a.Is4() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && !a.IsLinkLocalUnicast()
}

var albARN = regexp.MustCompile(`^arn:aws:elasticloadbalancing:([a-z0-9-]+):([0-9]{12}):loadbalancer/app/[A-Za-z0-9-]{1,32}/[0-9a-f]+$`)

// checkALB holds to what AWS allows targets of type alb (Network Load
// Balancer guide, "Use Application Load Balancers as targets").
func (c *checker) checkALB(f *field, l *Listener, s *Service) {
	t := l.Targets
	if addresses := f.get("addresses"); addresses.exists() && len(t.Addresses) != 1 {
		addresses.fault(fmt.Sprintf("type \"alb\" takes one address, and here are %d", len(t.Addresses)), "write one Application Load Balancer's ARN")
	}
	for _, e := range f.get("addresses").elements() {
		m := albARN.FindStringSubmatch(e.str())
		account := c.frame.Accounts[s.Account]
		switch {
		case e.str() == "":
		case m == nil:
			e.fault(fmt.Sprintf("%q is not an Application Load Balancer's ARN", e.str()), "write its ARN, arn:aws:elasticloadbalancing:…:loadbalancer/app/…")
		case m[1] != s.Region && s.Region != "":
			e.fault(fmt.Sprintf("the Application Load Balancer is in %s and the service in %s", m[1], s.Region), "both must be in one region")
		case account != nil && account.ID != "" && m[2] != account.ID:
			e.fault(fmt.Sprintf("the Application Load Balancer is in account %s and the service in %s (%s)", m[2], s.Account, account.ID), "both must be in one account")
		}
	}
	if l.Protocol == "TLS" || t.Protocol == "TLS" {
		f.fault("targets of type \"alb\" take TCP only", `make the listener's protocol "TCP" and let the Application Load Balancer end TLS`)
	}
	if t.DeregistrationDelay != 300 || !t.PreserveClientIP || t.ProxyProtocolV2 {
		f.fault("AWS lets deregistrationDelay, preserveClientIp and proxyProtocolV2 of targets of type \"alb\" not be set", "delete them here")
	}
}

func (c *checker) checkHealth(f *field, l *Listener) {
	h := l.HealthCheck
	if h.Protocol == "TCP" && f.get("path").exists() {
		f.get("path").fault("a TCP health check has no path", `delete it, or write protocol: "HTTP" or "HTTPS"`)
	}
	if h.Protocol == "TCP" && l.Targets.Type == "alb" {
		f.fault("targets of type \"alb\" take no TCP health check", `write protocol: "HTTP" or "HTTPS"`)
	}
	if len(h.Path) > 1024 {
		f.get("path").fault(fmt.Sprintf("the path has %d characters, and AWS allows 1024", len(h.Path)), "write a shorter one")
	}
	if h.Timeout > h.Interval && h.Interval != 0 {
		f.get("timeout").fault(fmt.Sprintf("the timeout of %d seconds is longer than the interval of %d", h.Timeout, h.Interval), "make it at most the interval")
	}
}

// checkClients finds clients that the load balancer would drop without a
// word.
func (c *checker) checkClients(f *field, s *Service) {
	c.openClients(f.get("from"), s)
	sg := s.LoadBalancer.SecurityGroup
	if sg.EnforceOnPrivateLink && len(sg.From) == 0 && f.get("from").exists() && !c.known[f.get("from").path()] {
		f.get("from").fault("the load balancer lets nobody in", "list the clients' CIDR blocks, or write enforceOnPrivateLink: false")
	}
}

// widest is how few bits a block of clients may fix without a waiver: those
// of 10.0.0.0/8, the widest private network there is (RFC 1918).
const widest = 8

// openClients finds blocks of clients wider than any private network.
func (c *checker) openClients(f *field, s *Service) {
	for _, e := range f.elements() {
		p, err := netip.ParsePrefix(e.str())
		if err != nil || p.Bits() >= widest || s.Waiver != nil {
			continue
		}
		e.fault(fmt.Sprintf("%s is wider than any private network", p), "list the clients' own blocks, or write waiver: {reason: …, expires: …} in the service")
	}
}

func (c *checker) checkPrivateDNS(f *field, s *Service) {
	if s.PrivateDNS == nil || s.PrivateDNS.Name == "" {
		return
	}
	name := s.PrivateDNS.Name
	if reason := longName(name); reason != "" {
		f.fault(reason, "write a shorter name")
	}
	bare := strings.TrimPrefix(name, "*.")
	for domain := range c.frame.Zones {
		inside := bare == domain || strings.HasSuffix(bare, "."+domain)
		if inside && len(domain) > len(s.PrivateDNS.Zone) {
			s.PrivateDNS.Zone = domain
		}
	}
	if s.PrivateDNS.Zone != "" || c.frame.Zones == nil {
		return
	}
	mend := "declare the public hosted zone that holds it in zones"
	if len(c.frame.Zones) > 0 {
		mend += ", or write a name in one of " + listed(maps.Keys(c.frame.Zones))
	}
	f.fault(fmt.Sprintf("%q lies in none of the fleet's zones, so nobody can prove whose it is", name), mend)
}

// longName says what is too long about a domain name (RFC 1035, section
// 2.3.4, less the octets that its wire form adds).
func longName(name string) string {
	if len(name) > 253 {
		return fmt.Sprintf("the name has %d characters, and DNS allows 253", len(name))
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) > 63 {
			return fmt.Sprintf("%q has %d characters, and DNS allows 63 between dots", label, len(label))
		}
	}
	return ""
}

var (
	topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	topicARN  = regexp.MustCompile(`^arn:aws:sns:([a-z0-9-]+):([0-9]{12}):[A-Za-z0-9_-]{1,256}$`)
)

func (c *checker) checkTopic(f *field, s *Service) {
	if s.Notifications == nil || s.Notifications.Topic == "" {
		return
	}
	topic := s.Notifications.Topic
	m := topicARN.FindStringSubmatch(topic)
	switch {
	case m != nil && s.Region != "" && m[1] != s.Region:
		f.fault(fmt.Sprintf("the topic is in %s and the service in %s", m[1], s.Region), "name a topic in the service's region")
	case m == nil && strings.HasPrefix(topic, "arn:"):
		f.fault(fmt.Sprintf("%q is not the ARN of a standard topic", topic), `write one such as "arn:aws:sns:us-east-1:111111111111:privatelink"`)
	case m == nil && !topicName.MatchString(topic):
		f.fault(fmt.Sprintf("%q is not a topic's name", topic), "use letters, digits, hyphens and underscores, at most 256")
	}
}

// waiverNotice is how long before its last day a waiver's end is told of.
const waiverNotice = 14 * 24 * time.Hour

func (c *checker) checkWaiver(f *field, s *Service) {
	if s.Waiver == nil || s.Waiver.Expires.IsZero() {
		return
	}
	last := s.Waiver.Expires.Format(time.DateOnly)
	switch {
	case c.today.After(s.Waiver.Expires):
		f.fault("the waiver expired on "+last, "mend what it lets stand, or give it a new date after a new look")
	case c.today.Add(waiverNotice).After(s.Waiver.Expires):
		c.warn(f.pos(), f.path(), "the waiver's last day is "+last+", and the day after nothing can be applied", "mend what it lets stand, or give it a new date after a new look")
	}
}
