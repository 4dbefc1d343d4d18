package reconcile_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A stage is a simulated AWS and a fleet to act on it, in virtual time.
type stage struct {
	t     *testing.T
	sim   *awssim.Sim
	fleet *schema.Fleet
}

const exampleDir = "../../fleet.example"

func newStage(t *testing.T) *stage {
	t.Helper()
	world, err := awssim.LoadWorld(exampleDir + "/sandbox/world.cue")
	if err != nil {
		t.Fatal(err)
	}
	sim, err := awssim.New(awssim.Options{World: world})
	if err != nil {
		t.Fatal(err)
	}
	fleet, _, err := schema.Load(t.Context(), exampleDir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return &stage{t, sim, fleet}
}

// run is a fresh process looking at the stage.
func (s *stage) run() *reconcile.Run {
	s.t.Helper()
	accounts := map[string]awsapi.Account{}
	for name, a := range s.fleet.Accounts {
		if !a.External {
			accounts[name] = awsapi.Account{ID: a.ID, RoleARN: a.RoleARN(), ExternalID: a.ExternalID}
		}
	}
	api, err := awsapi.New(s.t.Context(), awsapi.Options{
		Accounts: accounts, SessionName: "linkfleet-test",
		Credentials: &awsapi.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"},
		Transport:   s.sim.Client().Transport,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return &reconcile.Run{Fleet: s.fleet, API: api}
}

func (s *stage) plan() *planner.Plan {
	s.t.Helper()
	plan, err := s.run().Plan(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return plan
}

func (s *stage) apply() *reconcile.Result {
	s.t.Helper()
	r := s.run()
	plan, err := r.Plan(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if os.Getenv("SHOW") != "" {
		planner.Text(os.Stderr, plan, planner.TextOptions{})
		r.Observe = func(e applier.Event) { os.Stderr.WriteString(applier.Line(e) + "\n") }
	}
	res, err := r.Apply(s.t.Context(), nil, plan)
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

func TestExampleComesUpInOneApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		res := s.apply()
		if err := res.Err(); err != nil {
			t.Fatal(err)
		}
		plan := s.plan()
		if len(plan.Steps) > 0 || len(plan.Blocked) > 0 {
			planner.Text(os.Stderr, plan, planner.TextOptions{})
			t.Fatal("the second plan is not empty")
		}
	})
}
