package reconcile_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A review of a part tells all that a look at everything would: above all whom
// a merge cuts off.
func TestReviewOfPart(t *testing.T) {
	ownConsumer := func(f *schema.Fleet) { delete(f.Services["fraud"].Consumers, "partner-a") }
	riskGoes := func(f *schema.Fleet) {
		delete(f.Services["fraud"].Consumers, "risk")
		f.Removed = append(f.Removed, schema.Removal{Service: "fraud", Consumer: "risk"})
	}
	slower := func(f *schema.Fleet) {
		https := *f.Services["fraud"].Listeners["https"]
		https.IdleTimeout = 400
		f.Services["fraud"].Listeners = map[string]*schema.Listener{"https": &https}
	}
	for _, c := range []struct {
		name string
		// before was merged, and is not applied yet; change is what is reviewed.
		before, change func(*schema.Fleet)
		outage         bool
	}{
		{"nobody goes", func(*schema.Fleet) {}, slower, false},
		{"a consumer with an endpoint of its own goes", func(*schema.Fleet) {}, ownConsumer, true},
		{"it went before", ownConsumer, slower, true},
		{"a consumer with our endpoint went before", riskGoes, slower, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := partnerWithRole(t)
				c.before(s.Fleet)
				was := fork(s.Fleet)
				c.change(s.Fleet)
				part, err := targeted(s).ReviewPart(t.Context(), was, []string{"fraud"})
				if err != nil {
					t.Fatal(err)
				}
				whole, err := targeted(s).Review(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if part.Plan.Digest() != whole.Plan.Digest() || stage.Text(part.Plan) != stage.Text(whole.Plan) {
					t.Errorf("the part's review is\n%s\nand the whole's\n%s", stage.Text(part.Plan), stage.Text(whole.Plan))
				}
				told := slices.ContainsFunc(part.Plan.Notes, func(n planner.Note) bool { return n.Kind == planner.NoteOutage })
				if told != c.outage {
					t.Errorf("an outage is told: %v, want %v:\n%s", told, c.outage, stage.Text(part.Plan))
				}
			})
		})
	}
}

// partnerWithRole is the example, applied, where linkfleet has a role in the
// account of a partner, who makes its own endpoint all the same.
func partnerWithRole(t *testing.T) *stage.Stage {
	t.Helper()
	const id = "333333333333"
	s := stage.Example(t, exampleDir, func(w awssim.World) {
		a := w.Accounts[id]
		a.Roles = w.Accounts["222222222222"].Roles
		w.Accounts[id] = a
	})
	s.Guarded, s.Fleet.Removed = true, nil
	a := s.Fleet.Accounts["partner-a"]
	a.External, a.Role = false, "linkfleet"
	s.Converge()
	return s
}

// fork is a fleet to compare with after its services have been changed.
func fork(f *schema.Fleet) *schema.Fleet {
	was := *f
	was.Services = map[string]*schema.Service{}
	for name, s := range f.Services {
		service := *s
		service.Consumers = maps.Clone(s.Consumers)
		was.Services[name] = &service
	}
	return &was
}

// targeted is a run of the service that a pull request changes.
func targeted(s *stage.Stage) *reconcile.Run {
	r := s.Run()
	r.Targets = []planner.Group{{Service: "fraud"}}
	return r
}
