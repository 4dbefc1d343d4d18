package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/linkfleet/linkfleet/planner"
)

// A savedPlan is what apply needs of a plan file. A plan file is no recipe:
// apply plans anew, and goes on only if the same plan comes out.
type savedPlan struct {
	Format string            `json:"format"`
	Fleet  string            `json:"fleet"`
	Commit string            `json:"commit"`
	Digest string            `json:"digest"`
	Steps  []planner.StepKey `json:"steps"`
}

func readSavedPlan(name string) (*savedPlan, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the saved plan: %w", err)
	}
	var s savedPlan
	if err := json.Unmarshal(text, &s); err != nil || s.Format == "" || s.Digest == "" {
		return nil, fmt.Errorf("%s is not a plan that linkfleet plan --out saved", name)
	}
	if s.Format != planner.Format {
		return nil, fmt.Errorf("%s is of the form %s, and this linkfleet reads %s; plan again with it", name, s.Format, planner.Format)
	}
	return &s, nil
}

// guard refuses a plan that is not the saved one, and says how they differ.
func (s *savedPlan) guard(p *planner.Plan) error {
	if p.Digest() == s.Digest {
		return nil
	}
	return refused("the plan is not the saved one any more: %s; plan and review again", s.difference(p))
}

// difference is the most telling difference.
func (s *savedPlan) difference(p *planner.Plan) string {
	if s.Fleet != p.Fleet {
		return fmt.Sprintf("that was of fleet %s, this is of %s", s.Fleet, p.Fleet)
	}
	if s.Commit != p.Commit {
		return fmt.Sprintf("it was of %s, this is of %s", commitText(s.Commit), commitText(p.Commit))
	}
	then, now := map[planner.StepKey]bool{}, map[planner.StepKey]bool{}
	for _, key := range s.Steps {
		then[key] = true
	}
	for _, step := range p.Steps {
		now[step.StepKey] = true
		if !then[step.StepKey] {
			return fmt.Sprintf("to %s was not in it", step.StepKey)
		}
	}
	for _, key := range s.Steps {
		if !now[key] {
			return fmt.Sprintf("to %s is not called for any more", key)
		}
	}
	return "the steps are the same, but what they would do, or what they rest on, has changed"
}

func commitText(commit string) string {
	if commit == "" {
		return "no commit"
	}
	return "commit " + commit[:min(len(commit), 12)]
}
