package kinds

import (
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// spared is how much of each tally passes any limit in percent, which would
// stop the most ordinary edit of a small fleet: to remove a service of some
// 15 objects, to cut one partner, to move a service of a few ports to another
// VPC.
var spared = map[planner.Tally]int{planner.Deletes: 20, planner.Rejections: 1, planner.Replacements: 8}

// tallies in the order in which they are told.
var tallies = []planner.Tally{planner.Deletes, planner.Rejections, planner.Replacements}

// limitOf is what l says of a tally; nil if nothing.
func limitOf(l schema.Limits, t planner.Tally) *schema.Limit {
	switch t {
	case planner.Rejections:
		return l.Rejections
	case planner.Replacements:
		return l.Replacements
	default:
		return l.Deletes
	}
}

// tallyOf is what a step counts as, as people count; empty if as nothing: a
// replacement is one thing and no delete, and to reject a connection is no
// delete either. Who is turned away before having been let in is no loss.
func tallyOf(st planner.Step) planner.Tally {
	switch {
	case st.Replaces && st.Action == planner.Create:
		return planner.Replacements
	case st.Replaces || st.Action != planner.Delete:
		return ""
	case st.Addr.Kind != connection().Name:
		return planner.Deletes
	case state(st.Before) == connAccepted:
		return planner.Rejections
	}
	return ""
}

// standingAs are the tallies that a live resource is part of what percentages
// are of.
func standingAs(r planner.Resource) []planner.Tally {
	switch {
	case r.Addr.Kind != connection().Name:
		return []planner.Tally{planner.Deletes, planner.Replacements}
	case state(r) == connAccepted:
		return []planner.Tally{planner.Rejections}
	}
	return nil
}

// A measure counts, for each tally and each scope of a limit: a service that
// has its own, or, under the empty name, the fleet without those services.
type measure struct {
	fleet  *schema.Fleet
	counts map[planner.Tally]map[string]int
}

func newMeasure(f *schema.Fleet) measure {
	m := measure{fleet: f, counts: map[planner.Tally]map[string]int{}}
	for _, t := range tallies {
		m.counts[t] = map[string]int{}
	}
	return m
}

func (m measure) add(t planner.Tally, service string) {
	if s := m.fleet.Services[service]; s == nil || limitOf(s.Limits, t) == nil {
		service = ""
	}
	m.counts[t][service]++
}

func (m measure) total(t planner.Tally) int {
	sum := 0
	for _, n := range m.counts[t] {
		sum += n
	}
	return sum
}

// limits finds where a plan goes over the limits of the fleet and its
// services.
func limits(f *schema.Fleet, live planner.State) planner.Limit {
	standing := newMeasure(f)
	for _, rs := range live.Live {
		for _, r := range rs {
			for _, t := range standingAs(r) {
				standing.add(t, r.Group.Service)
			}
		}
	}
	return func(p *planner.Plan) []planner.Exceeded {
		planned := newMeasure(f)
		for _, st := range p.Steps {
			if t := tallyOf(st); t != "" {
				planned.add(t, st.Group().Service)
			}
		}
		return exceeded(f, planned, standing)
	}
}

func exceeded(f *schema.Fleet, planned, standing measure) []planner.Exceeded {
	var over []planner.Exceeded
	check := func(service string, own schema.Limits) {
		for _, t := range tallies {
			l := limitOf(own, t)
			if l == nil {
				continue
			}
			e := planner.Exceeded{
				Tally: t, Service: service,
				Planned: planned.counts[t][service], Standing: standing.counts[t][service], Total: planned.total(t),
			}
			if e.Allowed, e.Percent = allowed(*l, t, e.Standing); e.Planned > e.Allowed {
				over = append(over, e)
			}
		}
	}
	check("", f.Limits)
	for s := range services(f) {
		check(s.Name, s.Limits)
	}
	return over
}

// allowed is how many of what stands a limit lets go; percent is not 0 if it
// is its percentage that says so.
func allowed(l schema.Limit, t planner.Tally, standing int) (n, percent int) {
	part := standing * l.Percent / 100
	switch {
	case l.Count <= max(part, spared[t]):
		return l.Count, 0
	case part > spared[t]:
		return part, l.Percent
	}
	return spared[t], 0
}
