package preview

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run the test with -update to write it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run the test with -update if that is meant); got:\n%s", file, got)
	}
}

// TestGolden shows what people see, and the status beside it.
func TestGolden(t *testing.T) {
	for name, in := range map[string]Input{
		"nothing":  merged(Input{Plan: planOf(t, quiet())}),
		"first":    merged(Input{Plan: planOf(t, firstRollout()), Is: fleet(narrow), Coverage: coverage()}),
		"removed":  merged(Input{Plan: planOf(t, removed()), Was: fleet(narrow), Is: fleet(narrow)}),
		"widened":  merged(Input{Plan: planOf(t, widened()), Was: fleet(narrow), Is: fleet(wideOpen), Warnings: warnings()}),
		"replaced": merged(Input{Plan: planOf(t, replaced()), Was: fleet(narrow), Is: fleet(narrow)}),
		"unread":   merged(Input{Plan: planOf(t, unread())}),
		"over":     merged(Input{Plan: planOf(t, overLimits())}),
		"invalid":  merged(Input{Invalid: invalid(t), Warnings: warnings()}),
		"conflict": merged(Input{Conflicts: []string{"fleet/services/fraud.cue", "fleet/a `b`.cue"}}),
		"fork":     merged(Input{Plan: planOf(t, quiet()), Confined: true}),
		"valid":    merged(Input{Is: fleet(narrow), Confined: true}),
		"broken":   merged(Input{Invalid: errors.New("cloning: the server answers 500.\nIt was asked twice.")}),
		"pending":  merged(Input{}),
		"local":    {Plan: planOf(t, firstRollout())},
	} {
		t.Run(name, func(t *testing.T) {
			text := Comment(in, Limit{})
			checkComment(t, text)
			state, description := Status(in)
			checkGolden(t, name+".md", "<!-- status: "+string(state)+": "+description+" -->\n"+text)
		})
	}
}

// merged is the merge result of a pull request.
func merged(in Input) Input {
	in.Fleet, in.Base, in.Pull, in.Folder = "payments", "main", 12, "fleet"
	in.Commit = "3fa9c1d2b0aa77e1a1c9d6a4f7e2b8c05d3e6f10"
	in.Apply = []string{"fleet"}
	return in
}

// A spec stands for those of all kinds.
type spec struct {
	VPC     string        `json:"vpc" plan:"replace"`
	Subnets []string      `json:"subnets"`
	Allowed []string      `json:"allowed"`
	On      planner.Value `json:"on"`
}

var (
	platform = planner.Place{Account: "platform", Region: "us-east-1"}
	risk     = planner.Place{Account: "risk", Region: "us-east-1"}
)

func at(place planner.Place, kind, service, consumer string, s spec) planner.Resource {
	name := service
	if consumer != "" {
		name += "/" + consumer
	}
	return planner.Resource{
		Addr:   planner.Addr{Kind: kind, Name: name, Place: place},
		Group:  planner.Group{Service: service, Consumer: consumer},
		Spec:   s,
		Origin: "services/" + service + ".cue:7",
	}
}

func live(id string, r planner.Resource) planner.Resource {
	r.ID, r.Origin = id, ""
	r.Outputs = planner.Outputs{"id": id}
	return r
}

func state(rs ...planner.Resource) planner.State {
	s := planner.State{Live: map[planner.Addr][]planner.Resource{}}
	for _, r := range rs {
		s.Live[r.Addr] = append(s.Live[r.Addr], r)
	}
	return s
}

func planOf(t testing.TB, in planner.Input) *planner.Plan {
	t.Helper()
	in.Fleet, in.Commit = "payments", "3fa9c1d2b0aa77e1a1c9d6a4f7e2b8c05d3e6f10"
	in.Traits = map[string]planner.Trait{
		"endpoint":            {Guarded: true, Rank: 2},
		"endpoint-service":    {Guarded: true, Shared: true, Rank: 1},
		"service-permissions": {Rank: 1},
		"topic":               {},
		"connection":          {Rank: 3, Verbs: map[planner.Action]string{planner.Create: "accept", planner.Update: "accept", planner.Delete: "reject"}},
	}
	p, err := planner.Diff(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The fraud service and its consumer risk, as wanted and as they stand.
func fraud() []planner.Resource {
	service := at(platform, "endpoint-service", "fraud", "", spec{})
	permissions := at(platform, "service-permissions", "fraud", "", spec{Allowed: []string{"arn:aws:iam::222222222222:role/fraud-client"}})
	endpoint := at(risk, "endpoint", "fraud", "risk", spec{VPC: "vpc-1", Subnets: []string{"subnet-1", "subnet-2"}, On: planner.Ref(service.Addr, "id")})
	connection := at(platform, "connection", "fraud", "risk", spec{On: planner.Ref(endpoint.Addr, "id")})
	return []planner.Resource{service, permissions, endpoint, connection}
}

func standing() []planner.Resource {
	want := fraud()
	ids := []string{"vpce-svc-1", "vpce-svc-1/permissions", "vpce-1", "vpce-svc-1/vpce-1"}
	for i, r := range want {
		s := r.Spec.(spec)
		if s.On.IsRef() {
			s.On = planner.Known(map[string]string{"endpoint": "vpce-svc-1", "connection": "vpce-1"}[r.Addr.Kind])
		}
		r.Spec = s
		want[i] = live(ids[i], r)
	}
	return want
}

func quiet() planner.Input {
	return planner.Input{Want: fraud(), Live: state(standing()...)}
}

func firstRollout() planner.Input {
	return planner.Input{
		Want: append(fraud(), planner.Resource{Addr: planner.Addr{Kind: "topic", Name: "events", Place: platform}, Spec: spec{}}),
		Live: state(),
		Notes: []planner.Note{{
			Kind: planner.NoteWaiting, Group: planner.Group{Service: "fraud", Consumer: "partner-b"},
			Text: "partner-b (account 333333333333) has not made its endpoint",
		}},
	}
}

func coverage() []Coverage {
	offered := []string{"use1-az1", "use1-az2", "use1-az4"}
	return []Coverage{
		{Service: "fraud", Consumer: "risk", Zones: []string{"use1-az1", "use1-az2"}, Offered: offered},
		{Service: "fraud", Consumer: "ops", Zones: []string{"use1-az1", "use1-az6"}, Offered: offered},
		{Service: "fraud", Consumer: "lab", Zones: []string{"use1-az4"}, Offered: offered},
		{Service: "idle", Consumer: "risk", Zones: []string{"use1-az1", "use1-az2"}, Offered: offered},
	}
}

// removed is that the consumer risk is in no file any more, nor is a partner.
func removed() planner.Input {
	partner := live("vpce-svc-1/vpce-9", at(platform, "connection", "fraud", "partner", spec{}))
	in := planner.Input{Want: fraud()[:2], Live: state(append(standing(), partner)...)}
	in.Notes = []planner.Note{{
		Kind: planner.NoteOutage, Group: planner.Group{Service: "fraud", Consumer: "risk"}, Addr: fraud()[2].Addr,
		Text: "endpoint vpce-1 is connected and will be deleted: its consumer is removed",
	}}
	return in
}

func widened() planner.Input {
	in := quiet()
	in.Want[1].Spec = spec{Allowed: []string{"*"}}
	return in
}

// replaced is that the endpoint moves to another VPC, as the files permit.
func replaced() planner.Input {
	in := quiet()
	s := in.Want[2].Spec.(spec)
	s.VPC = "vpc-2"
	in.Want[2].Spec, in.Want[2].MayReplace = s, true
	return in
}

func unread() planner.Input {
	in := firstRollout()
	in.Live.Unread = map[planner.Place]string{risk: "role linkfleet cannot be assumed: AccessDenied"}
	return in
}

func overLimits() planner.Input {
	in := removed()
	in.Limits = []planner.Limit{func(*planner.Plan) []planner.Exceeded {
		return []planner.Exceeded{{Tally: planner.Deletes, Planned: 3, Allowed: 2, Percent: 25, Standing: 8, Total: 3}}
	}}
	return in
}

func narrow(*schema.Service) {}

func wideOpen(s *schema.Service) {
	s.Waiver = &schema.Waiver{Reason: "the *open* day", Expires: time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)}
	s.Consumers["risk"].Principals = []string{"*"}
	s.Consumers["ops"] = &schema.Consumer{Name: "ops", Principals: []string{"arn:aws:iam::444444444444:root"}}
	s.Consumers["risk"].Endpoint.From = []string{"0.0.0.0/0", "10.0.0.0/8"}
	s.LoadBalancer.SecurityGroup.From = []string{"::/0"}
	s.AcceptanceRequired = false
}

func fleet(edit func(*schema.Service)) *schema.Fleet {
	s := &schema.Service{
		Name: "fraud", AcceptanceRequired: true,
		Consumers: map[string]*schema.Consumer{"risk": {
			Name: "risk", Principals: []string{"arn:aws:iam::222222222222:role/fraud-client"},
			Endpoint: &schema.Endpoint{From: []string{"10.20.0.0/16"}},
		}},
	}
	edit(s)
	return &schema.Fleet{Name: "payments", Services: map[string]*schema.Service{"fraud": s}}
}

func warnings() []schema.Warning {
	return []schema.Warning{{
		Pos: schema.Pos{File: "services/fraud.cue", Line: 12, Column: 3}, Path: "services.fraud.consumers.ops",
		Message: "an account's root is permitted", Mend: "name the role that connects",
	}}
}

// invalid is what schema says of a fleet with two faults.
func invalid(t *testing.T) error {
	_, _, err := schema.LoadFS(t.Context(), fstest.MapFS{
		"fleet.cue":          {Data: []byte("package fleet\n\nfleet: {name: \"payments\", regions: [\"us-east-1\"]}\n")},
		"services/fraud.cue": {Data: []byte("package fleet\n\nservices: fraud: {acount: \"platform\", region: 7}\n")},
		"cue.mod/module.cue": {Data: []byte("module: \"example.com/fleet\"\nlanguage: version: \"v0.12.0\"\n")},
	}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err == nil {
		t.Fatal("the fleet is valid")
	}
	return err
}
