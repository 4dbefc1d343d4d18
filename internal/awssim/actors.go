package awssim

import (
	"slices"
	"time"
)

// tick is the kind of event on which an outside party tries its luck.
const tick = "actor.tick"

// An offer is an endpoint service as outside parties see it.
type offer struct {
	ID             string // vpce-svc-…
	Name           string // com.amazonaws.vpce.…
	Owner, Region  string
	PrivateDNSName string
	Tags           tags
}

// A party is an outside party at work: a partner's team that creates an
// interface endpoint for a service as soon as it can. It goes the way of every
// caller, with its own principal, but needs no credentials, draws on no bucket,
// and is marked in the log of calls.
type party struct {
	WorldActor
	Done      bool  // until-let-in: it has what it wanted
	Tried     int64 // the world's version at the last try; -1: try again whatever
	LastError string
}

func actorEvents() map[string]eventHandler {
	return map[string]eventHandler{tick: func(s *Sim, e event) { s.tickParty(e.ID) }}
}

// startParties schedules the first try of everyone who will ever try.
func (s *Sim) startParties(actors []WorldActor) {
	for _, a := range actors {
		if a.Every == 0 {
			a.Every = 5 * time.Second
		}
		s.world.Parties = append(s.world.Parties, &party{WorldActor: a, Tried: -1})
		if a.Behaviour != "never" {
			s.after(a.Every, tick, a.Account, a.Region, a.Name)
		}
	}
}

func (s *Sim) tickParty(name string) {
	i := slices.IndexFunc(s.world.Parties, func(p *party) bool { return p.Name == name })
	if i < 0 || s.world.Parties[i].Done {
		return
	}
	p := s.world.Parties[i]
	if p.Tried != s.world.Version {
		s.try(p)
	}
	if !p.Done {
		s.at(s.nextTick(p), tick, p.Account, p.Region, p.Name)
	}
}

// nextTick is when a party tries again. Tries that cannot turn out otherwise,
// because nothing in the world changes until then, are left out; so time that
// nobody uses costs nothing.
func (s *Sim) nextTick(p *party) time.Time {
	next := s.now().Add(p.Every)
	if p.Tried != s.world.Version {
		return next
	}
	change := s.until
	for _, e := range s.world.Events {
		if e.Kind != tick {
			if e.At.Before(change) {
				change = e.At
			}
			break
		}
	}
	if idle := change.Sub(next); idle > 0 {
		next = next.Add((idle + p.Every - 1) / p.Every * p.Every)
	}
	return next
}

// try lets a party look for its service and ask for an endpoint.
func (s *Sim) try(p *party) {
	p.Tried, p.LastError = s.world.Version, ""
	for _, o := range s.offered() {
		if !p.Service.matches(o) || o.Region != p.Region {
			continue
		}
		if s.standingEndpoint(p.Account, p.Region, p.VPC, o.Name) != "" {
			p.Done = p.Behaviour == "until-let-in"
			return
		}
		s.ask(p, o)
		return
	}
	p.LastError = "no endpoint service matches"
}

// ask makes the party's CreateVpcEndpoint call.
func (s *Sim) ask(p *party, o offer) {
	c := &call{
		sim: s, service: "ec2", op: "CreateVpcEndpoint",
		account: p.Account, region: p.Region, now: s.now(), actor: true,
		principal: p.Principal,
		caller:    caller{Account: p.Account, ARN: p.Principal, Principal: p.Principal},
		in: M{
			"VpcEndpointType": "Interface", "VpcId": p.VPC, "ServiceName": o.Name,
			"SubnetIds": list(p.Subnets), "PrivateDnsEnabled": false,
		},
	}
	if len(p.SecurityGroups) > 0 {
		c.in["SecurityGroupIds"] = list(p.SecurityGroups)
	}
	_, err := s.ops["ec2"]["CreateVpcEndpoint"](c)
	if err == nil {
		s.calls.add(c, nil)
		s.world.Version++
		p.Tried = s.world.Version
		p.Done = p.Behaviour == "until-let-in"
		return
	}
	refusal := refusalOf(err)
	s.calls.add(c, refusal)
	p.LastError = refusal.Error()
	if refusal.Status >= 500 {
		p.Tried = -1 // it may work in a moment without anything having changed
	}
}

// matches holds an offer against what an actor wants.
func (want WorldTarget) matches(o offer) bool {
	for key, value := range want.Tags {
		if o.Tags[key] != value {
			return false
		}
	}
	return (want.Owner == "" || want.Owner == o.Owner) &&
		(want.PrivateDNSName == "" || want.PrivateDNSName == o.PrivateDNSName)
}
