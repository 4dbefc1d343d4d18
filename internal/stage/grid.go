package stage

import (
	"fmt"
	"testing"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/schema"
)

// The accounts of a grid: one provider, one for DNS, and the consumers'.
const (
	GridProvider = "111111111111"
	GridDNS      = "444444444444"
	GridRegion   = "us-east-1"
	gridZone     = "Z0GRID"
	gridHub      = "123456789012"
)

// A Grid says how large a generated fleet is.
type Grid struct {
	Services, Consumers int
	// Shared puts the consumers of a service into one account, each with a
	// VPC of its own; otherwise consumer i of every service is in account i.
	Shared bool
}

// OnGrid puts the grid's fleet into its world.
func OnGrid(t testing.TB, g Grid) *Stage {
	t.Helper()
	return New(t, g.World(), g.Fleet())
}

// World is the AWS in which the grid's fleet can stand.
func (g Grid) World() awssim.World {
	w := awssim.World{Seed: "grid", Knobs: awssim.Knobs{Quotas: g.quotas()}, Accounts: map[string]awssim.WorldAccount{
		gridHub: {Name: "hub"},
		GridDNS: {Name: "dns", Roles: gridRole(), HostedZones: map[string]awssim.WorldZone{gridZone: {Name: "grid.example.com"}}},
	}}
	provider := map[string]awssim.WorldVPC{}
	for s := range g.Services {
		provider[gridVPC(0, s)] = gridNetwork(0, s)
	}
	w.Accounts[GridProvider] = awssim.WorldAccount{Name: "provider", Roles: gridRole(), Regions: map[string]awssim.WorldRegion{GridRegion: {VPCs: provider}}}
	for c := range g.Consumers {
		id, vpcs := g.account(c), map[string]awssim.WorldVPC{}
		if a, ok := w.Accounts[id]; ok {
			vpcs = a.Regions[GridRegion].VPCs
		}
		for s := range g.Services {
			vpcs[gridVPC(c+1, s)] = gridNetwork(c+1, s)
		}
		w.Accounts[id] = awssim.WorldAccount{Name: g.accountName(c), Roles: gridRole(), Regions: map[string]awssim.WorldRegion{GridRegion: {VPCs: vpcs}}}
	}
	return w
}

// quotas are raised, as they would be for a company with such a fleet.
func (g Grid) quotas() map[string]int {
	pairs := g.Services * (g.Consumers + 1)
	return map[string]int{
		"servicesPerRegion": pairs + 200, "loadBalancersPerRegion": pairs + 50,
		"securityGroupsPerRegion": 2*pairs + 2500, "interfacesPerRegion": 3*pairs + 5000,
	}
}

// Fleet is the grid's fleet, as Load would give it.
func (g Grid) Fleet() *schema.Fleet {
	f := &schema.Fleet{
		Name: "grid", Regions: []string{GridRegion},
		Accounts: map[string]*schema.Account{
			"provider": {Name: "provider", ID: GridProvider, Role: "linkfleet"},
			"dns":      {Name: "dns", ID: GridDNS, Role: "linkfleet"},
		},
		Zones:    map[string]*schema.Zone{"grid.example.com": {Domain: "grid.example.com", Account: "dns", ID: gridZone}},
		Services: map[string]*schema.Service{},
	}
	for c := range g.Consumers {
		f.Accounts[g.accountName(c)] = &schema.Account{Name: g.accountName(c), ID: g.account(c), Role: "linkfleet"}
	}
	for s := range g.Services {
		svc := gridService(s)
		for c := range g.Consumers {
			con := g.consumer(c, s)
			svc.Consumers[con.Name] = con
		}
		f.Services[svc.Name] = svc
	}
	return f
}

func gridService(s int) *schema.Service {
	name := fmt.Sprintf("s%d", s)
	return &schema.Service{
		Name: name, Account: "provider", Region: GridRegion,
		LoadBalancer: schema.LoadBalancer{
			VPC: gridVPC(0, s), Subnets: gridSubnets(0, s), CrossZone: true,
			SecurityGroup: schema.LoadBalancerSecurityGroup{From: []string{"10.0.0.0/8"}, EnforceOnPrivateLink: true},
		},
		Listeners: map[string]*schema.Listener{"api": {
			Name: "api", Port: 8443, Protocol: "TCP", IdleTimeout: 350,
			Targets:     schema.Targets{Type: "ip", Port: 8443, Protocol: "TCP", Addresses: []string{"10.0.0.10", "10.0.1.10"}, DeregistrationDelay: 300},
			HealthCheck: schema.HealthCheck{Protocol: "TCP", Port: "traffic-port", Interval: 10, Timeout: 10, HealthyThreshold: 3, UnhealthyThreshold: 3},
		}},
		AcceptanceRequired: true, UnknownConnections: schema.Leave, OnRevoke: schema.Reject,
		PrivateDNS: &schema.PrivateDNS{Name: name + ".grid.example.com", Zone: "grid.example.com"},
		Consumers:  map[string]*schema.Consumer{},
	}
}

func (g Grid) consumer(c, s int) *schema.Consumer {
	return &schema.Consumer{
		Name: fmt.Sprintf("c%d", c), Account: g.accountName(c),
		Principals: []string{"arn:aws:iam::" + g.account(c) + ":role/linkfleet"},
		Endpoint: &schema.Endpoint{
			Region: GridRegion, VPC: gridVPC(c+1, s), Subnets: gridSubnets(c+1, s),
			From: []string{"10.0.0.0/16"}, PrivateDNS: true,
		},
	}
}

func (g Grid) account(c int) string {
	if g.Shared {
		c = 0
	}
	return fmt.Sprintf("2%011d", c)
}

func (g Grid) accountName(c int) string {
	if g.Shared {
		c = 0
	}
	return fmt.Sprintf("consumer-%d", c)
}

func gridRole() map[string]awssim.WorldRole {
	return map[string]awssim.WorldRole{"linkfleet": {Trust: []string{gridHub}}}
}

// gridVPC is the id of the VPC of party p (0 is the provider) for service s.
func gridVPC(p, s int) string { return fmt.Sprintf("vpc-%013x%04x", p, s) }

func gridSubnets(p, s int) []string {
	return []string{fmt.Sprintf("subnet-%013x%03xa", p, s), fmt.Sprintf("subnet-%013x%03xb", p, s)}
}

func gridNetwork(p, s int) awssim.WorldVPC {
	on, ids := true, gridSubnets(p, s)
	return awssim.WorldVPC{
		CIDR: "10.0.0.0/16", EnableDNSSupport: &on, EnableDNSHostnames: &on,
		Subnets: map[string]awssim.WorldSubnet{
			ids[0]: {CIDR: "10.0.0.0/24", ZoneID: "use1-az1"},
			ids[1]: {CIDR: "10.0.1.0/24", ZoneID: "use1-az2"},
		},
	}
}
