package reconcile_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/schema"
)

// lagging is a fleet of one service that stands, in an AWS that goes on showing
// for so long what a change has changed.
func lagging(t *testing.T, lag time.Duration) *stage.Stage {
	s := hiding(t, map[string]time.Duration{"listLag": 0, "attributeLag": lag})
	svc := s.Fleet.Services["s0"]
	svc.LoadBalancer.Subnets = svc.LoadBalancer.Subnets[:1]
	svc.Consumers["c0"].Endpoint.Subnets = svc.Consumers["c0"].Endpoint.Subnets[:1]
	s.Converge()
	time.Sleep(5 * time.Minute) // virtual
	s.WantEmpty()
	return s
}

// A change that AWS does not show yet is made once, waited for, and leads to
// nothing being replaced or taken away.
func TestChangesAreMadeOnce(t *testing.T) {
	whole := stage.Grid{Services: 1, Consumers: 1}.Fleet().Services["s0"]
	for name, change := range map[string]func(*schema.Service){
		"acceptance":   func(s *schema.Service) { s.AcceptanceRequired = false },
		"private name": func(s *schema.Service) { s.PrivateDNS.Name = "other.grid.example.com" },
		"principals": func(s *schema.Service) {
			c := s.Consumers["c0"]
			c.Principals = append(c.Principals, "arn:aws:iam::200000000000:role/another")
		},
		"zones":        func(s *schema.Service) { s.LoadBalancer.Subnets = whole.LoadBalancer.Subnets },
		"rules":        func(s *schema.Service) { s.LoadBalancer.SecurityGroup.From = []string{"10.0.0.0/16"} },
		"cross-zone":   func(s *schema.Service) { s.LoadBalancer.CrossZone = false },
		"enforcement":  func(s *schema.Service) { s.LoadBalancer.SecurityGroup.EnforceOnPrivateLink = false },
		"delay":        oneListener(func(l *schema.Listener) { l.Targets.DeregistrationDelay = 30 }),
		"health check": oneListener(func(l *schema.Listener) { l.HealthCheck.Interval = 30 }),
		"idle timeout": oneListener(func(l *schema.Listener) { l.IdleTimeout = 60 }),
		"events":       func(s *schema.Service) { s.Notifications.Events = []string{"Accept"} },
		"endpoint's private DNS": func(s *schema.Service) {
			s.Consumers["c0"].Endpoint.PrivateDNS = false
		},
		"endpoint's zones": func(s *schema.Service) {
			s.LoadBalancer.Subnets = whole.LoadBalancer.Subnets
			s.Consumers["c0"].Endpoint.Subnets = whole.Consumers["c0"].Endpoint.Subnets
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				at := changesOf(t, 0, change)
				late := changesOf(t, 30*time.Second, change)
				if len(at) == 0 || !maps.Equal(at, late) {
					t.Errorf("changes are %v, and where AWS shows them late %v", at, late)
				}
			})
		})
	}
}

// An apply looks again until AWS has had a minute to show what was done.
func TestLooksAgainForLagTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lagging(t, 45*time.Second)
		s.Fleet.Services["s0"].LoadBalancer.SecurityGroup.From = []string{"10.0.0.0/16"}
		if left := s.Apply().Left; len(left.Steps) > 0 {
			t.Errorf("after the apply there is left to do:\n%s", stage.Text(left))
		}
	})
}

// changesOf counts the calls by which one apply changes what stands, by
// operation.
func changesOf(t *testing.T, lag time.Duration, change func(*schema.Service)) map[string]int {
	t.Helper()
	s := lagging(t, lag)
	change(s.Fleet.Services["s0"])
	changes := map[string]int{}
	for _, c := range s.Calls(s.Converge) {
		if c.Code == "" && !isLook(c.Operation) {
			changes[c.Operation]++
		}
	}
	return changes
}

// isLook tells the calls that change nothing, by AWS's naming.
func isLook(operation string) bool {
	return slices.ContainsFunc([]string{"Describe", "List", "Get", "AssumeRole"}, func(verb string) bool { return strings.HasPrefix(operation, verb) })
}
