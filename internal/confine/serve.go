package confine

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/linkfleet/linkfleet/schema"
)

// Serve reads what [Load] asks from in, evaluates it and writes the answer to
// out. It is for a process that does nothing else: it takes from the process
// what an evaluation has no need of, and ends it, with what ran out for an
// answer, when its time or memory is up.
func Serve(in io.Reader, out io.Writer) error {
	var q request
	if err := json.NewDecoder(in).Decode(&q); err != nil {
		return fmt.Errorf("this command is for linkfleet itself: reading what to evaluate: %w", err)
	}
	files, err := zip.NewReader(bytes.NewReader(q.Zip), int64(len(q.Zip)))
	if err != nil {
		return fmt.Errorf("reading the files to evaluate: %w", err)
	}
	if err := restrict(q.Bounds); err != nil {
		return fmt.Errorf("restricting the evaluation: %w", err)
	}
	debug.SetMaxStack(int(min(q.Memory/4, 512<<20)))
	w := &writer{out: out}
	go watch(q.Bounds, w)
	return w.write(evaluate(files, q))
}

// evaluate is what the process is for.
func evaluate(files *zip.Reader, q request) answer {
	bounds := q.Files
	bounds.Time = q.Time + grace // the watch is first
	fleet, warnings, err := schema.LoadWithin(context.Background(), files, q.Today, bounds)
	a := answer{Fleet: fleet, Warnings: warnings, Faults: schema.Faults(err)}
	if err != nil && len(a.Faults) == 0 {
		a.Error = err.Error()
	}
	return a
}

// watch ends the process when its time or memory is up.
func watch(b Bounds, w *writer) {
	const often = 5 * time.Millisecond
	for began := time.Now(); ; time.Sleep(often) {
		what := resource("")
		switch {
		case time.Since(began) > b.Time:
			what = outOfTime
		case inUse() > uint64(b.Memory):
			what = outOfMemory
		default:
			continue
		}
		// If the answer cannot be written, nobody is there to read it.
		_ = w.write(answer{Exceeded: what})
		os.Exit(0)
	}
}

// inUse is how many bytes Go holds of the system.
func inUse() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

// A writer writes one answer, the first.
type writer struct {
	mu      sync.Mutex
	out     io.Writer
	written bool
}

func (w *writer) write(a answer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.written {
		return nil
	}
	w.written = true
	return json.NewEncoder(w.out).Encode(a)
}
