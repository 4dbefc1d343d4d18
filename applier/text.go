package applier

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/linkfleet/linkfleet/planner"
)

// blocked is, in text, the state of a step the plan would not take.
const blocked State = "blocked"

// TextOptions say how a report is written as text. The zero value is plain
// and in full.
type TextOptions struct {
	// Terse leaves out the steps that are done.
	Terse bool
	// Paint, if set, wraps the word for a state in colour. What it adds must
	// have no width.
	Paint func(s State, word string) string
}

// Text writes the report as an aligned table, a line for each step in the
// order of the plan and for each blocked one, and the summary below it.
func Text(w io.Writer, r *Report, o TextOptions) error {
	b := bufio.NewWriter(w)
	rows := r.rows(o.Terse)
	var widths [4]int
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], utf8.RuneCountInString(row.cells[i]))
		}
	}
	for _, row := range rows {
		b.WriteString(row.line(widths, o.Paint))
	}
	if len(rows) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(r.Summary() + "\n")
	return b.Flush()
}

// A row is a line of the table: state, action, address, time taken, and a
// note of any width.
type row struct {
	state State
	cells [4]string
	note  string
}

func (r row) line(widths [4]int, paint func(State, string) string) string {
	var b strings.Builder
	b.WriteByte(' ')
	for i, cell := range r.cells {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		switch {
		case i == 0 && paint != nil:
			cell = paint(r.state, cell) + pad
		case i == 3: // numbers stand to the right
			cell = pad + cell
		default:
			cell += pad
		}
		b.WriteString(" " + cell + " ")
	}
	return strings.TrimRight(b.String()+" "+r.note, " ") + "\n"
}

func (r *Report) rows(terse bool) []row {
	var rows []row
	for _, res := range r.Results {
		if terse && res.State == Done {
			continue
		}
		took := ""
		if res.State != Skipped && res.State != NotStarted {
			took = brief(res.Took)
		}
		rows = append(rows, newRow(res.State, res.StepKey, took, res.note()))
	}
	for _, x := range r.Blocked {
		note := x.Reason
		if x.Mend != "" {
			note += "; " + x.Mend
		}
		rows = append(rows, newRow(blocked, x.StepKey, "", oneLine(note)))
	}
	return rows
}

func newRow(s State, k planner.StepKey, took, note string) row {
	return row{
		state: s,
		cells: [4]string{s.words(), string(k.Action), planner.Clean(k.Addr.String()), took},
		note:  planner.Clean(note),
	}
}

// note is what a reader wants to know beside the state: what was made, what
// went wrong, what it hung on.
func (r Result) note() string {
	switch r.State {
	case Failed:
		return strings.TrimPrefix(oneLine(r.Err.Error()), r.Addr.String()+": ")
	case Skipped:
		return "because of " + r.Because.Addr.String()
	case Unfinished:
		if r.Because != nil {
			return fmt.Sprintf("%s, because of %s", r.Reason, r.Because.Addr)
		}
		return r.Reason
	case Done:
		if r.Action == planner.Delete {
			return r.ID
		}
		return r.Made
	}
	return ""
}
