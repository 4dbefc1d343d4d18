package gitsource

// A group is the run of changed lines before an unchanged line, or before the
// end; it may be empty. Two sides of a diff have as many groups.
type group struct {
	*side
	start, end int
}

func (s *side) first() *group {
	g := &group{side: s}
	g.grow()
	return g
}

// grow takes in changed lines that follow.
func (g *group) grow() {
	for g.isChanged(g.end) {
		g.end++
	}
}

func (g *group) next() bool {
	if g.end >= len(g.lines) {
		return false
	}
	g.start = g.end + 1
	g.end = g.start
	g.grow()
	return true
}

func (g *group) previous() {
	g.end = g.start - 1
	g.start = g.end
	for g.isChanged(g.start - 1) {
		g.start--
	}
}

// up slides the group one line up, if the line above is like its last. It
// takes in the group that it meets.
func (g *group) up() bool {
	if g.start == 0 || g.lines[g.start-1] != g.lines[g.end-1] {
		return false
	}
	g.start--
	g.end--
	g.changed[g.start], g.changed[g.end] = true, false
	for g.isChanged(g.start - 1) {
		g.start--
	}
	return true
}

// down slides the group one line down, if the line below is like its first.
func (g *group) down() bool {
	if g.end >= len(g.lines) || g.lines[g.start] != g.lines[g.end] {
		return false
	}
	g.changed[g.start], g.changed[g.end] = false, true
	g.start++
	g.end++
	g.grow()
	return true
}

func (g *group) empty() bool { return g.start == g.end }

// compact moves changes of a side to where they read best and are the same
// for whoever compares: down, unless a change of the other side is on the
// way.
func (s *side) compact(other *side) {
	g, o := s.first(), other.first()
	for {
		if !g.empty() {
			g.settle(o)
		}
		if !g.next() {
			return
		}
		o.next()
	}
}

// settle slides one group; o is the other side's group beside it.
func (g *group) settle(o *group) {
	for {
		size := g.end - g.start
		beside := false
		for g.up() {
			o.previous()
		}
		highest := g.end
		beside = !o.empty()
		for g.down() {
			o.next()
			beside = beside || !o.empty()
		}
		if size != g.end-g.start { // it met another; both go on together
			continue
		}
		if g.end != highest && beside {
			for o.empty() {
				g.up()
				o.previous()
			}
		}
		return
	}
}
