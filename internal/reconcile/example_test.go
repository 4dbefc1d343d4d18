package reconcile_test

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

const exampleDir = "../../fleet.example"

// onExample runs do in virtual time on the example fleet, applied.
func onExample(t *testing.T, do func(t *testing.T, s *stage.Stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.Example(t, exampleDir)
		s.Converge()
		do(t, s)
	})
}

// From empty accounts one apply does all, and one partner is waited for.
func TestExampleComesUpInOneApply(t *testing.T) {
	onExample(t, func(t *testing.T, s *stage.Stage) {
		plan := s.Plan()
		if len(plan.Notes) != 1 || plan.Notes[0].Kind != planner.NoteWaiting || plan.Notes[0].Group.Consumer != "partner-c" {
			t.Errorf("notes: %+v, want only partner-c waited for", plan.Notes)
		}
		live := s.Live()
		want := map[string]int{
			"security-group": 8, "load-balancer": 2, "target-group": 2, "listener": 2, "endpoint-service": 2,
			"service-permissions": 2, "topic": 1, "connection-notification": 2, "private-dns-name": 2,
			"verification-record": 2, "domain-verification": 2, "endpoint": 6, "endpoint-private-dns": 6, "connection": 8,
		}
		got := map[string]int{}
		for addr, rs := range live.Live {
			got[addr.Kind] += len(rs)
		}
		if !maps.Equal(got, want) {
			t.Errorf("live objects: %v, want %v", got, want)
		}
	})
}

func TestRemovals(t *testing.T) {
	for _, c := range []struct {
		name   string
		remove func(*schema.Fleet)
		outage bool
		gone   string // part of the addresses that must be gone
	}{
		{"managed consumer", func(f *schema.Fleet) { delete(f.Services["fraud"].Consumers, "risk") }, true, "fraud/risk"},
		{"external consumer", func(f *schema.Fleet) { delete(f.Services["fraud"].Consumers, "partner-a") }, true, "fraud/partner-a"},
		{"service", func(f *schema.Fleet) { delete(f.Services, "fraud") }, true, "fraud"},
		{"everything", func(f *schema.Fleet) { clear(f.Services) }, true, "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onExample(t, func(t *testing.T, s *stage.Stage) {
				c.remove(s.Fleet)
				plan := s.Plan()
				outage := strings.Contains(stage.Text(plan), "will be")
				if outage != c.outage {
					t.Errorf("outage announced: %v, want %v:\n%s", outage, c.outage, stage.Text(plan))
				}
				s.Converge()
				for addr := range s.Live().Live {
					if strings.Contains(addr.Path(), c.gone) && addr.Kind != "connection" {
						t.Errorf("%s is still there", addr)
					}
				}
			})
		})
	}
}
