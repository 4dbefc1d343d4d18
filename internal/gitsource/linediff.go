package gitsource

import (
	"context"
	"errors"
)

// A change is a run of lines of one text that stand where a run of the other
// stood. Either may be empty.
type change struct {
	a, na int // first line of the run in the old text, and how many
	b, nb int
}

// diffLines finds what changed between two texts, whose lines are given as
// numbers that are equal for equal lines. It goes about it as git's merges
// do: histogram diff, which splits the texts at their rarest common lines,
// and then slides each change as far down as it goes, or to where the other
// text has one too.
//
// The time it takes may grow with the square of the lines, and so it is
// bounded by the effort that is left.
func (e *effort) diffLines(a, b []int) ([]change, error) {
	old, new := &side{lines: a, changed: make([]bool, len(a))}, &side{lines: b, changed: make([]bool, len(b))}
	if err := e.histogram(old, new, 0, len(a), 0, len(b)); err != nil {
		return nil, err
	}
	old.compact(new)
	new.compact(old)
	return script(old.changed, new.changed), nil
}

// An effort is how much may still be done to find what lines changed.
type effort struct {
	ctx  context.Context // of the merge, which this is a part of
	left int             // lines to look at
}

// mostEffort is what a merge may take: a few seconds. Texts that people write
// take a hundredth of it.
const mostEffort = 10_000_000

// errTooMuch is that the effort does not suffice.
var errTooMuch = errors.New("the texts differ in too many ways")

// spend takes lines off what is left.
func (e *effort) spend(lines int) error {
	if e.left -= lines; e.left < 0 {
		return errTooMuch
	}
	if e.ctx.Err() != nil {
		return context.Cause(e.ctx)
	}
	return nil
}

// A side is one of the texts, and which of its lines the other lacks.
type side struct {
	lines   []int
	changed []bool
}

func (s *side) mark(from, to int) {
	for i := from; i < to; i++ {
		s.changed[i] = true
	}
}

func (s *side) isChanged(i int) bool { return i >= 0 && i < len(s.changed) && s.changed[i] }

// script reads the changes off the marks.
func script(a, b []bool) []change {
	var all []change
	for i, j := 0, 0; i < len(a) || j < len(b); i, j = i+1, j+1 {
		c := change{a: i, b: j}
		for i < len(a) && a[i] {
			i++
		}
		for j < len(b) && b[j] {
			j++
		}
		if c.na, c.nb = i-c.a, j-c.b; c.na+c.nb > 0 {
			all = append(all, c)
		}
	}
	return all
}

// mostAlike is how often a line may occur for a text to be split at it.
const mostAlike = 64

// histogram marks what differs in lines [a0,a1) of one text and [b0,b1) of
// the other.
func (e *effort) histogram(a, b *side, a0, a1, b0, b1 int) error {
	for a0 < a1 && b0 < b1 {
		s := &split{a: a.lines, b: b.lines, a0: a0, a1: a1, b0: b0, b1: b1}
		if err := s.find(e); err != nil {
			return err
		}
		switch {
		case s.common && s.rarity > mostAlike:
			trim(a, b, a0, a1, b0, b1)
			return nil
		case !s.found:
			a.mark(a0, a1)
			b.mark(b0, b1)
			return nil
		}
		if err := e.histogram(a, b, a0, s.from, b0, s.there); err != nil {
			return err
		}
		a0, b0 = s.from+s.length, s.there+s.length
	}
	a.mark(a0, a1)
	b.mark(b0, b1)
	return nil
}

// trim is for texts that have nothing in common but lines that occur all
// over: what is between the equal beginnings and ends has changed.
func trim(a, b *side, a0, a1, b0, b1 int) {
	for a0 < a1 && b0 < b1 && a.lines[a0] == b.lines[b0] {
		a0, b0 = a0+1, b0+1
	}
	for a0 < a1 && b0 < b1 && a.lines[a1-1] == b.lines[b1-1] {
		a1, b1 = a1-1, b1-1
	}
	a.mark(a0, a1)
	b.mark(b0, b1)
}

// A split looks for the run of common lines to split two texts at: the one
// with the rarest line, and the longest of those.
type split struct {
	a, b           []int
	a0, a1, b0, b1 int

	places map[int][]int // where each line of a is, in order
	common bool          // there is any common line
	found  bool
	rarity int // of the best run's rarest line
	from   int // where the run is in a
	there  int // and in b
	length int
	seen   int // lines that were looked at
}

func (s *split) find(e *effort) error {
	if err := e.spend(s.a1 - s.a0 + s.b1 - s.b0); err != nil {
		return err
	}
	s.places = map[int][]int{}
	for i := s.a0; i < s.a1; i++ {
		s.places[s.a[i]] = append(s.places[s.a[i]], i)
	}
	s.rarity = mostAlike + 1
	for j := s.b0; j < s.b1; {
		s.seen = 0
		j = s.try(j)
		if err := e.spend(s.seen); err != nil {
			return err
		}
	}
	return nil
}

// try extends each match of line j of b both ways, and returns the line to go
// on with: the first behind all of them.
func (s *split) try(j int) (next int) {
	next = j + 1
	places := s.places[s.b[j]]
	if len(places) == 0 {
		return next
	}
	s.common = true
	if len(places) > s.rarity {
		return next
	}
	seen := -1 // the end of the match before
	for _, i := range places {
		if i < seen {
			continue
		}
		from, to, rarity := s.extend(i, j)
		next = max(next, j+to-i)
		if to-from > s.length || rarity < s.rarity {
			s.found, s.rarity = true, rarity
			s.from, s.there, s.length = from, j-(i-from), to-from
		}
		seen = to
	}
	return next
}

// extend is the run of a around i that matches b around j, and how often its
// rarest line occurs in a.
func (s *split) extend(i, j int) (from, to, rarity int) {
	rarity = len(s.places[s.a[i]])
	from, to = i, i+1
	for from > s.a0 && j-(i-from) > s.b0 && s.a[from-1] == s.b[j-(i-from)-1] {
		from--
		rarity = min(rarity, len(s.places[s.a[from]]))
	}
	for to < s.a1 && j+to-i < s.b1 && s.a[to] == s.b[j+to-i] {
		rarity = min(rarity, len(s.places[s.a[to]]))
		to++
	}
	s.seen += to - from
	return from, to, rarity
}
