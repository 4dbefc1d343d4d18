package schema

import (
	"cmp"
	"maps"
	"slices"
)

// A unit is a part of the fleet that is evaluated by itself. Services do not
// see one another, so CUE gives the same answers for a few of them, with
// what they name elsewhere, as for all; and a few at a time take a fraction
// of the memory, and more than one processor.
type unit struct {
	rest     bool // everything that is no service
	services bool // services: some, or all where rest is set too
	outlines []*outline
	keep     map[*piece]bool
}

// files are the texts to evaluate, in order.
func (u unit) files(yield func(name string, text []byte) bool) {
	for _, o := range u.outlines {
		needed := u.rest && u.services || slices.ContainsFunc(o.pieces, func(p *piece) bool { return u.keep[p] })
		if needed && !yield(o.file.name, o.text(u.keep)) {
			return
		}
	}
}

// unitsAtMost and unitSize (bytes of text) keep what is read anew for every
// unit (the schema, what services share, blanks) small beside the rest.
const (
	unitsAtMost = 64
	unitSize    = 32 << 10
)

// divide makes units of the outlines: the first holds all but the services.
// Where services cannot be told apart there is one unit.
func divide(outlines []*outline) []unit {
	d := newDivision(outlines)
	if d.whole != "" {
		return []unit{wholeUnit(outlines)}
	}
	return append([]unit{d.rest()}, d.services()...)
}

func wholeUnit(outlines []*outline) unit {
	keep := map[*piece]bool{}
	for _, o := range outlines {
		for _, p := range o.pieces {
			keep[p] = p.kind != useless
		}
	}
	return unit{rest: true, services: true, outlines: outlines, keep: keep}
}

// A division sorts the pieces of some files.
type division struct {
	outlines  []*outline
	whole     string              // why the files cannot be evaluated in parts
	named     map[string][]*piece // fields at the top
	own       map[string][]*piece // pieces of each service
	templates []*piece
	others    []*piece
}

func newDivision(outlines []*outline) *division {
	d := &division{outlines: outlines, named: map[string][]*piece{}, own: map[string][]*piece{}}
	for _, o := range outlines {
		d.whole = cmp.Or(d.whole, o.whole)
		for _, p := range o.pieces {
			d.sort(p)
		}
	}
	return d
}

func (d *division) sort(p *piece) {
	switch p.kind {
	case service:
		d.own[p.name] = append(d.own[p.name], p)
	case template:
		d.templates = append(d.templates, p)
	case unknown:
		d.named[p.name] = append(d.named[p.name], p)
	case shared:
		d.named[p.name] = append(d.named[p.name], p)
		d.others = append(d.others, p)
	case hidden:
		d.others = append(d.others, p)
	}
}

// rest is the unit of everything that is no service.
func (d *division) rest() unit {
	keep := map[*piece]bool{}
	d.need(keep, d.others)
	d.need(keep, d.templates)
	return unit{rest: true, outlines: d.outlines, keep: keep}
}

// services are the units of services, each of several neighbours: enough of
// them to outweigh what they share.
func (d *division) services() []unit {
	var units []unit
	var keep map[*piece]bool
	least := max(unitSize, d.size()/unitsAtMost)
	own, all := 0, 0
	for _, name := range d.inOrder() {
		if keep == nil {
			keep, own = map[*piece]bool{}, 0
			all = d.need(keep, d.templates)
		}
		for _, p := range d.own[name] {
			own += p.end - p.start
		}
		all += d.need(keep, d.own[name])
		if own >= max(least, all-own) {
			units = append(units, unit{services: true, outlines: d.outlines, keep: keep})
			keep = nil
		}
	}
	if keep != nil {
		units = append(units, unit{services: true, outlines: d.outlines, keep: keep})
	}
	return units
}

// inOrder are the services' names in the order of the files, so that
// neighbours share units.
func (d *division) inOrder() []string {
	return slices.SortedFunc(maps.Keys(d.own), func(a, b string) int {
		p, q := d.own[a][0], d.own[b][0]
		return cmp.Or(cmp.Compare(p.file.name, q.file.name), cmp.Compare(p.start, q.start))
	})
}

// size is that of all services, in bytes.
func (d *division) size() int {
	n := 0
	for _, pieces := range d.own {
		for _, p := range pieces {
			n += p.end - p.start
		}
	}
	return n
}

// need keeps pieces and all that they name, and so on. It returns the bytes
// that this adds.
func (d *division) need(keep map[*piece]bool, pieces []*piece) int {
	n := 0
	for _, p := range pieces {
		if keep[p] {
			continue
		}
		keep[p] = true
		n += p.end - p.start + d.need(keep, slices.Collect(maps.Keys(p.uses)))
		for name := range p.names {
			n += d.need(keep, d.named[name])
		}
	}
	return n
}
