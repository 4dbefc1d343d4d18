package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/planner"
)

// A status shows on a terminal what is under way, in a few lines that it
// draws over and over, below the lines that stay. Everywhere else it is nil
// and shows nothing.
type status struct {
	w      io.Writer
	title  string
	width  func() int
	began  time.Time
	margin string // before every line of a frame
	// silent keeps the ends of steps from becoming lines that stay.
	silent bool
	stop   chan struct{}
	ended  chan struct{}

	mu      sync.Mutex
	pending []string // lines that stay, not written yet
	counts  applier.Counts
	running []applier.Event // the last event of each step under way, oldest first
	drawn   int             // lines on the screen to be drawn over
}

// redraw is how often a status is drawn: often enough to look alive, seldom
// enough for a slow line.
const redraw = 150 * time.Millisecond

// mostRunning is how many steps under way are shown.
const mostRunning = 8

// newStatus begins a status on standard error.
func (a *app) newStatus(title string) *status {
	if a.records || !a.isTerminal(a.stderr) || a.getenv("TERM") == "dumb" {
		return nil
	}
	s := &status{
		w: a.stderr, title: title, began: time.Now(),
		width: func() int { return a.width(a.stderr) },
		stop:  make(chan struct{}), ended: make(chan struct{}),
	}
	go s.run()
	return s
}

func (s *status) run() {
	defer close(s.ended)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.draw(s.frame)
		case <-s.stop:
			s.draw(func() []string { return nil })
			return
		}
	}
}

// close takes the status off the screen; the lines that stay, stay.
func (s *status) close() {
	if s == nil {
		return
	}
	close(s.stop)
	<-s.ended
}

// say writes a line that stays.
func (s *status) say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, line)
}

// observe takes in an event.
func (s *status) observe(e applier.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts = e.Counts
	i := 0
	for i < len(s.running) && s.running[i].StepKey != e.StepKey {
		i++
	}
	switch e.Kind {
	case applier.StepStarted, applier.StepWaiting:
		if i == len(s.running) {
			s.running = append(s.running, e)
		}
		s.running[i] = e
	default:
		if i < len(s.running) {
			s.running = append(s.running[:i], s.running[i+1:]...)
		}
		if !s.silent {
			s.pending = append(s.pending, applier.Line(e))
		}
	}
}

// draw takes the old frame off the screen and puts pending lines and a new
// frame there, in one write.
func (s *status) draw(frame func() []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", s.drawn) // up, and clear to the end
	}
	for _, line := range s.pending {
		b.WriteString(line + "\n")
	}
	lines, width := frame(), s.width()
	for _, line := range lines {
		b.WriteString(cut(s.margin+line, width-1) + "\n") // a full line would wrap
	}
	s.pending, s.drawn = nil, len(lines)
	_, _ = io.WriteString(s.w, b.String()) // a terminal that is gone shows nothing
}

// frame is what is under way now.
func (s *status) frame() []string {
	elapsed := time.Since(s.began).Round(time.Second)
	if s.counts.Total == 0 {
		return []string{fmt.Sprintf("%s … %s", s.title, elapsed)}
	}
	head := fmt.Sprintf("%s: %d of %d, %d under way", s.title, s.counts.Ended(), s.counts.Total, s.counts.Running)
	if s.counts.Failed > 0 {
		head += fmt.Sprintf(", %d failed", s.counts.Failed)
	}
	lines := []string{fmt.Sprintf("%s … %s", head, elapsed)}
	for i, e := range s.running {
		if i == mostRunning {
			return append(lines, fmt.Sprintf("  and %d more", len(s.running)-i))
		}
		line := fmt.Sprintf("  %s %s", e.Action, e.Addr)
		if e.Reason != "" {
			line += ": " + e.Reason
		}
		lines = append(lines, planner.Clean(line))
	}
	return lines
}

// cut shortens a line to at most width characters; 0 and less is no limit.
func cut(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}
