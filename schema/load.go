package schema

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Load reads the fleet in a folder: every .cue file of package fleet there
// and in the folders below, unified. It needs no network, starts no other
// program, reads nothing outside the folder and keeps to [DefaultBounds].
//
// Waivers are held against today. If the author's text is at fault, the
// error holds every fault of it ([Faults]) and the fleet is nil. Warnings
// may come with either.
func Load(ctx context.Context, dir string, today time.Time) (*Fleet, []Warning, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the fleet's folder: %w", err)
	}
	if !info.IsDir() {
		return nil, nil, fmt.Errorf("%s is a file; give the folder that holds the fleet", dir)
	}
	// Within a root, symbolic links lead nowhere else.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the fleet's folder: %w", err)
	}
	defer root.Close()
	return LoadFS(ctx, FolderFS(root), today)
}

// LoadFS is [Load] for a file system, such as a commit's.
func LoadFS(ctx context.Context, fsys fs.FS, today time.Time) (*Fleet, []Warning, error) {
	return LoadWithin(ctx, fsys, today, DefaultBounds())
}

// LoadWithin is [LoadFS] with bounds. What goes over them is a fault.
func LoadWithin(ctx context.Context, fsys fs.FS, today time.Time, b Bounds) (*Fleet, []Warning, error) {
	b = b.orDefault()
	ctx, cancel := context.WithTimeoutCause(ctx, b.Time, tooSlow(b.Time))
	defer cancel()
	return load(ctx, b.FS(fsys), today, divide)
}

// load takes how to divide the fleet, so that tests can compare ways.
//
// CUE cannot be interrupted. When ctx ends, load returns at once, and what
// CUE is at goes on in the background until it is done with it.
func load(ctx context.Context, fsys fs.FS, today time.Time, divide func([]*outline) []unit) (*Fleet, []Warning, error) {
	type outcome struct {
		fleet    *Fleet
		warnings []Warning
		err      error
	}
	done := make(chan outcome, 1)
	go func() {
		l := &loading{today: today, divide: divide, unknown: map[string]bool{}}
		var fleet *Fleet
		err := unbroken(func() (err error) {
			fleet, err = l.load(ctx, fsys)
			return err
		})
		slices.SortStableFunc(l.warnings, func(a, b Warning) int { return comparePos(a.Pos, b.Pos) })
		done <- outcome{fleet, l.warnings, err}
	}()
	select {
	case o := <-done:
		return o.fleet, o.warnings, o.err
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("loading the fleet: %w", context.Cause(ctx))
	}
}

// A loading is one run of Load.
type loading struct {
	faults
	today  time.Time
	divide func([]*outline) []unit
	shape  *shape
	repo   *repository
	// unknown are the fields at the top that no fleet has.
	unknown map[string]bool
	// names are all fields at the top.
	names []string
}

func (l *loading) load(ctx context.Context, fsys fs.FS) (*Fleet, error) {
	var err error
	if l.shape, err = readShape(); err != nil {
		return nil, err
	}
	if l.repo, err = readRepository(ctx, fsys, &l.faults); err != nil {
		return nil, err
	}
	l.repo.checkSchema(&l.faults)
	fleet, err := l.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	return fleet, nil
}

// run evaluates and checks the files. The fleet is nil if there are faults.
func (l *loading) run(ctx context.Context) (*Fleet, error) {
	outlines, err := l.outlines(ctx)
	if err != nil {
		return nil, err
	}
	if len(l.errs) > 0 && len(outlines) < len(l.repo.fleet) {
		return nil, nil // files that do not parse: what is missing is unknown
	}
	units := l.divide(outlines)
	first := l.evaluate(units[0], nil)
	l.join(first.faults)
	rest := make([]result, len(units)-1)
	err = sideBySide(ctx, len(rest), func(i int) { rest[i] = l.evaluate(units[1+i], first.fleet) })
	if err != nil {
		return nil, err
	}
	for _, r := range rest {
		l.join(r.faults)
		maps.Copy(first.fleet.Services, r.services)
	}
	c := &checker{reading: &reading{known: map[string]bool{}}, today: l.today}
	c.across(first.fleet)
	l.join(c.faults)
	if len(l.errs) > 0 {
		return nil, nil
	}
	return first.fleet, l.checkSpread(ctx, outlines)
}

// outlines parses every file, and finds what can be said of each alone. A
// file that does not parse has none.
func (l *loading) outlines(ctx context.Context) ([]*outline, error) {
	files := make([]fileReading, len(l.repo.fleet))
	defs, err := l.definitions()
	if err != nil {
		return nil, err
	}
	err = sideBySide(ctx, len(files), func(i int) {
		files[i] = fileReading{repo: l.repo, shape: l.shape, defs: defs}
		files[i].read(l.repo.fleet[i])
	})
	var outlines []*outline
	for _, f := range files {
		l.join(f.faults)
		if f.outline == nil {
			continue
		}
		outlines = append(outlines, f.outline)
		for _, p := range f.outline.pieces {
			switch p.kind {
			case shared:
				l.names = append(l.names, p.name)
			case unknown:
				l.unknown[p.name] = true
			}
		}
	}
	return outlines, err
}

// definitions are the names that the schema defines.
func (l *loading) definitions() (map[string]bool, error) {
	file, err := l.repo.parse(schemaFile, schemaText)
	if err != nil {
		return nil, fmt.Errorf("reading the embedded schema: %w", err)
	}
	return definitions(file), nil
}

// sideBySide calls each for 0 to n-1, as many at a time as there are
// processors. Each call is short, so that when ctx ends, the end is near.
func sideBySide(ctx context.Context, n int, each func(i int)) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("loading the fleet: %w", err)
			}
			return unbroken(func() error {
				each(i)
				return nil
			})
		})
	}
	return group.Wait()
}

// unbroken makes an error of a panic: no text of a fleet may end the process,
// which may be a server's, and would be again when that is started anew.
func unbroken(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("loading the fleet: linkfleet broke off (%v), which is a mistake of its own; please report it with the files", p)
		}
	}()
	return do()
}

// A result is what came of a unit.
type result struct {
	faults
	fleet    *Fleet
	services map[string]*Service
}

// evaluate evaluates a unit, reads it and checks it. The fleet is what the
// first unit holds; nil for that unit itself.
func (l *loading) evaluate(u unit, fleet *Fleet) result {
	in := &reading{known: maps.Clone(l.unknown), names: l.names}
	v, spot, err := l.repo.evaluate(u, in.broken)
	if err != nil {
		in.explain(err, spot, in.known)
		if fleet == nil {
			fleet = &Fleet{Services: map[string]*Service{}}
		}
		return result{faults: in.faults, fleet: fleet}
	}
	c := &checker{reading: in, today: l.today, frame: fleet}
	top := &field{in: in, value: v, shape: l.shape, spot: spot}
	r := result{services: map[string]*Service{}}
	if u.rest {
		c.frame = c.fleet(top)
		c.accounts(top)
	}
	if u.services {
		for name, f := range top.get("services").each() {
			s := c.service(name, f)
			c.checkService(f, s)
			r.services[name] = s
		}
	}
	if u.rest {
		maps.Copy(c.frame.Services, r.services)
	}
	if err := vet(v); err != nil {
		top.unknownFields()
		in.explain(err, spot, in.known)
	}
	r.faults, r.fleet = in.faults, c.frame
	return r
}
