package kinds

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// errNotSeen says why an acceptance has to be tried again.
var errNotSeen = errors.New("the provider does not see the endpoint yet")

// judge decides whose each live connection is. It gives the connections of
// declared consumers the consumers' addresses, keeps those that must be
// rejected, and takes out of the state those that are to be left alone:
// what is not in the state is not touched. Every connection it takes out
// becomes a note, unless it goes by itself.
//
// A connection is a declared consumer's when its endpoint is the one that
// linkfleet runs for the consumer, or when the consumer makes its own and
// its account owns the endpoint.
func judge(f *schema.Fleet, live planner.State) (planner.State, []planner.Note) {
	j := judgement{fleet: f, live: live, endpoints: endpointsByID(live)}
	out := planner.State{Live: maps.Clone(live.Live), Unread: live.Unread}
	for _, r := range connectionsOf(live) {
		delete(out.Live, r.Addr)
		verdict := j.of(r)
		if verdict.note != nil {
			j.notes = append(j.notes, *verdict.note)
		}
		if verdict.keep {
			out.Live[verdict.as.Addr] = append(out.Live[verdict.as.Addr], verdict.as)
		}
	}
	return throughConnections(out), j.notes
}

// throughConnections has live private names name the connections of their
// endpoints, which stay until the names are off: AWS lets no setting change of
// an endpoint that has been rejected.
func throughConnections(live planner.State) planner.State {
	at := map[string]planner.Addr{}
	for _, r := range connectionsOf(live) {
		at[r.Outputs["endpoint"]] = r.Addr
	}
	for addr, rs := range live.Live {
		if addr.Kind != endpointPrivateDNS().Name {
			continue
		}
		rs = slices.Clone(rs)
		for i, r := range rs {
			spec := r.Spec.(endpointDNSSpec)
			if through, ok := at[spec.Endpoint.Known]; ok {
				spec.Endpoint.With = []planner.Addr{through}
				rs[i].Spec = spec
			}
		}
		live.Live[addr] = rs
	}
	return live
}

// connectionsOf are the live connections in the order of their addresses.
func connectionsOf(live planner.State) []planner.Resource {
	var rs []planner.Resource
	for addr, found := range live.Live {
		if addr.Kind == "connection" {
			rs = append(rs, found...)
		}
	}
	slices.SortFunc(rs, func(a, b planner.Resource) int {
		return cmp.Or(a.Addr.Compare(b.Addr), strings.Compare(a.ID, b.ID))
	})
	return rs
}

func endpointsByID(live planner.State) map[string]planner.Addr {
	ids := map[string]planner.Addr{}
	for addr, rs := range live.Live {
		for _, r := range rs {
			if addr.Kind == "endpoint" {
				ids[r.ID] = addr
			}
		}
	}
	return ids
}

type judgement struct {
	fleet     *schema.Fleet
	live      planner.State
	endpoints map[string]planner.Addr // ours, by id
	notes     []planner.Note
}

// A verdict on a connection: kept in the state as what, and what to tell.
type verdict struct {
	keep bool
	as   planner.Resource
	note *planner.Note
}

func (j *judgement) of(r planner.Resource) verdict {
	s := j.fleet.Services[r.Group.Service]
	if s == nil || placeOf(s) != r.Addr.Place {
		return j.ofRemovedService(r)
	}
	if at, ok := j.endpoints[r.Outputs["endpoint"]]; ok {
		return j.ofOurEndpoint(s, r, at)
	}
	if c := j.ownConsumer(s, r); c != nil {
		return j.ofOwnConsumer(s, c, r)
	}
	if place, why, ok := j.unreadOwner(s, r); ok {
		return verdict{note: j.note(r, planner.NoteWarning, fmt.Sprintf("%s is left alone: it may be ours, but %s is unread: %s", whose(r), place, why))}
	}
	if c := j.expectant(s, r); c != nil && state(r) != connRejected {
		return verdict{note: j.note(r, planner.NoteWarning, fmt.Sprintf("%s is left alone: it may be ours, made for consumer %s a moment ago and not shown there yet", whose(r), c.Name))}
	}
	return j.ofUnknown(s, r)
}

// ofRemovedService rejects what would keep AWS from deleting the service.
// Our own endpoints are deleted, and their connections go with them.
func (j *judgement) ofRemovedService(r planner.Resource) verdict {
	if _, ours := j.endpoints[r.Outputs["endpoint"]]; ours || state(r) == connRejected {
		return verdict{}
	}
	return verdict{keep: true, as: r}
}

// isOpen tells whether everybody may connect, which takes a waiver.
func isOpen(s *schema.Service) bool {
	return slices.Contains(principalsOf(s), "*")
}

// ofOurEndpoint judges a connection of an endpoint that linkfleet runs. If
// its consumer is removed, deleting the endpoint ends it.
func (j *judgement) ofOurEndpoint(s *schema.Service, r planner.Resource, at planner.Addr) verdict {
	for c := range managed(s) {
		if addrEndpoint(s, c) == at {
			r.Addr, r.Group = addrConnection(s, c), groupOf(s, c)
			return verdict{keep: true, as: r}
		}
	}
	return verdict{}
}

// ownConsumer finds the consumer that makes its own endpoints and whose
// account owns this one.
func (j *judgement) ownConsumer(s *schema.Service, r planner.Resource) *schema.Consumer {
	for c := range consumers(s) {
		if c.Endpoint == nil && j.fleet.Accounts[c.Account].ID == r.Outputs["owner"] {
			return c
		}
	}
	return nil
}

// ofOwnConsumer accepts. A rejected connection counts as gone: its owner has
// to make a new endpoint.
func (j *judgement) ofOwnConsumer(s *schema.Service, c *schema.Consumer, r planner.Resource) verdict {
	if state(r) == connRejected {
		return verdict{}
	}
	r.Addr.Name = s.Name + "/" + c.Name + "/" + r.Outputs["endpoint"]
	r.Group = groupOf(s, c)
	return verdict{keep: true, as: r}
}

// unreadOwner tells whether the owner is an account of the fleet that could
// not be read where the service's endpoints would be.
func (j *judgement) unreadOwner(s *schema.Service, r planner.Resource) (planner.Place, string, bool) {
	for name, a := range j.fleet.Accounts {
		place := planner.Place{Account: name, Region: s.Region}
		if why, unread := j.live.Unread[place]; unread && a.ID == r.Outputs["owner"] {
			return place, why, true
		}
	}
	return planner.Place{}, "", false
}

// expectant finds the consumer whose endpoint linkfleet runs in the owner's
// account and does not see as it should be: a run that died just after it made
// the endpoint leaves one that AWS may show to the provider first.
func (j *judgement) expectant(s *schema.Service, r planner.Resource) *schema.Consumer {
	for c := range managed(s) {
		if j.fleet.Accounts[c.Account].ID == r.Outputs["owner"] && !j.stands(s, c) {
			return c
		}
	}
	return nil
}

// stands tells whether a consumer has its endpoint, and is to keep it.
func (j *judgement) stands(s *schema.Service, c *schema.Consumer) bool {
	return slices.ContainsFunc(j.live.Live[addrEndpoint(s, c)], func(r planner.Resource) bool {
		return r.Spec.(endpointSpec).VPC == c.Endpoint.VPC || !c.Endpoint.AllowReplace
	})
}

func (j *judgement) ofUnknown(s *schema.Service, r planner.Resource) verdict {
	switch {
	case state(r) == connRejected:
		return verdict{}
	case state(r) == connAccepted && isOpen(s):
		return verdict{note: j.note(r, planner.NoteUnknown, fmt.Sprintf("%s is connected, as everybody may", whose(r)))}
	case state(r) == connPending && s.UnknownConnections == schema.RejectUnknown:
		return verdict{keep: true, as: r}
	case state(r) == connPending:
		return verdict{note: j.note(r, planner.NoteUnknown,
			fmt.Sprintf("%s has waited for acceptance since %s and belongs to no declared consumer; it is left pending", whose(r), r.Outputs["since"]))}
	case j.onRevoke(s, r) == schema.Keep:
		return verdict{note: j.note(r, planner.NoteWarning,
			fmt.Sprintf("%s is connected and belongs to no declared consumer; it stays, as onRevoke says", whose(r)))}
	}
	return verdict{keep: true, as: r} // in the state, where nothing wants it: rejected
}

// onRevoke is what becomes of a connection whose consumer was removed: what
// the consumer said, or else what its service says.
func (j *judgement) onRevoke(s *schema.Service, r planner.Resource) schema.OnRevoke {
	return cmp.Or(notedOnRevoke(j.live, addrService(s), r.Outputs["owner"]), s.OnRevoke)
}

func (j *judgement) note(r planner.Resource, kind planner.NoteKind, text string) *planner.Note {
	return &planner.Note{Kind: kind, Group: r.Group, Addr: r.Addr, Text: text}
}

func state(r planner.Resource) string { return r.Spec.(connectionSpec).State }

// InUse tells whether a live connection is accepted.
func InUse(r planner.Resource) bool {
	return r.Addr.Kind == connection().Name && state(r) == connAccepted
}

func whose(r planner.Resource) string {
	return fmt.Sprintf("endpoint %s of account %s", r.Outputs["endpoint"], r.Outputs["owner"])
}

// IsArrival tells whether a step accepts a connection that a declared
// consumer has made by itself.
func IsArrival(st planner.Step) bool {
	return st.Addr.Kind == connection().Name && st.Action == planner.Update && strings.Count(st.Addr.Name, "/") == 2 && len(st.WaitsFor) == 0
}
