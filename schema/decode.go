package schema

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// fleet reads everything but the services.
func (c *checker) fleet(top *field) *Fleet {
	info := top.get("fleet")
	f := &Fleet{
		Name:     info.get("name").str(),
		Regions:  c.regions(info.get("regions")),
		Accounts: map[string]*Account{},
		Zones:    map[string]*Zone{},
		Services: map[string]*Service{},
		Lease:    c.lease(info.get("lease").get("dynamodb")),
		Removed:  c.removals(info.get("removed")),
		Limits:   c.limits(info.get("limits")),
	}
	for name, account := range top.get("accounts").each() {
		f.Accounts[name] = c.account(name, account)
	}
	for domain, zone := range top.get("zones").each() {
		f.Zones[domain] = &Zone{
			Domain:  domain,
			Account: zone.get("account").str(),
			ID:      zone.get("id").str(),
			Pos:     zone.pos(),
		}
	}
	if c.known["accounts"] {
		f.Accounts = nil // unknown, so nothing is held against them
	}
	if c.known["zones"] {
		f.Zones = nil
	}
	return f
}

func (c *checker) lease(f *field) *Lease {
	if !f.exists() {
		return nil
	}
	return &Lease{
		Account: f.get("account").str(),
		Region:  f.get("region").str(),
		Table:   f.get("table").str(),
		Pos:     f.pos(),
	}
}

func (c *checker) regions(f *field) []string {
	c.repeated(f)
	return slices.Sorted(slices.Values(f.strs()))
}

func (c *checker) account(name string, f *field) *Account {
	a := &Account{
		Name:         name,
		ID:           f.get("id").str(),
		Role:         f.get("role").str(),
		ReadOnlyRole: f.get("readOnlyRole").str(),
		ExternalID:   f.get("externalId").str(),
		External:     f.get("external").flag(),
		Pos:          f.pos(),
	}
	c.accountRole(f, a)
	return a
}

// service reads one service.
func (c *checker) service(name string, f *field) *Service {
	s := &Service{
		Name:               name,
		Account:            f.get("account").str(),
		Region:             f.get("region").str(),
		LoadBalancer:       c.loadBalancer(f.get("loadBalancer")),
		Listeners:          map[string]*Listener{},
		AcceptanceRequired: f.get("acceptanceRequired").flag(),
		UnknownConnections: UnknownConnections(f.get("unknownConnections").str()),
		OnRevoke:           OnRevoke(f.get("onRevoke").str()),
		PrivateDNS:         c.privateDNS(f.get("privateDNS")),
		Notifications:      c.notifications(f.get("notifications")),
		Consumers:          map[string]*Consumer{},
		Waiver:             c.waiver(f.get("waiver")),
		PreventDestroy:     f.get("preventDestroy").flag(),
		Limits:             c.limits(f.get("limits")),
		Pos:                f.pos(),
	}
	for name, listener := range f.get("listeners").each() {
		s.Listeners[name] = c.listener(name, listener)
	}
	for name, consumer := range f.get("consumers").each() {
		s.Consumers[name] = c.consumer(name, consumer, s)
	}
	return s
}

func (c *checker) loadBalancer(f *field) LoadBalancer {
	f.get("scheme").str() // for its fault: there is but one
	sg := f.get("securityGroup")
	return LoadBalancer{
		VPC:                f.get("vpc").str(),
		Subnets:            c.subnets(f.get("subnets")),
		CrossZone:          f.get("crossZone").flag(),
		DeletionProtection: f.get("deletionProtection").flag(),
		SecurityGroup: LoadBalancerSecurityGroup{
			From:                 c.blocks(sg.get("from")),
			EnforceOnPrivateLink: sg.get("enforceOnPrivateLink").flag(),
		},
		Pos: f.pos(),
	}
}

func (c *checker) subnets(f *field) []string {
	c.repeated(f)
	return slices.Sorted(slices.Values(f.strs()))
}

// blocks are CIDR blocks, which must be canonical.
func (c *checker) blocks(f *field) []string {
	c.repeated(f)
	var prefixes []netip.Prefix
	for _, e := range f.elements() {
		if p, ok := c.block(e); ok {
			prefixes = append(prefixes, p)
		}
	}
	slices.SortFunc(prefixes, comparePrefix)
	var out []string
	for _, p := range prefixes {
		out = append(out, p.String())
	}
	return out
}

func comparePrefix(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

func (c *checker) listener(name string, f *field) *Listener {
	l := &Listener{
		Name:        name,
		Port:        f.get("port").num(),
		Protocol:    f.get("protocol").str(),
		Certificate: f.get("certificate").str(),
		SSLPolicy:   f.get("sslPolicy").str(),
		IdleTimeout: f.get("idleTimeout").num(),
		Targets:     c.targets(f.get("targets")),
		HealthCheck: c.healthCheck(f.get("healthCheck")),
		Pos:         f.pos(),
	}
	return l
}

func (c *checker) targets(f *field) Targets {
	t := Targets{
		Type:                f.get("type").str(),
		Port:                f.get("port").num(),
		Protocol:            f.get("protocol").str(),
		Addresses:           slices.Sorted(slices.Values(f.get("addresses").strs())),
		DeregistrationDelay: f.get("deregistrationDelay").num(),
		ProxyProtocolV2:     f.get("proxyProtocolV2").flag(),
	}
	// AWS preserves the client's address by default except for ip targets
	// (Network Load Balancer guide, "Client IP preservation").
	t.PreserveClientIP = t.Type != "ip"
	if preserve := f.get("preserveClientIp"); preserve.exists() {
		t.PreserveClientIP = preserve.flag()
	}
	return t
}

func (c *checker) healthCheck(f *field) HealthCheck {
	h := HealthCheck{
		Protocol:           f.get("protocol").str(),
		Path:               f.get("path").str(),
		Interval:           f.get("interval").num(),
		Timeout:            f.get("timeout").num(),
		HealthyThreshold:   f.get("healthyThreshold").num(),
		UnhealthyThreshold: f.get("unhealthyThreshold").num(),
	}
	if port := f.get("port"); port.isNumber() {
		h.Port = strconv.Itoa(port.num())
	} else {
		h.Port = port.str()
	}
	if h.Path == "" && (h.Protocol == "HTTP" || h.Protocol == "HTTPS") {
		h.Path = "/" // AWS's default
	}
	return h
}

func (c *checker) privateDNS(f *field) *PrivateDNS {
	if !f.exists() {
		return nil
	}
	return &PrivateDNS{Name: f.get("name").str(), Pos: f.pos()}
}

func (c *checker) notifications(f *field) *Notifications {
	if !f.exists() {
		return nil
	}
	events := f.get("events")
	c.repeated(events)
	return &Notifications{
		Topic:  f.get("topic").str(),
		Events: slices.Sorted(slices.Values(events.strs())),
		Pos:    f.pos(),
	}
}

func (c *checker) waiver(f *field) *Waiver {
	if !f.exists() {
		return nil
	}
	w := &Waiver{Reason: f.get("reason").str(), Pos: f.pos()}
	expires := f.get("expires")
	day, err := time.Parse(time.DateOnly, expires.str())
	if err != nil {
		if expires.str() != "" {
			expires.fault(expires.str()+" is no day of the calendar", "write "+expires.shape.wants)
		}
		return w
	}
	w.Expires = day.AddDate(0, 0, 1).Add(-time.Second)
	return w
}

func (c *checker) consumer(name string, f *field, s *Service) *Consumer {
	k := &Consumer{
		Name:       name,
		Account:    cmp.Or(f.get("account").str(), name),
		Principals: slices.Sorted(slices.Values(f.get("principals").strs())),
		Endpoint:   c.endpoint(f.get("endpoint"), s),
		OnRevoke:   OnRevoke(f.get("onRevoke").str()),
		Pos:        f.pos(),
	}
	return k
}

func (c *checker) endpoint(f *field, s *Service) *Endpoint {
	if !f.exists() {
		return nil
	}
	return &Endpoint{
		Region:       s.Region,
		VPC:          f.get("vpc").str(),
		Subnets:      c.subnets(f.get("subnets")),
		From:         c.blocks(f.get("from")),
		PrivateDNS:   f.get("privateDNS").flag(),
		AllowReplace: f.get("allowReplace").flag(),
		Pos:          f.pos(),
	}
}
