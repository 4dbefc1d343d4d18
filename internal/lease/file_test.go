package lease

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// asHolder makes the test binary a process that holds a lease: its value is
// the path.
const asHolder = "LINKFLEET_TEST_LEASE"

func TestMain(m *testing.M) {
	if path := os.Getenv(asHolder); path != "" {
		os.Exit(beHolder(path))
	}
	os.Exit(m.Run())
}

// beHolder takes the lease at path, writes its process id into a journal
// beside it again and again, and leaves when its standard input ends. It exits
// with 3 if another holds the lease.
func beHolder(path string) int {
	f := &File{Fleet: "payments", Path: path}
	held, err := f.Acquire(context.Background(), Holder{Who: "process", Process: os.Getpid()})
	if _, ok := errors.AsType[*HeldError](err); ok {
		fmt.Println(err)
		return 3
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	journal, err := os.OpenFile(filepath.Join(filepath.Dir(path), "journal"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	}()
	for i := 0; ; i++ {
		fmt.Fprintln(journal, os.Getpid())
		if i == 0 {
			fmt.Println("held")
		}
		select {
		case <-ended:
			if err := held.Release(context.Background()); err != nil {
				fmt.Println(err)
				return 1
			}
			return 0
		case <-held.Lost():
			fmt.Println(held.Err())
			return 4
		case <-time.After(time.Millisecond):
		}
	}
}

// A process is one that wants the lease.
type process struct {
	*exec.Cmd
	said string // its first line
	end  func()
}

func start(t *testing.T, path string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.Env = append(os.Environ(), asHolder+"="+path)
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.end = func() { _ = in.Close() }
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.said, _ = bufio.NewReader(out).ReadString('\n')
	p.said = strings.TrimSpace(p.said)
	return p
}

// Of ten processes at a time one gets the lease and the others are told whose
// it is; whether the one then ends in order or is killed, the next ten go the
// same way.
func TestFileAmongProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "lease")
	for round := range 4 {
		var all sync.WaitGroup
		crowd := make([]*process, 10)
		for i := range crowd {
			all.Go(func() { crowd[i] = start(t, path) })
		}
		all.Wait()
		var holder *process
		for _, p := range crowd {
			if p.said == "held" && holder != nil {
				t.Fatal("two processes hold the lease")
			}
			if p.said == "held" {
				holder = p
			}
		}
		if holder == nil {
			t.Fatal("nobody holds the lease")
		}
		for _, p := range crowd {
			if p != holder && (!strings.Contains(p.said, "only one may at a time") || exitStatus(p.Wait()) != 3) {
				t.Errorf("a contender said %q", p.said)
			}
		}
		if round%2 == 0 {
			if err := holder.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = holder.Wait()
			continue
		}
		holder.end()
		if err := holder.Wait(); err != nil {
			t.Errorf("the holder's end: %v", err)
		}
	}
	wantTurns(t, filepath.Join(filepath.Dir(path), "journal"), 4)
}

// wantTurns wants n processes in the journal, one after the other.
func wantTurns(t *testing.T, journal string, n int) {
	t.Helper()
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	seen, last := map[string]bool{}, ""
	for line := range strings.Lines(string(text)) {
		if line != last && seen[line] {
			t.Fatalf("process %s acts again after another has", line)
		}
		seen[line], last = true, line
	}
	if len(seen) != n {
		t.Errorf("%d processes acted, want %d", len(seen), n)
	}
}

func exitStatus(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return 0
}

func TestFileTellsWhoHoldsIt(t *testing.T) {
	f := &File{Fleet: "payments", Path: filepath.Join(t.TempDir(), "lease")}
	held, err := f.Acquire(t.Context(), Holder{Who: "alice", Host: "build-7", Process: 4711, Commit: "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Acquire(t.Context(), Holder{Who: "bob"})
	want := "by alice on build-7 (process 4711) since "
	if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "with commit 0123456789ab, and only one may at a time; wait until it is done, or end it: its lock on "+f.Path+" ends with it") {
		t.Errorf("got %v", err)
	}
	giveBack(t, held)
	giveBack(t, held) // a second time is no harm
	again, err := f.Acquire(t.Context(), Holder{Who: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	giveBack(t, again)
}

// Who has only just locked the file has not told yet who it is, but does.
func TestFileTellsWhoHasJustTakenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &File{Fleet: "payments", Path: filepath.Join(t.TempDir(), "lease")}
		file, err := f.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		told := make(chan error, 1)
		time.AfterFunc(300*time.Millisecond, func() { told <- tell(file, Holder{Who: "alice"}) })
		_, err = f.Acquire(t.Context(), Holder{Who: "bob"})
		if held, ok := errors.AsType[*HeldError](err); !ok || held.Holder.Who != "alice" {
			t.Errorf("got %v", err)
		}
		if err := <-told; err != nil {
			t.Error(err)
		}
	})
}

// A lock file that is removed keeps nobody out any more; its holder notices.
func TestFileRemoved(t *testing.T) {
	f := &File{Fleet: "payments", Path: filepath.Join(t.TempDir(), "lease")}
	held, err := f.Acquire(t.Context(), Holder{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.Path); err != nil {
		t.Fatal(err)
	}
	<-held.Over()
	if !closed(held.Lost()) || !errors.Is(held.Err(), errRemoved) {
		t.Errorf("lost because of: %v", held.Err())
	}
	giveBack(t, held)
}

// What stands in the file is only told; it stops nobody.
func TestFileContent(t *testing.T) {
	for i, content := range []string{"", "{", "null", `{"who":"gone","process":1}`, strings.Repeat("x", 1<<16)} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			f := &File{Fleet: "payments", Path: filepath.Join(t.TempDir(), "lease")}
			if err := os.WriteFile(f.Path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			held, err := f.Acquire(t.Context(), Holder{Who: "alice"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Acquire(t.Context(), Holder{}); err == nil || !strings.Contains(err.Error(), "by alice since") {
				t.Errorf("got %v", err)
			}
			giveBack(t, held)
		})
	}
}
