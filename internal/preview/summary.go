package preview

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// longest is how much of one text a line of the summary shows, in runes. What
// is longer comes from no fleet that people review.
const longest = 1000

// item is a line about somebody.
func item(who, text string) entry {
	return entry{text: "**" + prose(clip(strings.TrimSpace(who), longest)) + "**: " + prose(clip(text, longest))}
}

// mended is what is wrong, and the way out if there is one.
func mended(wrong, mend string) string {
	text := prose(clip(wrong, longest))
	if mend != "" {
		text += " → " + prose(clip(mend, longest))
	}
	return text
}

// notes are the plan's notes of a kind.
func (in Input) notes(kind planner.NoteKind) []entry {
	if in.Plan == nil {
		return nil
	}
	var entries []entry
	for _, n := range in.Plan.Notes {
		if n.Kind == kind {
			entries = append(entries, item(n.Who(), n.Text))
		}
	}
	return entries
}

// dangers are what reviewers must not overlook: what is cut off, what gets a
// new identity, and who is newly let in.
func (in Input) dangers() []entry {
	return slices.Concat(in.notes(planner.NoteOutage), in.losses(), in.exposures())
}

// exposures are told only of a fleet that could be loaded.
func (in Input) exposures() []entry {
	if in.Is == nil {
		return nil
	}
	return exposures(in.Was, in.Is)
}

// losses are connections cut and identities lost of which no note tells.
func (in Input) losses() []entry {
	if in.Plan == nil {
		return nil
	}
	told := map[planner.Addr]bool{}
	for _, n := range in.Plan.Notes {
		told[n.Addr] = told[n.Addr] || n.Kind == planner.NoteOutage
	}
	var entries []entry
	for _, st := range in.Plan.Steps {
		who := planner.Note{Group: st.Group(), Addr: st.Addr}.Who()
		switch {
		case told[st.Addr] || st.Action != planner.Delete:
		case isRejection(st):
			entries = append(entries, item(who, st.Addr.Kind+" "+st.Before.ID+" will be rejected"))
		case st.Replaces && goneBy(st.Addr.Kind):
			entries = append(entries, item(who, st.Addr.Kind+" "+st.Before.ID+" will be replaced: it gets a new id, and who goes by the old one is cut off"))
		}
	}
	return entries
}

// goneBy tells whether others go by the id of what is of a kind.
func goneBy(kind string) bool { return kind == "endpoint" || kind == "endpoint-service" }

// blocked is what is blocked, by reason.
func (in Input) blocked() []entry {
	if in.Plan == nil {
		return nil
	}
	var entries []entry
	for _, o := range in.Plan.Obstacles() {
		e := entry{text: mended(o.Reason, o.Mend)}
		for _, b := range o.Blocked {
			e.subs = append(e.subs, prose(clip(b.Text(), longest)))
		}
		entries = append(entries, e)
	}
	return entries
}

// limits are those that the plan goes over, with what lets it pass.
func (in Input) limits() []entry {
	if in.Plan == nil {
		return nil
	}
	var entries []entry
	for _, e := range in.Plan.Limits {
		entries = append(entries, entry{text: prose(clip(e.String(), longest)) + " → apply refuses the plan without " + code(e.Override())})
	}
	return entries
}

func (in Input) unread() []entry {
	if in.Plan == nil {
		return nil
	}
	var entries []entry
	for _, place := range in.Plan.UnreadPlaces() {
		entries = append(entries, item(place.String(), in.Plan.Unread[place]))
	}
	return entries
}

// conflicts are the files that do not merge.
func (in Input) conflicts() []entry {
	var entries []entry
	for _, name := range in.Conflicts {
		entries = append(entries, entry{text: code(clip(name, longest))})
	}
	return entries
}

// errors are why there is no plan.
func (in Input) errors() []entry {
	if in.Invalid == nil {
		return nil
	}
	var entries []entry
	for _, f := range schema.Faults(in.Invalid) {
		entries = append(entries, in.atFault(f.Pos, f.Path, f.Message, f.Mend))
	}
	if len(entries) == 0 {
		for line := range strings.Lines(in.Invalid.Error()) {
			entries = append(entries, entry{text: prose(clip(strings.TrimSpace(line), longest))})
		}
	}
	return entries
}

func (in Input) warnings() []entry {
	var entries []entry
	for _, w := range in.Warnings {
		entries = append(entries, in.atFault(w.Pos, w.Path, w.Message, w.Mend))
	}
	return entries
}

// atFault is a line about a place in the files.
func (in Input) atFault(pos schema.Pos, where, message, mend string) entry {
	if where != "" {
		message = where + ": " + message
	}
	text := mended(message, mend)
	if pos.File != "" {
		pos.File = in.inRepository(pos.File)
		text = code(clip(pos.String(), longest)) + ": " + text
	}
	return entry{text: text}
}

// inRepository is the name of one of the fleet's files in its repository.
func (in Input) inRepository(file string) string { return path.Join(in.Folder, file) }

// firstError is the first reason for which there is no plan, or no whole one;
// nil if there is none.
func (in Input) firstError() error {
	if faults := schema.Faults(in.Invalid); len(faults) > 0 {
		first := *faults[0]
		first.Mend = ""
		if first.Pos.File != "" {
			first.Pos.File = in.inRepository(first.Pos.File)
		}
		return &first
	}
	if in.Invalid != nil {
		return in.Invalid
	}
	if in.Plan != nil {
		for _, place := range in.Plan.UnreadPlaces() {
			return errors.New(place.String() + " could not be read: " + in.Plan.Unread[place])
		}
	}
	return nil
}
