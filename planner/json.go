package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"
)

// Format names the form that [JSON] writes. The number goes up when a field
// is taken away or changes its meaning; new fields may come without.
const Format = "linkfleet.plan/1"

// MarshalJSON writes a known value as its text, and a reference as an object
// of the address it points to, the output's name, and what must stand too.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.IsRef() {
		return json.Marshal(v.Known)
	}
	ref := struct {
		From string   `json:"from"`
		Out  string   `json:"out"`
		With []string `json:"with,omitempty"`
	}{From: v.From.String(), Out: v.Out}
	for _, w := range v.With {
		ref.With = append(ref.With, w.String())
	}
	return json.Marshal(ref)
}

type planJSON struct {
	Format  string       `json:"format"`
	Fleet   string       `json:"fleet"`
	Commit  string       `json:"commit,omitempty"`
	Digest  string       `json:"digest"`
	Summary summaryJSON  `json:"summary"`
	Steps   []stepJSON   `json:"steps"`
	Blocked []Blocked    `json:"blocked"`
	Limits  []Exceeded   `json:"limits"`
	Targets []string     `json:"targets,omitempty"`
	Shard   string       `json:"shard,omitempty"`
	Notes   []Note       `json:"notes"`
	Unread  []unreadJSON `json:"unread"`
	Facts   []Fact       `json:"facts"`
}

type summaryJSON struct {
	Changes
	Blocked   int    `json:"blocked"`
	Unchanged int    `json:"unchanged"`
	Text      string `json:"text"`
}

type stepJSON struct {
	StepKey
	Verb     string      `json:"verb"`
	Replaces bool        `json:"replaces,omitempty"`
	Group    Group       `json:"group"`
	Origin   string      `json:"origin,omitempty"`
	Fields   []Field     `json:"fields,omitempty"`
	Before   *beforeJSON `json:"before,omitempty"`
	After    *afterJSON  `json:"after,omitempty"`
	WaitsFor []StepKey   `json:"waitsFor,omitempty"`
}

type beforeJSON struct {
	ID      string  `json:"id"`
	Outputs Outputs `json:"outputs,omitempty"`
	Spec    any     `json:"spec"`
}

type afterJSON struct {
	Spec any `json:"spec"`
}

type unreadJSON struct {
	Place  Place  `json:"place"`
	Reason string `json:"reason"`
}

// JSON writes the whole plan in the form of [Format], which docs/plan-json.md
// describes. Equal plans give equal bytes.
func JSON(w io.Writer, p *Plan) error {
	form := planJSON{
		Format: Format, Fleet: p.Fleet, Commit: p.Commit, Digest: p.Digest(),
		Summary: summaryJSON{Changes: p.Changes(), Blocked: len(p.Blocked), Unchanged: p.Unchanged, Text: p.Summary()},
		Shard:   p.Shard,
		Steps:   []stepJSON{},
		Blocked: orEmpty(p.Blocked),
		Limits:  orEmpty(p.Limits),
		Notes:   orEmpty(p.Notes),
		Unread:  []unreadJSON{},
		Facts:   orEmpty(p.Facts),
	}
	for _, t := range p.Targets {
		form.Targets = append(form.Targets, t.Target())
	}
	for _, s := range p.Steps {
		form.Steps = append(form.Steps, s.json())
	}
	for _, place := range p.UnreadPlaces() {
		form.Unread = append(form.Unread, unreadJSON{place, p.Unread[place]})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(form); err != nil {
		return fmt.Errorf("plan as JSON: %w", err)
	}
	if _, err := w.Write(PlainJSON(b.Bytes())); err != nil {
		return fmt.Errorf("plan as JSON: %w", err)
	}
	return nil
}

func (s Step) json() stepJSON {
	j := stepJSON{
		StepKey: s.StepKey, Verb: s.Verb, Replaces: s.Replaces, Group: s.Group(),
		Origin: s.After.Origin, Fields: s.Fields, WaitsFor: s.WaitsFor,
	}
	if s.Action != Create {
		j.Before = &beforeJSON{ID: s.Before.ID, Outputs: s.Before.Outputs, Spec: s.Before.Spec}
	}
	if s.Action != Delete {
		j.After = &afterJSON{Spec: s.After.Spec}
	}
	return j
}

// orEmpty makes a list that is empty rather than null in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// UnreadPlaces are the places that could not be read, sorted.
func (p *Plan) UnreadPlaces() []Place { return unreadPlaces(p.Unread) }

func unreadPlaces(unread map[Place]string) []Place {
	places := make([]Place, 0, len(unread))
	for p := range unread {
		places = append(places, p)
	}
	slices.SortFunc(places, Place.Compare)
	return places
}

// utf16Of is r as JSON escapes it.
func utf16Of(r rune) []uint16 { return utf16.AppendRune(nil, r) }
