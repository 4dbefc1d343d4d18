package awssim

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// balancing is what Elastic Load Balancing v2 keeps of a place. Rows are by ARN.
type balancing struct {
	LoadBalancers table[*loadBalancer]
	TargetGroups  table[*targetGroup]
	Listeners     table[*listener]
}

// A loadBalancer is a network, application or gateway load balancer.
type loadBalancer struct {
	ARN, Name      string
	Type           string // network, application, gateway
	Scheme         string // internal, internet-facing; "" for a gateway
	VPC            string
	IPAddressType  string
	DNSName        string
	ZoneID         string // the Route 53 zone that DNSName is in
	State          string // provisioning, active
	ReadyAt        time.Time
	Created        time.Time
	Deleted        time.Time        // zero while it stands; rows linger for listLag
	Subnets        []string         // in the order they were given
	Nodes          map[string]*node // by subnet
	SecurityGroups []string
	EnforceInbound string // "on" or "off": inbound rules apply to PrivateLink traffic; "" without groups
	Attributes     map[string]string
	Tags           tags
	WithoutGroups  bool // created without security groups, and so for life
}

// A node is a load balancer's presence in one zone.
type node struct {
	Zone, ZoneID string
	Interface    string // ENI
	Address      string // private IPv4
	Pinned       bool   // the subnet mapping asked for this address
}

// ZoneNames returns the account's names of the zones it is in, in subnet order.
func (b *loadBalancer) ZoneNames() []string {
	return b.eachNode(func(n *node) string { return n.Zone })
}

// ZoneIDs returns the IDs of the zones it is in, in subnet order.
func (b *loadBalancer) ZoneIDs() []string {
	return b.eachNode(func(n *node) string { return n.ZoneID })
}

func (b *loadBalancer) eachNode(field func(*node) string) []string {
	out := make([]string, len(b.Subnets))
	for i, id := range b.Subnets {
		out[i] = field(b.Nodes[id])
	}
	return out
}

// path is the ARN's part after "loadbalancer/": net/NAME/HEX.
func (b *loadBalancer) path() string {
	_, path, _ := strings.Cut(b.ARN, ":loadbalancer/")
	return path
}

// loadBalancer returns the load balancer of an ARN, nil if there is none.
func (l *cell) loadBalancer(arn string) *loadBalancer {
	if b := l.Balancing.LoadBalancers.get(arn); b != nil && b.Deleted.IsZero() {
		return b
	}
	return nil
}

// balancingOperations are the operations of Elastic Load Balancing v2.
func balancingOperations() map[string]operation {
	return join(loadBalancerOperations(), targetGroupOperations(), targetOperations(),
		listenerOperations(), balancingTagOperations())
}

func loadBalancerOperations() map[string]operation {
	return map[string]operation{
		"CreateLoadBalancer":             createLoadBalancer,
		"DescribeLoadBalancers":          describeLoadBalancers,
		"DeleteLoadBalancer":             deleteLoadBalancer,
		"DescribeLoadBalancerAttributes": describeLoadBalancerAttributes,
		"ModifyLoadBalancerAttributes":   modifyLoadBalancerAttributes,
		"SetSubnets":                     setSubnets,
		"SetSecurityGroups":              setSecurityGroups,
		"SetIpAddressType":               setIPAddressType,
	}
}

func balancingEvents() map[string]eventHandler {
	return map[string]eventHandler{
		"balancing.active": func(s *Sim, e event) {
			b := s.cellOf(e.Account, e.Region).loadBalancer(e.ID)
			if b != nil && !s.now().Before(b.ReadyAt) {
				b.State = "active"
			}
		},
		"balancing.detach": func(s *Sim, e event) { s.dropInterface(s.cellOf(e.Account, e.Region), e.ID) },
		"balancing.forget": func(s *Sim, e event) {
			l := s.cellOf(e.Account, e.Region)
			l.Balancing.LoadBalancers.drop(e.ID)
			l.Balancing.TargetGroups.drop(e.ID)
		},
	}
}

// forget removes a deleted row from the tables when lists stop showing it.
func (c *call) forget(arn string) {
	if lag := c.latency("listLag"); lag > 0 {
		c.at(lag, "balancing.forget", c.account, c.region, arn)
		return
	}
	c.cell().Balancing.LoadBalancers.drop(arn)
	c.cell().Balancing.TargetGroups.drop(arn)
}

// balancerFor finds the standing load balancer that an operation names.
func (c *call) balancerFor(arn string) (*loadBalancer, error) {
	if !isBalancingARN(arn, "loadbalancer/") {
		return nil, refuse("ValidationError", "'%s' is not a valid load balancer ARN", arn)
	}
	if b := c.cell().loadBalancer(arn); b != nil {
		return b, nil
	}
	return nil, refuse("LoadBalancerNotFound", "Load balancer '%s' not found", arn)
}

// isBalancingARN tells whether arn has the form of one of Elastic Load
// Balancing's; resource is what its last part begins with ("targetgroup/").
func isBalancingARN(arn, resource string) bool {
	parts := strings.SplitN(arn, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "elasticloadbalancing" &&
		strings.HasPrefix(parts[5], resource)
}

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
	if b.Type == "network" && !b.WithoutGroups {
		b.EnforceInbound = "on"
	}
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
		prefix := map[bool]string{true: "internal-"}[b.Scheme == "internal"]
		b.DNSName = prefix + b.Name + "-" + hex[:10] + "." + c.region + ".elb.amazonaws.com"
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
		b.State = "active"
		return
	}
	b.State = "provisioning"
	c.at(c.latency(knob), "balancing.active", c.account, c.region, b.ARN)
}

// item is the balancer as replies show it.
func (b *loadBalancer) item() M {
	m := M{
		"LoadBalancerArn":       b.ARN,
		"LoadBalancerName":      b.Name,
		"DNSName":               b.DNSName,
		"CanonicalHostedZoneId": b.ZoneID,
		"CreatedTime":           b.Created,
		"VpcId":                 b.VPC,
		"State":                 M{"Code": b.State},
		"Type":                  b.Type,
		"IpAddressType":         b.IPAddressType,
		"AvailabilityZones":     b.zoneItems(),
	}
	if b.Scheme != "" {
		m["Scheme"] = b.Scheme
	}
	if len(b.SecurityGroups) > 0 {
		m["SecurityGroups"] = list(b.SecurityGroups)
	}
	if b.EnforceInbound != "" {
		m["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] = b.EnforceInbound
	}
	if b.Type == "network" {
		m["EnablePrefixForIpv6SourceNat"] = "off"
	}
	return m
}

func describeLoadBalancers(c *call) (M, error) {
	arns, names := c.in.strs("LoadBalancerArns"), c.in.strs("Names")
	if len(arns) > 0 && len(names) > 0 {
		return nil, refuse("ValidationError", "Load balancer names and load balancer ARNs cannot be specified at the same time")
	}
	if len(arns) > 20 {
		return nil, refuse("ValidationError", "Up to '20' load balancer ARNs can be specified in a single call, but '%d' were given", len(arns))
	}
	for _, arn := range arns {
		if !isBalancingARN(arn, "loadbalancer/") {
			return nil, refuse("ValidationError", "'%s' is not a valid load balancer ARN", arn)
		}
	}
	rows := c.listedBalancers()
	rows, missing := pick(rows, arns, func(b *loadBalancer) string { return b.ARN })
	if len(missing) > 0 {
		return nil, refuse("LoadBalancerNotFound", "One or more load balancers not found")
	}
	rows, missing = pick(rows, names, func(b *loadBalancer) string { return b.Name })
	if len(missing) > 0 {
		return nil, refuse("LoadBalancerNotFound", "Load balancers '[%s]' not found", strings.Join(missing, ", "))
	}
	rows, next, err := page(c, rows, func(b *loadBalancer) string { return b.ARN }, balancingPaging())
	if err != nil {
		return nil, err
	}
	return withMarker(M{"LoadBalancers": listBy(rows, (*loadBalancer).item)}, next), nil
}

func (c *call) listedBalancers() []*loadBalancer {
	return slices.DeleteFunc(c.cell().Balancing.LoadBalancers.all(), func(b *loadBalancer) bool {
		return !c.visible(b.Created, b.Deleted)
	})
}

// pick keeps the rows whose key is wanted, and tells which wanted keys have
// none. Nothing wanted keeps all.
func pick[T any](rows []T, wanted []string, key func(T) string) (kept []T, missing []string) {
	if len(wanted) == 0 {
		return rows, nil
	}
	found := make(map[string]bool)
	for _, row := range rows {
		if k := key(row); slices.Contains(wanted, k) {
			kept, found[k] = append(kept, row), true
		}
	}
	for _, k := range wanted {
		if !found[k] {
			missing = append(missing, k)
		}
	}
	return kept, missing
}

// balancingPaging is how all of Elastic Load Balancing pages.
func balancingPaging() paging {
	return paging{Limit: "PageSize", Token: "Marker", Min: 1, Max: 400, Default: 400}
}

func withMarker(m M, next string) M {
	if next != "" {
		m["NextMarker"] = next
	}
	return m
}

// deleteLoadBalancer takes the listeners along. The interfaces, and with them
// the hold on the security groups, go a while later.
func deleteLoadBalancer(c *call) (M, error) {
	b, err := c.balancerFor(c.in.str("LoadBalancerArn"))
	if refusal, ok := err.(*Error); ok && refusal.Code == "LoadBalancerNotFound" {
		return M{}, nil
	}
	if err != nil {
		return nil, err
	}
	if b.Attributes["deletion_protection.enabled"] == "true" {
		return nil, refuse("OperationNotPermitted",
			"Load balancer '%s' cannot be deleted because deletion protection is enabled", b.ARN)
	}
	if c.sim.serviceOf(b.ARN) != "" {
		return nil, refuse("ResourceInUse",
			"Load balancer '%s' cannot be deleted because it is currently associated with another service", b.ARN)
	}
	for _, l := range c.listenersOf(b.ARN) {
		c.dropListener(l)
	}
	for _, id := range b.Subnets {
		c.detach(b.Nodes[id], "loadBalancerDetach")
	}
	b.Deleted = c.now
	c.forget(b.ARN)
	return M{}, nil
}
