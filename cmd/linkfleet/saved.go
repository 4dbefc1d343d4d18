package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/linkfleet/linkfleet/planner"
)

// largestPlan bounds the file of a saved plan, in bytes. The largest fleets'
// plans have a tenth of that.
const largestPlan = 256 << 20

// A savedPlan is a plan that was reviewed.
type savedPlan struct{ *planner.Saved }

func readSavedPlan(name string) (*savedPlan, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the saved plan: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, largestPlan+1))
	if err != nil {
		return nil, fmt.Errorf("reading the saved plan: %w", err)
	}
	if len(text) > largestPlan {
		return nil, fmt.Errorf("%s is not a plan that linkfleet plan --out saved: it has more than %d MiB", name, largestPlan>>20)
	}
	s, err := planner.ParseSaved(text)
	if old, ok := errors.AsType[*planner.FormatError](err); ok {
		return nil, fmt.Errorf("%s is of the form %s, and this linkfleet reads %s; plan again with it", name, old.Format, planner.Format)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not a plan that linkfleet plan --out saved: %w", name, err)
	}
	return &savedPlan{s}, nil
}

// guard refuses a plan that is not the saved one, and says how they differ.
func (s *savedPlan) guard(p *planner.Plan) error {
	if p.Digest() == s.Digest {
		return nil
	}
	return refused("the plan is not the saved one any more: %s; plan and review again", s.Difference(p))
}
