package schema

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// evaluate unifies a unit with the schema, in a CUE context of its own so
// that nothing of it stays in memory. The error is of the unit as a whole,
// such as a reference to nothing; faults within are in the value.
func (r *repository) evaluate(u unit) (v cue.Value, top *spot, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("CUE could not evaluate this and broke off (%v)", p)
		}
	}()
	context := build.NewContext()
	instance := context.NewInstance("", r.loader(context))
	instance.ImportPath = r.module + ":" + packageName
	language, err := r.parse(schemaFile, schemaText)
	if err != nil {
		return v, nil, err
	}
	files := []*ast.File{}
	for name, text := range u.files {
		file, err := r.parse(name, text)
		if err != nil {
			return v, nil, err
		}
		files = append(files, file)
	}
	top = newSpot(files)
	for _, file := range append(files, language) {
		if err := instance.AddSyntax(file); err != nil {
			return v, top, err
		}
	}
	v = cuecontext.New().BuildInstance(instance)
	if instance.Err != nil {
		return v, top, instance.Err
	}
	return v, top, nil
}

// loader finds imported packages: those of this module in its files; CUE's
// own it leaves to CUE; there are no others.
func (r *repository) loader(context *build.Context) build.LoadFunc {
	var load build.LoadFunc
	load = func(pos token.Pos, importPath string) *build.Instance {
		if isStandard(importPath) {
			return nil
		}
		dir, pkg, ok := r.inModule(importPath)
		instance := context.NewInstance(dir, load)
		if !ok {
			instance.ReportError(cueerrors.Newf(pos, "%s", foreignImport(importPath)))
			return instance
		}
		r.addPackage(instance, pos, dir, pkg)
		if instance.Err == nil {
			// What fails here is in instance.Err.
			_ = instance.Complete()
		}
		return instance
	}
	return load
}

func foreignImport(importPath string) string {
	return fmt.Sprintf("import %q is of another module, and linkfleet fetches none", importPath)
}

// isStandard says whether a package is one of CUE's own.
func isStandard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// inModule is the folder and the name of a package of this module.
func (r *repository) inModule(importPath string) (dir, pkg string, ok bool) {
	p := ast.ParseImportPath(importPath)
	rest, ok := strings.CutPrefix(p.Path, r.module)
	if !ok || r.module == "" || (rest != "" && rest[0] != '/') {
		return "", "", false
	}
	return path.Clean("./" + rest), p.Qualifier, true
}

// addPackage adds the files of a package: those in its folder and, as in
// all of CUE, those of the same name in the folders above.
func (r *repository) addPackage(instance *build.Instance, pos token.Pos, dir, pkg string) {
	found := false
	for {
		entries, _ := fs.ReadDir(r.fsys, dir)
		for _, entry := range entries {
			if isSource(entry) && r.addFile(instance, path.Join(dir, entry.Name()), pkg) {
				found = true
			}
		}
		if dir == "." {
			break
		}
		dir = path.Dir(dir)
	}
	if !found {
		instance.ReportError(cueerrors.Newf(pos, "there are no files of package %s in the folder that the import names", pkg))
	}
}

func (r *repository) addFile(instance *build.Instance, name, pkg string) bool {
	text, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		instance.ReportError(cueerrors.Newf(token.NoPos, "reading %s: %v", name, err))
		return false
	}
	file, err := r.parse(name, text)
	if file == nil || file.PackageName() != pkg {
		return false
	}
	if err != nil {
		instance.ReportError(cueerrors.Promote(err, "parsing"))
		return true
	}
	// What fails here is in instance.Err.
	_ = instance.AddSyntax(file)
	return true
}

// vet validates a value as cue vet -c does.
func vet(v cue.Value) error {
	return v.Validate(cue.Attributes(true), cue.Definitions(true), cue.Hidden(true), cue.Concrete(true))
}

// explain says, for CUE's errors that nothing better is known of, what CUE
// has to say, at the author's positions. It leaves out errors at, above and
// below paths that are known to be at fault already.
func (f *faults) explain(err error, top *spot, known map[string]bool) {
	for _, e := range cueerrors.Errors(err) {
		path := pathText(e.Path())
		if covered(known, path) {
			continue
		}
		message := strings.TrimSuffix(messageOf(e), ":")
		pos, others := authorsPositions(e)
		if own := top.walk(e.Path()).pos(); own.File != "" {
			pos = own
		}
		if pos.File == "" && len(others) > 0 {
			pos = others[0]
		}
		f.add(pos, path, message, "")
	}
}

func messageOf(e cueerrors.Error) string {
	format, args := e.Msg()
	return fmt.Sprintf(format, args...)
}

// authorsPositions are an error's positions without those in the schema.
func authorsPositions(e cueerrors.Error) (first Pos, all []Pos) {
	for _, p := range append([]token.Pos{e.Position()}, e.InputPositions()...) {
		pos := place(p)
		if pos.File == "" || pos.File == schemaFile || slices.Contains(all, pos) {
			continue
		}
		all = append(all, pos)
	}
	if len(all) > 0 {
		first = all[0]
	}
	return first, all
}

// covered says whether a path, one above it or one below it is known.
func covered(known map[string]bool, path string) bool {
	for k := range known {
		if k == path || within(k, path) || within(path, k) {
			return true
		}
	}
	return false
}

// within says whether a path lies below another.
func within(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// walk is the spot at a path, or the nearest above it.
func (s *spot) walk(path []string) *spot {
	for _, name := range path {
		next := s.child(strings.Trim(name, `"`))
		if next == nil {
			break
		}
		s = next
	}
	return s
}

// pathText writes CUE's path as we write paths: list elements in brackets.
func pathText(path []string) string {
	var b strings.Builder
	for i, name := range path {
		switch {
		case name != "" && strings.Trim(name, "0123456789") == "":
			fmt.Fprintf(&b, "[%s]", name)
			continue
		case i > 0:
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	return b.String()
}
