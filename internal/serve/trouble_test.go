package serve

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// A ledger that fails for a while is waited for, and nothing is lost on it.
func TestLedgerThatFails(t *testing.T) {
	onBench(t, func(b *bench) {
		b.track.takes(time.Minute)
		b.start()
		hand := b.hand()
		defer hand.Close()
		hand.exec("ALTER TABLE jobs RENAME TO stolen")
		b.pass(10 * time.Minute)
		if b.server.Healthy() == nil || b.server.Ready() == nil {
			b.Error("a server is healthy that has no queue")
		}
		hand.exec("ALTER TABLE stolen RENAME TO jobs")
		b.pass(2 * time.Minute)
		if err := b.server.Healthy(); err != nil {
			b.Errorf("a server is not healthy that has its queue again: %v", err)
		}
		want(b, "jobs", b.waits(), []string{})
		want(b, "rolled out", b.track.ran(), []string{"apply a"})
	})
}

// Work is refused rather than begun where it could not be kept.
func TestLedgerWithoutHistory(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.track.ran()
		hand := b.hand()
		defer hand.Close()
		hand.exec("ALTER TABLE pauses RENAME TO stolen")
		b.queue(ledger.Job{Kind: ledger.PushJob, Key: "main", Commit: "b"})
		b.track.set("b")
		b.pass(10 * time.Minute)
		want(b, "rolled out", b.track.ran(), []string{})
		hand.exec("ALTER TABLE stolen RENAME TO pauses")
		b.pass(2 * time.Minute)
		want(b, "rolled out then", b.track.ran(), []string{"apply b"})
		if got := countRuns(b); got != 2 {
			b.Errorf("%d runs are kept", got)
		}
	})
}

// A server that can begin no run says so, and tries again every now and then.
func TestLedgerThatTakesNoRuns(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.track.ran()
		hand := b.hand()
		defer hand.Close()
		hand.exec("CREATE TRIGGER full BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no room'); END")
		b.push("b")
		b.pass(10 * time.Minute)
		want(b, "tries", len(b.track.ran()), 1+40)
		if b.server.Healthy() == nil {
			b.Error("a server is healthy that can begin nothing")
		}
		hand.exec("DROP TRIGGER full")
		b.pass(time.Minute)
		want(b, "then", b.track.ran(), []string{"apply b"})
		if err := b.server.Healthy(); err != nil {
			b.Errorf("a server is not healthy that can begin runs again: %v", err)
		}
	})
}

// A run whose end could not be kept may have done all of it. It is gone on with,
// not undone.
func TestLedgerThatMissesTheEnd(t *testing.T) {
	onBench(t, func(b *bench) {
		b.Config.Drift = every(2 * time.Hour)
		b.start()
		b.track.ran()
		hand := b.hand()
		defer hand.Close()
		b.track.takes(time.Minute)
		b.push("b")
		hand.exec("ALTER TABLE runs RENAME TO stolen")
		b.pass(10 * time.Minute)
		hand.exec("ALTER TABLE stolen RENAME TO runs")
		want(b, "at first", b.track.ran(), []string{"apply b"})
		b.pass(2 * time.Hour)
		want(b, "when it is time", b.track.ran(), []string{"apply b"})
		b.pass(2 * time.Hour)
		want(b, "the next time", b.track.ran(), []string{"heal b"})
	})
}

func countRuns(b *bench) int {
	runs, err := b.Config.Ledger.Runs(b.Context(), ledger.RunFilter{})
	if err != nil {
		b.Fatal(err)
	}
	return len(runs)
}

// A hand disturbs a ledger.
type hand struct {
	*sql.DB
	b *bench
}

func (b *bench) hand() hand {
	db, err := sql.Open("sqlite", filepath.Join(b.dir, "linkfleet.db"))
	if err != nil {
		b.Fatal(err)
	}
	return hand{db, b}
}

func (h hand) exec(statement string) {
	h.b.Helper()
	if _, err := h.ExecContext(h.b.Context(), statement); err != nil {
		h.b.Fatal(err)
	}
}
