package reconcile_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// onGuarded runs do on the example, applied, where removals have to be named
// and limits kept.
func onGuarded(t *testing.T, do func(t *testing.T, s *stage.Stage)) {
	t.Helper()
	onExample(t, func(t *testing.T, s *stage.Stage) {
		s.Guarded, s.Fleet.Removed = true, nil
		do(t, s)
	})
}

// identities are the ids of the objects that consumers depend on.
func identities(s *stage.Stage) map[string]planner.Addr {
	s.T.Helper()
	ids := map[string]planner.Addr{}
	for addr, rs := range s.Live().Live {
		for _, r := range rs {
			if addr.Kind == "endpoint-service" || addr.Kind == "endpoint" {
				ids[r.ID] = addr
			}
		}
	}
	return ids
}

// accepted are the connections in use, service and endpoint.
func accepted(s *stage.Stage) []string {
	s.T.Helper()
	var ids []string
	for _, rs := range s.Live().Live {
		for _, r := range rs {
			if kinds.InUse(r) {
				ids = append(ids, r.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func wantMend(t *testing.T, plan *planner.Plan, mend string) {
	t.Helper()
	if !slices.ContainsFunc(plan.Blocked, func(b planner.Blocked) bool { return strings.Contains(b.Mend, mend) }) {
		t.Errorf("nobody says %q:\n%s", mend, stage.Text(plan))
	}
}

// An empty fleet, as a wrong merge or a half-read checkout makes one, deletes
// no service and cuts nobody.
func TestEmptyFleetDeletesNothing(t *testing.T) {
	onGuarded(t, func(t *testing.T, s *stage.Stage) {
		before, connected := s.Live(), accepted(s)
		clear(s.Fleet.Services)
		plan := s.Plan()
		if len(plan.Steps) > 0 {
			t.Errorf("planned:\n%s", stage.Short(plan))
		}
		wantMend(t, plan, `add "services/fraud" to fleet.removed`)
		wantMend(t, plan, `add "services/payments" to fleet.removed`)
		s.Apply()
		if after := s.Live(); len(after.Live) != len(before.Live) || !slices.Equal(accepted(s), connected) {
			t.Error("something is gone")
		}
	})
}

func TestEndpointGoesByName(t *testing.T) {
	onGuarded(t, func(t *testing.T, s *stage.Stage) {
		risk := s.Fleet.Services["fraud"].Consumers["risk"]
		delete(s.Fleet.Services["fraud"].Consumers, "risk")
		plan := s.Plan()
		wantMend(t, plan, `add "services/fraud/consumers/risk" to fleet.removed`)
		if got := stage.Short(plan); got != "update service-permissions/fraud: principals\n" {
			t.Errorf("besides the closed door there is planned:\n%s", got)
		}
		if strings.Contains(stage.Text(plan), "Outages") {
			t.Errorf("an outage that does not happen:\n%s", stage.Text(plan))
		}
		connected := accepted(s)
		s.Apply()
		if !slices.Equal(accepted(s), connected) {
			t.Error("closing the door cut a live connection")
		}
		s.Fleet.Services["fraud"].Consumers["risk"] = risk
		s.Remove("services/fraud/consumers/risk")
		if text := stage.Text(s.Plan()); !strings.Contains(text, "is connected and will be deleted: its consumer is removed") {
			t.Errorf("no outage is told:\n%s", text)
		}
		s.Converge()
	})
}

// A consumer that makes its own endpoint from now on.
func TestEndpointHandedOver(t *testing.T) {
	onGuarded(t, func(t *testing.T, s *stage.Stage) {
		s.Fleet.Services["fraud"].Consumers["risk"].Endpoint = nil
		wantMend(t, s.Plan(), `add "services/fraud/consumers/risk/endpoint" to fleet.removed`)
		s.Remove("services/fraud/consumers/risk/endpoint")
		s.Converge()
	})
}

func TestPreventDestroy(t *testing.T) {
	onGuarded(t, func(t *testing.T, s *stage.Stage) {
		fraud := s.Fleet.Services["fraud"]
		fraud.PreventDestroy = true
		s.Converge()
		fraud.Listeners["more"] = &schema.Listener{}
		*fraud.Listeners["more"] = *fraud.Listeners["https"]
		fraud.Listeners["more"].Name, fraud.Listeners["more"].Port = "more", 9443
		s.Converge()
		delete(fraud.Listeners, "more")
		wantMend(t, s.Plan(), "preventDestroy: false")

		s.Remove("services/fraud")
		plan := s.Plan()
		wantMend(t, plan, "declare it again with preventDestroy: false")
		for _, st := range plan.Steps {
			if st.Action == planner.Delete && st.Group().Consumer == "" {
				t.Errorf("%s of a service that must not be destroyed", st.StepKey)
			}
		}
	})
}

// A listener does not leave its port for one that another is not let go from:
// it would be on neither.
func TestListenerStaysWhereItsPortIsKept(t *testing.T) {
	onGuarded(t, func(t *testing.T, s *stage.Stage) {
		fraud := s.Fleet.Services["fraud"]
		fraud.PreventDestroy = true
		more := *fraud.Listeners["https"]
		more.Name, more.Port = "more", 9443
		fraud.Listeners["more"] = &more
		s.Converge()
		delete(fraud.Listeners, "more")
		fraud.Listeners["https"].Port = 9443
		wantMend(t, s.Plan(), "give it another port at ")
		s.Apply()
		at := planner.Addr{Kind: "listener", Name: "fraud/https", Place: planner.Place{Account: "platform", Region: "us-east-1"}}
		hand := s.Hands(s.Fleet.Accounts["platform"].ID, "us-east-1")
		out, err := hand.ELB.DescribeListeners(t.Context(), &elasticloadbalancingv2.DescribeListenersInput{ListenerArns: []string{s.Live().Live[at][0].ID}})
		if err != nil {
			t.Fatal(err)
		}
		if port := aws.ToInt32(out.Listeners[0].Port); port != 8443 {
			t.Errorf("the listener moved to port %d, which nobody asked for", port)
		}
	})
}

// The protection of a load balancer goes in a step of its own, when its
// service is removed by name, and not before.
func TestProtectedBalancer(t *testing.T) {
	onGuarded(t, func(t *testing.T, s *stage.Stage) {
		s.Fleet.Services["fraud"].LoadBalancer.DeletionProtection = true
		s.Converge()
		removed := s.Fleet.Services["fraud"]
		delete(s.Fleet.Services, "fraud")
		if short := stage.Short(s.Plan()); strings.Contains(short, "load-balancer") || strings.Contains(short, "delete") {
			t.Errorf("planned:\n%s", short)
		}
		s.Fleet.Services["fraud"] = removed
		s.Remove("services/fraud")
		if short := stage.Short(s.Plan()); !strings.Contains(short, "update load-balancer/fraud: deletionProtection\n") {
			t.Errorf("planned:\n%s", short)
		}
		s.Fleet.Limits = schema.Limits{}
		s.Converge()
	})
}

// What a consumer said of its connection holds when it is in no file any more.
func TestOnRevokeOutlastsTheConsumer(t *testing.T) {
	for _, fate := range []schema.OnRevoke{schema.Keep, schema.Reject} {
		t.Run(string(fate), func(t *testing.T) {
			onGuarded(t, func(t *testing.T, s *stage.Stage) {
				fraud := s.Fleet.Services["fraud"]
				fraud.OnRevoke = map[schema.OnRevoke]schema.OnRevoke{schema.Keep: schema.Reject, schema.Reject: schema.Keep}[fate]
				fraud.Consumers["partner-a"].OnRevoke = fate
				s.Converge()
				connected := len(accepted(s))
				delete(fraud.Consumers, "partner-a")
				s.Converge()
				want := connected
				if fate == schema.Reject {
					want--
				}
				if got := len(accepted(s)); got != want {
					t.Errorf("%d connections are in use, want %d of %d", got, want, connected)
				}
				s.WantEmpty() // and it is remembered for as long as it matters
			})
		})
	}
}

// Another principal of the same account drops nobody who is connected.
func TestPrincipalsShrinkAndGrow(t *testing.T) {
	onGuarded(t, func(t *testing.T, s *stage.Stage) {
		fraud := s.Fleet.Services["fraud"]
		connected, role := accepted(s), fraud.Consumers["partner-a"].Principals
		id := s.Fleet.Accounts["partner-a"].ID
		for _, principals := range [][]string{{"arn:aws:iam::" + id + ":root"}, role, {"arn:aws:iam::" + id + ":role/another"}} {
			fraud.Consumers["partner-a"].Principals = principals
			plan := s.Plan()
			if got := stage.Short(plan); got != "update service-permissions/fraud: principals\n" || strings.Contains(stage.Text(plan), "Outages") {
				t.Errorf("planned:\n%s", stage.Text(plan))
			}
			s.Converge()
			if got := accepted(s); !slices.Equal(got, connected) {
				t.Errorf("in use were %q and are %q", connected, got)
			}
		}
	})
}

func TestOverTheLimits(t *testing.T) {
	onGuarded(t, func(t *testing.T, s *stage.Stage) {
		s.Fleet.Limits.Deletes = &schema.Limit{Count: 3, Percent: 100}
		s.Remove("services/fraud")
		before := identities(s)
		plan := s.Plan()
		if len(plan.Limits) == 0 || len(plan.Steps) == 0 {
			t.Fatalf("want a whole plan over its limits:\n%s", stage.Text(plan))
		}
		run := s.Run()
		_, err := run.Apply(t.Context(), nil, plan)
		over, ok := errors.AsType[*reconcile.OverError](err)
		if !ok || !strings.Contains(err.Error(), over.Limits[0].Override()) || !maps.Equal(identities(s), before) {
			t.Fatalf("the apply says %v", err)
		}
		run.Allow = map[planner.Tally]int{}
		for _, l := range over.Limits {
			run.Allow[l.Tally] = l.Total
		}
		if err := run.CheckLimits(plan); err != nil {
			t.Errorf("what was said to be enough is not: %v", err)
		}
	})
}

// The default limits let a consumer and a service of the example go.
func TestDefaultLimitsAreNoNuisance(t *testing.T) {
	onGuarded(t, func(t *testing.T, s *stage.Stage) {
		s.Remove("services/fraud/consumers/risk")
		s.Converge()
		s.Remove("services/payments")
		s.Converge()
	})
}

// In random histories nothing goes that nobody named.
func TestNothingUnnamedGoes(t *testing.T) {
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			s := stage.Example(t, exampleDir)
			s.Guarded = true
			s.Fleet.Limits = schema.Limits{}
			s.Converge()
			random := rand.New(rand.NewPCG(seed, 0))
			for range 4 {
				before := identities(s)
				editAtRandom(random, s.Fleet)
				if err := s.Apply().Err(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				after := identities(s)
				for id, addr := range before {
					service, consumer, _ := strings.Cut(addr.Name, "/")
					if _, there := after[id]; !there && !s.Fleet.Removes(service, consumer) {
						t.Fatalf("seed %d: %s (%s) is gone, and nobody named it", seed, addr, id)
					}
				}
			}
		})
	}
}

// editAtRandom takes something out of a fleet, with or without its name.
func editAtRandom(random *rand.Rand, f *schema.Fleet) {
	names := slices.Sorted(maps.Keys(f.Services))
	if len(names) == 0 {
		return
	}
	s := f.Services[names[random.IntN(len(names))]]
	r := schema.Removal{Service: s.Name}
	consumers := slices.Sorted(maps.Keys(s.Consumers))
	if len(consumers) > 0 && random.IntN(3) > 0 {
		r.Consumer = consumers[random.IntN(len(consumers))]
		delete(s.Consumers, r.Consumer)
	} else {
		delete(f.Services, s.Name)
	}
	if random.IntN(2) == 0 {
		f.Removed = append(f.Removed, r)
	}
}
