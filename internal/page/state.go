package page

import (
	"cmp"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// A state is what a service or a consumer of one is in.
type state string

// The states, the worst last.
const (
	ok        state = "ok"
	unknown   state = "unknown" // no run has looked yet
	waiting   state = "waiting"
	drifted   state = "drifted"
	isBlocked state = "blocked"
)

func worse(a, b state) state {
	rank := []state{ok, unknown, waiting, drifted, isBlocked}
	if slices.Index(rank, b) > slices.Index(rank, a) {
		return b
	}
	return a
}

// A serviceLine is a service with its consumers.
type serviceLine struct {
	cell
	Account, Region string
	Paused          bool
	Consumers       []cell
}

// A cell is the state of a service's own side, or of one consumer.
type cell struct {
	Name   string
	Kind   string // "managed" or "partner"; empty: the service
	State  state
	Reason string // of the worst that is known
	Since  when
	More   int // reasons that are as well
}

// An ailment is what is amiss with a resource.
type ailment struct {
	service, consumer string // consumer empty: the service's own side
	state             state
	what              string
	since             when
}

func (p *pages) services(fleet Fleet, k kept) []serviceLine {
	found := p.ailments(fleet, k)
	fine := ok
	if !k.looked {
		fine = unknown
	}
	var lines []serviceLine
	for _, s := range fleet.Services {
		line := serviceLine{cell: tell(cell{Name: s.Name, State: fine}, found, s.Name, ""), Account: s.Account, Region: s.Region,
			Paused: slices.ContainsFunc(k.pauses, func(p ledger.Pause) bool { return p.Service == "" || p.Service == s.Name })}
		for _, c := range s.Consumers {
			kind := "partner"
			if c.Managed {
				kind = "managed"
			}
			line.Consumers = append(line.Consumers, tell(cell{Name: c.Name, Kind: kind, State: fine}, found, s.Name, c.Name))
		}
		lines = append(lines, line)
	}
	return lines
}

// tell gives a cell the worst of what ails it, and counts the rest.
func tell(c cell, all []ailment, service, consumer string) cell {
	reasons := 0
	for _, a := range all {
		if a.service != service || a.consumer != consumer {
			continue
		}
		reasons++
		if worse(c.State, a.state) != c.State {
			c.State, c.Reason, c.Since = a.state, a.what, a.since
		}
	}
	c.More = max(0, reasons-1)
	return c
}

func (p *pages) ailments(fleet Fleet, k kept) []ailment {
	var all []ailment
	for _, w := range k.waits {
		a := belongs(fleet, w.Address)
		a.state, a.what, a.since = waiting, w.What, p.at(w.Since)
		if w.Blocked {
			a.state = isBlocked
		}
		all = append(all, a)
	}
	for _, d := range k.drifts {
		a, line := belongs(fleet, d.Address), p.driftLine(d)
		a.state, a.what, a.since = drifted, kindOf(d.Address)+": "+line.What, line.Found
		all = append(all, a)
	}
	return all
}

func kindOf(address string) string {
	kind, _, _ := strings.Cut(address, "/")
	return kind
}

// belongs finds whose a resource is by its address, kind/name@place. Its name
// is that of its service, and behind a slash may be that of a consumer; but
// listeners and their target groups have a name of their own there.
func belongs(fleet Fleet, address string) ailment {
	at := strings.LastIndexByte(address, '@')
	kind, name, _ := strings.Cut(address[:cmp.Or(max(at, 0), len(address))], "/")
	service, rest, _ := strings.Cut(name, "/")
	consumer, _, _ := strings.Cut(rest, "/")
	a := ailment{service: service}
	if kind == "listener" || kind == "target-group" {
		return a
	}
	for _, s := range fleet.Services {
		if s.Name == service && slices.ContainsFunc(s.Consumers, func(c Consumer) bool { return c.Name == consumer }) {
			a.consumer = consumer
		}
	}
	return a
}
