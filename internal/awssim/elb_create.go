package awssim

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// createLoadBalancer is idempotent in AWS's way: the name with the same
// settings answers the balancer that is there, whoever made it and whatever
// its tags and attributes are.
func createLoadBalancer(c *call) (M, error) {
	want, err := c.wantedBalancer()
	if err != nil {
		return nil, err
	}
	if have := c.balancerNamed(want.Name); have != nil {
		if !have.sameSettings(want) {
			return nil, refuse("DuplicateLoadBalancerName",
				"A load balancer with the same name '%s' exists, but with different settings", want.Name)
		}
		return M{"LoadBalancers": []any{have.item()}}, nil
	}
	if c.balancerCount(want.Type) >= c.quota("loadBalancersPerRegion") {
		return nil, refuse("TooManyLoadBalancers", "The maximum number of load balancers has been reached")
	}
	want.name(c)
	if err := c.attach(want, want.Subnets); err != nil {
		return nil, err
	}
	want.Created = c.now
	c.provisionBalancer(want, "loadBalancerProvision")
	c.cell().Balancing.LoadBalancers.put(want.ARN, want)
	return M{"LoadBalancers": []any{want.item()}}, nil
}

// wantedBalancer checks the input of CreateLoadBalancer and gives the balancer
// it asks for, without ARN, interfaces and state.
func (c *call) wantedBalancer() (*loadBalancer, error) {
	b := &loadBalancer{
		Name:          c.in.str("Name"),
		Type:          cmp.Or(c.in.str("Type"), "application"),
		IPAddressType: cmp.Or(c.in.str("IpAddressType"), "ipv4"),
		Attributes:    map[string]string{},
	}
	if err := checkBalancerName("load balancer", b.Name); err != nil {
		return nil, err
	}
	if strings.HasPrefix(b.Name, "internal-") {
		return nil, refuse("ValidationError", "The load balancer name '%s' cannot begin with 'internal-'", b.Name)
	}
	var err error
	if b.Scheme, err = c.wantedScheme(b.Type); err != nil {
		return nil, err
	}
	if b.Tags, err = c.balancingTags(nil); err != nil {
		return nil, err
	}
	if err := c.wantedSubnets(b); err != nil {
		return nil, err
	}
	return b, c.wantedGroups(b)
}

func (c *call) wantedScheme(balancerType string) (string, error) {
	if balancerType != "gateway" {
		return cmp.Or(c.in.str("Scheme"), "internet-facing"), nil
	}
	if c.in.has("Scheme") {
		return "", refuse("ValidationError", "Scheme cannot be specified for gateway load balancers")
	}
	return "", nil
}

// wantedGroups settles the security groups of a new balancer. A network load
// balancer made without any never gets one (NLB guide, "Security groups").
func (c *call) wantedGroups(b *loadBalancer) error {
	b.SecurityGroups = c.in.strs("SecurityGroups")
	if b.Type == "gateway" && len(b.SecurityGroups) > 0 {
		return refuse("InvalidConfigurationRequest", "Security groups are not supported for load balancers of type 'gateway'")
	}
	if b.Type == "application" && len(b.SecurityGroups) == 0 {
		if g := c.defaultGroup(b.VPC); g != nil {
			b.SecurityGroups = []string{g.ID}
		}
	}
	b.WithoutGroups = len(b.SecurityGroups) == 0
	return c.checkGroups(b.VPC, b.SecurityGroups)
}

// checkBalancerName holds a name to AWS's rules for balancers and target groups.
func checkBalancerName(what, name string) error {
	switch {
	case name == "":
		return refuse("ValidationError", "The %s name cannot be empty", what)
	case len(name) > 32:
		return refuse("ValidationError", "The %s name '%s' cannot be longer than '32' characters", what, name)
	case strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-"):
		return refuse("ValidationError", "The %s name '%s' cannot begin or end with a hyphen(-)", what, name)
	case strings.ContainsFunc(name, func(r rune) bool { return r != '-' && !isAlphanumeric(r) }):
		return refuse("ValidationError",
			"The %s name '%s' can only contain characters that are alphanumeric characters and hyphens(-)", what, name)
	}
	return nil
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// sameSettings tells whether a CreateLoadBalancer asks for what is there. Tags
// and attributes are no settings: two owners who use one name share the
// balancer unawares.
func (b *loadBalancer) sameSettings(want *loadBalancer) bool {
	return b.Type == want.Type && b.Scheme == want.Scheme && b.IPAddressType == want.IPAddressType &&
		sameSet(b.Subnets, want.Subnets) && sameSet(b.SecurityGroups, want.SecurityGroups)
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func (c *call) balancerNamed(name string) *loadBalancer {
	for _, b := range c.cell().Balancing.LoadBalancers.all() {
		if b.Name == name && b.Deleted.IsZero() {
			return b
		}
	}
	return nil
}

func (c *call) balancerCount(balancerType string) int {
	n := 0
	for _, b := range c.cell().Balancing.LoadBalancers.all() {
		if b.Type == balancerType && b.Deleted.IsZero() {
			n++
		}
	}
	return n
}

// name gives a new balancer its ARN and DNS name.
func (b *loadBalancer) name(c *call) {
	short := map[string]string{"network": "net", "application": "app", "gateway": "gwy"}[b.Type]
	hex := c.newHex(16)
	b.ARN = c.arn("elasticloadbalancing", "loadbalancer/"+short+"/"+b.Name+"/"+hex)
	b.ZoneID = balancerZoneID(c.region)
	b.DNSName = b.Name + "-" + hex + ".elb." + c.region + ".amazonaws.com"
	if b.Type == "application" {
		b.DNSName = b.Name + "-" + hex[:10] + "." + c.region + ".elb.amazonaws.com"
		if b.Scheme == "internal" {
			b.DNSName = "internal-" + b.DNSName
		}
	}
}

// balancerZoneID is the Route 53 zone of a region's network load balancers
// (AWS General Reference, "Elastic Load Balancing endpoints and quotas").
func balancerZoneID(region string) string {
	known := map[string]string{
		"us-east-1": "Z26RNL4JYFTOTI", "us-east-2": "ZLMOA37VPKANP",
		"us-west-1": "Z24FKFUX50B4VW", "us-west-2": "Z18D5FSROUN65G",
		"eu-west-1": "Z2IFOLAFXWLO4F", "eu-west-2": "ZD4D7Y8KGAS4G",
		"eu-central-1": "Z3F0SRJ5LGBH90", "ap-northeast-1": "Z31USIVHYNEOWT",
		"ap-southeast-1": "ZKVM4W9LS7TM", "ap-southeast-2": "ZCT6FZBF4DROD",
	}
	return cmp.Or(known[region], "ZELB"+strings.ToUpper(strings.ReplaceAll(region, "-", "")))
}

// provisionBalancer starts what ends in the state active.
func (c *call) provisionBalancer(b *loadBalancer, knob string) {
	d := c.latency(knob) * time.Duration(max(1, c.slow))
	if ready := c.now.Add(d); ready.After(b.ReadyAt) {
		b.ReadyAt = ready
	}
	if d == 0 && !c.now.Before(b.ReadyAt) {
		b.activate(c.now)
		return
	}
	b.State = "provisioning"
	c.at(c.latency(knob), "balancing.active", c.account, c.region, b.ARN)
}

func (b *loadBalancer) activate(now time.Time) {
	b.State = "active"
	if b.ActiveSince.IsZero() {
		b.ActiveSince = now
	}
}
