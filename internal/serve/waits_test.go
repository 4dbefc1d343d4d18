package serve

import (
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// awaits has the fleet wait for some things, and no others.
func (b *bench) awaits(waits ...ledger.Wait) {
	b.Helper()
	if _, err := b.Config.Ledger.ObserveWaits(b.Context(), ledger.Glance{Fleet: "payments", At: time.Now()}, waits); err != nil {
		b.Fatal(err)
	}
}

// Who lets the fleet wait for long is told of once, and that it came at last.
func TestLongWaitsAreTold(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.RemindAfter = 2 * time.Hour
		chat := b.channel("chat")
		a := ledger.Wait{Address: "connection/fraud/a@p/r", What: "a has not connected"}
		c := ledger.Wait{Address: "connection/fraud/c@p/r", What: "c has not connected"}
		amiss := ledger.Wait{Address: "listener/x@p/r", Blocked: true, What: "somebody else's"} // is told as a failure
		b.start()
		b.awaits(a, amiss)
		b.pass(time.Hour)
		b.awaits(a, c, amiss)
		want(b, "told too early", chat.told(), []string{})
		b.pass(time.Hour + time.Minute)
		got := chat.messages()
		if len(got) != 1 || got[0].Kind != WaitingMessage || got[0].Fleet != "payments" || got[0].Title != "1 resource has waited for long" ||
			got[0].Text != "connection/fraud/a@p/r: a has not connected, since 2000-01-01 00:00 UTC" {
			b.Errorf("told was %+v", got)
		}
		b.pass(10 * time.Minute)
		b.shut()
		b.start()
		b.pass(10 * time.Minute)
		want(b, "told again", chat.told(), []string{})
		b.pass(time.Hour)
		want(b, "told of the second", chat.told(), []string{"2 resources have waited for long"})
		b.awaits(a, amiss)
		b.pass(10 * time.Minute)
		want(b, "told when one is left", chat.told(), []string{})
		b.awaits(amiss)
		b.pass(10 * time.Minute)
		want(b, "told when none is", chat.told(), []string{"nothing has waited for long any more"})
		b.awaits(a)
		b.pass(2*time.Hour + time.Minute)
		want(b, "told of the next time", chat.told(), []string{"1 resource has waited for long"})
	})
}

func TestWaitsThatNobodyIsTold(t *testing.T) {
	onBench(t, func(b *bench) {
		chat := b.channel("chat")
		b.start()
		b.awaits(ledger.Wait{Address: "connection/fraud/a@p/r", What: "a has not connected"})
		b.pass(3 * time.Hour)
		want(b, "told", chat.told(), []string{})
		b.shut()
		b.Config.RemindAfter = -time.Hour
		if _, err := New(b.Config); err == nil || !strings.Contains(err.Error(), "below 0") {
			b.Errorf("a negative time is taken: %v", err)
		}
	})
}
