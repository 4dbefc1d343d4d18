package preview

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

func TestStatus(t *testing.T) {
	long := strings.Repeat("ä", 200)
	for name, tt := range map[string]struct {
		in    Input
		state State
		text  string
	}{
		"nothing known": {Input{}, Pending, "Being planned"},
		"no changes":    {Input{Plan: &planner.Plan{}}, Success, "No changes"},
		"changes":       {Input{Plan: planOf(t, removed())}, Success, "1 to delete, 2 to reject"},
		"blocked":       {Input{Plan: &planner.Plan{Blocked: make([]planner.Blocked, 2)}}, Success, "No changes; 2 blocked"},
		"unread": {
			Input{Plan: &planner.Plan{Unread: map[planner.Place]string{risk: "no role. Ask for one.", platform: "it is down"}}},
			Failure, "platform/us-east-1 could not be read: it is down",
		},
		"valid":     {Input{Is: &schema.Fleet{}}, Success, "Its files are valid; nothing was planned"},
		"conflict":  {Input{Conflicts: []string{"a"}}, Failure, "Conflicts with its base in 1 file"},
		"error":     {Input{Invalid: errors.New("cloning: it is gone. Look again.\nAnd again.")}, Failure, "cloning: it is gone"},
		"no words":  {Input{Invalid: errors.New("")}, Failure, ""},
		"too long":  {Input{Invalid: errors.New(long)}, Failure, "Ä" + strings.Repeat("ä", 138) + "…"},
		"unprinted": {Input{Invalid: errors.New("x \x1b[31m")}, Failure, `X \x1b[31m`},
		"fault": {
			Input{Folder: "fleets/a", Invalid: schema.Errors{{Pos: schema.Pos{File: "f.cue", Line: 3, Column: 9}, Path: "services.x", Message: "no such region", Mend: "write one of fleet.regions"}}.Err()},
			Failure, "fleets/a/f.cue:3:9: services.x: no such region",
		},
	} {
		if state, text := Status(tt.in); state != tt.state || text != tt.text {
			t.Errorf("%s: %s, %q; want %s, %q", name, state, text, tt.state, tt.text)
		}
	}
}

func TestAnnotations(t *testing.T) {
	in := Input{
		Folder: "fleets/a",
		Invalid: schema.Errors{
			{Pos: schema.Pos{File: "f.cue", Line: 3, Column: 9}, Message: "no such region", Mend: "write one\nof fleet.regions"},
			{Message: "the fleet is too large"}, // at no line
		}.Err(),
		Warnings: []schema.Warning{{Pos: schema.Pos{File: "services/g.cue", Line: 1, Column: 1}, Message: "an account's root is permitted"}},
	}
	want := []Annotation{
		{"fleets/a/f.cue", 3, 9, LevelFailure, `no such region; write one\nof fleet.regions`},
		{"fleets/a/services/g.cue", 1, 1, LevelWarning, "an account's root is permitted"},
	}
	if got := Annotations(in); !slices.Equal(got, want) {
		t.Errorf("annotations %+v; want %+v", got, want)
	}
	in.Folder = ""
	if got := Annotations(in)[0].Path; got != "f.cue" {
		t.Errorf("at the root of the repository: %s", got)
	}
}

func TestExposures(t *testing.T) {
	both := func(s *schema.Service) { wideOpen(s); s.Consumers["ops"].Principals = nil }
	for name, tt := range map[string]struct {
		was, is *schema.Fleet
		want    int
	}{
		"nothing new":    {fleet(wideOpen), fleet(wideOpen), 0},
		"all new":        {fleet(narrow), fleet(wideOpen), 5},
		"no fleet yet":   {nil, fleet(wideOpen), 5},
		"one new":        {fleet(both), fleet(wideOpen), 1},
		"narrowed":       {fleet(wideOpen), fleet(narrow), 0},
		"no fleet after": {fleet(wideOpen), nil, 0},
	} {
		if got := (Input{Was: tt.was, Is: tt.is}).exposures(); len(got) != tt.want {
			t.Errorf("%s: %v; want %d", name, got, tt.want)
		}
	}
}
