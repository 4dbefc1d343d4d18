package planner

import (
	"cmp"
	"slices"
	"strings"
)

// A Section is what a plan does for one service, as people read it. All texts
// of an outline are as [Clean] leaves them.
type Section struct {
	Service string // "" is what no single service owns
	Parts   []Part
}

// A Part of a section is what concerns one consumer.
type Part struct {
	Consumer string // "" is the service's own side
	Rows     []Row
}

// A Row is one change.
type Row struct {
	Change Action // as in [Step.Change]
	What   string // "endpoint", "listener https"
	ID     string // shortened; "" before a create
	Place  string
	Remark string // a verb of the kind's own, the order of a replacement
	Origin string
	Fields []string // differences, one line each
}

// Outline is the plan by service, then consumer, one row for each change. In
// a part they keep their order.
func (p *Plan) Outline() []Section {
	olds := map[Addr]Step{}
	for _, s := range p.Steps {
		if s.Replaces && s.Action == Delete {
			olds[s.Addr] = s
		}
	}
	byGroup := map[Group][]Row{}
	for _, s := range p.Steps {
		if s.Change() != "" {
			byGroup[s.Group()] = append(byGroup[s.Group()], newRow(s, olds[s.Addr]))
		}
	}
	var groups []Group
	for g := range byGroup {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Consumer, b.Consumer))
	})
	var sections []Section
	for i, g := range groups {
		if i == 0 || g.Service != groups[i-1].Service {
			sections = append(sections, Section{Service: Clean(g.Service)})
		}
		last := &sections[len(sections)-1]
		last.Parts = append(last.Parts, Part{Clean(g.Consumer), byGroup[g]})
	}
	return sections
}

// newRow is the row of s; old is the deleting half if s is a replacement.
func newRow(s, old Step) Row {
	r := Row{
		Change: s.Change(),
		What:   what(s.Addr, s.Group()),
		ID:     shortID(cmp.Or(s.Before.ID, old.ID)),
		Place:  Clean(s.Addr.Place.String()),
		Origin: Clean(s.After.Origin),
		Fields: fieldLines(s.Fields),
	}
	switch {
	case s.Replaces && slices.Contains(s.WaitsFor, old.StepKey):
		r.Remark = "replace: the old goes first"
	case s.Replaces && old.ID != "":
		r.Remark = "replace: the old goes last"
	case s.Replaces:
		r.Remark = "replace"
	case s.Verb != string(s.Action):
		r.Remark = Clean(s.Verb)
	}
	return r
}

// what names a resource where its group stands above it: the kind, and of
// the name what the group does not say.
func what(a Addr, g Group) string {
	name := a.Name
	for _, part := range []string{g.Service, g.Consumer} {
		if part == "" {
			continue
		}
		if name == part {
			name = ""
		}
		name = strings.TrimPrefix(name, part+"/")
	}
	return Clean(strings.TrimSpace(a.Kind + " " + name))
}

// shortID is an id as short as it stays telling: of an ARN the part that
// names the resource.
func shortID(id string) string {
	if parts := strings.SplitN(id, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		id = parts[5]
	}
	id = Clean(id)
	const most = 40
	if runes := []rune(id); len(runes) > most {
		return string(runes[:most/2]) + "…" + string(runes[len(runes)-most/2+1:])
	}
	return id
}

// fieldLines are the differences, one line each; sets and long texts take a
// line for each element.
func fieldLines(fields []Field) []string {
	var lines []string
	for _, f := range fields {
		path := Clean(f.Path)
		remark := ""
		if f.Replace {
			remark = "  (forces the replacement)"
		}
		before, after := shown(f.Before), shown(f.After)
		const long = 100
		switch {
		case len(f.Removed)+len(f.Added) > 0:
			lines = append(lines, path+":"+remark)
			lines = append(lines, signed(f.Removed, f.Added)...)
		case len(before)+len(after) > long:
			lines = append(lines, path+":"+remark, "  - "+before, "  + "+after)
		default:
			lines = append(lines, path+": "+before+" → "+after+remark)
		}
	}
	return lines
}

func signed(removed, added []string) []string {
	var lines []string
	for _, e := range removed {
		lines = append(lines, "  - "+shown(e))
	}
	for _, e := range added {
		lines = append(lines, "  + "+shown(e))
	}
	return lines
}

func shown(text string) string {
	if text == "" {
		return `""`
	}
	return Clean(text)
}

// An Obstacle is one reason with all that it blocks.
type Obstacle struct {
	Cause        Cause
	Reason, Mend string
	Blocked      []Blocked
}

// Obstacles puts together what is blocked for one reason, causes that have
// others before those: a chain is read from its root.
func (p *Plan) Obstacles() []Obstacle {
	var list []Obstacle
	index := map[[3]string]int{}
	for _, b := range p.Blocked {
		key := [3]string{string(b.Cause), b.Reason, b.Mend}
		i, ok := index[key]
		if !ok {
			i = len(list)
			index[key] = i
			list = append(list, Obstacle{Cause: b.Cause, Reason: b.Reason, Mend: b.Mend})
		}
		list[i].Blocked = append(list[i].Blocked, b)
	}
	slices.SortStableFunc(list, func(a, b Obstacle) int { return a.Cause.weight() - b.Cause.weight() })
	return list
}

func (c Cause) weight() int {
	return slices.Index([]Cause{CauseRefused, CauseCycle, CauseUnread, CauseDepends}, c)
}

// Text is the step that is blocked, or the resource if it is not known what
// would have to be done.
func (b Blocked) Text() string {
	text := b.Addr.String()
	if b.ID != "" {
		text += " (" + b.ID + ")"
	}
	if verb := cmp.Or(b.Verb, string(b.Action)); verb != "" {
		text = verb + " " + text
	}
	return Clean(text)
}

// Title is what stands over notes of the kind.
func (k NoteKind) Title() string {
	switch k {
	case NoteOutage:
		return "Outages"
	case NoteWarning:
		return "Warnings"
	case NoteUnknown:
		return "Unknown connections"
	case NoteWaiting:
		return "Waiting"
	default:
		return "Notes"
	}
}

// Who is whom the note is about: a service, a consumer of it, or a resource.
func (n Note) Who() string {
	g := n.Group
	switch {
	case g.Service != "" && g.Consumer != "":
		return g.Service + "/" + g.Consumer
	case g.Service != "":
		return g.Service
	default:
		return n.Addr.String()
	}
}

// heading is the first line of a plan.
func heading(p *Plan) string {
	if p.Commit == "" {
		return "Fleet " + Clean(p.Fleet)
	}
	commit := []rune(Clean(p.Commit))
	return "Fleet " + Clean(p.Fleet) + " at commit " + string(commit[:min(len(commit), 12)])
}
