package preview

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// reject is the verb of a delete that cuts a connection.
const reject = "reject"

// outcome is what a pull request comes to, in a few words of plain text.
func (in Input) outcome() string {
	switch {
	case len(in.Conflicts) > 0:
		return fmt.Sprintf("conflicts with %s in %s", cmp.Or(in.Base, "its base"), count(len(in.Conflicts), "file"))
	case in.Invalid != nil:
		if n := len(schema.Faults(in.Invalid)); n > 0 {
			return count(n, "error") + " in its files"
		}
		return "could not be loaded"
	case in.Plan != nil:
		return planOutcome(in.Plan)
	case in.Is != nil:
		return "its files are valid; nothing was planned"
	default:
		return "being planned"
	}
}

// planOutcome is what a plan does and does not do.
func planOutcome(p *planner.Plan) string {
	parts := []string{changes(p)}
	if n := len(p.Blocked); n > 0 {
		parts = append(parts, fmt.Sprintf("%d blocked", n))
	}
	if len(p.Limits) > 0 {
		parts = append(parts, "over the limits")
	}
	if n := len(p.Unread); n > 0 {
		parts = append(parts, count(n, "place")+" could not be read")
	}
	return strings.Join(parts, "; ")
}

// changes counts what is done, and is silent about what is not.
func changes(p *planner.Plan) string {
	c, rejected := p.Changes(), rejections(p)
	var parts []string
	for _, one := range []struct {
		n    int
		verb string
	}{{c.Create, "create"}, {c.Update, "change"}, {c.Replace, "replace"}, {c.Delete - rejected, "delete"}, {rejected, reject}} {
		if one.n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", one.n, one.verb))
		}
	}
	if len(parts) == 0 {
		return "no changes"
	}
	return strings.Join(parts, ", ")
}

// rejections counts the connections that are cut.
func rejections(p *planner.Plan) int {
	n := 0
	for _, st := range p.Steps {
		if isRejection(st) {
			n++
		}
	}
	return n
}

func isRejection(st planner.Step) bool { return st.Change() == planner.Delete && st.Verb == reject }

// head is the title, and what the plan is of.
func (in Input) head() string {
	var b strings.Builder
	b.WriteString("### " + prose("Fleet "+clip(in.fleet(), 80)+": "+clip(in.outcome(), 200)) + "\n")
	if about := in.about(); about != "" {
		b.WriteString("\n" + about + "\n")
	}
	return b.String()
}

func (in Input) fleet() string {
	if in.Fleet == "" && in.Plan != nil {
		return in.Plan.Fleet
	}
	return in.Fleet
}

func (in Input) commit() string {
	commit := in.Commit
	if commit == "" && in.Plan != nil {
		commit = in.Plan.Commit
	}
	return string([]rune(commit)[:min(len([]rune(commit)), 12)])
}

// about are a few sentences: what was planned, and how.
func (in Input) about() string {
	var sentences []string
	if at := in.source(); at != "" {
		sentences = append(sentences, at)
	}
	if in.Confined {
		sentences = append(sentences, "It comes from a fork: its files were evaluated without credentials and without a network.")
	}
	if p := in.Plan; p != nil {
		if len(p.Targets) > 0 {
			sentences = append(sentences, "Only "+prose(clip(targets(p), 200))+" and what it needs.")
		}
		if p.Unchanged > 0 {
			sentences = append(sentences, "As the fleet says already: "+count(p.Unchanged, "resource")+".")
		}
	}
	if len(in.Conflicts) > 0 {
		sentences = append(sentences, "Merge "+base(in)+" into it, or rebase it, and push: only what would be merged is planned.")
	}
	return strings.Join(sentences, " ")
}

// source is what was planned: "Planned: pull request 12, merged into `main`, at
// commit `3fa9c1d2b0aa`."
func (in Input) source() string {
	var words []string
	if in.Pull != 0 {
		words = append(words, fmt.Sprintf("pull request %d", in.Pull))
	}
	if in.Base != "" && len(in.Conflicts) == 0 {
		words = append(words, "merged into "+base(in))
	}
	if commit := in.commit(); commit != "" {
		words = append(words, "at commit "+code(commit))
	}
	if len(words) == 0 {
		return ""
	}
	return "Planned: " + strings.Join(words, ", ") + "."
}

func targets(p *planner.Plan) string {
	var names []string
	for _, t := range p.Targets {
		names = append(names, t.Target())
	}
	return strings.Join(names, ", ")
}

// base is the branch that is merged into.
func base(in Input) string {
	if in.Base == "" {
		return "its base"
	}
	return code(clip(in.Base, 80))
}
