package schema

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// evaluate unifies a unit with the schema, in a CUE context of its own so
// that nothing of it stays in memory. What CUE cannot compile goes to broken
// and is left open in another try, so that it hides nothing else; the error
// is of what could not be compiled even so.
func (r *repository) evaluate(u unit, broken func(error)) (v cue.Value, top *spot, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("CUE could not evaluate this and broke off (%v)", p)
		}
	}()
	muted := map[Pos]bool{}
	for {
		v, top, err = r.build(u, muted)
		before := len(muted)
		for _, e := range cueerrors.Errors(err) {
			muted[place(e.Position())] = true
		}
		if len(muted) == before {
			return v, top, err
		}
		broken(err)
	}
}

// build compiles and evaluates the unit's files, without the references and
// imports at the muted positions.
func (r *repository) build(u unit, muted map[Pos]bool) (cue.Value, *spot, error) {
	context := build.NewContext()
	instance := context.NewInstance("", r.loader(context))
	instance.ImportPath = r.module + ":" + packageName
	var files []*ast.File
	for name, text := range u.files {
		file, err := r.parse(name, text)
		if err != nil {
			return cue.Value{}, nil, err
		}
		files = append(files, mute(file, muted))
	}
	language, err := r.parse(schemaFile, schemaText)
	if err != nil {
		return cue.Value{}, nil, err
	}
	top := newSpot(files)
	for _, file := range append(files, language) {
		// What fails here is in instance.Err.
		_ = instance.AddSyntax(file)
	}
	v := cuecontext.New().BuildInstance(instance)
	if instance.Err != nil {
		return cue.Value{}, top, instance.Err
	}
	return v, top, nil
}

// mute replaces references at the given positions, and those to imports at
// the given positions, by the value that says nothing.
func mute(file *ast.File, at map[Pos]bool) *ast.File {
	if len(at) == 0 {
		return file
	}
	gone := map[ast.Node]bool{}
	astutil.Apply(file, func(c astutil.Cursor) bool {
		switch n := c.Node().(type) {
		case *ast.ImportDecl:
			n.Specs = slices.DeleteFunc(n.Specs, func(spec *ast.ImportSpec) bool {
				gone[spec] = at[place(spec.Pos())] || at[place(spec.Path.Pos())]
				return gone[spec]
			})
			if len(n.Specs) == 0 {
				c.Delete()
				return false
			}
		case ast.Expr:
			if id := root(n); id != nil && (at[place(id.Pos())] || id.Node != nil && gone[id.Node]) {
				c.Replace(&ast.Ident{NamePos: id.NamePos, Name: "_"})
				return false
			}
		}
		return true
	}, nil)
	return file
}

// root is the identifier that a reference begins with, if it is one.
func root(x ast.Expr) *ast.Ident {
	for {
		switch y := x.(type) {
		case *ast.Ident:
			return y
		case *ast.SelectorExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.CallExpr:
			x = y.Fun
		default:
			return nil
		}
	}
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
