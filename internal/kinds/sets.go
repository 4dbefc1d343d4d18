package kinds

import (
	"slices"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
)

// A difference of two sets: what is wanted and missing, and what is there
// and not wanted.
type difference struct{ missing, extra []string }

func differ(was, want []string) difference {
	return difference{missing: without(want, was), extra: without(was, want)}
}

func without(a, b []string) []string {
	var rest []string
	for _, s := range a {
		if !slices.Contains(b, s) && !slices.Contains(rest, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

// known are the strings behind resolved values, sorted and without repeats.
func known(vs []planner.Value) []string {
	var ss []string
	for _, v := range vs {
		ss = append(ss, v.Known)
	}
	slices.Sort(ss)
	return slices.Compact(ss)
}

// values are live strings as values.
func values(ss []string) []planner.Value {
	slices.Sort(ss)
	var vs []planner.Value
	for _, s := range slices.Compact(ss) {
		vs = append(vs, planner.Known(s))
	}
	return vs
}

// batches cuts items into runs of at most n.
func batches[T any](items []T, n int) [][]T {
	return slices.Collect(slices.Chunk(items, n))
}

// unlessGone forgives the deletion of what is not there.
func unlessGone(err error) error {
	if awsapi.IsNotFound(err) {
		return nil
	}
	return err
}
