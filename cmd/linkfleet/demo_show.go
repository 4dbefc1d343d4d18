package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fatih/color"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A narrator tells the demo: headings, a few indented lines below each, and
// what was checked.
type narrator struct {
	a   *app
	w   io.Writer
	act int

	bold, dim, good, bad, warm func(string) string
}

// widest is how wide the demo's lines get, however wide the terminal.
const widest = 100

// margin is before every line but headings.
const margin = "   "

func (a *app) newNarrator() *narrator {
	paint := func(attributes ...color.Attribute) func(string) string {
		if f := a.paint(a.stdout, attributes...); f != nil {
			return f
		}
		return func(s string) string { return s }
	}
	return &narrator{
		a: a, w: a.stdout,
		bold: paint(color.Bold), dim: paint(color.Faint), good: paint(color.FgGreen),
		bad: paint(color.FgRed, color.Bold), warm: paint(color.FgYellow),
	}
}

// width is how many characters a line has after the margin.
func (n *narrator) width() int {
	width := n.a.width(n.w)
	if width <= 0 || width > widest {
		width = widest
	}
	return width - len(margin)
}

// title begins the demo.
func (n *narrator) title(text string) { fmt.Fprintf(n.w, "\n%s\n", n.bold(text)) }

// heading begins an act.
func (n *narrator) heading(text string) {
	n.act++
	fmt.Fprintf(n.w, "\n%s\n\n", n.bold(fmt.Sprintf("%d  %s", n.act, text)))
}

// prose writes words, wrapped.
func (n *narrator) prose(words string) { n.hang("", words) }

// hang writes words, wrapped and hanging after a sign.
func (n *narrator) hang(sign, words string) {
	under, line := "", ""
	if sign != "" {
		sign, under = sign+" ", "  "
	}
	for word := range strings.FieldsSeq(words) {
		if line != "" && utf8.RuneCountInString(under+line+" "+word) > n.width() {
			n.line(sign + line)
			sign, line = under, ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	n.line(sign + line)
}

func (n *narrator) line(text string) { fmt.Fprintln(n.w, margin+text) }

func (n *narrator) blank() { fmt.Fprintln(n.w) }

// checked says that something came out as it should.
func (n *narrator) checked(text string) { n.hang(n.good("✓"), text) }

// plan writes a plan in full.
func (n *narrator) plan(p *planner.Plan) error {
	var b bytes.Buffer
	err := planner.Text(&b, p, planner.TextOptions{Theme: n.a.theme(n.w), Width: n.width()})
	if err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimRight(line, "\n"); line == "" {
			n.blank()
		} else {
			n.line(line)
		}
	}
	return nil
}

// brief writes how many steps a plan has for whom, and its summary.
func (n *narrator) brief(p *planner.Plan) {
	steps := map[string]map[string]int{} // by service, then consumer
	for _, st := range p.Steps {
		g := st.Group()
		if steps[g.Service] == nil {
			steps[g.Service] = map[string]int{}
		}
		steps[g.Service][g.Consumer]++
	}
	delete(steps, "") // what no single service owns
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		n.service(name, steps[name])
	}
	n.blank()
	n.prose(p.Summary())
}

func (n *narrator) service(name string, steps map[string]int) {
	own, theirs := steps[""], 0
	delete(steps, "")
	for _, count := range steps {
		theirs += count
	}
	n.line(fmt.Sprintf("%s %s at the provider and in DNS, %d for %s",
		n.bold(fmt.Sprintf("%-10s", name)), plural(own, "step"), theirs, list(slices.Sorted(maps.Keys(steps)))))
}

// A milestones view shows an apply: what a reader would want to know of, as
// lines that stay, stamped with AWS's time; and on a terminal what is under
// way, below them.
type milestones struct {
	n      *narrator
	fleet  *schema.Fleet
	sim    *awssim.Sim
	began  time.Time // on AWS's clock
	steps  int
	status *status // nil but on a terminal
}

func (n *narrator) newMilestones(fleet *schema.Fleet, sim *awssim.Sim) *milestones {
	m := &milestones{n: n, fleet: fleet, sim: sim, began: sim.Now()}
	if n.a.isTerminal(n.w) {
		if m.status = n.a.newStatus("Applying"); m.status != nil {
			m.status.margin, m.status.silent = margin, true
		}
	}
	return m
}

// observe takes in an event.
func (m *milestones) observe(e applier.Event) {
	if m.status != nil {
		m.status.observe(e)
	}
	if e.Kind != applier.StepDone {
		return
	}
	m.steps++
	if text := m.milestone(e); text != "" {
		m.say(fmt.Sprintf("%s  %s %s", m.n.dim(fmt.Sprintf("%6s", clock(m.elapsed()))), m.n.bold(fmt.Sprintf("%-17s", label(e.Group))), text))
	}
}

// say writes a line that stays, above what is under way.
func (m *milestones) say(line string) {
	if m.status != nil {
		m.status.say(margin + line)
		return
	}
	m.n.line(line)
}

func (m *milestones) elapsed() time.Duration { return m.sim.Now().Sub(m.began) }

// close ends the view with what it all took.
func (m *milestones) close() {
	m.status.close()
	m.n.blank()
	m.n.line(fmt.Sprintf("%s done in %s of AWS's time", plural(m.steps, "step"), clock(m.elapsed())))
}

// milestone is what the end of a step means, if it means much.
func (m *milestones) milestone(e applier.Event) string {
	switch e.Addr.Kind {
	case "security-group":
		if e.Action == planner.Update {
			return "security group has its own rules again"
		}
	case "load-balancer":
		return "load balancer is active in its zones"
	case "endpoint-service":
		return "endpoint service is available"
	case "service-permissions":
		if e.Action == planner.Update {
			return "allow-list is the declared one again"
		}
	case "domain-verification":
		return m.fleet.Services[e.Group.Service].PrivateDNS.Name + " is verified"
	case "connection":
		if e.Action == planner.Update {
			return "made its own endpoint, and is accepted"
		}
	case "endpoint-private-dns":
		return "is connected, private DNS is on"
	}
	return ""
}

func label(g planner.Group) string {
	if g.Consumer == "" {
		return g.Service
	}
	return g.Service + "/" + g.Consumer
}

// clock is a duration to the second: "6m07s", "9s".
func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	if seconds < 60 {
		return fmt.Sprintf("%ds", seconds)
	}
	return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
}
