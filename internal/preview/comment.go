package preview

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
)

// Comment is what a pull request is told, in markdown: what happens in one
// line; first of all outages and exposures; what is blocked; a folded section
// for each service; what is waited for; warnings; the plan's digest and the
// command that applies just this plan.
//
// It keeps to the limit. Sections are left out first: whole ones, those of the
// least consequence first. If even the rest, the summary, is too long, its
// lists are shortened. Whatever is left out is counted, and it is said where
// it stands.
func Comment(in Input, limit Limit) string {
	c := &comment{
		head: in.head(),
		lists: []*list{
			newList("Outages and exposures", in.dangers()),
			newList("Errors", in.errors()),
			newList("Conflicts", in.conflicts()),
			newList("Blocked", in.blocked()),
			newList("Over the limits", in.limits()),
			newList("Could not be read", in.unread()),
		},
		sections: in.sections(),
		after: []*list{
			newList("Waiting", in.notes(planner.NoteWaiting)),
			newList("Unknown connections", in.notes(planner.NoteUnknown)),
			newList("Warnings", slices.Concat(in.notes(planner.NoteWarning), in.warnings())),
		},
		rest: in.rest(),
		foot: in.foot(),
	}
	if limit.N != 0 {
		c.fit(Limit{max(limit.N, LeastLimit), limit.Unit})
	}
	return c.String()
}

// A comment is what Comment has put together.
type comment struct {
	head     string
	lists    []*list // most urgent first
	sections []*section
	after    []*list
	rest     string // where the rest is, if something is left out
	foot     string
}

// A section is what concerns one service.
type section struct {
	name    string
	rank    int // of consequence; 0 is the gravest
	steps   int
	text    string
	leftOut bool
}

// String is the comment with what is not left out of it.
func (c *comment) String() string {
	var b strings.Builder
	b.WriteString(c.head)
	for _, l := range c.lists {
		b.WriteString(l.String())
	}
	for _, s := range c.sections {
		if !s.leftOut {
			b.WriteString(s.text)
		}
	}
	for _, l := range c.after {
		b.WriteString(l.String())
	}
	b.WriteString(c.missing())
	b.WriteString(c.foot)
	return b.String()
}

// missing says what is left out.
func (c *comment) missing() string {
	lines, sections, steps := 0, 0, 0
	for _, l := range c.all() {
		lines += l.leftOut()
	}
	for _, s := range c.sections {
		if s.leftOut {
			sections, steps = sections+1, steps+s.steps
		}
	}
	var parts []string
	if sections > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s with %s", sections, count(len(c.sections), "section"), count(steps, "change")))
	}
	if lines > 0 {
		parts = append(parts, count(lines, "line")+" of the lists")
	}
	if len(parts) == 0 {
		return ""
	}
	return "\n**Left out here, for want of room: " + strings.Join(parts, ", and ") + ".** " + c.rest + "\n"
}

// all are the lists, most urgent first.
func (c *comment) all() []*list { return slices.Concat(c.lists, c.after) }

// fit leaves out what there is no room for.
func (c *comment) fit(limit Limit) {
	size := limit.Unit.of
	if size(c.String()) <= limit.N {
		return
	}
	room := limit.N - size(c.head) - size(c.foot) - c.longestMissing(size)
	for _, l := range c.all() {
		room -= size(l.String())
	}
	for _, fewest := range []int{3, 0} {
		for _, l := range slices.Backward(c.all()) {
			if room < 0 {
				room += l.shorten(size(l.String())+room, min(fewest, l.shown), size)
			}
		}
	}
	for _, s := range c.sections {
		n := size(s.text)
		if s.leftOut = n > room; !s.leftOut {
			room -= n
		}
	}
}

// longestMissing is how long the line of what is left out can become: as if
// everything were.
func (c *comment) longestMissing(size func(string) int) int {
	empty := &comment{rest: c.rest}
	for _, s := range c.sections {
		empty.sections = append(empty.sections, &section{steps: s.steps, leftOut: true})
	}
	for _, l := range c.all() {
		empty.lists = append(empty.lists, &list{entries: l.entries})
	}
	return size(empty.missing())
}

// shorten makes a list fit, if it can with no less than fewest lines, and
// tells how much shorter it has become.
func (l *list) shorten(room, fewest int, size func(string) int) int {
	before := size(l.String())
	tooMany := sort.Search(l.shown-fewest, func(i int) bool { return size(l.with(fewest+i+1)) > room })
	l.shown = fewest + tooMany
	return before - size(l.String())
}

// foot is the digest, and how to apply just this.
func (in Input) foot() string {
	p := in.Plan
	if p == nil {
		return ""
	}
	digest := p.Digest()
	foot := fmt.Sprintf("\nDigest: `%s`\n", digest)
	command := in.command(digest)
	const longest = 1000 // what is longer is nobody's folder
	if len(p.Steps) == 0 || len(command) > longest {
		return foot
	}
	ticks := fence([]string{command})
	return foot + "\nThis applies exactly this plan, and refuses any other:\n\n" + ticks + "sh\n" + command + "\n" + ticks + "\n"
}

// command applies the plan, unless something has changed since.
func (in Input) command(digest string) string {
	words := []string{"linkfleet", "apply", "--expect", digest}
	for _, t := range in.Plan.Targets {
		words = append(words, "--target", t.Target())
	}
	return Command(append(words, in.Apply...)...)
}

// rest says where what is left out can be read.
func (in Input) rest() string {
	const longest = 1000 // which leaves room for something to tell
	address := link(in.MoreURL)
	switch {
	case address != "" && len(address) <= longest:
		return "The rest: " + address
	case in.Plan == nil:
		return "`linkfleet validate` prints the rest."
	default:
		return "`linkfleet plan` prints the rest."
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sortSections puts the gravest first.
func sortSections(sections []*section) {
	slices.SortFunc(sections, func(a, b *section) int {
		return cmp.Or(a.rank-b.rank, strings.Compare(a.name, b.name))
	})
}
