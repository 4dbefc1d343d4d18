package awssim

import (
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
	ZoneID         string    // the Route 53 zone that DNSName is in
	State          string    // provisioning, active
	ReadyAt        time.Time // when the latest change is done
	ActiveSince    time.Time // zero: never was active
	Created        time.Time
	Deleted        time.Time            // zero while it stands; rows linger for listLag
	Subnets        []string             // in the order they were given
	Nodes          map[string]*node     // by subnet
	Vacating       map[string]time.Time // zones being left, by ID, and until when
	SecurityGroups []string
	// EnforceInbound tells whether inbound rules apply to PrivateLink traffic:
	// "on", "off", or "" until somebody says, which is as on. AWS shows nothing
	// then (hashicorp/terraform-provider-aws#33767: the computed value of one
	// that was never set is empty).
	EnforceInbound string
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
				b.activate(s.now())
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
	rows, missing := pick(rows, arns, balancerARN)
	if len(missing) > 0 {
		return nil, refuse("LoadBalancerNotFound", "One or more load balancers not found")
	}
	rows, missing = pick(rows, names, func(b *loadBalancer) string { return b.Name })
	if len(missing) > 0 {
		return nil, refuse("LoadBalancerNotFound", "Load balancers '[%s]' not found", strings.Join(missing, ", "))
	}
	rows, next, err := page(c, rows, balancerARN, balancingPaging())
	if err != nil {
		return nil, err
	}
	return withMarker(M{"LoadBalancers": listBy(allAsRead(c, rows, balancerARN), (*loadBalancer).item)}, next), nil
}

func balancerARN(b *loadBalancer) string { return b.ARN }

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
