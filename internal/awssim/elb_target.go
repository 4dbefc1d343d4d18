package awssim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A target is one address (or instance, or application load balancer) and port
// of a target group.
type target struct {
	ID           string
	Port         int64
	Zone         string // the account's zone name, or "all"; "" for an alb
	Registered   time.Time
	Deregistered time.Time // zero: not; else draining since
}

func targetOperations() map[string]operation {
	return map[string]operation{
		"RegisterTargets":      registerTargets,
		"DeregisterTargets":    deregisterTargets,
		"DescribeTargetHealth": describeTargetHealth,
	}
}

func (g *targetGroup) target(id string, port int64) *target {
	for _, t := range g.Targets {
		if t.ID == id && t.Port == port {
			return t
		}
	}
	return nil
}

// registerTargets adds what is new. A target that is draining begins anew.
func registerTargets(c *call) (M, error) {
	g, err := c.groupFor(c.in.str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	c.dropDrained(g)
	wanted := make([]*target, 0, len(c.in.list("Targets")))
	for _, in := range c.in.list("Targets") {
		t, err := c.wantedTarget(g, in)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, t)
	}
	fresh := slices.DeleteFunc(slices.Clone(wanted), func(t *target) bool { return g.target(t.ID, t.Port) != nil })
	if len(g.Targets)+len(fresh) > c.quota("targetsPerGroup") {
		return nil, refuse("TooManyTargets", "The maximum number of targets for target group '%s' has been reached", g.ARN)
	}
	if g.TargetType == "alb" && len(g.Targets)+len(fresh) > 1 {
		return nil, refuse("TooManyTargets", "Target group '%s' can have only one target", g.ARN)
	}
	if err := c.checkZoneQuota(g, fresh); err != nil {
		return nil, err
	}
	for _, t := range wanted {
		c.register(g, t)
	}
	return M{}, nil
}

// checkZoneQuota holds all target groups of the group's balancer to the quota
// of targets in one zone.
func (c *call) checkZoneQuota(g *targetGroup, fresh []*target) error {
	count := make(map[string]int)
	for _, other := range c.cell().Balancing.TargetGroups.all() {
		if other == g || sameSet(c.usersOf(other.ARN), c.usersOf(g.ARN)) && !g.AttachedAt.IsZero() {
			for _, t := range other.Targets {
				count[t.Zone]++
			}
		}
	}
	for _, t := range fresh {
		if count[t.Zone]++; t.Zone != "" && count[t.Zone] > c.quota("targetsPerZone") {
			return refuse("TooManyTargets", "The maximum number of targets in Availability Zone '%s' has been reached", t.Zone)
		}
	}
	return nil
}

func (c *call) register(g *targetGroup, t *target) {
	have := g.target(t.ID, t.Port)
	if have == nil {
		g.Targets = append(g.Targets, t)
		return
	}
	if !have.Deregistered.IsZero() || have.Zone != t.Zone {
		*have = *t
	}
}

// wantedTarget checks one target of RegisterTargets.
func (c *call) wantedTarget(g *targetGroup, in M) (*target, error) {
	t := &target{ID: in.str("Id"), Port: numElse(in, "Port", g.Port), Registered: c.now}
	if t.ID == "" {
		return nil, refuse("ValidationError", "A target ID must be specified")
	}
	if t.Port < 1 || t.Port > 65535 {
		return nil, refuse("ValidationError", "Target port '%d' must be between 1 and 65535", t.Port)
	}
	switch g.TargetType {
	case "ip":
		return t, c.settleAddress(g, t, in)
	case "alb":
		return t, c.checkBalancerTarget(g, t, in)
	}
	if !strings.HasPrefix(t.ID, "i-") {
		return nil, refuse("ValidationError", "Instance ID '%s' is not valid", t.ID)
	}
	// There are no instances in the simulator, so none is running.
	return nil, refuse("InvalidTarget", "The following targets are not in a running state and cannot be registered: '%s'", t.ID)
}

// settleAddress checks an IP target. AWS finds the zone of an address in the
// VPC's subnets by itself and wants to be told any other (RegisterTargets in
// the API reference).
func (c *call) settleAddress(g *targetGroup, t *target, in M) error {
	address, err := netip.ParseAddr(t.ID)
	if err != nil || address.Is4() != (g.IPAddressType == "ipv4") {
		return refuse("ValidationError", "The IP address '%s' is not a valid %s address", t.ID,
			strings.Replace(g.IPAddressType, "ip", "IP", 1))
	}
	zone := in.str("AvailabilityZone")
	if s := c.subnetAround(g.VPC, address); s != nil {
		if zone == "all" {
			return refuse("ValidationError",
				"The IP address '%s' is within the VPC, and cannot have its Availability Zone overridden to 'all' from '%s'", t.ID, s.Zone)
		}
		t.Zone = s.Zone
		return nil
	}
	if !privateRange(address) {
		return refuse("ValidationError", "The IP address '%s' must be a private address: it is in none of the supported ranges", t.ID)
	}
	if zone == "" {
		return refuse("ValidationError",
			"You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since the IP address '%s' is outside the VPC", t.ID)
	}
	if zone != "all" && c.sim.zoneID(c.account, zone) == "" {
		return refuse("ValidationError", "The Availability Zone '%s' is not valid", zone)
	}
	t.Zone = zone
	return nil
}

// subnetAround finds the subnet of a VPC that an address lies in, nil if none.
func (c *call) subnetAround(vpc string, address netip.Addr) *subnet {
	for _, s := range c.cell().Network.Subnets.all() {
		block, err := netip.ParsePrefix(s.CIDR)
		if err == nil && s.VPC == vpc && block.Contains(address) {
			return s
		}
	}
	return nil
}

// privateRange tells whether an address may be a target outside its VPC: RFC
// 1918 and RFC 6598 for IPv4; any for IPv6.
func privateRange(address netip.Addr) bool {
	return address.Is6() || address.IsPrivate() || netip.MustParsePrefix("100.64.0.0/10").Contains(address)
}

// checkBalancerTarget checks an application load balancer as a target.
func (c *call) checkBalancerTarget(g *targetGroup, t *target, in M) error {
	b := c.cell().loadBalancer(t.ID)
	if b == nil || b.Type != "application" || b.VPC != g.VPC {
		return refuse("InvalidTarget", "'%s' is not an Application Load Balancer in VPC '%s'", t.ID, g.VPC)
	}
	if in.has("AvailabilityZone") {
		return refuse("ValidationError", "Availability Zone is not supported for targets of type 'alb'")
	}
	for _, l := range c.listenersOf(b.ARN) {
		if l.Port == t.Port {
			return nil
		}
	}
	return refuse("InvalidTarget", "Application Load Balancer '%s' has no listener on port '%d'", t.ID, t.Port)
}

// deregisterTargets begins the draining of what is there; the rest is no
// matter. A target without a port means the one on the group's port.
func deregisterTargets(c *call) (M, error) {
	g, err := c.groupFor(c.in.str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	c.dropDrained(g)
	for _, in := range c.in.list("Targets") {
		t := g.target(in.str("Id"), numElse(in, "Port", g.Port))
		if t != nil && t.Deregistered.IsZero() {
			t.Deregistered = c.now
		}
	}
	c.dropDrained(g)
	return M{}, nil
}

// dropDrained forgets the targets that have drained by now. In a group that no
// listener uses there is nothing to drain.
func (c *call) dropDrained(g *targetGroup) {
	g.Targets = slices.DeleteFunc(g.Targets, func(t *target) bool {
		if t.Deregistered.IsZero() {
			return false
		}
		return g.AttachedAt.IsZero() || !c.now.Before(t.Deregistered.Add(c.drainTime(g)))
	})
}

// drainTime is the group's own attribute where it was set, else the knob's.
func (c *call) drainTime(g *targetGroup) time.Duration {
	if set, ok := g.Attributes["deregistration_delay.timeout_seconds"]; ok {
		seconds, _ := strconv.Atoi(set)
		return time.Duration(seconds) * time.Second
	}
	return c.latency("targetDrain")
}
