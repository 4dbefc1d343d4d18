package preview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
)

// sections are one for each service that has changes or coverage to show, the
// gravest first.
func (in Input) sections() []*section {
	if in.Plan == nil {
		return nil
	}
	cut := map[string]bool{}
	for _, n := range in.Plan.Notes {
		if n.Kind == planner.NoteOutage {
			cut[planner.Clean(n.Group.Service)] = true
		}
	}
	covered := in.coverage()
	var sections []*section
	for _, s := range in.Plan.Outline() {
		sections = append(sections, newSection(s, cut[s.Service], covered[s.Service]))
		delete(covered, s.Service)
	}
	for service, c := range covered { // whose endpoints are blocked
		sections = append(sections, newSection(planner.Section{Service: service}, false, c))
	}
	sortSections(sections)
	return sections
}

// The ranks of sections.
const (
	rankOutage = iota
	rankReplace
	rankDelete
	rankChange
	rankCreate
)

func rankOf(s planner.Section, outage bool) int {
	rank := rankCreate
	if outage {
		rank = rankOutage
	}
	for _, part := range s.Parts {
		for _, r := range part.Rows {
			switch r.Change {
			case planner.Create:
			case planner.Update:
				rank = min(rank, rankChange)
			case planner.Delete:
				rank = min(rank, rankDelete)
			default:
				rank = min(rank, rankReplace)
			}
		}
	}
	return rank
}

// newSection folds a service's changes into a block of code, where nothing is
// markup, and forges colour what is added and removed.
func newSection(s planner.Section, outage bool, covered []Coverage) *section {
	var lines []string
	rows := 0
	for _, part := range s.Parts {
		if part.Consumer != "" {
			lines = append(lines, "# "+part.Consumer)
		}
		for _, r := range part.Rows {
			lines = append(lines, diff(r)...)
			rows++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details><summary>%s: %s</summary>\n", prose(clip(named(s.Service), longest)), changed(rows))
	if len(lines) > 0 {
		ticks := fence(lines)
		fmt.Fprintf(&b, "\n%sdiff\n%s\n%s\n", ticks, strings.Join(lines, "\n"), ticks)
	}
	b.WriteString(zones(covered))
	b.WriteString("\n</details>\n")
	return &section{name: s.Service, rank: rankOf(s, outage), steps: rows, text: b.String()}
}

func changed(rows int) string {
	if rows == 0 {
		return "no change"
	}
	return count(rows, "change")
}

// named is a service's name, or what stands for none.
func named(service string) string {
	if service == "" {
		return "shared"
	}
	return service
}

// diff is a row as lines of a diff. Diffs know no sign for a change; forges
// colour a "!".
func diff(r planner.Row) []string {
	sign := "!"
	switch r.Change {
	case planner.Create:
		sign = "+"
	case planner.Delete:
		sign = "-"
	}
	line := sign
	for _, cell := range []string{r.What, r.ID, r.Place, r.Remark} {
		if cell != "" {
			line += " " + cell
		}
	}
	lines := []string{line}
	for _, f := range r.Fields {
		lines = append(lines, "      "+f)
	}
	return lines
}

// coverage is by service, as outlines name it, each sorted by consumer.
func (in Input) coverage() map[string][]Coverage {
	by := map[string][]Coverage{}
	for _, c := range in.Coverage {
		service := planner.Clean(c.Service)
		by[service] = append(by[service], c)
	}
	for _, covered := range by {
		slices.SortStableFunc(covered, func(a, b Coverage) int { return strings.Compare(a.Consumer, b.Consumer) })
	}
	return by
}

// zones shows which zones the endpoints of a service's consumers share with
// it, and says what is amiss.
func zones(covered []Coverage) string {
	if len(covered) == 0 {
		return ""
	}
	var offered, all []string
	for _, c := range covered {
		offered = append(offered, c.Offered...)
		all = append(all, c.Zones...)
	}
	all = append(all, offered...)
	slices.Sort(all)
	all = slices.Compact(all)

	var b strings.Builder
	b.WriteString("\n| zone id |")
	for _, z := range all {
		b.WriteString(" " + prose(clip(z, longest)) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat(":---:|", len(all)) + "\n")
	b.WriteString(zoneRow("*the service*", all, offered))
	for _, c := range covered {
		b.WriteString(zoneRow(prose(clip(c.Consumer, longest)), all, c.Zones))
	}
	if amiss := amiss(covered); len(amiss) > 0 {
		b.WriteString("\n" + strings.Join(amiss, "\n") + "\n")
	}
	return b.String()
}

// zoneRow marks the zones that somebody is in.
func zoneRow(who string, all, in []string) string {
	row := "| " + who + " |"
	for _, z := range all {
		mark := " "
		if slices.Contains(in, z) {
			mark = " ✓ "
		}
		row += mark + "|"
	}
	return row + "\n"
}

// amiss are the endpoints that AWS refuses, for their service is not where
// they are, and those that fall with one zone.
func amiss(covered []Coverage) []string {
	var lines []string
	for _, c := range covered {
		var outside []string
		for _, z := range c.Zones {
			if !slices.Contains(c.Offered, z) {
				outside = append(outside, z)
			}
		}
		switch {
		case len(outside) > 0:
			lines = append(lines, "- **"+prose(clip(c.Consumer, longest))+"** is in "+prose(clip(strings.Join(outside, ", "), longest))+", where the service is not")
		case len(c.Zones) == 1:
			lines = append(lines, "- **"+prose(clip(c.Consumer, longest))+"** is in one zone only, and falls with it")
		}
	}
	return lines
}
