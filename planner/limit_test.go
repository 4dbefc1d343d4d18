package planner

import (
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	in := richInput()
	in.Limits = []Limit{func(p *Plan) []Exceeded {
		return []Exceeded{
			{Tally: Deletes, Planned: 34, Allowed: 20, Standing: 90, Total: 34},
			{Tally: Replacements, Service: "fraud", Planned: 1, Allowed: 0, Percent: 5, Standing: 9, Total: 2},
		}
	}}
	p := mustDiff(t, in)
	var b strings.Builder
	if err := Text(&b, p, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"34 deletes where the fleet allows an apply 20", "--allow-deletes 34",
		"1 replacement where service fraud allows an apply 0, 5% of the 9 that stand", "--allow-replacements 2",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	if mustDiff(t, richInput()).Digest() != p.Digest() {
		t.Error("limits change what the plan does")
	}
	for _, c := range []struct {
		allowed map[Tally]int
		over    int
	}{
		{nil, 2},
		{map[Tally]int{Deletes: 33, Replacements: 2}, 1},
		{map[Tally]int{Deletes: 34}, 1},
		{map[Tally]int{Deletes: 34, Replacements: 2}, 0},
	} {
		if got := len(p.Over(c.allowed)); got != c.over {
			t.Errorf("%v: over %d limits, want %d", c.allowed, got, c.over)
		}
	}
}
