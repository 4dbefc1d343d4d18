package reconcile_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
)

// strangers are the objects that are neither the fleet's nor of its partners,
// with all there is to them. Whatever looks like the fleet's and is not is
// among them.
func (h *history) strangers() map[string]string {
	found := map[string]string{}
	for _, o := range h.Sim.Inventory() {
		switch {
		case o.Tags[kinds.TagFleet] == h.Fleet.Name || slices.Contains([]string{"permission", "connection", "notification"}, o.Type):
		case o.Type == "vpc-endpoint" && h.outside(o.Account):
		case o.Type == "record" && strings.Contains(o.ID, "vpce:"):
		default:
			found[o.ID] = o.Text()
		}
	}
	return found
}

func (h *history) outside(account string) bool {
	a := h.account(account)
	return account == stage.Stranger || a != nil && a.External
}

// wantUntouched wants strangers' objects to be what they were at the start,
// to the byte, and no others.
func (h *history) wantUntouched() {
	h.t.Helper()
	now := h.strangers()
	for id, text := range h.others {
		if now[id] != text {
			h.t.Errorf("a stranger's %s was\n%s\nand is\n%s", id, text, now[id])
		}
	}
	for id, text := range now {
		if h.others[id] == "" {
			h.t.Errorf("nobody's %s has appeared: %s", id, text)
		}
	}
	if h.t.Failed() {
		h.t.FailNow()
	}
}

// wantHarmless wants nothing in what is shown of a plan that a terminal would
// obey.
func wantHarmless(t *testing.T, plan *planner.Plan) {
	t.Helper()
	var asJSON bytes.Buffer
	if err := planner.JSON(&asJSON, plan); err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{stage.Text(plan), asJSON.String()} {
		if i := strings.IndexFunc(shown, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Fatalf("a plan shows %q:\n%q", shown[i:min(i+8, len(shown))], shown)
		}
	}
}

// The strangers of the histories are there, of every type that bears marks of
// ours, at addresses that the fleet has, in every disguise; and the fleet is
// read as if they were not.
func TestStrangersInDisguise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, 3)
		f := h.lottery.Next()
		for f.Services["s0"] == nil || f.Services["s0"].Consumers["m0"] == nil || f.Services["s0"].Notifications == nil {
			f = h.lottery.Next()
		}
		h.turn(f)
		ours, theirs := map[string]bool{}, map[string]int{}
		for _, o := range h.Sim.Inventory() {
			mark := o.Type + " " + o.Tags[kinds.TagAddress]
			if o.Tags[kinds.TagFleet] == f.Name {
				ours[mark] = true
			} else if h.others[o.ID] != "" {
				theirs[mark]++
			}
		}
		for _, mark := range []string{
			"security-group security-group/s0", "security-group security-group/s0/m0", "loadbalancer load-balancer/s0",
			"targetgroup target-group/s0/api", "listener listener/s0/api", "vpc-endpoint-service endpoint-service/s0",
			"vpc-endpoint endpoint/s0/m0", "topic topic/events",
		} {
			if !ours[mark] || theirs[mark] < 4 {
				t.Errorf("%s: the fleet has it is %v; strangers pretend to %d times", mark, ours[mark], theirs[mark])
			}
		}
		claims := 0
		for id := range h.others {
			if strings.HasPrefix(id, "_claims.") && strings.Contains(id, "=verification-record/s0,") {
				claims++
			}
		}
		if claims < 4 {
			t.Errorf("there are %d claims of strangers in TXT records", claims)
		}
		for addr, rs := range h.Live().Live {
			if len(rs) != 1 {
				t.Errorf("%s is there %d times", addr, len(rs))
			}
		}
		h.wantUntouched()
	})
}
