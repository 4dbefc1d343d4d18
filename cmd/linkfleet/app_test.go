package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/schema"
)

// A terminal is an app before a person, who has typed answer, and the signals
// that come.
type terminal struct {
	*app
	out, err *buffer
	env      map[string]string
	signals  chan<- os.Signal
}

// A buffer may be written and read side by side.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
	// waits are closed when their text has been written.
	waits map[string]chan struct{}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.b.Write(p)
	for text, seen := range b.waits {
		if strings.Contains(b.b.String(), text) {
			close(seen)
			delete(b.waits, text)
		}
	}
	return n, err
}

// await gives a channel that is closed when text has been written.
func (b *buffer) await(text string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := make(chan struct{})
	b.waits = map[string]chan struct{}{text: seen}
	return seen
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newTerminal(answer string) *terminal {
	t := &terminal{out: &buffer{}, err: &buffer{}, env: map[string]string{"TERM": "xterm"}}
	t.app = &app{
		stdin: strings.NewReader(answer), stdout: t.out, stderr: t.err,
		getenv:     func(name string) string { return t.env[name] },
		isTerminal: func(any) bool { return true },
		width:      func(any) int { return 80 },
		notify:     func(c chan<- os.Signal) func() { t.signals = c; return func() {} },
		now:        time.Now,
		cacheDir:   os.UserCacheDir,
		log:        slog.New(slog.DiscardHandler),
	}
	return t
}

// small is the small fleet's folder, and the address of a simulator with its
// world.
func small(t *testing.T) (fleet, address string) {
	t.Helper()
	dir := t.TempDir()
	archive, err := txtar.ParseFile("testdata/fixture/small.txtar")
	if err == nil {
		err = txtar.Write(archive, dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	fleet = filepath.Join(dir, "fleet")
	if _, err := schema.WriteSchema(fleet); err != nil {
		t.Fatal(err)
	}
	world, err := awssim.LoadWorld(filepath.Join(dir, "world.cue"))
	if err != nil {
		t.Fatal(err)
	}
	sim, err := awssim.New(awssim.Options{World: world, Speed: 1000})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	t.Setenv("HOME", dir) // where leases are
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAHUB")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return fleet, server.URL
}

func TestConfirmation(t *testing.T) {
	fleet, address := small(t)
	for _, tt := range []struct {
		answer string
		status int
		said   string
	}{
		{"no\n", exitRefused, "not confirmed, so nothing was changed"},
		{"y\n", exitRefused, "not confirmed, so nothing was changed"},
		{"", exitRefused, "not confirmed, so nothing was changed"},
		{" yes \n", exitDone, ""},
	} {
		term := newTerminal(tt.answer)
		status := term.run(t.Context(), []string{"apply", fleet, "--endpoint-url", address, "--speed", "1000"})
		if status != tt.status {
			t.Errorf("answer %q: status %d, want %d; %s", tt.answer, status, tt.status, term.err)
		}
		for _, want := range []string{`Only "yes" does it: `, tt.said} {
			if !strings.Contains(term.err.String(), want) {
				t.Errorf("answer %q: standard error %q does not say %q", tt.answer, term.err, want)
			}
		}
		if done := strings.Contains(term.out.String(), "Applied: 16"); done != (tt.status == exitDone) {
			t.Errorf("answer %q: applied: %v", tt.answer, done)
		}
	}
}

// TestInterruptedQuestion has the signal come while nobody answers.
func TestInterruptedQuestion(t *testing.T) {
	fleet, address := small(t)
	term := newTerminal("")
	asked, never := io.Pipe()
	defer never.Close()
	term.stdin = asked
	question := term.err.await("does it: ")
	status := make(chan int)
	go func() {
		status <- term.run(t.Context(), []string{"apply", fleet, "--endpoint-url", address})
	}()
	<-question
	term.signals <- os.Interrupt
	if got := <-status; got != exitFailed {
		t.Errorf("status %d, want %d", got, exitFailed)
	}
	if !strings.HasSuffix(term.err.String(), "\nlinkfleet: interrupted\n") {
		t.Errorf("standard error ends in %q", term.err)
	}
}

func TestColours(t *testing.T) {
	fleet, address := small(t)
	const escape = "\x1b["
	for _, tt := range []struct {
		name     string
		terminal bool
		env      map[string]string
		args     []string
		want     bool
	}{
		{"on a terminal", true, nil, nil, true},
		{"elsewhere", false, nil, nil, false},
		{"NO_COLOR", true, map[string]string{"NO_COLOR": "1"}, nil, false},
		{"dumb terminal", true, map[string]string{"TERM": "dumb"}, nil, false},
		{"--no-color", true, nil, []string{"--no-color"}, false},
		{"markdown", true, nil, []string{"--format", "markdown"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			term := newTerminal("")
			term.isTerminal = func(any) bool { return tt.terminal }
			for name, value := range tt.env {
				term.env[name] = value
			}
			if status := term.run(t.Context(), append([]string{"plan", fleet, "--endpoint-url", address}, tt.args...)); status != exitDone {
				t.Fatalf("status %d: %s", status, term.err)
			}
			if got := strings.Contains(term.out.String(), escape); got != tt.want {
				t.Errorf("colours: %v, want %v, in\n%s", got, tt.want, term.out)
			}
		})
	}
}

// TestLiveApply looks at what an apply leaves on the terminal: the question,
// a line for each step, and no frame.
func TestLiveApply(t *testing.T) {
	fleet, address := small(t)
	term := newTerminal("")
	if status := term.run(t.Context(), []string{"apply", fleet, "--yes", "--endpoint-url", address, "--speed", "1000"}); status != exitDone {
		t.Fatalf("status %d: %s", status, term.err)
	}
	screen := onScreen(term.err.String())
	for _, line := range screen {
		if strings.HasPrefix(line, "Applying") || strings.HasPrefix(line, "Reading") {
			t.Errorf("left on the screen: %q", line)
		}
	}
	if len(screen) != 16 {
		t.Errorf("%d lines on the screen, want one for each of 16 steps:\n%s", len(screen), strings.Join(screen, "\n"))
	}
}

// onScreen are the lines that stand on a terminal after all was written to
// it. It knows the two sequences that a status uses.
func onScreen(written string) []string {
	var lines []string
	for rest := written; rest != ""; {
		if up, ok := strings.CutPrefix(rest, "\x1b["); ok {
			count, after, _ := strings.Cut(up, "A\x1b[J")
			n := 0
			for _, digit := range count {
				n = 10*n + int(digit-'0')
			}
			lines, rest = lines[:len(lines)-n], after
			continue
		}
		line, after, _ := strings.Cut(rest, "\n")
		lines, rest = append(lines, line), after
	}
	return lines
}
