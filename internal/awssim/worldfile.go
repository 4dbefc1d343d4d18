package awssim

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
)

//go:embed world.cue
var worldDefinition []byte

// definitionFile names world.cue in positions, which messages leave out: the
// author's own lines are what helps.
const definitionFile = "awssim:world.cue"

// LoadWorld reads a world from a CUE file, or from all CUE files of a folder.
// They are of package sandbox and may import CUE's own packages. What is wrong
// is told with file and line, one complaint a line.
func LoadWorld(path string) (World, error) {
	info, err := os.Stat(path)
	if err != nil {
		return World{}, fmt.Errorf("awssim: world: %w", err)
	}
	dir, name := path, "."
	if !info.IsDir() {
		dir, name = filepath.Dir(path), filepath.Base(path)
	}
	return loadWorld(os.DirFS(dir), name, dir)
}

// LoadWorldFS is LoadWorld for a file system, such as an embedded one.
func LoadWorldFS(fsys fs.FS, name string) (World, error) { return loadWorld(fsys, name, "") }

// loadWorld reads what name says within fsys; complaints call fsys dir.
func loadWorld(fsys fs.FS, name, dir string) (World, error) {
	names, err := worldFiles(fsys, name)
	if err != nil {
		return World{}, fmt.Errorf("awssim: world: %w", err)
	}
	instance := build.NewContext().NewInstance(dir, nil)
	for _, name := range names {
		file, err := parseWorldFile(fsys, name, dir)
		if err != nil {
			return World{}, err
		}
		if err := instance.AddSyntax(file); err != nil {
			return World{}, complaint(err)
		}
	}
	if err := instance.Complete(); err != nil {
		return World{}, complaint(err)
	}
	context := cuecontext.New()
	definition := context.CompileBytes(worldDefinition, cue.Filename(definitionFile)).LookupPath(cue.ParsePath("#World"))
	value := definition.Unify(context.BuildInstance(instance))
	if err := value.Validate(cue.Concrete(true)); err != nil {
		return World{}, complaint(err)
	}
	return decodeWorld(value)
}

func worldFiles(fsys fs.FS, name string) ([]string, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	files, err := fs.Glob(fsys, path.Join(name, "*.cue"))
	if err == nil && len(files) == 0 {
		err = errors.New("the folder has no CUE file")
	}
	return files, err
}

func parseWorldFile(fsys fs.FS, name, dir string) (*ast.File, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("awssim: world: %w", err)
	}
	shown := filepath.Join(dir, filepath.FromSlash(name))
	file, err := parser.ParseFile(shown, text, parser.ParseComments)
	if err != nil {
		return nil, complaint(err)
	}
	if file.PackageName() != "sandbox" {
		return nil, fmt.Errorf("awssim: world: %s:1: a world file begins with \"package sandbox\"", shown)
	}
	return file, nil
}

// complaint words CUE's errors with the author's lines.
func complaint(err error) error {
	var lines []string
	for _, e := range cueerrors.Errors(err) {
		format, args := e.Msg()
		line := strings.TrimPrefix(strings.Join(e.Path(), "."), "#World.") + ": " + fmt.Sprintf(format, args...)
		if at := authorsLine(e); at != "" {
			line = at + ": " + line
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return errors.New("awssim: world: " + strings.Join(lines, "\n"))
}

func authorsLine(e cueerrors.Error) string {
	for _, at := range cueerrors.Positions(e) {
		if at.IsValid() && at.Filename() != definitionFile {
			return fmt.Sprintf("%s:%d:%d", at.Filename(), at.Line(), at.Column())
		}
	}
	return ""
}

// decodeWorld turns a checked value into a World.
func decodeWorld(value cue.Value) (World, error) {
	raw, err := value.MarshalJSON()
	if err != nil {
		return World{}, complaint(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return World{}, fmt.Errorf("awssim: world: %w", err)
	}
	if err := readDurations(tree); err != nil {
		return World{}, fmt.Errorf("awssim: world: %w", err)
	}
	if raw, err = json.Marshal(tree); err != nil {
		return World{}, fmt.Errorf("awssim: world: %w", err)
	}
	var w World
	if err := json.Unmarshal(raw, &w); err != nil {
		return World{}, fmt.Errorf("awssim: world: %w", err)
	}
	return w, w.Knobs.check()
}

// readDurations turns durations such as "30s" into the numbers that
// encoding/json wants of a time.Duration.
func readDurations(tree map[string]any) error {
	var holders []map[string]any
	under := func(in any, name string) map[string]any {
		m, _ := in.(map[string]any)
		m, _ = m[name].(map[string]any)
		return m
	}
	latencies := under(tree["knobs"], "latencies")
	for name := range latencies {
		if err := readDuration(latencies, name); err != nil {
			return err
		}
	}
	for _, account := range under(tree, "accounts") {
		for _, role := range under(account, "roles") {
			if role, ok := role.(map[string]any); ok {
				holders = append(holders, role)
			}
		}
	}
	actors, _ := tree["actors"].([]any)
	for _, actor := range actors {
		if actor, ok := actor.(map[string]any); ok {
			holders = append(holders, actor)
		}
	}
	for _, holder := range holders {
		if err := errors.Join(readDuration(holder, "maxSession"), readDuration(holder, "every")); err != nil {
			return err
		}
	}
	return nil
}

func readDuration(in map[string]any, name string) error {
	text, ok := in[name].(string)
	if !ok {
		return nil
	}
	d, err := time.ParseDuration(text)
	in[name] = d.Nanoseconds()
	return err
}
