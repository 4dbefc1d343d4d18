package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/fatih/color"
	"golang.org/x/term"

	"github.com/linkfleet/linkfleet/planner"
)

// An app is all that the commands touch of the world outside, and what the
// flags of every command say. Each run of the program has its own.
type app struct {
	stdin  io.Reader
	stdout io.Writer // results
	stderr io.Writer // everything else
	getenv func(string) string
	// isTerminal tells whether a stream is one that a person looks at or
	// types into.
	isTerminal func(stream any) bool
	// width is how many characters a line of the terminal has; 0 if unknown.
	width func(stream any) int
	// notify relays the signals that interrupt to c, until stop is called.
	notify func(c chan<- os.Signal) (stop func())
	now    func() time.Time
	// cacheDir is the folder for what the user's programs keep.
	cacheDir func() (string, error)

	// The flags of every command.
	logFormat string
	verbose   bool
	noColor   bool

	// untrusted is that the files of the fleet are a stranger's.
	untrusted bool

	log        *slog.Logger // set before a command runs
	records    bool         // whether everything for standard error goes into log
	interrupts *interrupts  // set by run
}

// systemApp is the app of the process itself.
func systemApp() *app {
	return &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv:     os.Getenv,
		isTerminal: func(stream any) bool { fd, ok := descriptor(stream); return ok && term.IsTerminal(fd) },
		width:      terminalWidth,
		notify: func(c chan<- os.Signal) func() {
			signal.Notify(c, os.Interrupt, syscall.SIGTERM)
			return func() { signal.Stop(c) }
		},
		now:      time.Now,
		cacheDir: os.UserCacheDir,
		log:      slog.New(slog.DiscardHandler),
	}
}

func descriptor(stream any) (int, bool) {
	f, ok := stream.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), true
}

func terminalWidth(stream any) int {
	fd, ok := descriptor(stream)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(fd)
	if err != nil {
		return 0
	}
	return width
}

// logAsAsked makes the log that the flags ask for.
func (a *app) logAsAsked() error {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if a.verbose {
		options.Level = slog.LevelDebug
	}
	switch a.logFormat {
	case "text":
		a.log = slog.New(slog.NewTextHandler(a.stderr, options))
	case "json":
		a.log, a.records = slog.New(slog.NewJSONHandler(plainJSON{a.stderr}, options)), true
	default:
		return fmt.Errorf("--log-format %q is not one of text and json", a.logFormat)
	}
	return nil
}

// plainJSON takes from records of JSON what a terminal may obey; slog's text
// has none of it.
type plainJSON struct{ w io.Writer }

// Write writes a record.
func (p plainJSON) Write(record []byte) (int, error) {
	if _, err := p.w.Write(planner.PlainJSON(record)); err != nil {
		return 0, err
	}
	return len(record), nil
}

// say tells something on standard error: as lines, or as records with
// --log-format json. Whatever stands in it, a terminal shows it and obeys
// none of it.
func (a *app) say(level slog.Level, text string) {
	for line := range strings.Lines(text) {
		line = planner.Clean(strings.TrimSuffix(line, "\n"))
		if a.records {
			a.log.Log(context.Background(), level, line)
			continue
		}
		fmt.Fprintln(a.stderr, line)
	}
}

// colours tells whether what is written to stream is dressed in colour.
// See https://no-color.org.
func (a *app) colours(stream any) bool {
	return !a.noColor && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb" && a.isTerminal(stream)
}

// paint gives a function that dresses text in colour, or nil where stream
// takes none.
func (a *app) paint(stream any, attributes ...color.Attribute) func(string) string {
	if !a.colours(stream) {
		return nil
	}
	c := color.New(attributes...)
	c.EnableColor()
	return func(s string) string { return c.Sprint(s) }
}
