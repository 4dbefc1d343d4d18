package reconcile_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// Random histories: LINKFLEET_SEEDS says how many, LINKFLEET_SEED which one.
const (
	seedsVariable = "LINKFLEET_SEEDS"
	seedVariable  = "LINKFLEET_SEED"
	defaultSeeds  = 10
)

// eachSeed runs do in virtual time for each seed.
func eachSeed(t *testing.T, do func(t *testing.T, seed uint64)) {
	t.Helper()
	seeds(t, seedsVariable, defaultSeeds, do)
}

// seeds runs do for as many seeds as the variable says.
func seeds(t *testing.T, variable string, n uint64, do func(t *testing.T, seed uint64)) {
	t.Helper()
	first := uint64(1)
	if text := os.Getenv(variable); text != "" {
		n = number(t, text)
	}
	if text := os.Getenv(seedVariable); text != "" {
		first, n = number(t, text), 1
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("replay with %s=%d go test -run '^%s$' ./internal/reconcile", seedVariable, seed, strings.Split(t.Name(), "/")[0])
				}
			}()
			synctest.Test(t, func(t *testing.T) { do(t, seed) })
		})
	}
}

func number(t *testing.T, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// From any fleet to any other it takes one apply, the second plan is empty,
// and on the way nobody gets in who was not let in.
func TestHistories(t *testing.T) {
	const turns = 4
	eachSeed(t, func(t *testing.T, seed uint64) {
		h := newHistory(t, seed)
		for range turns {
			h.turn(h.lottery.Next())
		}
		h.turn(h.lottery.None())
		if left := h.Live().Live; len(left) > 0 {
			t.Errorf("left behind: %v", slices.Collect(maps.Keys(left)))
		}
		h.wantUntouched()
	})
}

// A history is one fleet after the other in one world.
type history struct {
	*stage.Stage
	t        *testing.T
	lottery  *stage.Lottery
	others   map[string]string // what is not the fleet's, as it was at the start
	admitted map[string]bool   // principals that somebody let in, ever
	before   map[string]joined // connections before the turn, by endpoint
}

func newHistory(t *testing.T, seed uint64) *history {
	l := stage.NewLottery(seed)
	world := l.World()
	world.Knobs.Latencies = map[string]time.Duration{"attributeLag": time.Duration(seed%4) * 10 * time.Second}
	return beginHistory(t, l, world, true)
}

// beginHistory begins with strangers' things only, some in disguise if asked.
func beginHistory(t *testing.T, l *stage.Lottery, world awssim.World, disguised bool) *history {
	h := &history{Stage: stage.New(t, world, l.None()), t: t, lottery: l, admitted: map[string]bool{}}
	if disguised {
		h.PlantStrangers()
	}
	h.others = h.strangers()
	return h
}

// turn goes from the fleet as it is to next.
func (h *history) turn(next *schema.Fleet) {
	h.t.Helper()
	was := h.Fleet
	if h.lottery.Chance(30) {
		h.openDoors()
	}
	h.before = h.connections()
	h.Sim.ResetCalls()
	h.Fleet = next
	h.admit(next)
	plan, result := h.apply()
	if err := result.Err(); err != nil {
		h.t.Fatalf("applying: %v\n%s", err, stage.Text(plan))
	}
	h.wantConverged(plan)
	h.wantSafe(was, next)
	h.settle()
}

func (h *history) apply() (*planner.Plan, *reconcile.Result) {
	h.t.Helper()
	r := h.Run()
	plan, err := r.Plan(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	result, err := r.Apply(h.t.Context(), nil, plan)
	if err != nil {
		h.t.Fatal(err)
	}
	wantHarmless(h.t, plan)
	return plan, result
}

// wantConverged wants nothing to do, but for partners who have just come and
// what the first plan had to refuse and can be done now.
func (h *history) wantConverged(first *planner.Plan) {
	h.t.Helper()
	second := h.Plan()
	refused := func(at planner.Addr) bool {
		return slices.ContainsFunc(first.Blocked, func(b planner.Blocked) bool { return b.Addr == at })
	}
	for _, st := range second.Steps {
		if !kinds.IsArrival(st) && !refused(st.Addr) {
			h.t.Fatalf("after this plan\n%s\nthere is more to do:\n%s", stage.Text(first), stage.Text(second))
		}
	}
	for _, b := range second.Blocked {
		if !refused(b.Addr) {
			h.t.Fatalf("after this plan\n%s\nsomething else is blocked:\n%s", stage.Text(first), stage.Text(second))
		}
	}
}

// settle lets the partners come and what was refused be done, until there is
// nothing to do.
func (h *history) settle() {
	h.t.Helper()
	for range 4 {
		time.Sleep(time.Minute) // virtual
		plan, result := h.apply()
		if err := result.Err(); err != nil {
			h.t.Fatalf("settling: %v\n%s", err, stage.Text(plan))
		}
		if len(plan.Steps) == 0 {
			return
		}
		h.wantConverged(plan)
	}
	h.t.Fatalf("there is always more to do:\n%s", stage.Text(h.Plan()))
}

// admit notes whom the fleet lets in.
func (h *history) admit(f *schema.Fleet) {
	for _, s := range f.Services {
		for _, c := range s.Consumers {
			for _, p := range c.Principals {
				h.admitted[p] = true
			}
		}
	}
}

// openDoors lets the stranger in by hand, everywhere, and waits until it has
// come.
func (h *history) openDoors() {
	h.t.Helper()
	h.eachProvider(func(c *ec2.Client) {
		for _, s := range h.services(c) {
			_, err := c.ModifyVpcEndpointServicePermissions(h.t.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{
				ServiceId: s.ServiceId, AddAllowedPrincipals: []string{stage.StrangersARN},
			})
			if err != nil {
				h.t.Fatal(err)
			}
		}
	})
	h.admitted[stage.StrangersARN] = true
	time.Sleep(time.Minute) // virtual
}

// A joined is a connection as the provider sees it.
type joined struct {
	service, owner, state string
}

func (j joined) pending() bool  { return j.state == "pendingAcceptance" }
func (j joined) accepted() bool { return j.state == "available" || j.state == "pending" }

// standing is the state, whether or not AWS is done with an acceptance.
func (j joined) standing() string {
	if j.accepted() {
		return "accepted"
	}
	return j.state
}

// connections are those of parties that make their own endpoints.
func (h *history) connections() map[string]joined {
	h.t.Helper()
	found := map[string]joined{}
	h.eachProvider(func(c *ec2.Client) {
		names := map[string]string{}
		for _, s := range h.services(c) {
			for _, tag := range s.Tags {
				if aws.ToString(tag.Key) == kinds.TagAddress {
					names[aws.ToString(s.ServiceId)] = strings.TrimPrefix(aws.ToString(tag.Value), "endpoint-service/")
				}
			}
		}
		out, err := c.DescribeVpcEndpointConnections(h.t.Context(), &ec2.DescribeVpcEndpointConnectionsInput{})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, conn := range out.VpcEndpointConnections {
			owner := aws.ToString(conn.VpcEndpointOwner)
			if owner == stage.Stranger || h.account(owner).External {
				found[aws.ToString(conn.VpcEndpointId)] = joined{names[aws.ToString(conn.ServiceId)], owner, string(conn.VpcEndpointState)}
			}
		}
	})
	return found
}

func (h *history) account(id string) *schema.Account {
	for _, a := range h.Fleet.Accounts {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func (h *history) eachProvider(do func(*ec2.Client)) {
	h.t.Helper()
	for _, name := range []string{"annex", "platform"} {
		if h.Fleet.Accounts[name] == nil {
			continue
		}
		for _, region := range h.Fleet.Regions {
			do(h.Hands(h.Fleet.Accounts[name].ID, region).EC2)
		}
	}
}

// services are the fleet's own.
func (h *history) services(c *ec2.Client) []ec2types.ServiceConfiguration {
	h.t.Helper()
	out, err := c.DescribeVpcEndpointServiceConfigurations(h.t.Context(), &ec2.DescribeVpcEndpointServiceConfigurationsInput{
		Filters: []ec2types.Filter{{Name: aws.String("tag:" + kinds.TagFleet), Values: []string{h.Fleet.Name}}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out.ServiceConfigurations
}

// wantSafe looks at who got in during the turn, and at what became of the
// connections that stood before it.
func (h *history) wantSafe(was, next *schema.Fleet) {
	h.t.Helper()
	for _, c := range h.Sim.Calls() {
		if c.Actor && c.Operation == "CreateVpcEndpoint" && c.Code == "" && !h.admitted[c.Principal] {
			h.t.Errorf("%s got in and was never let in", c.Principal)
		}
	}
	after := h.connections()
	for id, now := range after {
		stood, known := h.before[id]
		service := next.Services[now.service]
		if service == nil || was.Services[now.service] != nil && was.Services[now.service].Account != service.Account {
			continue // the service is being removed
		}
		switch fate := h.fate(service, now.owner, stood); {
		case !known:
			open := !service.AcceptanceRequired || was.Services[now.service] != nil && !was.Services[now.service].AcceptanceRequired
			if now.accepted() && !open && !h.declared(service, now.owner) {
				h.t.Errorf("%s of %s came and was accepted to %s", id, now.owner, now.service)
			}
		case fate != now.standing():
			h.t.Errorf("%s of %s at %s was %s and should be %s, but is %s", id, now.owner, now.service, stood.state, fate, now.state)
		}
	}
}

// fate is what must become of a connection that stood before.
func (h *history) fate(s *schema.Service, owner string, stood joined) string {
	switch {
	case !stood.pending() && !stood.accepted():
		return stood.standing()
	case h.declared(s, owner), stood.accepted() && s.OnRevoke == schema.Keep:
		return "accepted"
	case stood.pending() && s.UnknownConnections == schema.Leave:
		return stood.standing()
	}
	return "rejected"
}

// declared tells whether an account is that of a consumer which makes its own
// endpoints.
func (h *history) declared(s *schema.Service, owner string) bool {
	for _, c := range s.Consumers {
		if c.Endpoint == nil && h.Fleet.Accounts[c.Account].ID == owner {
			return true
		}
	}
	return false
}
