package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// shortDigest is how much of a digest people read and type. Forty-eight bits
// tell apart all plans anyone will have open at a time; who could make two
// plans with the same short digest could also write to the repository.
const shortDigest = 12

// Digest identifies what the plan would do and what it rests on: the fleet,
// the commit, the parts or the shard it is limited to, the steps with their
// specs and order, what is blocked, the facts used, and where there are
// outages: a step that cuts nobody off is another once somebody is connected.
// Two plans with one digest do the same to the same.
//
// Not in it is what only explains: reasons (an error of AWS has a new request
// id each time), other notes and all their texts, origins, groups, verbs, and
// outputs nobody uses.
func (p *Plan) Digest() string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	// A hash takes all it is given, and what is encoded here is plain data.
	_ = enc.Encode([]string{"linkfleet.digest/1", p.Fleet, p.Commit})
	if len(p.Targets) > 0 {
		_ = enc.Encode(p.Targets)
	}
	if p.Shard != "" {
		_ = enc.Encode(p.Shard)
	}
	for _, s := range p.Steps {
		_ = enc.Encode(struct {
			StepKey
			Replaces      bool
			ID            string
			Before, After any
			WaitsFor      []StepKey
		}{s.StepKey, s.Replaces, s.Before.ID, s.Before.Spec, s.After.Spec, s.WaitsFor})
	}
	for _, b := range p.Blocked {
		_ = enc.Encode(struct {
			StepKey
			Cause Cause
		}{b.StepKey, b.Cause})
	}
	_ = enc.Encode(p.Facts)
	for _, n := range p.Notes {
		if n.Kind == NoteOutage {
			_ = enc.Encode(struct {
				Kind NoteKind
				Addr Addr
			}{n.Kind, n.Addr})
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ShortDigest is the part of the digest that is shown to people.
func (p *Plan) ShortDigest() string { return p.Digest()[:shortDigest] }

// Is tells whether digest, in full or as short as [Plan.ShortDigest], is the
// plan's. So is that of the same plan of no commit: what a pull request would
// do was reviewed before there was a commit to do it.
func (p *Plan) Is(digest string) bool {
	if len(digest) < shortDigest {
		return false
	}
	of := *p
	of.Commit = ""
	return strings.HasPrefix(p.Digest(), digest) || strings.HasPrefix(of.Digest(), digest)
}

// Changes counts what a plan does. A replacement is one Replace, and neither
// a Create nor a Delete.
type Changes struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Replace int `json:"replace"`
	Delete  int `json:"delete"`
}

// Total is how many resources change.
func (c Changes) Total() int { return c.Create + c.Update + c.Replace + c.Delete }

// Changes counts the steps.
func (p *Plan) Changes() Changes {
	var c Changes
	for _, s := range p.Steps {
		switch s.Change() {
		case Create:
			c.Create++
		case Update:
			c.Update++
		case Delete:
			c.Delete++
		case verbReplace:
			c.Replace++
		}
	}
	return c
}

// Change is what the step is to people: its action, "replace" for the
// creating half of a replacement, and "" for the deleting half, which is
// spoken for.
func (s Step) Change() Action {
	switch {
	case !s.Replaces:
		return s.Action
	case s.Action == Create:
		return verbReplace
	default:
		return ""
	}
}

// Group is where the step is shown.
func (s Step) Group() Group {
	if s.Action == Delete {
		return s.Before.Group
	}
	return s.After.Group
}

// Summary is the plan in one line: what changes, what is blocked, whom it
// waits for.
func (p *Plan) Summary() string {
	parts := []string{p.changesText()}
	if len(p.Targets) > 0 {
		parts = append(parts, "only "+p.targetsText()+" and what it needs")
	}
	if p.Shard != "" {
		parts = append(parts, "only shard "+p.Shard)
	}
	if len(p.Limits) > 0 {
		parts = append(parts, "over the limits")
	}
	if n := len(p.Blocked); n > 0 {
		parts = append(parts, fmt.Sprintf("%d blocked", n))
	}
	if n := len(p.Unread); n > 0 {
		parts = append(parts, count(n, "place")+" could not be read")
	}
	if whom := p.waitingFor(); len(whom) > 0 {
		parts = append(parts, "waiting for "+enumerate(whom, 3))
	}
	return strings.Join(parts, "; ")
}

func (p *Plan) changesText() string {
	c := p.Changes()
	switch {
	case c.Total() > 0:
		return fmt.Sprintf("Plan: %d to create%s, %d to change%s, %d to replace, %d to delete%s",
			c.Create, p.otherVerbs(Create), c.Update, p.otherVerbs(Update), c.Replace, c.Delete, p.otherVerbs(Delete))
	case len(p.Blocked) > 0:
		return "Nothing can be done now: " + p.unchangedText()
	default:
		return "Nothing to do: " + p.unchangedText()
	}
}

func (p *Plan) unchangedText() string {
	verb := "are"
	if p.Unchanged == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%s %s as the fleet says", count(p.Unchanged, "resource"), verb)
}

// otherVerbs says what an action is called where it has a name of its own:
// " (3 accept)".
func (p *Plan) otherVerbs(a Action) string {
	counts := map[string]int{}
	var verbs []string // in the order of the steps
	for _, s := range p.Steps {
		if s.Change() != a || s.Verb == string(a) || s.Verb == "" {
			continue
		}
		if counts[s.Verb]++; counts[s.Verb] == 1 {
			verbs = append(verbs, s.Verb)
		}
	}
	if len(verbs) == 0 {
		return ""
	}
	for i, v := range verbs {
		verbs[i] = fmt.Sprintf("%d %s", counts[v], Clean(v))
	}
	return " (" + strings.Join(verbs, ", ") + ")"
}

// waitingFor names who is waited for, each once.
func (p *Plan) waitingFor() []string {
	var whom []string
	seen := map[string]bool{}
	for _, n := range p.Notes {
		name := Clean(n.Group.Consumer)
		if name == "" {
			name = Clean(n.Addr.Path())
		}
		if n.Kind == NoteWaiting && !seen[name] {
			seen[name] = true
			whom = append(whom, name)
		}
	}
	return whom
}

// enumerate joins names, at most so many of them.
func enumerate(names []string, most int) string {
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
