package planner

import (
	"fmt"
	"slices"
)

// A Tally is what an apply may have too much of.
type Tally string

// The tallies.
const (
	Deletes      Tally = "deletes"      // objects deleted, other than to be replaced
	Rejections   Tally = "rejections"   // connections in use that are cut
	Replacements Tally = "replacements" // objects replaced
)

// A Limit says where a plan goes over a limit. It never takes a step away:
// such a plan is shown whole, and it is the apply that refuses it.
type Limit func(*Plan) []Exceeded

// Exceeded is a limit that a plan goes over.
type Exceeded struct {
	Tally Tally `json:"tally"`
	// Service has the limit; empty: the fleet.
	Service string `json:"service,omitempty"`
	Planned int    `json:"planned"` // what counts against the limit
	Allowed int    `json:"allowed"` // the limit
	// Percent, if not 0, is what part of Standing makes Allowed.
	Percent  int `json:"percent,omitempty"`
	Standing int `json:"standing"`
	// Total is how many of the tally there are in the whole plan, of all shards:
	// what an override has to name.
	Total int `json:"total"`
}

// String is one sentence.
func (e Exceeded) String() string {
	whose := "the fleet"
	if e.Service != "" {
		whose = "service " + e.Service
	}
	limit := fmt.Sprint(e.Allowed)
	if e.Percent > 0 {
		limit = fmt.Sprintf("%d, %d%% of the %d that stand", e.Allowed, e.Percent, e.Standing)
	}
	return fmt.Sprintf("%s where %s allows an apply %s", count(e.Planned, e.Tally.one()), whose, limit)
}

// one is a tally's name of a single thing.
func (t Tally) one() string { return string(t[:len(t)-len("s")]) }

// Override is what lets an apply carry the plan out all the same.
func (e Exceeded) Override() string { return fmt.Sprintf("--allow-%s %d", e.Tally, e.Total) }

// Over is what of the plan's limits stands in the way of an apply that is
// allowed so many of a tally, whatever the limits say.
func (p *Plan) Over(allowed map[Tally]int) []Exceeded {
	return slices.DeleteFunc(slices.Clone(p.Limits), func(e Exceeded) bool {
		n, ok := allowed[e.Tally]
		return ok && e.Total <= n
	})
}
