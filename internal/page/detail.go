package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/planner"
)

// stepsShown bounds a run's page, which a browser must bear.
const stepsShown = 1000

// A detail is what the page of a run shows.
type detail struct {
	runLine
	Title         string
	Refresh       bool
	Fleet         string
	Ref           string
	Pull          int
	Ended         when
	Hash, Digest  string
	Summary       string
	Interrupted   string
	Steps         []stepLine
	MoreSteps     int
	Blocked       []blockedLine
	Notes, Unread []factLine
	Garbled       bool // what was kept of it cannot be read
	Now           when
}

// A stepLine is one step, and what became of it.
type stepLine struct {
	Verb, Address, ID   string
	Fields              []fieldLine
	State, Tone, Detail string
	Took                string
}

// A fieldLine is what changes of a resource.
type fieldLine struct {
	Path, Before, After string
	Replace             bool
}

// A blockedLine is what must not be done.
type blockedLine struct{ Verb, Address, Reason, Mend string }

// A factLine is a note, or a place that could not be read.
type factLine struct{ Kind, What, Text string }

// What a run keeps: the plan in the form of planner.JSON, and the report in
// that of applier.JSON, as far as they are shown.
type record struct {
	Plan *struct {
		Summary struct {
			Text string `json:"text"`
		} `json:"summary"`
		Steps []struct {
			planner.StepKey
			Verb   string          `json:"verb"`
			Fields []planner.Field `json:"fields"`
		} `json:"steps"`
		Blocked []planner.Blocked `json:"blocked"`
		Notes   []planner.Note    `json:"notes"`
		Unread  []struct {
			Place  planner.Place `json:"place"`
			Reason string        `json:"reason"`
		} `json:"unread"`
	} `json:"plan"`
	Report *struct {
		Interrupted string   `json:"interrupted"`
		Steps       []result `json:"steps"`
	} `json:"report"`
}

type result struct {
	planner.StepKey
	State   string  `json:"state"`
	Made    string  `json:"made"`
	Reason  string  `json:"reason"`
	Error   string  `json:"error"`
	Seconds float64 `json:"seconds"`
}

func (p *pages) detail(r ledger.Run, saw ledger.DriftCount) *detail {
	d := &detail{runLine: p.runLine(r, saw), Title: fmt.Sprintf("Run %d · %s", r.ID, r.Fleet), Fleet: r.Fleet,
		Ref: r.Ref, Pull: r.Pull, Ended: p.at(r.Ended), Hash: r.Commit, Digest: r.Digest, Now: p.at(p.now())}
	var rec record
	if len(r.Report) > 0 {
		d.Garbled = json.Unmarshal(r.Report, &rec) != nil
	}
	d.steps(rec)
	if rec.Report != nil {
		d.Interrupted = rec.Report.Interrupted
	}
	if rec.Plan == nil {
		return d
	}
	d.Summary = rec.Plan.Summary.Text
	for _, b := range rec.Plan.Blocked {
		d.Blocked = append(d.Blocked, blockedLine{b.Verb, b.Addr.String(), b.Reason, b.Mend})
	}
	for _, n := range rec.Plan.Notes {
		d.Notes = append(d.Notes, factLine{string(n.Kind), n.Addr.String(), n.Text})
	}
	for _, u := range rec.Plan.Unread {
		d.Unread = append(d.Unread, factLine{"unread", u.Place.String(), u.Reason})
	}
	return d
}

// steps are those planned with what became of them, and those that came later:
// connections that appeared meanwhile.
func (d *detail) steps(rec record) {
	became := map[planner.StepKey]result{}
	if rec.Report != nil {
		for _, r := range rec.Report.Steps {
			became[r.StepKey] = r
		}
	}
	planned := map[planner.StepKey]bool{}
	if rec.Plan != nil {
		for _, s := range rec.Plan.Steps {
			planned[s.StepKey] = true
			line := stepLine{Verb: cmp.Or(s.Verb, string(s.Action)), Address: s.Addr.String(), ID: s.ID}
			for _, f := range s.Fields {
				line.Fields = append(line.Fields, fieldOf(f))
			}
			d.add(line, became[s.StepKey])
		}
	}
	if rec.Report == nil {
		return
	}
	for _, r := range rec.Report.Steps {
		if !planned[r.StepKey] {
			d.add(stepLine{Verb: string(r.Action), Address: r.Addr.String(), ID: r.ID}, r)
		}
	}
}

func (d *detail) add(line stepLine, r result) {
	if len(d.Steps) == stepsShown {
		d.MoreSteps++
		return
	}
	line.State = cmp.Or(strings.ReplaceAll(r.State, "-", " "), "planned")
	line.Detail = cmp.Or(r.Error, r.Reason)
	if r.Seconds > 0 {
		line.Took = took(time.Duration(r.Seconds * float64(time.Second)))
	}
	switch r.State {
	case "done":
		line.Tone = string(ok)
	case "failed":
		line.Tone = string(isBlocked)
	case "unfinished":
		line.Tone = string(waiting)
	default:
		line.Tone = string(unknown)
	}
	d.Steps = append(d.Steps, line)
}

// fieldOf puts what is added to and removed from a list beside what changes.
func fieldOf(f planner.Field) fieldLine {
	line := fieldLine{Path: f.Path, Before: f.Before, After: f.After, Replace: f.Replace}
	if len(f.Removed)+len(f.Added) > 0 {
		line.Before, line.After = strings.Join(f.Removed, ", "), strings.Join(f.Added, ", ")
	}
	return line
}
