package awssim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// An Object is something that somebody made in the simulated AWS and that
// stands: not what the world began with, such as VPCs, and not what is gone
// but still shown.
type Object struct {
	Account, Region string // Region is empty for what is in none
	// Type is in the words of the tagging API where that knows it, such as
	// "vpc-endpoint"; else "notification", "permission", "connection", "record".
	Type   string
	ID     string // an id, an ARN, a principal, or "name type value" of a record
	Parent string // what it belongs to: a service, a hosted zone
	VPC    string // of endpoints and security groups
	State  string // of endpoints and connections
	Tags   map[string]string
	row    any
}

// Text is all there is to the object, for comparing it with itself.
func (o Object) Text() string {
	text, err := json.Marshal(o.row)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Inventory lists what stands, in a fixed order. It is how tests count
// duplicates and orphans without asking through the API, whose lists may lag.
// What an Object's Text tells is read when it is called: not while requests
// are being served.
func (s *Sim) Inventory() []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	var all []Object
	for _, l := range s.cells() {
		for _, o := range l.standing(s) {
			o.Account, o.Region = l.Account, l.Region
			all = append(all, o)
		}
	}
	for _, a := range s.accounts() {
		for _, zone := range a.DNS.Zones.all() {
			all = append(all, zone.standing(a.ID)...)
		}
	}
	return all
}

func (l *cell) standing(s *Sim) []Object {
	var all []Object
	for _, g := range l.Network.SecurityGroups.all() {
		if !g.Default {
			all = append(all, Object{Type: "security-group", ID: g.ID, VPC: g.VPC, Tags: maps.Clone(g.Tags), row: g})
		}
	}
	all = append(all, l.Balancing.standing()...)
	all = append(all, l.PrivateLink.standing(s)...)
	for _, t := range l.Topics.Topics.all() {
		all = append(all, Object{Type: "topic", ID: t.ARN, Tags: maps.Clone(t.Tags), row: []any{t.Attributes, t.Tags}})
	}
	for _, q := range l.Queues.Queues.all() {
		all = append(all, Object{Type: "queue", ID: q.ARN, Tags: maps.Clone(q.Tags), row: []any{q.Attributes, q.Tags}})
	}
	return all
}

func (b *balancing) standing() []Object {
	var all []Object
	for _, lb := range b.LoadBalancers.all() {
		if lb.Deleted.IsZero() {
			all = append(all, Object{Type: "loadbalancer", ID: lb.ARN, Tags: maps.Clone(lb.Tags), row: lb})
		}
	}
	for _, g := range b.TargetGroups.all() {
		if g.Deleted.IsZero() {
			all = append(all, Object{Type: "targetgroup", ID: g.ARN, Tags: maps.Clone(g.Tags), row: g})
		}
	}
	for _, li := range b.Listeners.all() {
		all = append(all, Object{Type: "listener", ID: li.ARN, Parent: li.LoadBalancer, Tags: maps.Clone(li.Tags), row: li})
	}
	return all
}

func (p *privateLink) standing(s *Sim) []Object {
	var all []Object
	for _, svc := range p.Services.all() {
		if svc.State == serviceDeleted || svc.State == serviceDeleting {
			continue
		}
		all = append(all, Object{Type: "vpc-endpoint-service", ID: svc.ID, State: svc.State, Tags: maps.Clone(svc.Tags), row: svc})
		for _, may := range svc.Permissions.all() {
			all = append(all, Object{Type: "permission", ID: may.Principal, Parent: svc.ID, row: may})
		}
		for _, conn := range svc.Connections.all() {
			if ep := s.endpointOf(conn); ep != nil && isLive(ep.State) {
				all = append(all, Object{Type: "connection", ID: conn.Endpoint, Parent: svc.ID, State: ep.State, row: conn})
			}
		}
	}
	for _, n := range p.Notifications.all() {
		if !n.Deleted.IsZero() {
			continue
		}
		all = append(all, Object{Type: "notification", ID: n.ID, Parent: n.Service, row: n})
	}
	for _, ep := range p.Endpoints.all() {
		if ep.State != stateDeleted && ep.State != stateDeleting {
			all = append(all, Object{Type: "vpc-endpoint", ID: ep.ID, Parent: ep.ServiceID, VPC: ep.VPC, State: ep.State, Tags: maps.Clone(ep.Tags), row: ep})
		}
	}
	return all
}

// standing lists the values of a zone's records, but for those every zone has.
func (z *hostedZone) standing(account string) []Object {
	var all []Object
	for _, key := range slices.Sorted(maps.Keys(z.Records)) {
		set := z.Records[key]
		if set.Type == "NS" || set.Type == "SOA" {
			continue
		}
		for _, value := range set.Values {
			all = append(all, Object{
				Account: account, Type: "record", Parent: z.ID,
				ID: strings.Join([]string{set.Name, set.Type, value}, " "), row: []any{set.Name, set.Type, set.TTL, value},
			})
		}
	}
	return all
}
