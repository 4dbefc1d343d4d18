package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"path/filepath"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// loadFleet loads the fleet of a folder and tells its warnings.
func (a *app) loadFleet(ctx context.Context, dir string) (*schema.Fleet, error) {
	load := a.loadOwn
	if a.untrusted {
		load = a.loadStranger
	}
	fleet, warnings, err := load(ctx, dir)
	a.warn(dir, warnings)
	if faults := schema.Faults(err); len(faults) > 0 {
		return nil, &faultyFleet{dir: dir, faults: faults}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s; give the one that holds the fleet, or write a new fleet with linkfleet init %[1]s", dir)
	}
	return fleet, err
}

// warn tells what the files in a folder should not say.
func (a *app) warn(dir string, warnings []schema.Warning) {
	for _, w := range warnings {
		w.Pos = inDir(dir, w.Pos)
		a.say(slog.LevelWarn, "warning: "+planner.Clean(w.String()))
	}
}

func (a *app) loadOwn(ctx context.Context, dir string) (*schema.Fleet, []schema.Warning, error) {
	return schema.Load(ctx, dir, a.now())
}

// inDir is a position as the reader's editor finds it from where the command
// was typed.
func inDir(dir string, pos schema.Pos) schema.Pos {
	if pos.File != "" {
		pos.File = path.Join(filepath.ToSlash(dir), pos.File)
	}
	return pos
}
