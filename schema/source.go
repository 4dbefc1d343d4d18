package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
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
	// others are modules within the folder that hold files of package fleet.
	others map[string]bool
}

// readRepository reads every file of package fleet, in any folder, except
// folders that CUE does not look into.
func readRepository(ctx context.Context, fsys fs.FS, f *faults) (*repository, error) {
	if _, err := fs.Stat(fsys, "."); err != nil {
		return nil, fmt.Errorf("reading the fleet's folder: %w", err)
	}
	r := &repository{fsys: fsys, others: map[string]bool{}}
	if err := r.readModule(f); err != nil {
		return nil, err
	}
	seen, other := 0, "" // other is the module within this one that the walk is in
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case entry.IsDir() && isHiddenFolder(name):
			return fs.SkipDir
		case entry.IsDir():
			if !inFolder(name, other) && isModule(fsys, name) {
				other = name
			}
			return nil
		case !isSource(entry):
			return nil
		case inFolder(name, other):
			return r.readOther(name, other, f)
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

// skipFolder tells whether a folder is no part of the fleet.
func skipFolder(fsys fs.FS, name string) bool { return isHiddenFolder(name) || isModule(fsys, name) }

// isHiddenFolder tells whether cue leaves a folder out for its name.
func isHiddenFolder(name string) bool {
	base := path.Base(name)
	return name != "." && (base == "cue.mod" || base == "testdata" || base[0] == '.' || base[0] == '_')
}

// isModule tells whether a folder below the top is a module of its own.
func isModule(fsys fs.FS, name string) bool {
	if name == "." {
		return false
	}
	_, err := fs.Stat(fsys, path.Join(name, "cue.mod"))
	return err == nil
}

// inFolder tells whether a name is below a folder; nothing is below "".
func inFolder(name, dir string) bool { return dir != "" && strings.HasPrefix(name, dir+"/") }

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
	switch is := head.PackageName(); {
	case is == packageName:
		r.fleet = append(r.fleet, &sourceFile{name: name, text: text})
	case didYouMean(is, slices.Values([]string{packageName})) != "":
		f.add(packagePlace(head), "", fmt.Sprintf("the file is of package %s, and so no part of the fleet", is), `write "package fleet"; if it is meant to be another package, give that a name less like it`)
	case is == "":
		f.add(Pos{name, 1, 1}, "", "the file says no package", `write "package fleet" on its first line, or rename the file if it is no part of the fleet`)
	}
	return nil
}

// packagePlace is where a file says its package.
func packagePlace(file *ast.File) Pos {
	for _, d := range file.Decls {
		if p, ok := d.(*ast.Package); ok {
			return place(p.Name.Pos())
		}
	}
	return place(file.Pos())
}

// readOther reads a file in a module within the fleet's. What it says is no
// part of the fleet, and that must not be so in silence if it seems to be:
// one cue.mod too many would take away a folder's services and consumers. It
// is said once of each module.
func (r *repository) readOther(name, module string, f *faults) error {
	text, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		return err
	}
	head, err := parser.ParseFile(name, text, parser.PackageClauseOnly)
	if err == nil && head.PackageName() == packageName && !r.others[module] {
		r.others[module] = true
		f.add(packagePlace(head), "", fmt.Sprintf("the file is of package fleet, and no part of the fleet, because %s makes its folder a module of its own", path.Join(module, "cue.mod")), "delete that, or move the folder out of the fleet's")
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
