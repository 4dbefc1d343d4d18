//go:build unix

package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A worker does jobs of a queue that it also fills, and writes into a journal,
// which no kill can undo:
//
//	queued KEY ID   after it was told that the job is kept
//	did    KEY ID   when it has done what the job wants
//	twice  KEY ID   when somebody else does the job, or one that may not run beside it
//	told   ID       after it was told that the notice is kept
//	sent   ID       when it has sent a notice
type worker struct {
	*Ledger
	rand    *rand.Rand
	journal *os.File
	lanes   *os.File // each lane of the queue is a byte, locked while a job of it runs
}

// beWorker works until it is killed. Its second argument is a seed.
func beWorker(dir string) error {
	seed, err := strconv.ParseUint(os.Args[2], 10, 64)
	if err != nil {
		return err
	}
	w, err := newWorker(context.Background(), dir, seed)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err := w.step(context.Background(), fmt.Sprint(seed, "-", n)); err != nil {
			return err
		}
	}
}

func newWorker(ctx context.Context, dir string, seed uint64) (*worker, error) {
	journal, err := os.OpenFile(filepath.Join(dir, "journal"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	lanes, err := os.OpenFile(filepath.Join(dir, "lanes"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l, err := Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	w := &worker{l, rand.New(rand.NewPCG(seed, 0)), journal, lanes}
	_, err = l.Recover(ctx, noon)
	return w, err
}

func (w *worker) step(ctx context.Context, name string) (err error) {
	switch w.rand.IntN(4) {
	case 0:
		err = w.queue(ctx, name)
	case 1:
		_, err = w.work(ctx)
	case 2:
		err = w.turn(ctx, name)
	case 3:
		_, err = w.send(ctx)
	}
	return err
}

func (w *worker) say(format string, args ...any) error {
	_, err := fmt.Fprintf(w.journal, format+"\n", args...)
	return err
}

// keys are what there are jobs for. Two of them share a lane.
var keys = []Job{
	{Kind: PushJob, Fleet: "payments", Key: "main"},
	{Kind: PushJob, Fleet: "payments", Key: "next"},
	{Kind: PushJob, Fleet: "search", Key: "main"},
	{Kind: PullJob, Fleet: "payments", Key: "7"},
	{Kind: PullJob, Fleet: "payments", Key: "8"},
}

// queue queues one or two jobs.
func (w *worker) queue(ctx context.Context, name string) error {
	jobs := make([]Job, 1+w.rand.IntN(2))
	for i := range jobs {
		jobs[i] = keys[w.rand.IntN(len(keys))]
		jobs[i].Commit, jobs[i].Enqueued = name, noon
	}
	q, _, err := w.Accept(ctx, Delivery{Forge: "github", ID: name, At: noon}, jobs...)
	for _, j := range q.Jobs {
		err = errors.Join(err, w.say("queued %s/%s/%s %d", j.Kind, j.Fleet, j.Key, j.ID))
	}
	return err
}

// work does a job, if there is one, and now and then fails at it.
func (w *worker) work(ctx context.Context) (found bool, err error) {
	j, found, err := w.Take(ctx, noon)
	if err != nil || !found {
		return false, err
	}
	key := fmt.Sprintf("%s/%s/%s", j.Kind, j.Fleet, j.Key)
	run, err := w.BeginRun(ctx, Run{Fleet: j.Fleet, Kind: ApplyRun, Commit: j.Commit, Began: noon})
	if err != nil {
		return false, err
	}
	lane := int64(slices.IndexFunc(keys, func(k Job) bool { return k.Fleet == j.Fleet && k.lane() == j.lane() }))
	if err := syscall.FcntlFlock(w.lanes.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK, Start: lane, Len: 1}); err != nil {
		return false, errors.Join(err, w.say("twice %s %d", key, j.ID))
	}
	time.Sleep(time.Duration(w.rand.IntN(1000)) * time.Microsecond)
	fails := w.rand.IntN(4) == 0
	if !fails {
		err = w.say("did %s %d", key, j.ID)
	}
	err = errors.Join(err, syscall.FcntlFlock(w.lanes.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_UNLCK, Start: lane, Len: 1}))
	if fails {
		_, failed := w.Fail(ctx, j, noon, "as it happens")
		err = errors.Join(err, failed)
	} else {
		err = errors.Join(err, w.Done(ctx, j))
	}
	return true, errors.Join(err, w.EndRun(ctx, Run{ID: run, Ended: noon, Outcome: Done}))
}

func (w *worker) turn(ctx context.Context, state string) error {
	_, _, err := w.Turn(ctx, Condition{Subject: "weather", State: state, Since: noon}, func(string) []Notice {
		return []Notice{{Channel: []string{"slack", "sns"}[w.rand.IntN(2)], Body: []byte(state)}}
	})
	return errors.Join(err, w.say("told %s", state))
}

func (w *worker) send(ctx context.Context) (found bool, err error) {
	n, found, err := w.TakeNotice(ctx, noon)
	if err != nil || !found {
		return false, err
	}
	return true, errors.Join(w.say("sent %s", n.Body), w.NoticeSent(ctx, n, noon))
}

// Two workers are killed at random times, over and over. What they were told
// is kept is done in the end, and nothing runs twice at once.
func TestKilledWorkersLoseNothing(t *testing.T) {
	seeds := 5
	if s, err := strconv.Atoi(os.Getenv("LINKFLEET_SEEDS")); err == nil {
		seeds = s
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			const kills = 6
			dir := t.TempDir()
			killWorkers(t, dir, seed, kills)
			drain(t, dir)
			checkJournal(t, dir, kills+2)
		})
	}
}

// killWorkers has two workers, and kills one of them after the other: now and
// then as they begin, mostly as they work.
func killWorkers(t *testing.T, dir string, seed uint64, kills int) {
	r := rand.New(rand.NewPCG(seed, 1))
	var workers [2]*exec.Cmd
	var said [2]*strings.Builder
	started := uint64(0)
	start := func(i int) {
		started++
		workers[i], said[i] = child(t.Context(), "worker", dir, fmt.Sprint(seed<<8+started)), new(strings.Builder)
		workers[i].Stdout = said[i]
		if err := workers[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	end := func(i int) {
		_ = workers[i].Process.Kill()
		_ = workers[i].Wait()
		if said[i].Len() > 0 {
			t.Errorf("a worker ended by itself: %s", said[i])
		}
	}
	start(0)
	start(1)
	for range kills {
		if r.IntN(3) > 0 {
			awaitWork(t, dir)
		}
		time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
		i := r.IntN(2)
		end(i)
		start(i)
	}
	awaitWork(t, dir)
	end(0)
	end(1)
}

// awaitWork waits until the journal has grown by some lines.
func awaitWork(t *testing.T, dir string) {
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "journal"))
		if err != nil {
			return 0 // no worker has come so far
		}
		return info.Size()
	}
	const lines = 10 * int64(len("queued push/payments/main 1"))
	deadline := time.Now().Add(time.Minute)
	for before := size(); size() < before+lines; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the workers do not work")
		}
	}
}

// drain does what is left to do.
func drain(t *testing.T, dir string) {
	w, err := newWorker(t.Context(), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, do := range []func(context.Context) (bool, error){w.work, w.send} {
		for found := true; found; {
			if found, err = do(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, r := range must(w.Runs(t.Context(), RunFilter{}))(t) {
		if r.Outcome != Done && r.Outcome != Interrupted || r.Ended.IsZero() {
			t.Errorf("run %d is %s", r.ID, r.Outcome)
		}
	}
	want(t, len(must(w.Jobs(t.Context(), ""))(t)), 0)
	want(t, len(must(w.Unsent(t.Context()))(t)), 0)
}

// checkJournal wants each job that was queued done, or a newer one for the
// same in its stead, and each notice sent: but for the killed ones, once.
func checkJournal(t *testing.T, dir string, kills int) {
	file, err := os.Open(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	queued, did := map[string]int{}, map[string]int{} // the newest IDs
	told, sent := map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(must(io.ReadAll(file))(t))) {
		what, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		key, number, _ := strings.Cut(rest, " ")
		id, _ := strconv.Atoi(number)
		switch what {
		case "queued":
			queued[key] = max(queued[key], id)
		case "did":
			did[key] = max(did[key], id)
		case "told":
			told[key]++
		case "sent":
			sent[key]++
		default:
			t.Errorf("at once: %s", line)
		}
	}
	if len(queued) == 0 || len(told) == 0 {
		t.Error("nothing was queued or told")
	}
	for key, id := range queued {
		if did[key] < id {
			t.Errorf("job %d for %s was lost; the newest done is %d", id, key, did[key])
		}
	}
	again := 0
	for notice := range told {
		if sent[notice] == 0 {
			t.Errorf("notice %s was lost", notice)
		}
		again += cmp.Or(sent[notice], 1) - 1
	}
	if again > kills {
		t.Errorf("%d notices were sent again after %d kills", again, kills)
	}
}
