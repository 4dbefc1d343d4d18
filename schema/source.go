package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"cuelang.org/go/cue/ast"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	"cuelang.org/go/mod/modfile"
)

// packageName is the package of a fleet's files.
const packageName = "fleet"

// A sourceFile is one of the author's files in package fleet.
type sourceFile struct {
	name string // relative to the fleet's folder, with slashes
	text []byte
}

// A repository is a fleet's folder, read.
type repository struct {
	fsys    fs.FS
	module  string // the module's path without version; empty without cue.mod
	version string // of the CUE language, or empty
	fleet   []*sourceFile
	schema  []*sourceFile // files that claim to be the schema
}

// readRepository reads every file of package fleet, in any folder, except
// folders that CUE does not look into.
func readRepository(ctx context.Context, fsys fs.FS, f *faults) (*repository, error) {
	if _, err := fs.Stat(fsys, "."); err != nil {
		return nil, fmt.Errorf("reading the fleet's folder: %w", err)
	}
	r := &repository{fsys: fsys}
	if err := r.readModule(f); err != nil {
		return nil, err
	}
	seen := 0
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case entry.IsDir():
			if r.skipFolder(name) {
				return fs.SkipDir
			}
			return nil
		case !isSource(entry):
			return nil
		}
		seen++
		return r.readFile(name, f)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the fleet's folder: %w", err)
	}
	if len(r.fleet) == 0 && len(f.errs) == 0 {
		return nil, r.nothing(seen)
	}
	return r, nil
}

// nothing says why there is no fleet to load.
func (r *repository) nothing(files int) error {
	const mend = "linkfleet init writes a first fleet"
	switch {
	case len(r.schema) > 0:
		return &Error{Message: "the folder holds the schema and no fleet", Mend: "write the fleet in .cue files of package fleet"}
	case files == 0:
		return &Error{Message: "the folder holds no .cue files", Mend: mend}
	}
	return &Error{Message: "none of the .cue files in the folder is of package fleet", Mend: `begin the fleet's files with "package fleet"; ` + mend}
}

// skipFolder leaves out what cue leaves out, and other modules.
func (r *repository) skipFolder(name string) bool {
	if name == "." {
		return false
	}
	base := path.Base(name)
	if base == "cue.mod" || base == "testdata" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := fs.Stat(r.fsys, path.Join(name, "cue.mod"))
	return err == nil
}

func isSource(entry fs.DirEntry) bool { return entry.Type().IsRegular() && isSourceName(entry.Name()) }

func isSourceName(base string) bool {
	return strings.HasSuffix(base, ".cue") && base[0] != '.' && base[0] != '_' &&
		!strings.HasSuffix(base, "_tool.cue") && !strings.HasSuffix(base, "_test.cue")
}

func (r *repository) readModule(f *faults) error {
	const name = "cue.mod/module.cue"
	text, err := fs.ReadFile(r.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		f.warn(Pos{}, "", name+" is missing, so cue vet does not work here", "linkfleet init writes it")
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the fleet's module: %w", err)
	}
	mod, err := modfile.ParseNonStrict(text, name)
	if err != nil {
		f.addCUE(err, name, "see https://cuelang.org/docs/reference/modules/")
		return nil
	}
	r.module = ast.ParseImportPath(mod.QualifiedModule()).Path
	if mod.Language != nil {
		r.version = mod.Language.Version
	}
	return nil
}

// readFile keeps a file if it is of package fleet.
func (r *repository) readFile(name string, f *faults) error {
	text, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		return err
	}
	if isSchema(name, text) {
		r.schema = append(r.schema, &sourceFile{name: name, text: text})
		return nil
	}
	head, err := parser.ParseFile(name, text, parser.PackageClauseOnly)
	if err != nil {
		// What is wrong is said in full when all of it is parsed; whether it
		// is part of the fleet cannot be told, so take it that it is.
		r.fleet = append(r.fleet, &sourceFile{name: name, text: text})
		return nil
	}
	switch head.PackageName() {
	case packageName:
		r.fleet = append(r.fleet, &sourceFile{name: name, text: text})
	case "":
		f.add(Pos{name, 1, 1}, "", "the file says no package", `write "package fleet" on its first line, or rename the file if it is no part of the fleet`)
	}
	return nil
}

// parse parses text under the repository's version of the language.
func (r *repository) parse(name string, text []byte) (*ast.File, error) {
	options := []parser.Option{parser.AllErrors}
	if r.version != "" {
		options = append(options, parser.Version(r.version))
	}
	return parser.ParseFile(name, text, options...)
}

// addCUE adds an error from CUE's parser.
func (f *faults) addCUE(err error, file, mend string) {
	for _, e := range cueerrors.Errors(err) {
		pos := place(e.Position())
		if pos.File == "" {
			pos = Pos{File: file, Line: 1, Column: 1}
		}
		format, args := e.Msg()
		f.add(pos, "", fmt.Sprintf(format, args...), mend)
	}
}

// place is a position of CUE's as one of ours.
func place(pos token.Pos) Pos {
	if !pos.IsValid() || pos.Filename() == "" {
		return Pos{}
	}
	return Pos{File: pos.Filename(), Line: pos.Line(), Column: pos.Column()}
}
