package kinds

import (
	"slices"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// The court is a service with one managed consumer and two that make their
// own endpoints.
func court() *schema.Fleet {
	accounts := map[string]*schema.Account{}
	for name, id := range map[string]string{"platform": "111111111111", "risk": "222222222222"} {
		accounts[name] = &schema.Account{Name: name, ID: id, Role: "linkfleet"}
	}
	for name, id := range map[string]string{"partner": "333333333333", "absent": "444444444444"} {
		accounts[name] = &schema.Account{Name: name, ID: id, External: true}
	}
	return &schema.Fleet{
		Name: "fleet", Regions: []string{"us-east-1"}, Accounts: accounts,
		Services: map[string]*schema.Service{"pay": {
			Name: "pay", Account: "platform", Region: "us-east-1", AcceptanceRequired: true,
			UnknownConnections: schema.Leave, OnRevoke: schema.Reject,
			Consumers: map[string]*schema.Consumer{
				"risk":    {Name: "risk", Account: "risk", Endpoint: &schema.Endpoint{Region: "us-east-1"}},
				"partner": {Name: "partner", Account: "partner", Principals: []string{"arn:aws:iam::333333333333:root"}},
				"absent":  {Name: "absent", Account: "absent"},
			},
		}},
	}
}

var (
	provider = planner.Place{Account: "platform", Region: "us-east-1"}
	consumer = planner.Place{Account: "risk", Region: "us-east-1"}
)

// liveConnection is as the reader gives it: named by its endpoint.
func liveConnection(service, endpoint, owner, state string) planner.Resource {
	made := connectionMade("vpce-svc-1", endpoint)
	return planner.Resource{
		Addr: planner.Addr{Kind: "connection", Name: service + "/" + endpoint, Place: provider}, Group: planner.Group{Service: service}, ID: made.ID,
		Outputs: planner.Outputs{"id": made.ID, "endpoint": endpoint, "owner": owner, "since": "2030-01-01T00:00:00Z"},
		Spec:    connectionSpec{Service: planner.Known("vpce-svc-1"), Endpoint: planner.Known(endpoint), State: state},
	}
}

func liveEndpoint(name, id string) planner.Resource {
	return planner.Resource{
		Addr: planner.Addr{Kind: "endpoint", Name: name, Place: consumer}, ID: id, Outputs: planner.Outputs{"id": id}, Spec: endpointSpec{},
	}
}

func stateOf(rs ...planner.Resource) planner.State {
	s := planner.State{Live: map[planner.Addr][]planner.Resource{}, Unread: map[planner.Place]string{}}
	for _, r := range rs {
		s.Live[r.Addr] = append(s.Live[r.Addr], r)
	}
	return s
}

func TestJudge(t *testing.T) {
	const risk, partner, stranger = "222222222222", "333333333333", "999999999999"
	ours, removed := liveEndpoint("pay/risk", "vpce-1"), liveEndpoint("pay/gone", "vpce-1")
	for _, c := range []struct {
		name   string
		change func(*schema.Fleet)
		unread bool // the managed consumer's place
		ours   []planner.Resource
		of     planner.Resource
		// as is the connection's address in the state; "" if it is left alone.
		as   string
		note string // part of a note
	}{
		{name: "our endpoint's", ours: []planner.Resource{ours}, of: liveConnection("pay", "vpce-1", risk, connPending), as: "pay/risk"},
		{name: "our endpoint's, accepted", ours: []planner.Resource{ours}, of: liveConnection("pay", "vpce-1", risk, connAccepted), as: "pay/risk"},
		{name: "our endpoint's, rejected by hand", ours: []planner.Resource{ours}, of: liveConnection("pay", "vpce-1", risk, connRejected), as: "pay/risk"},
		{name: "our endpoint's, whose consumer is removed", ours: []planner.Resource{removed}, of: liveConnection("pay", "vpce-1", risk, connAccepted)},
		{
			// The account is a consumer's, and still this endpoint is not ours.
			name: "another endpoint of a managed consumer's account", ours: []planner.Resource{ours}, of: liveConnection("pay", "vpce-2", risk, connPending),
			note: "left pending",
		},
		{name: "the same, connected", ours: []planner.Resource{ours}, of: liveConnection("pay", "vpce-2", risk, connAccepted), as: "pay/vpce-2"},
		{name: "of an account that is unread", unread: true, of: liveConnection("pay", "vpce-1", risk, connAccepted), note: "left alone: it may be ours"},
		{name: "pending, of an account that is unread", unread: true, of: liveConnection("pay", "vpce-1", risk, connPending), note: "left alone: it may be ours"},
		{name: "a stranger's, while an account is unread", unread: true, of: liveConnection("pay", "vpce-1", stranger, connAccepted), as: "pay/vpce-1"},

		{
			// An earlier run may have made it and died, and the consumer's list
			// lags more than the provider's.
			name: "of a managed consumer's account, where no endpoint is seen yet", change: rejectUnknown,
			of: liveConnection("pay", "vpce-1", risk, connPending), note: "left alone: it may be ours",
		},
		{name: "the same, connected", of: liveConnection("pay", "vpce-1", risk, connAccepted), note: "left alone: it may be ours"},
		{name: "the same, rejected", of: liveConnection("pay", "vpce-1", risk, connRejected)},
		{
			name: "of a managed consumer's account, where the endpoint is to be replaced", change: func(f *schema.Fleet) {
				rejectUnknown(f)
				e := f.Services["pay"].Consumers["risk"].Endpoint
				e.VPC, e.AllowReplace = "vpc-2", true
			}, ours: []planner.Resource{ours},
			of: liveConnection("pay", "vpce-2", risk, connPending), note: "left alone: it may be ours",
		},
		{
			name: "another of a managed consumer's account, to be rejected", change: rejectUnknown, ours: []planner.Resource{ours},
			of: liveConnection("pay", "vpce-2", risk, connPending), as: "pay/vpce-2",
		},
		{
			name: "of a managed consumer's account, whose consumer is removed", change: func(f *schema.Fleet) { delete(f.Services["pay"].Consumers, "risk") },
			of: liveConnection("pay", "vpce-1", risk, connAccepted), as: "pay/vpce-1",
		},

		{name: "a consumer's own", of: liveConnection("pay", "vpce-1", partner, connPending), as: "pay/partner/vpce-1"},
		{name: "a consumer's own, accepted", of: liveConnection("pay", "vpce-1", partner, connAccepted), as: "pay/partner/vpce-1"},
		{name: "a consumer's own, rejected: the owner has to make another", of: liveConnection("pay", "vpce-1", partner, connRejected)},

		{name: "a stranger's, pending", of: liveConnection("pay", "vpce-1", stranger, connPending), note: "since 2030-01-01T00:00:00Z and belongs to no declared consumer"},
		{
			name: "a stranger's, pending, to be rejected", change: rejectUnknown,
			of: liveConnection("pay", "vpce-1", stranger, connPending), as: "pay/vpce-1",
		},
		{name: "a stranger's, rejected", of: liveConnection("pay", "vpce-1", stranger, connRejected)},
		{name: "a former consumer's", of: liveConnection("pay", "vpce-1", stranger, connAccepted), as: "pay/vpce-1"},
		{
			name: "a former consumer's, to be kept", change: func(f *schema.Fleet) { f.Services["pay"].OnRevoke = schema.Keep },
			of: liveConnection("pay", "vpce-1", stranger, connAccepted), note: "it stays, as onRevoke says",
		},
		{
			name: "anybody's, where everybody may connect",
			change: func(f *schema.Fleet) {
				f.Services["pay"].AcceptanceRequired = false
				f.Services["pay"].Consumers["partner"].Principals = []string{"*"}
			},
			of: liveConnection("pay", "vpce-1", stranger, connAccepted), note: "as everybody may",
		},

		{name: "of a removed service", change: removeAll, of: liveConnection("pay", "vpce-1", partner, connAccepted), as: "pay/vpce-1"},
		{name: "pending, of a removed service", change: removeAll, of: liveConnection("pay", "vpce-1", stranger, connPending), as: "pay/vpce-1"},
		{name: "rejected, of a removed service", change: removeAll, of: liveConnection("pay", "vpce-1", stranger, connRejected)},
		{name: "our endpoint's, of a removed service", change: removeAll, ours: []planner.Resource{ours}, of: liveConnection("pay", "vpce-1", risk, connAccepted)},
		{
			name: "of a service that is elsewhere now", change: func(f *schema.Fleet) { f.Services["pay"].Region = "us-west-2" },
			of: liveConnection("pay", "vpce-1", partner, connAccepted), as: "pay/vpce-1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, live := court(), stateOf(append(c.ours, c.of)...)
			if c.change != nil {
				c.change(f)
			}
			if c.unread {
				live.Unread[consumer] = "access denied"
			}
			judged, notes := judge(f, live)
			if got := names(connectionsOf(judged)); got != c.as {
				t.Errorf("it is %q in the state, want %q", got, c.as)
			}
			notes = slices.DeleteFunc(notes, func(n planner.Note) bool { return n.Kind == planner.NoteOutage })
			if (c.note == "") != (len(notes) == 0) || c.note != "" && !strings.Contains(notes[0].Text, c.note) {
				t.Errorf("notes are %+v, want %q", notes, c.note)
			}
			if len(connectionsOf(live)) != 1 || connectionsOf(live)[0].Addr != c.of.Addr {
				t.Error("the live state that was handed in has changed")
			}
		})
	}
}

func rejectUnknown(f *schema.Fleet) { f.Services["pay"].UnknownConnections = schema.RejectUnknown }

func removeAll(f *schema.Fleet) { clear(f.Services) }

func names(rs []planner.Resource) string {
	var all []string
	for _, r := range rs {
		all = append(all, r.Addr.Name)
	}
	return strings.Join(all, " ")
}

// Only an acceptance of a consumer's own endpoint may follow a plan that was
// reviewed without it.
func TestIsArrival(t *testing.T) {
	arrival := planner.Step{StepKey: planner.StepKey{Action: planner.Update, Addr: planner.Addr{Kind: "connection", Name: "pay/partner/vpce-1"}}}
	if !IsArrival(arrival) {
		t.Error("a consumer's own endpoint is an arrival")
	}
	for name, change := range map[string]func(*planner.Step){
		"a managed consumer's":   func(st *planner.Step) { st.Addr.Name = "pay/risk" },
		"another kind":           func(st *planner.Step) { st.Addr.Kind = "endpoint" },
		"a rejection":            func(st *planner.Step) { st.Action = planner.Delete },
		"one that other wait on": func(st *planner.Step) { st.WaitsFor = []planner.StepKey{{Action: planner.Create}} },
	} {
		st := arrival
		change(&st)
		if IsArrival(st) {
			t.Errorf("%s is an arrival", name)
		}
	}
}

func TestWaiting(t *testing.T) {
	service := planner.Resource{Addr: planner.Addr{Kind: "endpoint-service", Name: "pay", Place: provider}, Outputs: planner.Outputs{"name": "com.amazonaws.vpce.us-east-1.vpce-svc-1"}}
	came := liveConnection("pay", "vpce-1", "333333333333", connAccepted)
	for _, c := range []struct {
		name   string
		live   planner.State
		unread bool
		want   []string
	}{
		{name: "before anything is there", live: stateOf(), want: []string{
			"absent (account 444444444444) has not made its endpoint", "partner (account 333333333333) has not made its endpoint",
		}},
		{name: "one came", live: stateOf(service, came), want: []string{"absent (account 444444444444) has not made its endpoint for com.amazonaws.vpce.us-east-1.vpce-svc-1"}},
		{name: "nobody knows", live: stateOf(), unread: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.unread {
				c.live.Unread[provider] = "access denied"
			}
			judged, _ := judge(court(), c.live)
			var got []string
			for _, n := range waiting(court(), judged) {
				got = append(got, n.Text)
				if n.Kind != planner.NoteWaiting || n.Group.Consumer == "" {
					t.Errorf("note %+v", n)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("waiting for %q, want %q", got, c.want)
			}
		})
	}
}
