package main

import (
	"fmt"
	"io"

	"github.com/fatih/color"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/preview"
	"github.com/linkfleet/linkfleet/planner"
)

// showPlan writes a plan for people, in colour and to the width of the
// terminal if w is one.
func (a *app) showPlan(w io.Writer, p *planner.Plan) error {
	return planner.Text(w, p, planner.TextOptions{Theme: a.theme(w), Width: a.width(w)})
}

func (a *app) theme(w io.Writer) planner.Theme {
	return planner.Theme{
		Heading: a.paint(w, color.Bold),
		Create:  a.paint(w, color.FgGreen),
		Update:  a.paint(w, color.FgYellow),
		Replace: a.paint(w, color.FgMagenta),
		Delete:  a.paint(w, color.FgRed),
		Blocked: a.paint(w, color.FgRed, color.Bold),
		Waiting: a.paint(w, color.FgCyan),
		Dim:     a.paint(w, color.Faint),
	}
}

// showReport writes a report for people.
func (a *app) showReport(w io.Writer, r *applier.Report) error {
	bad, good := a.paint(w, color.FgRed), a.paint(w, color.FgGreen)
	options := applier.TextOptions{}
	if bad != nil {
		options.Paint = func(s applier.State, word string) string {
			if s == applier.Done {
				return good(word)
			}
			return bad(word)
		}
	}
	return applier.Text(w, r, options)
}

// writePlan writes a plan in a format that --format names.
func (a *app) writePlan(w io.Writer, p *planner.Plan, format string) error {
	switch format {
	case "json":
		return planner.JSON(w, p)
	case "markdown":
		if _, err := io.WriteString(w, preview.Comment(preview.Input{Plan: p}, preview.Limit{})); err != nil {
			return fmt.Errorf("plan as markdown: %w", err)
		}
		return nil
	default:
		return a.showPlan(w, p)
	}
}

// checkFormat refuses a --format that is none of those a command has.
func checkFormat(format string, has ...string) error {
	for _, one := range has {
		if format == one {
			return nil
		}
	}
	return fmt.Errorf("--format %q is not one of %s", format, list(has))
}
