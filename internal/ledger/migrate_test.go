package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// database makes a folder with a database that some SQL has filled.
func database(t *testing.T, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := create(dir); err != nil {
		t.Fatal(err)
	}
	db := must(connect(filepath.Join(dir, fileName), forWriting))(t)
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	return dir
}

// layout is the schema of a database, by the names in it.
func layout(t *testing.T, db source) map[string]string {
	t.Helper()
	texts := map[string]string{}
	must(list(t.Context(), db, func(r row) (struct{}, error) {
		var name, text string
		err := r.Scan(&name, &text)
		texts[name] = text
		return struct{}{}, err
	}, "SELECT name, coalesce(sql, '') FROM sqlite_schema"))(t)
	return texts
}

// testdata has a ledger as each version of the schema kept it. It was written
// once, and shows if a step is changed after it was released.
func TestOldLedgersAreBroughtUpToDate(t *testing.T) {
	newest := layout(t, open(t, t.TempDir()).read)
	for version := range must(steps())(t) {
		t.Run(fmt.Sprint("version ", version+1), func(t *testing.T) {
			text := must(os.ReadFile(fmt.Sprintf("testdata/%d.sql", version+1)))(t)
			l := open(t, database(t, string(text)))
			want(t, layout(t, l.read), newest)
			wantOldLedger(t, l)
		})
	}
}

// wantOldLedger wants what the ledgers in testdata keep.
func wantOldLedger(t *testing.T, l *Ledger) {
	ctx := t.Context()
	r, _, err := l.Run(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	want(t, r, Run{
		ID: 1, Fleet: "payments", Kind: ApplyRun, Commit: "c0ffee", Subject: "fraud: a second zone", Ref: "refs/heads/main", Pull: 12, Began: at(0), Ended: at(1),
		Outcome: Done, Digest: "sha256:12", Counts: Counts{1, 2, 3, 4, 5, 6}, Report: []byte(`{"steps":[]}`),
	})
	want(t, must(l.DriftHistory(ctx, "payments", 9))(t), []Drift{
		{ID: 2, Fleet: "payments", Address: "service/b", Found: at(2), Run: 1},
		{ID: 1, Fleet: "payments", Address: "listener/a", Fields: []string{"port"}, Found: at(2), Healed: at(3), Run: 1},
	})
	want(t, must(l.Waits(ctx, "payments"))(t), []Wait{{Fleet: "payments", Address: "connection/a", What: "the partner to connect", Since: at(2)}})
	want(t, must(l.Jobs(ctx, "payments"))(t), []Job{
		{ID: 1, Kind: PushJob, Fleet: "payments", Key: "refs/heads/main", Commit: "decaf", Enqueued: at(4), NotBefore: at(5)},
	})
	if _, fresh, err := l.Accept(ctx, Delivery{Forge: "github", ID: "72d3162e"}); fresh || err != nil {
		t.Error("an accepted delivery was forgotten", err)
	}
	want(t, must(l.Pauses(ctx, "payments"))(t), []Pause{{Fleet: "payments", Service: "fraud", Reason: "a partner moves", Who: "alice", Since: at(6)}})
	if _, changed := l.turn(t, 8, "drifted", "slack"); changed {
		t.Error("a condition was forgotten")
	}
	want(t, must(l.Unsent(ctx))(t), []Notice{{ID: 1, Channel: "slack", Subject: "drift of payments", Body: []byte("from  to drifted"), At: at(7)}})
}

func TestMigrateTakesTheMissingStepsOrNone(t *testing.T) {
	all := []string{
		"CREATE TABLE one (n INTEGER) STRICT",
		"ALTER TABLE one ADD COLUMN m INTEGER; UPDATE one SET m = 2 * n",
		"CREATE TABLE three (n INTEGER) STRICT",
	}
	broken := []string{all[0], all[1], "CREATE TABLE three (n INTEGER); INSERT INTO nowhere VALUES (1)"}
	for from := range len(all) + 1 {
		t.Run(fmt.Sprint("from ", from), func(t *testing.T) {
			db := must(connect(filepath.Join(database(t, ""), fileName), forWriting))(t)
			defer db.Close()
			wantVersion := func(wanted int) {
				t.Helper()
				want(t, must(version(t.Context(), db, len(all)))(t), wanted)
			}
			if err := migrate(t.Context(), db, all[:from]); err != nil {
				t.Fatal(err)
			}
			wantVersion(from)
			if from > 0 {
				sqlExec(t, db, "INSERT INTO one (n) VALUES (21)")
			}
			if from < len(all) {
				before := layout(t, db)
				wantError(t, migrate(t.Context(), db, broken), "bringing it from version 2 to 3: ")
				wantVersion(from)
				want(t, layout(t, db), before)
			}
			if err := migrate(t.Context(), db, all); err != nil {
				t.Fatal(err)
			}
			wantVersion(len(all))
			if from == 1 {
				got, _, err := first(t.Context(), db, scanText, "SELECT m FROM one")
				if err != nil || got != "42" {
					t.Errorf("m is %s (%v), want 42", got, err)
				}
			}
			if from > 1 {
				wantError(t, migrate(t.Context(), db, all[:1]), "it is of a newer linkfleet (version 3, and this program knows 1)")
			}
		})
	}
}

func sqlExec(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// Two processes begin one ledger: while one writes, the other waits.
func TestUseLogWaitsForAnother(t *testing.T) {
	path := filepath.Join(database(t, "CREATE TABLE one (n INTEGER)"), fileName)
	one, two := must(connect(path, forWriting))(t), must(connect(path, forWriting))(t)
	defer one.Close()
	defer two.Close()
	tx := must(one.BeginTx(t.Context(), nil))(t)
	ended := make(chan error)
	go func() { ended <- useLog(t.Context(), two) }()
	select {
	case err := <-ended:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}

	// As one who gives up does.
	path = filepath.Join(database(t, "CREATE TABLE one (n INTEGER)"), fileName)
	three, four := must(connect(path, forWriting))(t), must(connect(path, forWriting))(t)
	defer three.Close()
	defer four.Close()
	tx = must(three.BeginTx(t.Context(), nil))(t)
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := useLog(ctx, four); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// Who only reads leaves an old ledger as it is.
func TestReadOnlyDoesNotMigrate(t *testing.T) {
	l := open(t, t.TempDir())
	wantError(t, current(t.Context(), l.read, 2), "it is of an older linkfleet (version 1, and this program reads 2)")
	if err := current(t.Context(), l.read, 1); err != nil {
		t.Error(err)
	}
	wantError(t, current(t.Context(), l.read, 0), "it is of a newer linkfleet (version 1, and this program knows 0)")
	want(t, must(version(t.Context(), l.read, 1))(t), 1)
}
