package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	walk "github.com/linkfleet/linkfleet/applier" // applier is a function of these tests
	"github.com/linkfleet/linkfleet/internal/stage"
)

// A snag is a state of AWS's that does not end.
type snag struct {
	name   string
	begin  func(*stage.Stage) // what stands before
	change func(*stage.Stage) // what the run in question is to do
	held   string
	want   string // the error of the run
	skips  string // kinds of steps that are skipped for it, of which there are some
}

func snags() []snag {
	stand := func(s *stage.Stage) { s.Converge() }
	return []snag{
		{"an endpoint stays pending", nil, nil, "endpointProvision",
			"connection/s0/c0@provider/us-east-1: creating: still pending after 5m; run again to go on", "endpoint-private-dns"},
		{"an open service's endpoint stays pending", func(s *stage.Stage) { s.Fleet.Services["s0"].AcceptanceRequired = false }, nil, "endpointProvision",
			"endpoint/s0/c0@consumer-0/us-east-1: creating: still pending after 5m; run again to go on", "endpoint-private-dns"},
		{"a load balancer stays provisioning", nil, nil, "loadBalancerProvision",
			"load-balancer/s0@provider/us-east-1: creating: still provisioning after 5m; run again to go on", "endpoint-service endpoint"},
		{"a service stays Pending", nil, nil, "servicePending",
			"endpoint-service/s0@provider/us-east-1: creating: still Pending after 5m; run again to go on", "service-permissions endpoint"},
		{"a private name stays in verification", nil, nil, "domainVerification",
			"domain-verification/s0@provider/us-east-1: creating: still pendingVerification after 5m; run again to go on", "endpoint-private-dns"},
		{"an endpoint stays deleting", stand, func(s *stage.Stage) { clear(s.Fleet.Services["s0"].Consumers) }, "endpointDelete",
			"endpoint/s0/c0@consumer-0/us-east-1: deleting", "security-group"},
	}
}

// A run that AWS keeps waiting for ever ends, says where and what to do, and
// accounts for what it did not try. The next goes on from there.
func TestStuck(t *testing.T) {
	const timeout = 5 * time.Minute
	for _, sn := range snags() {
		t.Run(sn.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := hiding(t, map[string]time.Duration{"listLag": 0, "servicePending": time.Second})
				for _, do := range []func(*stage.Stage){sn.begin, sn.change} {
					if do != nil {
						do(s)
					}
				}
				if err := s.Sim.Hold(sn.held); err != nil {
					t.Fatal(err)
				}
				r := s.Run()
				r.Timeout = timeout
				plan, err := r.Plan(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				res, err := r.Apply(t.Context(), nil, plan)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 4*timeout {
					t.Errorf("the run took %s", took)
				}
				wantAccounted(t, plan, res)
				if err := res.Err(); err == nil || !strings.Contains(err.Error(), sn.want) {
					t.Errorf("got the error\n%v\nwant\n%s", err, sn.want)
				}
				wantSkipped(t, res.Reports[0], strings.Fields(sn.skips))

				s.Sim.Release()
				s.Converge()
			})
		})
	}
}

// wantSkipped wants steps of each kind among those that were not tried, each
// with the step that is to blame.
func wantSkipped(t *testing.T, rep *walk.Report, kinds []string) {
	t.Helper()
	skipped := map[string]bool{}
	for _, r := range rep.Results {
		if r.State == walk.Skipped {
			skipped[r.Addr.Kind] = true
		}
	}
	for _, kind := range kinds {
		if !skipped[kind] {
			t.Errorf("no step of kind %s was skipped: %s", kind, rep.Summary())
		}
	}
}
