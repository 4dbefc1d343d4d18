package planner

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// MarkdownOptions say how [Markdown] writes.
type MarkdownOptions struct {
	// Limit is how many bytes the text may have; forges refuse comments that
	// are too long (GitHub's limit is 65,536 characters). Steps are left out
	// from the end and counted. The summary and the digest are never left
	// out, so a Limit under some 1,000 is not kept. 0 is no limit.
	Limit int
}

// Markdown writes the plan for a pull request: counts, outages and what is
// blocked first, then the steps of each service, folded, and the digest.
func Markdown(w io.Writer, p *Plan, o MarkdownOptions) error {
	foot := fmt.Sprintf("\nDigest: `%s`\n", p.Digest())
	m := &markdownWriter{limit: o.Limit - len(foot) - len(leftOut(math.MaxInt)), unlimited: o.Limit == 0}
	m.b.WriteString(markdownHead(p))
	m.notes(p.Notes, NoteOutage)
	m.obstacles(p)
	m.limits(p.Limits)
	for _, kind := range []NoteKind{NoteWarning, NoteUnknown, NoteWaiting} {
		m.notes(p.Notes, kind)
	}
	m.unread(p)
	for _, s := range p.Outline() {
		m.section(s)
	}
	if m.leftOut > 0 {
		m.b.WriteString(leftOut(m.leftOut))
	}
	m.b.WriteString(foot)
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("plan as markdown: %w", err)
	}
	return nil
}

func markdownHead(p *Plan) string {
	c := p.Changes()
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n%s\n", markdown(heading(p)), markdown(p.Summary()))
	if c.Total()+len(p.Blocked) > 0 {
		fmt.Fprintf(&b, "\n| create | change | replace | delete | blocked | as it should be |\n")
		fmt.Fprintf(&b, "|---:|---:|---:|---:|---:|---:|\n")
		fmt.Fprintf(&b, "| %d | %d | %d | %d | %d | %d |\n", c.Create, c.Update, c.Replace, c.Delete, len(p.Blocked), p.Unchanged)
	}
	return b.String()
}

// A markdownWriter keeps within a limit.
type markdownWriter struct {
	b         strings.Builder
	limit     int
	unlimited bool
	leftOut   int // lines
}

// block writes head, as many of the lines as there is room for, and tail;
// nothing at all if there is room for no line.
func (m *markdownWriter) block(head string, lines []string, tail string) {
	fit := len(lines)
	if !m.unlimited {
		fit = fitting(lines, m.limit-m.b.Len()-len(head)-len(tail))
	}
	m.leftOut += len(lines) - fit
	if fit == 0 {
		return
	}
	m.b.WriteString(head)
	for _, l := range lines[:fit] {
		m.b.WriteString(l + "\n")
	}
	m.b.WriteString(tail)
}

// fitting is how many lines have room.
func fitting(lines []string, room int) int {
	for i, l := range lines {
		if room -= len(l) + 1; room < 0 {
			return i
		}
	}
	return len(lines)
}

func leftOut(n int) string {
	return fmt.Sprintf("\n**Lines left out, because this comment has no room for more: %d.**\n", n)
}

func (m *markdownWriter) notes(notes []Note, kind NoteKind) {
	var lines []string
	for _, n := range notes {
		if n.Kind == kind {
			lines = append(lines, "- **"+markdown(n.Who())+"**: "+markdown(n.Text))
		}
	}
	if len(lines) > 0 {
		m.block("\n#### "+kind.Title()+"\n\n", lines, "")
	}
}

func (m *markdownWriter) obstacles(p *Plan) {
	if len(p.Blocked) == 0 {
		return
	}
	var lines []string
	for _, o := range p.Obstacles() {
		line := "- " + markdown(o.Reason)
		if o.Mend != "" {
			line += " → " + markdown(o.Mend)
		}
		lines = append(lines, line)
		for _, b := range o.Blocked {
			lines = append(lines, "  - "+markdown(b.Text()))
		}
	}
	m.block("\n#### Blocked\n\n", lines, "")
}

func (m *markdownWriter) limits(exceeded []Exceeded) {
	var lines []string
	for _, e := range exceeded {
		lines = append(lines, "- "+markdown(e.String())+" → apply refuses the plan without `"+e.Override()+"`")
	}
	if len(lines) > 0 {
		m.block("\n#### Over the limits\n\n", lines, "")
	}
}

func (m *markdownWriter) unread(p *Plan) {
	var lines []string
	for _, place := range p.UnreadPlaces() {
		lines = append(lines, "- "+markdown(place.String())+": "+markdown(p.Unread[place]))
	}
	if len(lines) > 0 {
		m.block("\n#### Could not be read\n\n", lines, "")
	}
}

// section folds a service's steps into a block of code, where nothing is
// markup, and forges colour what is added and removed.
func (m *markdownWriter) section(s Section) {
	name := s.Service
	if name == "" {
		name = "shared"
	}
	var lines []string
	rows := 0
	for _, g := range s.Parts {
		if g.Consumer != "" {
			lines = append(lines, "# "+g.Consumer)
		}
		for _, r := range g.Rows {
			lines = append(lines, r.diffLines()...)
			rows++
		}
	}
	ticks := fence(lines)
	head := fmt.Sprintf("\n<details><summary>%s: %s</summary>\n\n%sdiff\n", markdown(name), count(rows, "change"), ticks)
	m.block(head, lines, ticks+"\n\n</details>\n")
}

// diffLines is the row as lines of a diff. Diffs know no sign for a change;
// forges colour a "!".
func (r Row) diffLines() []string {
	sign := map[Action]string{Create: "+", Delete: "-"}[r.Change]
	if sign == "" {
		sign = "!"
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
