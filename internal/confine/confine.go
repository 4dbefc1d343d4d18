// Package confine evaluates a stranger's fleet.
//
// CUE is no general language, but it can be made to work for hours or to fill
// the memory, and it cannot be interrupted. So it runs in a process of its
// own that is ended when its time or memory is up. That process has nothing
// of our environment, and so no credentials; it is given the text of the
// files, and opens neither file nor socket.
//
// [Load] is the side that asks, and [Serve] the process that answers.
package confine

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/schema"
)

// Bounds are what an evaluation may use. Of a zero field the one of
// [DefaultBounds] counts.
type Bounds struct {
	Files  schema.Bounds // Time is not used
	Time   time.Duration // of the wall's clock, from start to end
	Memory int64         // bytes
}

// DefaultBounds leave room for the largest fleets that people review.
func DefaultBounds() Bounds {
	return Bounds{
		Files: schema.Bounds{
			Files:    5_000,
			Entries:  50_000,
			FileSize: 1 << 20,
			Size:     16 << 20,
		},
		Time:   30 * time.Second,
		Memory: 1 << 30,
	}
}

func (b Bounds) orDefault() Bounds {
	d := DefaultBounds()
	if b.Files == (schema.Bounds{}) {
		b.Files = d.Files
	}
	return Bounds{Files: b.Files, Time: cmp.Or(b.Time, d.Time), Memory: cmp.Or(b.Memory, d.Memory)}
}

// largestAnswer bounds what is read of an answer: of the largest fleets that
// people review it is a few MiB.
const largestAnswer = 32 << 20

// grace is how long an evaluation has for ending itself before it is killed.
const grace = 2 * time.Second

// A request is what the process is given.
type request struct {
	Today time.Time
	Bounds
	Zip []byte // the files
}

// An answer is what it gives.
type answer struct {
	Fleet    *schema.Fleet
	Warnings []schema.Warning
	Faults   schema.Errors
	Error    string // of another kind
	Exceeded resource
}

// A resource is what ran out.
type resource string

const (
	outOfTime   resource = "time"
	outOfMemory resource = "memory"
	outOfStack  resource = "stack"
	outOfRoom   resource = "room" // for the answer
)

// Load is [schema.LoadFS] in a process of its own: program, started with
// args, is one that calls [Serve]. What goes over the bounds is a fault.
func Load(ctx context.Context, fsys fs.FS, today time.Time, b Bounds, program string, args ...string) (*schema.Fleet, []schema.Warning, error) {
	b = b.orDefault()
	files, err := pack(ctx, b.Files.FS(fsys))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the fleet's folder: %w", err)
	}
	question, err := json.Marshal(request{Today: today, Bounds: b, Zip: files})
	if err != nil {
		return nil, nil, fmt.Errorf("asking for an evaluation: %w", err)
	}
	within, cancel := context.WithTimeout(ctx, b.Time+grace)
	defer cancel()
	a, err := ask(within, question, program, args)
	switch {
	case ctx.Err() != nil:
		return nil, nil, fmt.Errorf("loading the fleet: %w", context.Cause(ctx))
	case within.Err() != nil:
		a = answer{Exceeded: outOfTime}
	case err != nil:
		return nil, nil, err
	}
	return a.outcome(b)
}

// outcome is the answer as [schema.LoadFS] would have given it.
func (a answer) outcome(b Bounds) (*schema.Fleet, []schema.Warning, error) {
	switch {
	case a.Exceeded != "":
		return nil, nil, exceeded(a.Exceeded, b)
	case len(a.Faults) > 0:
		return nil, a.Warnings, a.Faults.Err()
	case a.Error != "":
		return nil, a.Warnings, errors.New(a.Error)
	case a.Fleet == nil:
		return nil, a.Warnings, errors.New("evaluating the fleet gave nothing")
	}
	return a.Fleet, a.Warnings, nil
}

func exceeded(what resource, b Bounds) error {
	fault := &schema.Error{Mend: "look for definitions that refer to each other many times over"}
	switch what {
	case outOfTime:
		fault.Message = fmt.Sprintf("the fleet's files take longer than %s to evaluate", b.Time)
	case outOfStack:
		fault.Message = "the fleet's files nest deeper than they can be evaluated"
	case outOfRoom:
		fault.Message = fmt.Sprintf("the fleet that the files make has more than %d MiB", largestAnswer>>20)
	default:
		fault.Message = fmt.Sprintf("the fleet's files take more than %d MiB of memory to evaluate", b.Memory>>20)
	}
	return fault
}

// ask starts the process and waits for its answer.
func ask(ctx context.Context, question []byte, program string, args []string) (answer, error) {
	var out, told short
	out.left, told.left = largestAnswer, 16<<10
	cmd := command(ctx, program, args)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(question), &out, &told
	err := cmd.Run()
	var a answer
	switch {
	case out.left < 0:
		return answer{Exceeded: outOfRoom}, nil
	case json.Unmarshal(out.kept.Bytes(), &a) == nil:
		return a, nil // it may have been killed after that
	case err == nil:
		return a, fmt.Errorf("evaluating the fleet: %s does not answer as linkfleet does", program)
	}
	if what := broke(told.kept.String(), cmd.ProcessState); what != "" {
		return answer{Exceeded: what}, nil
	}
	return a, fmt.Errorf("evaluating the fleet: the process for it ended with %w", err)
}

// command has an environment of its own. A crash is to say what broke, and
// not where in a million frames.
func command(ctx context.Context, program string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"GOTRACEBACK=none"}
	cmd.Dir = os.TempDir()
	cmd.WaitDelay = grace
	return cmd
}

// broke tells from what Go's runtime says as it gives up, or from how the
// system ended it, what ran out; "" if that was not it.
func broke(told string, state *os.ProcessState) resource {
	switch {
	case strings.Contains(told, "stack exceeds") || strings.Contains(told, "stack overflow"):
		return outOfStack
	case strings.Contains(told, "out of memory") || strings.Contains(told, "cannot allocate memory") ||
		strings.Contains(told, "makeslice: len out of range") || strings.Contains(told, "pthread_create failed") ||
		strings.Contains(told, "ThreadSanitizer"): // a build with the race detector gives up in its own words
		return outOfMemory
	case strings.Contains(told, "SIGXCPU"):
		return outOfTime
	case state != nil:
		return killed(state)
	}
	return ""
}

// short keeps the beginning of what is written to it. The buffer is not
// embedded: it would read all there is by itself.
type short struct {
	kept bytes.Buffer
	left int // below 0 once something was left out
}

// Write never fails, or the process would be held up.
func (s *short) Write(p []byte) (int, error) {
	if s.left >= 0 {
		s.kept.Write(p[:min(len(p), s.left)])
		s.left -= len(p)
	}
	return len(p), nil
}

// pack puts all that an evaluation may read into a zip file: the .cue files,
// and where modules begin.
func pack(ctx context.Context, fsys fs.FS) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		base := entry.Name()
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case entry.IsDir() && base == "cue.mod":
			return cmp.Or(packModule(w, fsys, name), fs.SkipDir)
		case entry.IsDir() && base != "." && base[0] == '.':
			return fs.SkipDir
		case entry.Type().IsRegular() && strings.HasSuffix(base, ".cue"):
			return packFile(w, fsys, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// packModule packs the folder that makes a module, and of it what names it.
func packModule(w *zip.Writer, fsys fs.FS, dir string) error {
	if _, err := w.Create(dir + "/"); err != nil {
		return err
	}
	err := packFile(w, fsys, dir+"/module.cue")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func packFile(w *zip.Writer, fsys fs.FS, name string) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	if strings.Contains(name, `\`) { // which means a folder in a zip file
		return &schema.Error{Message: fmt.Sprintf("the file name %q holds a backslash", name), Mend: "rename the file"}
	}
	file, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err != nil {
		return err
	}
	_, err = io.Copy(file, bytes.NewReader(text))
	return err
}
