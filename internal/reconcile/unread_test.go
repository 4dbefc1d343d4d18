package reconcile_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// ours are the example's accounts in which linkfleet has a role.
var ours = []string{"platform", "dns", "risk", "lending", "harbor", "summit"}

// Roles of no use: one that is not there, and one that may do nothing.
const (
	roleAbsent    = "absent"
	rolePowerless = "powerless"
)

func withPowerless(w awssim.World) {
	for _, a := range w.Accounts {
		if role, ok := a.Roles["linkfleet"]; ok {
			role.Actions = []string{"sts:GetCallerIdentity"}
			a.Roles[rolePowerless] = role
		}
	}
}

// eachUnread runs do on the example for each account in turn and each way to
// have no access to it. lose takes the access away, mend gives it back.
func eachUnread(t *testing.T, do func(t *testing.T, u *unreadTest)) {
	for i, account := range ours {
		role := []string{roleAbsent, rolePowerless}[i%2]
		t.Run(account+" "+role, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				u := &unreadTest{Stage: stage.Example(t, exampleDir, withPowerless), account: account, role: role}
				u.id = u.Fleet.Accounts[account].ID
				do(t, u)
			})
		})
	}
}

// An unreadTest is an example fleet with one account in question.
type unreadTest struct {
	*stage.Stage
	account, id, role string
}

func (u *unreadTest) lose() { u.Fleet.Accounts[u.account].Role = u.role }
func (u *unreadTest) mend() { u.Fleet.Accounts[u.account].Role = "linkfleet" }

// plan wants the account's part blocked with the reason, and nothing else
// unread.
func (u *unreadTest) plan() *planner.Plan {
	u.T.Helper()
	plan := u.Plan()
	if len(plan.Unread) == 0 {
		u.T.Fatalf("nothing is unread:\n%s", stage.Text(plan))
	}
	for place, why := range plan.Unread {
		if place.Account != u.account || !strings.Contains(why, u.role) {
			u.T.Errorf("%s is unread: %q, want only %s, because of its role %s", place, why, u.account, u.role)
		}
	}
	for _, st := range plan.Steps {
		if st.Addr.Place.Account == u.account {
			u.T.Errorf("planned in an account that was not read: %s", st.StepKey)
		}
	}
	for _, n := range plan.Notes {
		if n.Kind == planner.NoteOutage && n.Addr.Place.Account == u.account {
			u.T.Errorf("an outage is announced where nothing was read: %s: %s", n.Addr, n.Text)
		}
	}
	return plan
}

// apply applies without failures and leaves no step over. It changes nothing
// in the account.
func (u *unreadTest) apply() {
	u.T.Helper()
	calls := u.Calls(func() {
		if err := u.Apply().Err(); err != nil {
			u.T.Errorf("what can be done is not: %v", err)
		}
	})
	for _, c := range calls {
		if c.Account == u.id && c.Code == "" && !strings.HasPrefix(c.Operation, "Describe") {
			u.T.Errorf("%s in the account", c.Operation)
		}
	}
	if plan := u.plan(); len(plan.Steps) > 0 {
		u.T.Errorf("after the apply there is more to do:\n%s", stage.Text(plan))
	}
}

func deletes(plan *planner.Plan) []planner.Step {
	return slices.DeleteFunc(slices.Clone(plan.Steps), func(st planner.Step) bool { return st.Action != planner.Delete })
}

// On the way up, what needs the account is blocked and the rest goes on.
func TestUnreadOnTheWayUp(t *testing.T) {
	eachUnread(t, func(t *testing.T, u *unreadTest) {
		u.lose()
		plan := u.plan()
		blocked := slices.ContainsFunc(plan.Blocked, func(b planner.Blocked) bool {
			return b.Addr.Place.Account == u.account && b.Cause == planner.CauseUnread && strings.Contains(b.Reason, u.role)
		})
		if !blocked || len(plan.Steps) == 0 || len(deletes(plan)) > 0 {
			t.Errorf("want the account's part blocked and the rest done:\n%s", stage.Text(plan))
		}
		u.apply()
		u.mend()
		u.Converge()
	})
}

// In steady state an unread account gives nothing to do.
func TestUnreadInSteadyState(t *testing.T) {
	eachUnread(t, func(t *testing.T, u *unreadTest) {
		u.Converge()
		u.lose()
		if plan := u.plan(); len(plan.Steps) > 0 {
			t.Errorf("something is to be done:\n%s", stage.Text(plan))
		}
		u.apply()
		u.mend()
		u.WantEmpty()
	})
}

// While removals are pending, nothing goes that the account may still use.
func TestUnreadWithRemovalsPending(t *testing.T) {
	for _, c := range []struct {
		name   string
		remove func(f *schema.Fleet, account string)
	}{
		{"its consumers", func(f *schema.Fleet, account string) {
			for _, s := range f.Services {
				maps.DeleteFunc(s.Consumers, func(_ string, c *schema.Consumer) bool { return c.Account == account })
			}
		}},
		{"a service", func(f *schema.Fleet, _ string) { delete(f.Services, "fraud") }},
		{"everything", func(f *schema.Fleet, _ string) { clear(f.Services) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachUnread(t, func(t *testing.T, u *unreadTest) {
				u.Converge()
				before := u.Live()
				c.remove(u.Fleet, u.account)
				u.lose()
				u.plan()
				u.apply()
				u.mend()
				u.wantUntouched(before)
				u.Converge()
				wantOnly(t, u.Stage)
			})
		})
	}
}

// The door closes on the last consumers of a service, too, though an account
// that has nothing to do with it cannot be read.
func TestUnreadKeepsNoDoorOpen(t *testing.T) {
	eachUnread(t, func(t *testing.T, u *unreadTest) {
		u.Converge()
		name := "fraud"
		if u.Fleet.Services[name].Account == u.account || consumes(u.Fleet.Services[name], u.account) {
			name = "payments"
		}
		s := u.Fleet.Services[name]
		if s.Account == u.account || consumes(s, u.account) {
			t.Skip("every service has to do with it")
		}
		clear(s.Consumers)
		u.lose()
		plan := u.plan()
		if !slices.ContainsFunc(deletes(plan), func(st planner.Step) bool { return st.Addr.Path() == "service-permissions/"+name }) {
			t.Errorf("the principals of %s stay:\n%s", name, stage.Text(plan))
		}
	})
}

func consumes(s *schema.Service, account string) bool {
	for _, c := range s.Consumers {
		if c.Account == account {
			return true
		}
	}
	return false
}

// unnoticed are kinds whose change no connected consumer notices: whose
// principal goes keeps the connection.
var unnoticed = []string{"connection-notification", "topic", "service-permissions"}

// wantUntouched wants all that was in the account as it was, and all at the
// provider that the account's endpoints go through.
func (u *unreadTest) wantUntouched(before planner.State) {
	u.T.Helper()
	after := u.Live()
	for addr, was := range before.Live {
		at := addr.Place.Account
		if at != u.account && at != "platform" || at != u.account && slices.Contains(unnoticed, addr.Kind) {
			continue
		}
		if !reflect.DeepEqual(was, after.Live[addr]) {
			u.T.Errorf("%s was %+v and is %+v", addr, was, after.Live[addr])
		}
	}
}

// wantOnly wants nothing live that the fleet has no service or consumer for,
// but for connections that were cut and are their owners' to delete.
func wantOnly(t *testing.T, s *stage.Stage) {
	t.Helper()
	for addr, rs := range s.Live().Live {
		for _, r := range rs {
			svc := s.Fleet.Services[r.Group.Service]
			gone := r.Group.Service != "" && svc == nil ||
				svc != nil && r.Group.Consumer != "" && svc.Consumers[r.Group.Consumer] == nil
			if gone && addr.Kind != "connection" {
				t.Errorf("%s (%s) is still there", addr, r.ID)
			}
		}
	}
}
