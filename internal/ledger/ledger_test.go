package ledger

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is when most tests happen.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is some minutes after noon.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func open(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func openReadOnly(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := OpenReadOnly(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// must gives what a call gave, if it gave no error.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// want wants no difference.
func want[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// wantError wants an error with some text in it.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got error %v, want one with %q", err, text)
	}
}

func TestOpenMakesTheFolderForItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "of 100%#fleet?mode=memory&x='y'")
	l := open(t, dir)
	if _, err := l.BeginRun(t.Context(), Run{Fleet: "payments", Kind: ApplyRun, Began: noon}); err != nil {
		t.Fatal(err)
	}
	modes := map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, processes): 0o700, l.path(): 0o600, l.path() + "-wal": 0o600, l.path() + "-shm": 0o600}
	for path, mode := range modes {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), mode)
		}
	}
}

func TestCloseLeavesOnlyTheDatabase(t *testing.T) {
	dir := t.TempDir()
	l := must(Open(t.Context(), dir))(t)
	must(l.BeginRun(t.Context(), Run{Fleet: "payments", Began: noon}))(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, folder := range []string{dir, filepath.Join(dir, processes)} {
		for _, entry := range must(os.ReadDir(folder))(t) {
			left = append(left, entry.Name())
		}
	}
	want(t, left, []string{fileName, processes})
}

// What a commit promises rests on these.
func TestEveryConnectionKeepsItsPromises(t *testing.T) {
	l := open(t, t.TempDir())
	for _, c := range []struct {
		pragma, want string
	}{
		{"journal_mode", "wal"}, {"synchronous", "2"}, {"foreign_keys", "1"}, {"busy_timeout", "10000"},
	} {
		for name, db := range map[string]source{"write": l.write, "read": l.read} {
			got, _, err := first(t.Context(), db, scanText, "PRAGMA "+c.pragma)
			if err != nil || got != c.want {
				t.Errorf("%s: %s is %s (%v), want %s", name, c.pragma, got, err, c.want)
			}
		}
	}
	if _, err := l.read.ExecContext(t.Context(), "DELETE FROM runs"); err == nil {
		t.Error("a connection for reading can write")
	}
}

func TestOpenReadOnlyMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	_, err := OpenReadOnly(t.Context(), dir)
	if !errors.Is(err, ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
	wantError(t, err, dir+": nothing was run with this state folder yet")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
	// As Open leaves it when it is killed at once.
	if err := create(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReadOnly(t.Context(), dir); !errors.Is(err, ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
	open(t, dir)
	if _, err := OpenReadOnly(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyChangesNothing(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	l := openReadOnly(t, dir)
	ctx := t.Context()
	changes := map[string]func() error{
		"BeginRun":        func() error { _, err := l.BeginRun(ctx, Run{}); return err },
		"EndRun":          func() error { return l.EndRun(ctx, Run{Outcome: Done}) },
		"PruneRuns":       func() error { _, err := l.PruneRuns(ctx, 0, noon); return err },
		"ObserveDrift":    func() error { _, err := l.ObserveDrift(ctx, Glance{}, nil); return err },
		"PruneDrifts":     func() error { _, err := l.PruneDrifts(ctx, noon); return err },
		"ObserveWaits":    func() error { _, err := l.ObserveWaits(ctx, Glance{}, nil); return err },
		"Pause":           func() error { return l.Pause(ctx, Pause{}) },
		"Resume":          func() error { _, _, err := l.Resume(ctx, "", ""); return err },
		"Enqueue":         func() error { _, err := l.Enqueue(ctx, Job{}); return err },
		"Accept":          func() error { _, _, err := l.Accept(ctx, Delivery{}); return err },
		"PruneDeliveries": func() error { _, err := l.PruneDeliveries(ctx, noon); return err },
		"Take":            func() error { _, _, err := l.Take(ctx, noon); return err },
		"Done":            func() error { return l.Done(ctx, Job{}) },
		"Fail":            func() error { _, err := l.Fail(ctx, Job{}, noon, ""); return err },
		"Defer":           func() error { _, err := l.Defer(ctx, Job{}, noon, ""); return err },
		"Recover":         func() error { _, err := l.Recover(ctx, noon); return err },
		"Turn":            func() error { _, _, err := l.Turn(ctx, Condition{}, nil); return err },
		"TakeNotice":      func() error { _, _, err := l.TakeNotice(ctx, noon); return err },
		"NoticeSent":      func() error { return l.NoticeSent(ctx, Notice{}, noon) },
		"NoticeFailed":    func() error { return l.NoticeFailed(ctx, Notice{}, noon, "") },
		"PruneNotices":    func() error { _, err := l.PruneNotices(ctx, noon); return err },
	}
	for name, change := range changes {
		if err := change(); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: got %v, want ErrReadOnly", name, err)
		}
	}
}

func TestWhatIsNoLedgerIsRefused(t *testing.T) {
	ledger := func(t *testing.T, change string) []byte {
		dir := t.TempDir()
		l := must(Open(t.Context(), dir))(t)
		if _, err := l.write.ExecContext(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return must(os.ReadFile(l.path()))(t)
	}
	tests := []struct {
		name, want string
		file       func(t *testing.T) []byte
	}{
		{"text", "is damaged or no database; move it away", func(*testing.T) []byte {
			return []byte(strings.Repeat("not a database\n", 1000))
		}},
		{"torn", "is damaged or no database; move it away", func(t *testing.T) []byte {
			return ledger(t, "")[:5000]
		}},
		{"foreign", "it is another program's database", func(t *testing.T) []byte {
			return ledger(t, "PRAGMA application_id = 7")
		}},
		{"unmarked", "it is another program's database", func(t *testing.T) []byte {
			return ledger(t, "PRAGMA application_id = 0; PRAGMA user_version = 0")
		}},
		{"newer", "it is of a newer linkfleet (version 99, and this program knows 1); use that one", func(t *testing.T) []byte {
			return ledger(t, "PRAGMA user_version = 99")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			text := test.file(t)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), dir)
			wantError(t, err, test.want)
			wantError(t, err, path)
			_, err = OpenReadOnly(t.Context(), dir)
			wantError(t, err, test.want)
			if left := must(os.ReadDir(filepath.Join(dir, processes)))(t); len(left) > 0 {
				t.Errorf("the refused process left %v", left)
			}
			if now := must(os.ReadFile(path))(t); string(now) != string(text) {
				t.Error("the file was changed")
			}
		})
	}
}

// Damage behind the header shows when it is read.
func TestDamageIsTold(t *testing.T) {
	dir := t.TempDir()
	l := must(Open(t.Context(), dir))(t)
	path := l.path()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text := must(os.ReadFile(path))(t)
	for i := 4096; i < len(text); i++ {
		text[i] = 0xff
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	_, err := l.Runs(t.Context(), RunFilter{})
	wantError(t, err, "is damaged or no database; move it away")
	_, err = l.Enqueue(t.Context(), Job{Kind: PushJob, Fleet: "payments"})
	wantError(t, err, "is damaged or no database; move it away")
}

func TestFolderThatIsAFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), dir)
	wantError(t, err, "making the state folder "+dir)
	_, err = OpenReadOnly(t.Context(), dir)
	wantError(t, err, "opening the state folder")
}

func TestContextEnds(t *testing.T) {
	l := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Enqueue(ctx, Job{Kind: PushJob, Fleet: "payments"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := l.Jobs(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(ctx, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if jobs := must(l.Jobs(t.Context(), ""))(t); len(jobs) > 0 {
		t.Errorf("queued though the context had ended: %v", jobs)
	}
}

// A writer that waits for another process's lock gives up with its context.
func TestContextEndsTheWaitForTheLock(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, dir), open(t, dir)
	tx, err := one.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := two.Enqueue(ctx, Job{Kind: PushJob}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestTheLockAndTheDiskAreTold(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, dir), open(t, dir)
	tx, err := one.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	sqlExec(t, two.write, "PRAGMA busy_timeout = 1")
	_, err = two.Enqueue(t.Context(), Job{Kind: PushJob})
	wantError(t, err, "has been locked by another process")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, two.write, "PRAGMA max_page_count = 1") // as many as there are
	_, err = two.Enqueue(t.Context(), Job{Kind: PushJob, Key: strings.Repeat("k", 1<<20)})
	wantError(t, err, "has no more room on its disk")
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("it is more than a sentence: %v", err)
	}
	if _, err := one.Enqueue(t.Context(), Job{Kind: PushJob}); err != nil {
		t.Error(err)
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	for range 3 {
		dir := filepath.Join(t.TempDir(), "state")
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				l, err := Open(t.Context(), dir)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := l.BeginRun(t.Context(), Run{Fleet: "payments", Pull: i, Began: noon}); err != nil {
					t.Error(err)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if runs := must(open(t, dir).Runs(t.Context(), RunFilter{}))(t); len(runs) != 8 {
			t.Errorf("%d runs were kept, want 8", len(runs))
		}
	}
}

func TestReadersSeeWhatWritersKeep(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	r := openReadOnly(t, dir)
	for i := range 20 {
		must(w.BeginRun(t.Context(), Run{Fleet: "payments", Began: at(i)}))(t)
		if runs := must(r.Runs(t.Context(), RunFilter{}))(t); len(runs) != i+1 {
			t.Fatalf("%d runs are read, want %d", len(runs), i+1)
		}
	}
}
