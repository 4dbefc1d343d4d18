package gitsource

import (
	"bytes"
	"slices"
	"strings"
)

// mergeLines merges two texts that came from one, line by line, as git does:
// changes of one side are taken, the same change of both once, and where
// changes of both sides overlap or touch there is a conflict. Conflicts stand
// in the text between markers of the given size.
func (e *effort) mergeLines(base, ours, theirs []byte, markerSize int) (text []byte, clean bool, err error) {
	t := &lineTable{numbers: map[string]int{}}
	m := &lineMerge{ours: t.add(ours), theirs: t.add(theirs)}
	old := t.add(base)
	byOurs, err := e.diffLines(old.numbers, m.ours.numbers)
	if err != nil {
		return nil, false, err
	}
	byTheirs, err := e.diffLines(old.numbers, m.theirs.numbers)
	switch {
	case err != nil:
		return nil, false, err
	case len(byOurs) == 0:
		return theirs, true, nil
	case len(byTheirs) == 0:
		return ours, true, nil
	}
	m.join(len(old.text), byOurs, byTheirs)
	if err := m.refine(e); err != nil {
		return nil, false, err
	}
	m.simplify()
	text, clean = m.text(markerSize)
	return text, clean, nil
}

// A lineTable numbers lines, the same number for equal ones.
type lineTable struct{ numbers map[string]int }

// lines are a text's, each with its line end, and their numbers.
type lines struct {
	text    []string
	numbers []int
}

func (t *lineTable) add(text []byte) lines {
	var l lines
	for line := range strings.Lines(string(text)) {
		number, known := t.numbers[line]
		if !known {
			number = len(t.numbers)
			t.numbers[line] = number
		}
		l.text = append(l.text, line)
		l.numbers = append(l.numbers, number)
	}
	return l
}

// A lineMerge is the merge of two texts as a list of regions.
type lineMerge struct {
	ours, theirs lines
	regions      []region
}

// A region is where the merged text may differ from ours: a run of lines of
// ours and the run of theirs beside it.
type region struct {
	take        choice
	ours, nOurs int
	theirs      int
	nTheirs     int
}

type choice int

const (
	takeNone choice = iota // a conflict
	takeOurs
	takeTheirs
)

// join puts the changes of both sides against the old text in one order.
func (m *lineMerge) join(old int, a, b []change) {
	for len(a) > 0 && len(b) > 0 {
		switch x, y := a[0], b[0]; {
		case x.a+x.na < y.a:
			m.append(ofOurs(x, y.b-y.a))
			a = a[1:]
		case y.a+y.na < x.a:
			m.append(ofTheirs(y, x.b-x.a))
			b = b[1:]
		default:
			if !m.same(x, y) {
				m.append(overlap(x, y))
			}
			if x.a+x.na >= y.a+y.na {
				b = b[1:]
			}
			if y.a+y.na >= x.a+x.na {
				a = a[1:]
			}
		}
	}
	for _, x := range a {
		m.append(ofOurs(x, len(m.theirs.text)-old))
	}
	for _, y := range b {
		m.append(ofTheirs(y, len(m.ours.text)-old))
	}
}

// ofOurs is a change that theirs has not; its lines are further down there by
// shift than in the old text.
func ofOurs(c change, shift int) region {
	return region{take: takeOurs, ours: c.b, nOurs: c.nb, theirs: c.a + shift, nTheirs: c.na}
}

func ofTheirs(c change, shift int) region {
	return region{take: takeTheirs, ours: c.a + shift, nOurs: c.na, theirs: c.b, nTheirs: c.nb}
}

// same tells whether both sides made one change.
func (m *lineMerge) same(x, y change) bool {
	return x.a == y.a && x.na == y.na &&
		slices.Equal(m.ours.numbers[x.b:x.b+x.nb], m.theirs.numbers[y.b:y.b+y.nb])
}

// overlap is what both changes span, in each of the texts.
func overlap(x, y change) region {
	begin, end := min(x.a, y.a), max(x.a+x.na, y.a+y.na)
	r := region{ours: x.b - (x.a - begin), theirs: y.b - (y.a - begin)}
	r.nOurs = x.b + x.nb + end - (x.a + x.na) - r.ours
	r.nTheirs = y.b + y.nb + end - (y.a + y.na) - r.theirs
	return r
}

// append adds a region, or joins it to the last if it overlaps or touches it.
func (m *lineMerge) append(r region) {
	if n := len(m.regions); n > 0 {
		last := &m.regions[n-1]
		if r.ours <= last.ours+last.nOurs || r.theirs <= last.theirs+last.nTheirs {
			if r.take != last.take {
				last.take = takeNone
			}
			last.nOurs = r.ours + r.nOurs - last.ours
			last.nTheirs = r.theirs + r.nTheirs - last.theirs
			return
		}
	}
	m.regions = append(m.regions, r)
}

// refine takes out of conflicts what both sides have alike.
func (m *lineMerge) refine(e *effort) error {
	var all []region
	for _, r := range m.regions {
		if r.take != takeNone || r.nOurs == 0 || r.nTheirs == 0 {
			all = append(all, r)
			continue
		}
		left, err := e.diffLines(m.ours.numbers[r.ours:r.ours+r.nOurs], m.theirs.numbers[r.theirs:r.theirs+r.nTheirs])
		if err != nil {
			return err
		}
		for _, c := range left {
			all = append(all, region{ours: r.ours + c.a, nOurs: c.na, theirs: r.theirs + c.b, nTheirs: c.nb})
		}
	}
	m.regions = all
	return nil
}

// simplify makes one conflict of two with no more than three lines between.
func (m *lineMerge) simplify() {
	const near = 3
	var all []region
	for _, r := range m.regions {
		if n := len(all); n > 0 && all[n-1].take == takeNone && r.take == takeNone && r.ours-(all[n-1].ours+all[n-1].nOurs) <= near {
			last := &all[n-1]
			last.nOurs = r.ours + r.nOurs - last.ours
			last.nTheirs = r.theirs + r.nTheirs - last.theirs
			continue
		}
		all = append(all, r)
	}
	m.regions = all
}

// text writes the merge.
func (m *lineMerge) text(markerSize int) (text []byte, clean bool) {
	var out bytes.Buffer
	clean = true
	done := 0 // lines of ours that are written or left out
	for _, r := range m.regions {
		write(&out, m.ours.text[done:r.ours])
		ours, theirs := m.ours.text[r.ours:r.ours+r.nOurs], m.theirs.text[r.theirs:r.theirs+r.nTheirs]
		switch r.take {
		case takeOurs:
			write(&out, ours)
		case takeTheirs:
			write(&out, theirs)
		case takeNone:
			clean = false
			conflict(&out, ours, theirs, markerSize)
		}
		done = r.ours + r.nOurs
	}
	write(&out, m.ours.text[done:])
	return out.Bytes(), clean
}

func write(out *bytes.Buffer, lines []string) {
	for _, line := range lines {
		out.WriteString(line)
	}
}

func conflict(out *bytes.Buffer, ours, theirs []string, markerSize int) {
	marker := func(c string, label string) {
		if text := out.Bytes(); len(text) > 0 && text[len(text)-1] != '\n' {
			out.WriteByte('\n')
		}
		out.WriteString(strings.Repeat(c, markerSize) + label + "\n")
	}
	marker("<", " ours")
	write(out, ours)
	marker("=", "")
	write(out, theirs)
	marker(">", " theirs")
}
