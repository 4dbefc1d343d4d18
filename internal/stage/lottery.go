package stage

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/schema"
)

// A Lottery draws fleets, one after the other, that could each pass the
// checks of package schema, for one world in which all of them can stand.
// The same seed gives the same fleets.
type Lottery struct {
	rng      *rand.Rand
	fleet    *schema.Fleet
	services []string // names, of which a fleet has some

	providers, insiders, outside []string // accounts, and names of consumers
}

// NewLottery starts with a fleet without services.
func NewLottery(seed uint64) *Lottery {
	l := &Lottery{
		rng: rand.New(rand.NewPCG(seed, 0)), services: lotteryServices, providers: []string{"platform", "annex"},
		insiders: slices.Sorted(maps.Keys(lotteryManaged)), outside: lotteryOutside,
	}
	l.begin(lotteryRegions, lotteryAccounts())
	return l
}

// NewSmallLottery draws fleets of one service in one region, for one consumer
// whose endpoint linkfleet runs and one that comes by itself.
func NewSmallLottery(seed uint64) *Lottery {
	l := &Lottery{
		rng: rand.New(rand.NewPCG(seed, 0)), services: lotteryServices[:1], providers: []string{"platform"},
		insiders: []string{"m0"}, outside: lotteryOutside[:1],
	}
	accounts := lotteryAccounts()
	maps.DeleteFunc(accounts, func(name, _ string) bool {
		return !slices.Contains([]string{"platform", "dns", "left", "x0"}, name)
	})
	l.begin([]string{homeOf(l.services[0])}, accounts)
	return l
}

// begin makes the fleet without services.
func (l *Lottery) begin(regions []string, accounts map[string]string) {
	l.fleet = &schema.Fleet{
		Name: lotteryName, Regions: slices.Clone(regions),
		Accounts: map[string]*schema.Account{}, Services: map[string]*schema.Service{},
		Zones: map[string]*schema.Zone{lotteryZone: {Domain: lotteryZone, Account: "dns", ID: lotteryZoneID}},
	}
	for name, id := range accounts {
		a := &schema.Account{Name: name, ID: id}
		if a.External = isOutside(name); !a.External {
			a.Role = "linkfleet"
		}
		l.fleet.Accounts[name] = a
	}
}

// The parties to a lottery.
const (
	lotteryName   = "lottery"
	lotteryZone   = "lottery.example.com"
	lotteryZoneID = "Z0LOTTERY"
	LotteryHub    = "123456789012"
	Stranger      = "999999999999"
	StrangersARN  = "arn:aws:iam::" + Stranger + ":role/curious"
)

var (
	lotteryRegions  = []string{"eu-west-1", "us-east-1"}
	lotteryServices = []string{"s0", "s1", "s2"}
	// Of each consumer that linkfleet runs endpoints for; two of them live
	// in one account.
	lotteryManaged = map[string]string{"m0": "left", "m1": "right", "m2": "left"}
	lotteryOutside = []string{"x0", "x1"}
)

func lotteryAccounts() map[string]string {
	return map[string]string{
		"platform": "111111111111", "annex": "121212121212", "dns": "444444444444",
		"left": "222222222222", "right": "333333333333",
		"x0": "777777777770", "x1": "777777777771",
	}
}

func isOutside(account string) bool { return slices.Contains(lotteryOutside, account) }

// homeOf is where a service lives; only its account may change.
func homeOf(service string) (region string) {
	if service == "s2" {
		return "eu-west-1"
	}
	return "us-east-1"
}

// A party has two VPCs for each purpose, each with a subnet in each zone.

func lotteryVPC(party, purpose string, n int) string {
	return fmt.Sprintf("vpc-0%s%s%013x%d", hex(party), hex(purpose), 0, n)
}

func lotterySubnet(vpc string, zone int) string {
	return "subnet-" + vpc[len("vpc-"):len(vpc)-2] + vpc[len(vpc)-1:] + fmt.Sprint(zone)
}

// hex is a digit for each party and service.
func hex(name string) string {
	parties := []string{"platform", "annex", "m0", "m1", "m2", "x0", "x1", "stranger", "s0", "s1", "s2"}
	return fmt.Sprintf("%x", slices.Index(parties, name)+1)
}

// World is the world of the fleets. Partners come as soon as they are let
// in; the stranger tries every door.
func (l *Lottery) World() awssim.World {
	w := awssim.World{
		Seed:     "lottery",
		Knobs:    awssim.Knobs{Quotas: map[string]int{"vpcsPerRegion": 100}, Choices: l.choices()},
		Accounts: map[string]awssim.WorldAccount{LotteryHub: {}, Stranger: {Regions: map[string]awssim.WorldRegion{}}},
	}
	for name, account := range l.fleet.Accounts {
		id := account.ID
		w.Accounts[id] = awssim.WorldAccount{Name: name, Regions: map[string]awssim.WorldRegion{}}
		if a := w.Accounts[id]; !isOutside(name) {
			a.Roles = map[string]awssim.WorldRole{"linkfleet": {Trust: []string{LotteryHub}}}
			w.Accounts[id] = a
		}
	}
	dns := w.Accounts["444444444444"]
	dns.HostedZones = map[string]awssim.WorldZone{lotteryZoneID: {Name: lotteryZone, Records: []awssim.WorldRecord{
		{Name: "www." + lotteryZone, Type: "TXT", TTL: 60, Values: []string{`"somebody else's"`}},
		strangersRecord(),
	}}}
	w.Accounts["444444444444"] = dns
	for _, s := range l.services {
		for _, provider := range l.providers {
			addNetworks(w, l.fleet.Accounts[provider].ID, homeOf(s), provider, s)
		}
		for _, m := range l.insiders {
			addNetworks(w, l.fleet.Accounts[lotteryManaged[m]].ID, homeOf(s), m, s)
		}
		for _, x := range l.outside {
			addNetworks(w, l.fleet.Accounts[x].ID, homeOf(s), x, s)
			w.Actors = append(w.Actors, actor(x, l.fleet.Accounts[x].ID, s, outsider(l.fleet.Accounts[x], s), "until-let-in"))
		}
		addNetworks(w, Stranger, homeOf(s), "stranger", s)
		w.Actors = append(w.Actors, actor("stranger", Stranger, s, StrangersARN, "while-open"))
	}
	return w
}

// choices settles by lot what AWS does not say.
func (l *Lottery) choices() map[string]bool {
	return map[string]bool{
		"acceptRejected":           l.chance(50),
		"interfacesWhilePending":   l.chance(50),
		"connectionFilterEndpoint": l.chance(50),
	}
}

// outsider is the principal that a partner uses for a service.
func outsider(a *schema.Account, service string) string {
	return "arn:aws:iam::" + a.ID + ":role/client-" + service
}

func actor(name, id, service, principal, behaviour string) awssim.WorldActor {
	vpc := lotteryVPC(name, service, 0)
	return awssim.WorldActor{
		Name: name + "-" + service, Account: id, Principal: principal, Region: homeOf(service),
		VPC: vpc, Subnets: []string{lotterySubnet(vpc, 0)}, Behaviour: behaviour,
		Service: awssim.WorldTarget{Tags: map[string]string{"linkfleet:fleet": lotteryName, "linkfleet:address": "endpoint-service/" + service}},
	}
}

func addNetworks(w awssim.World, account, region, party, purpose string) {
	r, ok := w.Accounts[account].Regions[region]
	if !ok {
		r.VPCs = map[string]awssim.WorldVPC{}
	}
	on, zones := true, map[string]string{"us-east-1": "use1", "eu-west-1": "euw1"}
	for n := range 2 {
		id := lotteryVPC(party, purpose, n)
		v := awssim.WorldVPC{CIDR: "10.0.0.0/16", EnableDNSSupport: &on, EnableDNSHostnames: &on, Subnets: map[string]awssim.WorldSubnet{}}
		for z := range 3 {
			v.Subnets[lotterySubnet(id, z)] = awssim.WorldSubnet{CIDR: fmt.Sprintf("10.0.%d.0/24", z), ZoneID: fmt.Sprintf("%s-az%d", zones[region], z+1)}
		}
		switch {
		case n > 0 || purpose != "s0":
		case party == "platform":
			v.SecurityGroups = strangersGroups(id, "security-group/s0")
		case party == "m0":
			v.SecurityGroups = strangersGroups(id, "security-group/s0/m0")
		}
		r.VPCs[id] = v
	}
	w.Accounts[account].Regions[region] = r
}

// Next draws the next fleet: the last one with some of it changed, or, now
// and then, without any service. The last one is not touched.
func (l *Lottery) Next() *schema.Fleet {
	next := *l.fleet
	next.Services = maps.Clone(l.fleet.Services)
	for _, name := range l.services {
		was := next.Services[name]
		switch {
		case was == nil && l.chance(60):
			next.Services[name] = l.service(name)
		case was != nil && l.chance(15):
			delete(next.Services, name)
		case was != nil && l.chance(75):
			next.Services[name] = l.change(was)
		}
	}
	l.names(next.Services)
	l.fleet = &next
	return &next
}

// names gives the private names out anew where there are any: what one
// service gives up another may get.
func (l *Lottery) names(services map[string]*schema.Service) {
	if l.chance(80) {
		return
	}
	taken := l.rng.Perm(len(l.services))
	for i, name := range l.services {
		if s := services[name]; s != nil && s.PrivateDNS != nil {
			changed := *s
			changed.PrivateDNS = privateName(l.services[taken[i]])
			services[name] = &changed
		}
	}
}

func privateName(first string) *schema.PrivateDNS {
	return &schema.PrivateDNS{Name: first + "." + lotteryZone, Zone: lotteryZone}
}

// None draws the fleet without services.
func (l *Lottery) None() *schema.Fleet {
	next := *l.fleet
	next.Services = map[string]*schema.Service{}
	l.fleet = &next
	return &next
}

func (l *Lottery) service(name string) *schema.Service {
	s := &schema.Service{Name: name, Region: homeOf(name), Consumers: map[string]*schema.Consumer{}}
	for range 3 { // consumers
		s = l.redraw(s, 0)
	}
	for part := range parts {
		s = l.redraw(s, part)
	}
	return s
}

// change draws one to three parts of a service anew.
func (l *Lottery) change(s *schema.Service) *schema.Service {
	for range 1 + l.rng.IntN(3) {
		s = l.redraw(s, l.rng.IntN(parts+4)-4)
	}
	return s
}

// parts of a service that are drawn one by one; less than 0 is a consumer.
const parts = 7

func (l *Lottery) redraw(was *schema.Service, part int) *schema.Service {
	s := *was
	switch part {
	case 1:
		s.LoadBalancer = l.balancer(&s)
		s.Consumers = l.within(&s)
	case 2:
		s.Listeners = l.listeners()
	case 3:
		s.AcceptanceRequired = l.chance(75)
	case 4:
		s.UnknownConnections = pick(l, schema.Leave, schema.RejectUnknown)
		s.OnRevoke = pick(l, schema.Reject, schema.Keep)
	case 5:
		s.PrivateDNS = nil
		if l.chance(70) {
			s.PrivateDNS = l.freeName(s.Name)
		}
	case 6:
		s.Notifications = l.notifications(s.Name)
	default:
		s.Consumers = l.consumers(&s)
	}
	return &s
}

// freeName is the service's own name, unless another got it.
func (l *Lottery) freeName(service string) *schema.PrivateDNS {
	free := slices.DeleteFunc(slices.Clone(l.services), func(first string) bool {
		for _, s := range l.fleet.Services {
			if s.Name != service && s.PrivateDNS != nil && s.PrivateDNS.Name == first+"."+lotteryZone {
				return true
			}
		}
		return first != service
	})
	if len(free) == 0 {
		return privateName(service + "-" + "own")
	}
	return privateName(free[0])
}

func (l *Lottery) balancer(s *schema.Service) schema.LoadBalancer {
	if s.Account == "" || l.chance(4) {
		s.Account = pick(l, l.providers...)
	}
	lb := schema.LoadBalancer{
		VPC: s.LoadBalancer.VPC, CrossZone: l.chance(50),
		SecurityGroup: schema.LoadBalancerSecurityGroup{From: l.blocks(), EnforceOnPrivateLink: l.chance(50)},
	}
	lb.VPC = lotteryVPC(s.Account, s.Name, map[bool]int{true: 1}[l.chance(5)])
	lb.Subnets = l.subnets(lb.VPC, 0b111)
	return lb
}

// subnets draws at least two zones of those that are offered.
func (l *Lottery) subnets(vpc string, offered int) []string {
	for {
		var ids []string
		for z := range 3 {
			if offered&(1<<z) != 0 && l.chance(70) {
				ids = append(ids, lotterySubnet(vpc, z))
			}
		}
		if len(ids) >= 2 {
			return ids
		}
	}
}

// offered are the zones of subnets, as bits.
func offered(subnets []string) int {
	bits := 0
	for _, id := range subnets {
		bits |= 1 << (id[len(id)-1] - '0')
	}
	return bits
}

func (l *Lottery) blocks() []string {
	from := []string{pick(l, "10.0.0.0/8", "10.0.0.0/16")}
	if l.chance(30) {
		from = append(from, "192.168.0.0/16")
	}
	return from
}

func (l *Lottery) listeners() map[string]*schema.Listener {
	ports := l.rng.Perm(3)
	found := map[string]*schema.Listener{}
	for i, name := range []string{"api", "admin"} {
		if i > 0 && l.chance(60) {
			continue
		}
		found[name] = l.listener(name, 8443+ports[i])
	}
	return found
}

func (l *Lottery) listener(name string, port int) *schema.Listener {
	made := &schema.Listener{
		Name: name, Port: port, Protocol: "TCP", IdleTimeout: pick(l, 350, 60),
		Targets: schema.Targets{
			Type: "ip", Port: pick(l, 8443, 9000), Protocol: "TCP",
			Addresses: []string{"10.0.0.10", "10.0.1.10"}[l.rng.IntN(2):], DeregistrationDelay: pick(l, 300, 30),
			ProxyProtocolV2: l.chance(30), PreserveClientIP: l.chance(30),
		},
		HealthCheck: schema.HealthCheck{
			Protocol: "TCP", Port: "traffic-port", Interval: pick(l, 10, 30), Timeout: 10,
			HealthyThreshold: 3, UnhealthyThreshold: pick(l, 2, 3),
		},
	}
	if l.chance(25) {
		made.HealthCheck.Protocol, made.HealthCheck.Path = "HTTP", pick(l, "/", "/healthy")
	}
	if l.chance(10) {
		made.Protocol, made.IdleTimeout = "TLS", 0
		made.Certificate = "arn:aws:acm:us-east-1:111111111111:certificate/0"
		made.SSLPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
	}
	return made
}

func (l *Lottery) notifications(service string) *schema.Notifications {
	if l.chance(40) {
		return nil
	}
	events := []string{"Accept", "Connect", "Delete", "Reject"}
	return &schema.Notifications{Topic: pick(l, "events", "events-"+service), Events: events[:1+l.rng.IntN(4)]}
}

// consumers adds one, takes one away or changes one.
func (l *Lottery) consumers(s *schema.Service) map[string]*schema.Consumer {
	all := maps.Clone(s.Consumers)
	name := pick(l, slices.Concat(l.insiders, l.outside)...)
	switch _, known := all[name]; {
	case known && l.chance(50):
		delete(all, name)
	case isOutside(name):
		a := l.fleet.Accounts[name]
		all[name] = &schema.Consumer{Name: name, Account: name, Principals: []string{outsider(a, s.Name)}}
		if l.chance(20) { // admitted, but not the role it comes with
			all[name].Principals = []string{"arn:aws:iam::" + a.ID + ":role/another"}
		}
	default:
		all[name] = l.managed(s, name)
	}
	return all
}

func (l *Lottery) managed(s *schema.Service, name string) *schema.Consumer {
	a := l.fleet.Accounts[lotteryManaged[name]]
	c := &schema.Consumer{Name: name, Account: a.Name, Principals: []string{"arn:aws:iam::" + a.ID + ":role/linkfleet"}}
	if l.chance(5) {
		return c // from now on it would make its own
	}
	vpc := lotteryVPC(name, s.Name, 0)
	was := s.Consumers[name]
	if l.chance(10) {
		vpc = lotteryVPC(name, s.Name, 1)
	}
	c.Endpoint = &schema.Endpoint{
		Region: s.Region, VPC: vpc, From: l.blocks(), PrivateDNS: l.chance(70),
		// Without it, a plan that would need it is refused.
		AllowReplace: was == nil || l.chance(90),
	}
	zones := 0b111
	if len(s.LoadBalancer.Subnets) > 0 {
		zones = offered(s.LoadBalancer.Subnets)
	}
	c.Endpoint.Subnets = l.subnets(vpc, zones)
	return c
}

// within keeps the endpoints inside the zones of the load balancer.
func (l *Lottery) within(s *schema.Service) map[string]*schema.Consumer {
	all := maps.Clone(s.Consumers)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		if c.Endpoint != nil && offered(c.Endpoint.Subnets)&^offered(s.LoadBalancer.Subnets) != 0 {
			changed, ep := *c, *c.Endpoint
			ep.Subnets = l.subnets(ep.VPC, offered(s.LoadBalancer.Subnets))
			changed.Endpoint = &ep
			all[name] = &changed
		}
	}
	return all
}

// chance is true so many times of a hundred.
func (l *Lottery) chance(percent int) bool { return l.rng.IntN(100) < percent }

func pick[T any](l *Lottery, from ...T) T { return from[l.rng.IntN(len(from))] }

// Chance draws whether something happens that happens so many times of a
// hundred.
func (l *Lottery) Chance(percent int) bool { return l.chance(percent) }
