//go:build unix

package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/forge/webhook"
	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// asMortal has the test's program be a server instead, in the folder that it
// names.
const asMortal = "LINKFLEET_TEST_MORTAL"

func TestMain(m *testing.M) {
	dir := os.Getenv(asMortal)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := beMortal(dir, os.Args[1] == "pushes"); err != nil {
		fmt.Println(err)
	}
	os.Exit(1)
}

// A mortal serves, and is the forge that tells itself of pushes or of pull
// requests, until it is killed. It writes into a journal, which no kill can
// undo:
//
//	told  LANE TIME   when a webhook was answered with success that was sent at TIME
//	began LANE TIME   when it begins what the lane's job wants
//	did   LANE TIME   when it has done what it began at TIME
//	twice LANE        when another does the same at that time
type mortal struct {
	ledger  *ledger.Ledger
	journal *os.File
	lanes   *os.File // each lane is a byte, locked while a job of it runs

	mu   sync.Mutex
	busy map[int]bool // lanes of this process
}

const pullLanes = 3 // lane 0 is the branch's

func newMortal(ctx context.Context, dir string) (*mortal, error) {
	m := &mortal{busy: map[int]bool{}}
	var err error
	if m.journal, err = os.OpenFile(filepath.Join(dir, "journal"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	if m.lanes, err = os.OpenFile(filepath.Join(dir, "lanes"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	m.ledger, err = ledger.Open(ctx, dir)
	return m, err
}

func (m *mortal) server() (*Server, error) {
	receiver, err := webhook.NewReceiver(forge.GitHub, [][]byte{secret}, maxBody)
	if err != nil {
		return nil, err
	}
	return New(Config{
		Track: m, Previewer: m, Ledger: m.ledger, Ref: "main", Receiver: receiver, Forge: forge.GitHub, Repo: "a/b",
		Window: func(now time.Time) (bool, time.Time, string) { // which opens and closes all the time
			return now.UnixMilli()/20%4 > 0, now.Add(10 * time.Millisecond), "closed"
		},
	})
}

func beMortal(dir string, pushes bool) error {
	ctx := context.Background()
	m, err := newMortal(ctx, dir)
	if err != nil {
		return err
	}
	s, err := m.server()
	if err != nil {
		return err
	}
	go func() { _ = s.Run(ctx, nil) }()
	for hooks := s.Handler(); ; time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) {
		lane := 0
		if !pushes {
			lane = 1 + rand.IntN(pullLanes)
		}
		at := time.Now().UnixNano()
		w := httptest.NewRecorder()
		hooks.ServeHTTP(w, telling(lane, at))
		if w.Code != http.StatusAccepted {
			return fmt.Errorf("a webhook was answered with %d %s", w.Code, w.Body)
		}
		if err := m.say("told", lane, at); err != nil {
			return err
		}
	}
}

// telling is a webhook of a push for lane 0, or of the lane's pull request.
func telling(lane int, at int64) *http.Request {
	commit, event := fmt.Sprintf("%040x", at), "push"
	body := fmt.Sprintf(`{"ref":"refs/heads/main","after":%q,"repository":{"full_name":"a/b"}}`, commit)
	if lane > 0 {
		event = "pull_request"
		body = fmt.Sprintf(`{"action":"synchronize","number":%d,"pull_request":{"base":{"ref":"main"},"head":{"sha":%q}},"repository":{"full_name":"a/b"}}`, lane, commit)
	}
	return signedAs(event, body)
}

func (m *mortal) say(what string, lane int, at int64) error {
	_, err := fmt.Fprintln(m.journal, what, lane, at)
	return err
}

// do does something in a lane, and sees that it is alone.
func (m *mortal) do(lane int) error {
	m.mu.Lock()
	twice := m.busy[lane]
	m.busy[lane] = true
	m.mu.Unlock()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: int64(lane), Len: 1}
	if twice || syscall.FcntlFlock(m.lanes.Fd(), syscall.F_SETLK, &lock) != nil {
		return m.say("twice", lane, 0)
	}
	began := time.Now().UnixNano()
	err := m.say("began", lane, began)
	time.Sleep(time.Duration(rand.IntN(15)) * time.Millisecond)
	err = errors.Join(err, m.say("did", lane, began))
	lock.Type = syscall.F_UNLCK
	err = errors.Join(err, syscall.FcntlFlock(m.lanes.Fd(), syscall.F_SETLK, &lock))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy[lane] = false
	return err
}

func (m *mortal) Roll(ctx context.Context, _ <-chan struct{}, o rollout.Order) (*rollout.Outcome, error) {
	run := ledger.Run{Fleet: "payments", Kind: o.Kind, Commit: o.Commit, Began: time.Now()}
	var err error
	if run.ID, err = m.ledger.BeginRun(ctx, run); err != nil {
		return nil, err
	}
	err = m.do(0)
	run.Outcome, run.Ended = ledger.Done, time.Now()
	return &rollout.Outcome{Run: run}, errors.Join(err, m.ledger.EndRun(ctx, run))
}

// Latest cannot tell: this is about what webhooks told of.
func (m *mortal) Latest(context.Context) (gitsource.Commit, error) {
	return gitsource.Commit{}, errors.New("unreachable")
}

func (m *mortal) Preview(_ context.Context, number int) (*rollout.Previewed, error) {
	return &rollout.Previewed{Skipped: "it was looked at"}, m.do(number)
}

// Two servers on one state folder are killed at random times, over and over.
// What a webhook told of is done in the end, and nothing is done twice at once.
func TestKilledServersLoseNothing(t *testing.T) {
	seeds := 3
	if n, err := strconv.Atoi(os.Getenv("LINKFLEET_SEEDS")); err == nil {
		seeds = n
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			killMortals(t, dir, rand.New(rand.NewPCG(seed, 0)))
			drainMortals(t, dir)
			checkJournal(t, dir)
		})
	}
}

func killMortals(t *testing.T, dir string, r *rand.Rand) {
	var running [2]*exec.Cmd
	var said [2]bytes.Buffer
	start := func(i int) {
		running[i] = exec.CommandContext(t.Context(), os.Args[0], []string{"pushes", "pulls"}[i])
		running[i].Env = append(os.Environ(), asMortal+"="+dir)
		running[i].Stdout = &said[i]
		if err := running[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	end := func(i int) {
		_ = running[i].Process.Kill()
		_ = running[i].Wait()
		if said[i].Len() > 0 {
			t.Errorf("a server ended by itself: %s", &said[i])
		}
	}
	start(0)
	start(1)
	for range 6 {
		grown(t, dir, 5+r.IntN(60))
		i := r.IntN(2)
		end(i)
		start(i)
	}
	grown(t, dir, 20)
	end(0)
	end(1)
}

// grown waits until the journal has some more lines.
func grown(t *testing.T, dir string, lines int) {
	count := func() int {
		text, _ := os.ReadFile(filepath.Join(dir, "journal")) // may not be there yet
		return bytes.Count(text, []byte("\n"))
	}
	deadline := time.Now().Add(2 * time.Minute)
	for before := count(); count() < before+lines; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the servers do not work")
		}
	}
}

// drainMortals has a last server do what is left.
func drainMortals(t *testing.T, dir string) {
	m, err := newMortal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.ledger.Close()
	s, err := m.server()
	if err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan struct{}), make(chan error)
	go func() { ended <- s.Run(t.Context(), stop) }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		jobs, err := m.ledger.Jobs(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("there wait still %+v", jobs)
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// checkJournal wants something done in each lane that began after the last
// webhook for it was sent.
func checkJournal(t *testing.T, dir string) {
	file, err := os.Open(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	told, did := map[string]int64{}, map[string]int64{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		word := strings.Fields(lines.Text())
		at, err := strconv.ParseInt(word[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		switch word[0] {
		case "told":
			told[word[1]] = max(told[word[1]], at)
		case "did":
			did[word[1]] = max(did[word[1]], at)
		case "twice":
			t.Errorf("lane %s had two at once", word[1])
		}
	}
	if len(told) != 1+pullLanes {
		t.Errorf("told were %v", told)
	}
	for lane, at := range told {
		if did[lane] < at {
			t.Errorf("lane %s was told at %d, and what was done last began at %d", lane, at, did[lane])
		}
	}
}
