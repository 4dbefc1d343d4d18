// Package stage is for tests: a simulated AWS, a fleet to act on it, and
// hands to disturb it. Nothing of the program imports it.
package stage

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A Stage is one simulated AWS and the fleet as its files say now. Fleet may
// be changed between runs.
type Stage struct {
	T     testing.TB
	Sim   *awssim.Sim
	Fleet *schema.Fleet
	// Wire, if set, stands between the fleet's processes and AWS; hands
	// go past it.
	Wire func(http.RoundTripper) http.RoundTripper
	// Guarded: removals have to be named and limits kept by the test. On
	// other stages a run names what an earlier one had and this one has not.
	Guarded bool

	seen map[schema.Removal]bool
}

// New puts a fleet into a world.
func New(t testing.TB, world awssim.World, fleet *schema.Fleet) *Stage {
	t.Helper()
	sim, err := awssim.New(awssim.Options{World: world})
	if err != nil {
		t.Fatal(err)
	}
	return &Stage{T: t, Sim: sim, Fleet: fleet}
}

// Example is the fleet of a folder in the world of its sandbox, changed as
// the test likes.
func Example(t testing.TB, dir string, change ...func(awssim.World)) *Stage {
	t.Helper()
	world, err := awssim.LoadWorld(dir + "/sandbox/world.cue")
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range change {
		do(world)
	}
	fleet, _, err := schema.Load(t.Context(), dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return New(t, world, fleet)
}

// API reaches the simulator as the fleet's own role in each account.
func (s *Stage) API() *awsapi.API {
	s.T.Helper()
	o := awsapi.Options{Accounts: reconcile.Accounts(s.Fleet, false), Credentials: credentials("AKIAHUB")}
	o.Transport = s.Sim.Client().Transport
	if s.Wire != nil {
		o.Transport = s.Wire(o.Transport)
	}
	return s.api(o)
}

// Hands reach an account as its administrator, past linkfleet.
func (s *Stage) Hands(accountID, region string) *awsapi.Place {
	s.T.Helper()
	api := s.api(awsapi.Options{
		Accounts:    map[string]awsapi.Account{"hands": {ID: accountID}},
		Credentials: credentials(accountID),
		Transport:   s.Sim.Client().Transport,
	})
	p, err := api.Place(s.T.Context(), planner.Place{Account: "hands", Region: region})
	if err != nil {
		s.T.Fatal(err)
	}
	return p
}

func credentials(key string) *awsapi.Credentials {
	return &awsapi.Credentials{AccessKeyID: key, SecretAccessKey: "secret"}
}

func (s *Stage) api(o awsapi.Options) *awsapi.API {
	s.T.Helper()
	o.SessionName = "linkfleet-test"
	api, err := awsapi.New(s.T.Context(), o)
	if err != nil {
		s.T.Fatal(err)
	}
	return api
}

// Run is a new process that looks at the stage.
func (s *Stage) Run() *reconcile.Run {
	s.T.Helper()
	r := &reconcile.Run{Fleet: s.Fleet, API: s.API()}
	if !s.Guarded {
		s.nameRemoved()
		const any = 1 << 30
		r.Allow = map[planner.Tally]int{planner.Deletes: any, planner.Rejections: any, planner.Replacements: any}
	}
	return r
}

// Plan plans in a new process.
func (s *Stage) Plan() *planner.Plan {
	s.T.Helper()
	plan, err := s.Run().Plan(s.T.Context())
	if err != nil {
		s.T.Fatal(err)
	}
	return plan
}

// Apply plans and applies in a new process.
func (s *Stage) Apply() *reconcile.Result {
	s.T.Helper()
	r := s.Run()
	plan, err := r.Plan(s.T.Context())
	if err != nil {
		s.T.Fatal(err)
	}
	res, err := r.Apply(s.T.Context(), nil, plan)
	if err != nil {
		s.T.Fatal(err)
	}
	return res
}

// Converge applies once, without failures, and wants nothing left to do.
func (s *Stage) Converge() {
	s.T.Helper()
	if err := s.Apply().Err(); err != nil {
		s.T.Fatalf("applying: %v", err)
	}
	s.WantEmpty()
}

// WantEmpty wants a plan without steps and without anything blocked.
func (s *Stage) WantEmpty() {
	s.T.Helper()
	if plan := s.Plan(); len(plan.Steps) > 0 || len(plan.Blocked) > 0 || len(plan.Unread) > 0 {
		s.T.Fatalf("want nothing to do, but:\n%s", Text(plan))
	}
}

// Live reads what the fleet has in AWS.
func (s *Stage) Live() planner.State {
	s.T.Helper()
	live, err := kinds.Read(s.T.Context(), kinds.NewPlaces(s.API(), s.Fleet), s.Fleet, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	return live
}

// Calls runs do and gives the calls that AWS served meanwhile, without those
// of outside parties.
func (s *Stage) Calls(do func()) []awssim.Call {
	s.Sim.ResetCalls()
	do()
	return slices.DeleteFunc(s.Sim.Calls(), func(c awssim.Call) bool { return c.Actor })
}

// Text is a plan as people read it.
func Text(plan *planner.Plan) string {
	var b strings.Builder
	if err := planner.Text(&b, plan, planner.TextOptions{}); err != nil {
		return err.Error()
	}
	return b.String()
}

// Short is a plan as one line for each step: "update endpoint/fraud/risk: subnets".
func Short(plan *planner.Plan) string {
	var b strings.Builder
	for _, st := range plan.Steps {
		b.WriteString(string(st.Action) + " " + st.Addr.Path())
		for i, f := range st.Fields {
			b.WriteString(map[bool]string{true: ": ", false: ", "}[i == 0] + f.Path)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
