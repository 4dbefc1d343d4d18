package planner

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Theme dresses parts of the text of a plan, for instance in a terminal's
// colours. A nil function leaves them bare.
type Theme struct {
	Heading func(string) string
	Create  func(string) string
	Update  func(string) string
	Replace func(string) string
	Delete  func(string) string
	Blocked func(string) string // and outages
	Waiting func(string) string // and other notes
	Dim     func(string) string // what may be overlooked
}

// TextOptions say how [Text] looks. The zero value is plain text of any
// width.
type TextOptions struct {
	Theme Theme
	// Width, if not 0, is where prose is wrapped and where a row drops its
	// origin rather than go on. Nothing that changes is ever cut.
	Width int
}

// Text writes the plan for people at a terminal: the steps by service and
// consumer, what is blocked and why, notes, and one line of summary.
func Text(w io.Writer, p *Plan, o TextOptions) error {
	t := &text{w: bufio.NewWriter(w), o: o}
	t.line(0, t.paint(o.Theme.Heading, heading(p)))
	for _, s := range p.Outline() {
		t.section(s)
	}
	t.obstacles(p)
	t.limits(p.Limits)
	t.notes(p.Notes)
	t.unread(p)
	t.line(0, "")
	t.line(0, t.paint(o.Theme.Heading, p.Summary()))
	t.line(0, t.paint(o.Theme.Dim, "Digest: "+p.ShortDigest()))
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("plan as text: %w", err)
	}
	return nil
}

type text struct {
	w *bufio.Writer // keeps the first error until Flush
	o TextOptions
}

func (t *text) paint(f func(string) string, s string) string {
	if f == nil || s == "" {
		return s
	}
	return f(s)
}

func (t *text) line(indent int, s string) {
	if s != "" {
		t.w.WriteString(strings.Repeat(" ", indent))
		t.w.WriteString(s)
	}
	t.w.WriteByte('\n')
}

// style is the symbol and the colour of a change.
func (t *text) style(a Action) (symbol string, paint func(string) string) {
	switch th := t.o.Theme; a {
	case Create:
		return "+", th.Create
	case Update:
		return "~", th.Update
	case Delete:
		return "-", th.Delete
	default:
		return "±", th.Replace
	}
}

func (t *text) section(s Section) {
	name := s.Service
	if name == "" {
		name = "shared"
	}
	t.line(0, "")
	t.line(0, t.paint(t.o.Theme.Heading, name))
	widths := columns(s)
	for _, g := range s.Parts {
		if g.Consumer != "" {
			t.line(2, t.paint(t.o.Theme.Heading, g.Consumer))
		}
		for _, r := range g.Rows {
			t.row(g.indent(), r, widths)
		}
	}
}

// indent is where the rows of a part begin.
func (g Part) indent() int {
	if g.Consumer == "" {
		return 2
	}
	return 4
}

// columns are the widths of what, with the indent before it, of id and of
// place.
func columns(s Section) (w [3]int) {
	for _, g := range s.Parts {
		for _, r := range g.Rows {
			w[0] = max(w[0], g.indent()+utf8.RuneCountInString(r.What))
			w[1] = max(w[1], utf8.RuneCountInString(r.ID))
			w[2] = max(w[2], utf8.RuneCountInString(r.Place))
		}
	}
	return w
}

func (t *text) row(indent int, r Row, widths [3]int) {
	symbol, paint := t.style(r.Change)
	widths[0] -= indent
	var b strings.Builder
	for i, cell := range []string{r.What, r.ID, r.Place} {
		if widths[i] > 0 {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
	}
	line := strings.TrimRight(b.String()+r.Remark, " ")
	tail := ""
	if used := indent + 2 + utf8.RuneCountInString(line) + 2 + utf8.RuneCountInString(r.Origin); r.Origin != "" && (t.o.Width == 0 || used <= t.o.Width) {
		tail = "  " + t.paint(t.o.Theme.Dim, r.Origin)
	}
	t.line(indent, t.paint(paint, symbol+" "+line)+tail)
	for _, f := range r.Fields {
		t.line(indent+4, f)
	}
}

func (t *text) obstacles(p *Plan) {
	if len(p.Blocked) == 0 {
		return
	}
	t.line(0, "")
	t.line(0, t.paint(t.o.Theme.Heading, "Blocked"))
	for _, o := range p.Obstacles() {
		t.prose(2, "! ", t.o.Theme.Blocked, Clean(o.Reason))
		for _, b := range o.Blocked {
			t.line(6, b.Text())
		}
		if o.Mend != "" {
			t.prose(4, "→ ", nil, Clean(o.Mend))
		}
	}
}

func (t *text) limits(exceeded []Exceeded) {
	if len(exceeded) == 0 {
		return
	}
	t.line(0, "")
	t.line(0, t.paint(t.o.Theme.Heading, "Over the limits"))
	for _, e := range exceeded {
		t.prose(2, "! ", t.o.Theme.Blocked, Clean(e.String()))
		t.prose(4, "→ ", nil, "apply refuses the plan without "+e.Override())
	}
}

func (t *text) notes(notes []Note) {
	for i, n := range notes {
		if i == 0 || n.Kind != notes[i-1].Kind {
			t.line(0, "")
			t.line(0, t.paint(t.o.Theme.Heading, n.Kind.Title()))
		}
		symbol, paint := "! ", t.o.Theme.Waiting
		switch n.Kind {
		case NoteOutage:
			paint = t.o.Theme.Blocked
		case NoteUnknown:
			symbol = "? "
		case NoteWaiting:
			symbol = "… "
		}
		t.prose(2, symbol, paint, Clean(n.Who())+": "+Clean(n.Text))
	}
}

func (t *text) unread(p *Plan) {
	if len(p.Unread) == 0 {
		return
	}
	t.line(0, "")
	t.line(0, t.paint(t.o.Theme.Heading, "Could not be read"))
	for _, place := range p.UnreadPlaces() {
		t.prose(2, "! ", t.o.Theme.Blocked, Clean(place.String())+": "+Clean(p.Unread[place]))
	}
}

// prose writes words after a symbol, wrapped at the width and hanging under
// the first.
func (t *text) prose(indent int, symbol string, paint func(string) string, words string) {
	for i, line := range wrap(words, t.o.Width-indent-2) {
		if i > 0 {
			symbol = "  "
		}
		t.line(indent, t.paint(paint, symbol+line))
	}
}

// wrap breaks text at spaces into lines of at most width runes, where it
// has spaces. No width is no limit.
func wrap(text string, width int) []string {
	const narrowest = 20 // below that wrapping helps nobody
	if width < narrowest {
		return []string{text}
	}
	var lines []string
	line, length := "", 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if length > 0 && length+1+n > width {
			lines = append(lines, line)
			line, length = "", 0
		}
		if length > 0 {
			line, length = line+" ", length+1
		}
		line, length = line+word, length+n
	}
	return append(lines, line)
}
