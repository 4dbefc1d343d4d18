package schema

import (
	_ "embed"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// schemaText is the language as it stands in every fleet repository.
//
//go:embed schema.cue
var schemaText []byte

// schemaFile is the name of the schema's file in a fleet repository.
const schemaFile = "schema.cue"

// A shape is what the schema says of one place in a fleet, as far as
// messages need it: which names there are, which must be there, and what a
// reader is told to write. Whether a value fits is for CUE to say.
type shape struct {
	fields   map[string]*shape // by name; nil unless a struct with set names
	order    []string          // the names as the schema has them
	element  *shape            // of each field of a struct with free names
	key      string            // what a free name must look like, in words
	match    []match           // and in regular expressions; or a value, where there are no fields
	item     *shape            // of each element of a list, if more is said of it
	open     bool              // any fields at all: a struct of the author's own
	required bool
	wants    string   // completes "write …"
	path     cue.Path // of the field by itself
}

// isStruct says whether a struct belongs here.
func (s *shape) isStruct() bool { return s.fields != nil || s.element != nil || s.open }

// field is what the schema says of a field, or nil if there is none.
func (s *shape) field(name string) *shape {
	if s.element != nil {
		return s.element
	}
	return s.fields[name]
}

func (s *shape) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, name := range s.order {
			if !yield(name) {
				return
			}
		}
	}
}

// A match is a regular expression that names must, or must not, match.
type match struct {
	re   *regexp.Regexp
	want bool
}

// allows says whether a free name, or a value, looks as it must.
func (s *shape) allows(name string) bool {
	for _, m := range s.match {
		if m.re.MatchString(name) != m.want {
			return false
		}
	}
	return true
}

// readShape reads the schema's own text.
func readShape() (*shape, error) {
	file, err := parser.ParseFile(schemaFile, schemaText)
	if err != nil {
		return nil, fmt.Errorf("reading the embedded schema: %w", err)
	}
	r := shapeReader{defs: map[string]*ast.Field{}}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.Field); ok {
			if name, _, err := ast.LabelName(f.Label); err == nil && strings.HasPrefix(name, "#") {
				r.defs[name] = f
			}
		}
	}
	return r.structOf(file.Decls), nil
}

// definitions are the names that the schema defines (#Service).
func definitions(file *ast.File) map[string]bool {
	defs := map[string]bool{}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.Field); ok {
			if name, _, err := ast.LabelName(f.Label); err == nil && strings.HasPrefix(name, "#") {
				defs[name] = true
			}
		}
	}
	return defs
}

type shapeReader struct{ defs map[string]*ast.Field }

func (r shapeReader) structOf(decls []ast.Decl) *shape {
	s := &shape{}
	r.addDecls(s, decls)
	return s
}

func (r shapeReader) addDecls(s *shape, decls []ast.Decl) {
	for _, decl := range decls {
		switch d := decl.(type) {
		case *ast.Field:
			r.addField(s, d)
		case *ast.Ellipsis:
			s.open = true
		case *ast.Comprehension:
			// Fields that are there only sometimes are names all the same.
			if body, ok := d.Value.(*ast.StructLit); ok {
				optional := r.structOf(body.Elts)
				for _, name := range optional.order {
					optional.fields[name].required = false
					s.set(name, optional.fields[name])
				}
			}
		}
	}
}

func (s *shape) set(name string, field *shape) {
	if s.fields == nil {
		s.fields = map[string]*shape{}
	}
	field.path = cue.MakePath(cue.Str(name))
	s.fields[name] = field
	s.order = append(s.order, name)
}

func (r shapeReader) addField(s *shape, f *ast.Field) {
	if list, ok := f.Label.(*ast.ListLit); ok {
		if key, ok := list.Elts[0].(*ast.Ident); ok {
			def := r.defs[key.Name]
			s.key, s.match = attribute(def, "wants"), matches(def.Value)
			s.element = r.shapeOf(f)
		}
		return
	}
	name, _, err := ast.LabelName(f.Label)
	if err != nil || strings.HasPrefix(name, "#") {
		return
	}
	s.set(name, r.shapeOf(f))
}

func (r shapeReader) shapeOf(f *ast.Field) *shape {
	s := r.shapeOfExpr(f.Value)
	if wants := attribute(f, "wants"); wants != "" {
		s.wants = wants
	}
	s.required = f.Constraint == token.NOT || hasAttribute(f, "required")
	return s
}

func (r shapeReader) shapeOfExpr(x ast.Expr) *shape {
	switch x := x.(type) {
	case *ast.StructLit:
		return r.structOf(x.Elts)
	case *ast.Ident:
		if def := r.defs[x.Name]; def != nil {
			return r.shapeOf(def)
		}
	case *ast.ListLit:
		if rest, ok := x.Elts[len(x.Elts)-1].(*ast.Ellipsis); ok {
			return &shape{item: r.shapeOfExpr(rest.Type)}
		}
	case *ast.BinaryExpr:
		if x.Op == token.OR {
			return r.shapeOfExpr(x.Y)
		}
	}
	return &shape{match: matches(x)}
}

// matches reads an expression such as =~"a" & !~"b".
func matches(x ast.Expr) []match {
	switch x := x.(type) {
	case *ast.BinaryExpr:
		if x.Op == token.AND {
			return append(matches(x.X), matches(x.Y)...)
		}
	case *ast.UnaryExpr:
		lit, ok := x.X.(*ast.BasicLit)
		if !ok || (x.Op != token.MAT && x.Op != token.NMAT) {
			return nil
		}
		text, err := literal.Unquote(lit.Value)
		if err != nil {
			return nil
		}
		return []match{{regexp.MustCompile(text), x.Op == token.MAT}}
	}
	return nil
}

// attribute is the text in @name("text"), or "".
func attribute(f *ast.Field, name string) string {
	if f == nil {
		return ""
	}
	for _, a := range f.Attrs {
		if key, body := a.Split(); key == name {
			if text, err := strconv.Unquote(body); err == nil {
				return text
			}
		}
	}
	return ""
}

func hasAttribute(f *ast.Field, name string) bool {
	for _, a := range f.Attrs {
		if key, _ := a.Split(); key == name {
			return true
		}
	}
	return false
}
