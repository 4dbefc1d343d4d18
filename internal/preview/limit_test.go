package preview

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/planner"
)

// forges are the limits that comments have to keep to. GitHub counts
// characters; where a forge's own count is in doubt, bytes are the most that
// any can count.
var forges = map[string]Limit{
	"GitHub": {65_536, Runes},
	"GitLab": {1_000_000, Runes},
	"Gitea":  {65_535, Bytes},
}

// bigPlan has so many steps of so many services, and so much that is blocked.
// Names are long, and not all of ASCII.
func bigPlan(r *rand.Rand, services, steps, blocked int) *planner.Plan {
	p := &planner.Plan{Fleet: "payments", Commit: "c0ffee", Unread: map[planner.Place]string{}}
	for i := range steps {
		p.Steps = append(p.Steps, randomStep(r, i, services))
	}
	for i := range blocked {
		st := randomStep(r, steps+i, services)
		p.Blocked = append(p.Blocked, planner.Blocked{StepKey: st.StepKey, Verb: st.Verb, Group: st.Group(), Cause: planner.CauseRefused, Reason: fmt.Sprint("reason ", r.IntN(1+blocked/10)), Mend: "mend it"})
	}
	kinds := []planner.NoteKind{planner.NoteOutage, planner.NoteWarning, planner.NoteUnknown, planner.NoteWaiting}
	for i := range r.IntN(1 + blocked) {
		p.Notes = append(p.Notes, planner.Note{Kind: kinds[r.IntN(len(kinds))], Group: planner.Group{Service: service(r.IntN(max(1, services))), Consumer: fmt.Sprint("c", i)}, Text: "note 𝄞 @all"})
	}
	for i := range r.IntN(5) {
		p.Unread[planner.Place{Account: fmt.Sprint("a", i), Region: "us-east-1"}] = "no answer"
	}
	return p
}

func service(i int) string { return fmt.Sprintf("dienst-%03d-für-𝄞", i) }

func randomStep(r *rand.Rand, i, services int) planner.Step {
	g := planner.Group{Service: service(r.IntN(max(1, services))), Consumer: []string{"", "risk", "größe"}[r.IntN(3)]}
	res := planner.Resource{
		Addr:  planner.Addr{Kind: "endpoint", Name: fmt.Sprintf("%s/%d", g.Service, i), Place: platform},
		Group: g, ID: fmt.Sprintf("vpce-%d", i), Spec: spec{},
	}
	st := planner.Step{StepKey: planner.StepKey{Addr: res.Addr}}
	switch r.IntN(4) {
	case 0:
		st.Action, st.Verb, st.After = planner.Create, "create", res
	case 1:
		st.Action, st.Verb, st.Before, st.After = planner.Update, "update", res, res
		st.Fields = []planner.Field{{Path: "subnets", Removed: []string{"subnet-1"}, Added: []string{"subnet-2", "subnet-3"}}}
	case 2:
		st.Action, st.Verb, st.Before, st.ID = planner.Delete, "reject", res, res.ID
	default:
		st.Action, st.Verb, st.After, st.Replaces = planner.Create, "replace", res, true
		st.Fields = []planner.Field{{Path: "vpc", Before: "vpc-1", After: "vpc-2", Replace: true}}
	}
	return st
}

var (
	leftOutSections = regexp.MustCompile(`Left out here, for want of room: (\d+) of (\d+) sections? with (\d+) changes?`)
	leftOutLines    = regexp.MustCompile(`Left out here, for want of room: .*?(\d+) lines? of the lists`)
	foldTitle       = regexp.MustCompile(`(?m)^<details><summary>.*: (?:(\d+) changes?|no change)</summary>$`)
	moreLines       = regexp.MustCompile(`(?m)^(?:  )?- and (\d+) more$`)
)

// TestRandomPlans: whatever the plan and the limit, the comment keeps to it,
// is closed, has the digest, and counts all that is left out.
func TestRandomPlans(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 7))
		services := r.IntN(60)
		in := merged(Input{Plan: bigPlan(r, services, r.IntN(1500), r.IntN(600)*r.IntN(2))})
		limit := Limit{LeastLimit + r.IntN(150_000), Unit(r.IntN(3))}
		if !checkLimited(t, in, limit) {
			t.Fatalf("seed %d, limit %v", seed, limit)
		}
	}
}

// TestForges holds plans of 1,000 and 10,000 steps to the forges' limits. The
// summary is whole.
func TestForges(t *testing.T) {
	for name, limit := range forges {
		for _, steps := range []int{1_000, 10_000} {
			t.Run(fmt.Sprint(name, steps), func(t *testing.T) {
				in := merged(Input{Plan: bigPlan(rand.New(rand.NewPCG(1, 2)), 1+steps/25, steps, 40), Warnings: warnings()})
				in.Plan.Steps = withoutRejections(in.Plan.Steps)
				checkLimited(t, in, limit)
				text := Comment(in, limit)
				if moreLines.MatchString(text) {
					t.Error("the summary is not whole")
				}
				// What has room is shown.
				if leftOutSections.MatchString(text) && limit.Unit.of(text) < limit.N*3/4 {
					t.Errorf("only %d of %d are used", limit.Unit.of(text), limit.N)
				}
			})
		}
	}
}

// withoutRejections leaves out what has a line of its own in the summary.
func withoutRejections(steps []planner.Step) []planner.Step {
	var kept []planner.Step
	for _, st := range steps {
		if !isRejection(st) {
			kept = append(kept, st)
		}
	}
	return kept
}

// checkLimited tells whether the comment is as promised within a limit.
func checkLimited(t *testing.T, in Input, limit Limit) bool {
	t.Helper()
	text, whole := Comment(in, limit), Comment(in, Limit{})
	checkComment(t, text)
	if fits := limit.Unit.of(whole) <= limit.N; fits == strings.Contains(text, "Left out here") || fits && text != whole {
		t.Errorf("something is left out: %v", !fits)
	}
	if n := limit.Unit.of(text); n > limit.N {
		t.Errorf("%d where %d are allowed", n, limit.N)
	}
	if !strings.Contains(text, "\nDigest: `"+in.Plan.Digest()+"`\n") || !strings.HasPrefix(text, "### ") {
		t.Error("the digest or the title is missing")
	}
	sections, steps := in.Plan.Outline(), in.Plan.Changes().Total()
	shown, shownSteps := 0, 0
	for _, m := range foldTitle.FindAllStringSubmatch(text, -1) {
		shown++
		shownSteps += number(m[1])
	}
	left, leftSteps := 0, 0
	if m := leftOutSections.FindStringSubmatch(text); m != nil {
		left, leftSteps = number(m[1]), number(m[3])
		if number(m[2]) != len(sections) {
			t.Errorf("%s of %d sections", m[2], len(sections))
		}
	}
	if shown+left != len(sections) || shownSteps+leftSteps != steps {
		t.Errorf("%d of %d sections and %d of %d steps are accounted for", shown+left, len(sections), shownSteps+leftSteps, steps)
	}
	checkLines(t, whole, text)
	return !t.Failed()
}

// checkLines holds the lists to what is said to be left out of them.
func checkLines(t *testing.T, uncut, text string) {
	t.Helper()
	whole := strings.Count(summaryOf(uncut), "\n")
	cut := summaryOf(text)
	lines, marks := strings.Count(cut, "\n"), len(moreLines.FindAllString(cut, -1))
	left := 0
	if m := leftOutLines.FindStringSubmatch(text); m != nil {
		left = number(m[1])
	}
	if lines-marks+left != whole {
		t.Errorf("%d lines of lists are shown and %d said to be left out, of %d", lines-marks, left, whole)
	}
}

// summaryOf are the lines of the lists.
func summaryOf(text string) string {
	var b strings.Builder
	outside, _ := withoutBlocks(text)
	for line := range strings.Lines(outside) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "- ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// The gravest sections stay, and reasons before what they block.
func TestWhatStays(t *testing.T) {
	p := &planner.Plan{Fleet: "payments"}
	add := func(service string, action planner.Action, n int) {
		for i := range n {
			res := planner.Resource{Addr: planner.Addr{Kind: "listener", Name: fmt.Sprint(service, "/", i, strings.Repeat("x", 100)), Place: platform}, Group: planner.Group{Service: service}, ID: "id", Spec: spec{}}
			st := planner.Step{StepKey: planner.StepKey{Action: action, Addr: res.Addr, ID: fmt.Sprint(i)}, Verb: string(action)}
			if action == planner.Delete {
				st.Before = res
			} else {
				st.After = res
			}
			p.Steps = append(p.Steps, st)
		}
	}
	add("a-creates", planner.Create, 50)
	add("b-changes", planner.Update, 50)
	add("c-deletes", planner.Delete, 50)
	add("d-cut", planner.Update, 50)
	add("e-huge", planner.Delete, 500)
	p.Notes = []planner.Note{{Kind: planner.NoteOutage, Group: planner.Group{Service: "d-cut"}, Text: "cut off"}}
	for i := range 1000 {
		p.Blocked = append(p.Blocked, planner.Blocked{StepKey: planner.StepKey{Addr: planner.Addr{Kind: "x", Name: fmt.Sprint(i)}}, Cause: planner.CauseRefused, Reason: fmt.Sprint("because of ", i%3)})
	}
	whole := Comment(Input{Plan: p}, Limit{})
	order := []string{"d-cut: 50", "c-deletes: 50", "e-huge: 500", "b-changes: 50", "a-creates: 50"}
	for i := range len(order) - 1 {
		if strings.Index(whole, order[i]) > strings.Index(whole, order[i+1]) {
			t.Errorf("%q stands after %q", order[i], order[i+1])
		}
	}
	without := *p
	without.Blocked = nil
	text := Comment(Input{Plan: &without}, Limit{N: 20_000})
	for service, want := range map[string]bool{"d-cut: 50": true, "c-deletes: 50": true, "e-huge": false, "a-creates: 50": false} {
		if strings.Contains(text, "<summary>"+service) != want {
			t.Errorf("%s is shown: %v", service, !want)
		}
	}
	text = Comment(Input{Plan: p, MoreURL: "https://ci.example/7"}, Limit{N: LeastLimit})
	for _, want := range []string{"cut off", "- because of 0\n", "- because of 1\n", "- because of 2\n", "The rest: <https://ci.example/7>", "5 of 5 sections with 700 changes, and "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	var more []int
	for _, m := range moreLines.FindAllStringSubmatch(text, -1) {
		more = append(more, number(m[1]))
	}
	if len(more) != 3 || slices.Max(more)-slices.Min(more) > 2 {
		t.Errorf("of three reasons with as many lines, so many are left out: %v", more)
	}
}

func TestUnits(t *testing.T) {
	const text = "aä→𝄞"
	for unit, want := range map[Unit]int{Bytes: 10, Runes: 4, UTF16s: 5} {
		if got := unit.of(text); got != want {
			t.Errorf("unit %d: %d; want %d", unit, got, want)
		}
	}
}
