//go:build unix

package ledger

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// asChild makes the test binary another process with a ledger: its value is
// what it does there, and its first argument the folder.
const asChild = "LINKFLEET_TEST_LEDGER"

func TestMain(m *testing.M) {
	children := map[string]func(dir string) error{"holder": beHolder, "stranger": beStranger, "worker": beWorker}
	be, ok := children[os.Getenv(asChild)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := be(os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func child(ctx context.Context, role, dir string, more ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{dir}, more...)...)
	cmd.Env = append(os.Environ(), asChild+"="+role)
	return cmd
}

// beHolder has a run, a job and a notice in hand until it is killed.
func beHolder(dir string) error {
	ctx := context.Background()
	l, err := Open(ctx, dir)
	if err != nil {
		return err
	}
	if _, err := l.BeginRun(ctx, Run{Fleet: "payments", Kind: ApplyRun, Commit: "a", Began: at(1)}); err != nil {
		return err
	}
	if _, _, err := l.Take(ctx, at(1)); err != nil {
		return err
	}
	if _, _, err := l.TakeNotice(ctx, at(1)); err != nil {
		return err
	}
	fmt.Println("holding")
	select {}
}

// hold starts a holder and gives its end by SIGKILL.
func hold(t *testing.T, dir string) (kill func()) {
	t.Helper()
	cmd := child(t.Context(), "holder", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if said, _ := bufio.NewReader(out).ReadString('\n'); said != "holding\n" {
		t.Fatalf("the holder says %q", said)
	}
	return func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
}

func TestRecoverTakesUpWhatTheDeadLeft(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	l.enqueue(t, push("payments", "main", "a", 0))
	l.turn(t, 0, "drifted", "slack")
	mine := l.run(t, 0, Run{Fleet: "payments", Kind: DriftRun, Outcome: Running})
	kill := hold(t, dir)
	reader := openReadOnly(t, dir)
	outcomes := func() (all []Outcome) {
		for _, r := range must(reader.Runs(t.Context(), RunFilter{}))(t) {
			all = append(all, r.Outcome)
		}
		return all
	}

	want(t, must(l.Recover(t.Context(), at(2)))(t), Recovered{})
	want(t, outcomes(), []Outcome{Running, Running})

	kill()
	want(t, outcomes(), []Outcome{Interrupted, Running}) // told before anybody recovers
	got := must(l.Recover(t.Context(), at(3)))(t)
	theirs := Run{ID: mine.ID + 1, Fleet: "payments", Kind: ApplyRun, Commit: "a", Began: at(1), Ended: at(3), Outcome: Interrupted}
	want(t, got.Runs, []Run{theirs})
	want(t, commits(got.Jobs), []string{"a"})
	want(t, got.Notices, 1)
	want(t, must(l.Recover(t.Context(), at(4)))(t), Recovered{})
	want(t, len(must(os.ReadDir(filepath.Join(dir, processes)))(t)), 1)

	j := l.take(t, 5)
	if j.Commit != "a" || j.Attempts != 2 {
		t.Errorf("the job is %+v, want its second attempt", j)
	}
	want(t, l.takeNotice(t, 5).Attempts, 2)
}

func TestRecoverKeepsTheNewerJob(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	l.enqueue(t, push("payments", "main", "a", 0))
	kill := hold(t, dir)
	l.enqueue(t, push("payments", "main", "b", 1))
	kill()
	got := must(l.Recover(t.Context(), at(3)))(t)
	want(t, commits(got.Superseded), []string{"a"})
	want(t, len(got.Jobs), 0)
	want(t, commits(must(l.Jobs(t.Context(), ""))(t)), []string{"b"})
}

// A ledger that was closed with a job in hand holds it no more.
func TestRecoverAfterClose(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	closed := must(Open(t.Context(), dir))(t)
	l.enqueue(t, push("payments", "main", "a", 0))
	closed.take(t, 1)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, commits(must(l.Recover(t.Context(), at(2)))(t).Jobs), []string{"a"})
}

// beStranger drops root's rights, with which every folder can be written, and
// says how far it gets.
func beStranger(dir string) error {
	if os.Geteuid() == 0 {
		if err := syscall.Setuid(nobody); err != nil {
			return err
		}
	}
	if l, err := Open(context.Background(), dir); err == nil {
		_ = l.Close()
		fmt.Println("opened to write")
	} else {
		fmt.Println(err)
	}
	l, err := OpenReadOnly(context.Background(), dir)
	if err != nil {
		return err
	}
	runs, err := l.Runs(context.Background(), RunFilter{})
	fmt.Println(len(runs), "runs")
	return err
}

const nobody = 65534

func TestFolderThatCannotBeWritten(t *testing.T) {
	base, err := os.MkdirTemp("", "ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	dir := filepath.Join(base, "state")
	l := must(Open(t.Context(), dir))(t)
	l.run(t, 0, Run{Fleet: "payments", Outcome: Done})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{base: 0o755, l.path(): 0o400, filepath.Join(dir, processes): 0o500, dir: 0o500} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			if err := os.Chown(path, nobody, -1); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, err := child(t.Context(), "stranger", dir).CombinedOutput()
	said := strings.Split(strings.TrimSpace(string(out)), "\n")
	wants := []string{
		"making the state folder " + dir + ": open " + l.path() + ": permission denied",
		"the ledger " + l.path() + " cannot be opened by this user, who must be allowed to write it and its folder, even to read it",
	}
	if err == nil || !slices.EqualFunc(said, wants, strings.HasPrefix) {
		t.Errorf("%v: %s", err, out)
	}
	if err := os.Chmod(dir, 0o700); err != nil { // for RemoveAll without root
		t.Error(err)
	}
}
