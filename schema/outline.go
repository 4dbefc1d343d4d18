package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// A pieceKind says when a piece is needed.
type pieceKind int

const (
	service  pieceKind = iota // a field of services: with its service only
	template                  // a pattern in services: with every service
	shared                    // any other field at the top: when it is named
	hidden                    // a hidden field in services: when it is named
	binding                   // a let clause or an import: when it is named
	unknown                   // no field of a fleet: when it is named
	useless                   // at fault as it stands: never
)

// A piece is a stretch of a file that is evaluated, or left out, as one.
type piece struct {
	file       *sourceFile
	kind       pieceKind
	name       string // of the field; of the service
	start, end int    // bytes of the file
	pos        Pos
	uses       map[*piece]bool // in the same file
	names      map[string]bool // of the package's fields, in any file
}

// An outline is a file cut into pieces. What belongs to none (the package
// clause, the braces around services) is never left out.
type outline struct {
	file    *sourceFile
	pieces  []*piece
	targets map[ast.Node]*piece // what identifiers resolve to
	imports []*ast.ImportSpec
	// whole says why the file cannot be evaluated in parts; "" if it can.
	whole string
}

// newOutline cuts a parsed file.
func newOutline(source *sourceFile, file *ast.File) *outline {
	o := &outline{file: source, targets: map[ast.Node]*piece{}}
	o.cut(file.Decls, len(source.text), o.top)
	o.resolve(file)
	o.targets = nil // or the whole tree would stay in memory
	return o
}

// cut calls each for every declaration with the byte where the next begins.
func (o *outline) cut(decls []ast.Decl, end int, each func(d ast.Decl, end int)) {
	for i, d := range decls {
		next := end
		if i+1 < len(decls) {
			next = decls[i+1].Pos().Offset()
		}
		each(d, next)
	}
}

func (o *outline) add(kind pieceKind, name string, node ast.Node, end int) *piece {
	p := &piece{
		file: o.file, kind: kind, name: name, pos: place(node.Pos()),
		start: node.Pos().Offset(), end: end,
		uses: map[*piece]bool{}, names: map[string]bool{},
	}
	o.pieces = append(o.pieces, p)
	o.targets[node] = p
	if f, ok := node.(*ast.Field); ok {
		o.targets[f.Value] = p
	}
	return p
}

// top cuts a declaration at the top of a file.
func (o *outline) top(d ast.Decl, end int) {
	switch d := d.(type) {
	case *ast.Package, *ast.CommentGroup, *ast.Attribute:
	case *ast.ImportDecl:
		o.importDecl(d, end)
	case *ast.LetClause:
		o.add(binding, d.Ident.Name, d, end)
	case *ast.Field:
		o.topField(d, end)
	default:
		o.whole = fmt.Sprintf("%s: something other than a field stands at the top", place(d.Pos()))
	}
}

func (o *outline) importDecl(d *ast.ImportDecl, end int) {
	o.imports = append(o.imports, d.Specs...)
	if len(d.Specs) == 1 {
		p := o.add(binding, d.Specs[0].Path.Value, d, end)
		o.targets[d.Specs[0]] = p
		return
	}
	for i, spec := range d.Specs {
		next := d.Rparen.Offset()
		if i+1 < len(d.Specs) {
			next = d.Specs[i+1].Pos().Offset()
		}
		o.add(binding, spec.Path.Value, spec, next)
	}
}

func (o *outline) topField(f *ast.Field, end int) {
	name, ok := fieldName(f)
	switch {
	case !ok:
		o.whole = fmt.Sprintf("%s: a field whose name is worked out stands at the top", place(f.Pos()))
	case name == "services":
		o.services(f, end)
	default:
		o.add(shared, name, f, end)
	}
}

// services cuts what services holds.
func (o *outline) services(f *ast.Field, end int) {
	body, ok := f.Value.(*ast.StructLit)
	if !ok {
		o.whole = fmt.Sprintf("%s: services is not written out", place(f.Pos()))
		return
	}
	o.targets[f], o.targets[f.Value] = nil, nil
	if !body.Lbrace.IsValid() { // services: name: …, to be left out with its name
		before := len(o.pieces)
		o.cut(body.Elts, end, o.inServices)
		for _, p := range o.pieces[before:] {
			p.start = f.Pos().Offset()
		}
		return
	}
	o.cut(body.Elts, body.Rbrace.Offset(), o.inServices)
}

func (o *outline) inServices(d ast.Decl, end int) {
	switch d := d.(type) {
	case *ast.CommentGroup, *ast.Attribute, *ast.Ellipsis:
	case *ast.LetClause:
		o.add(binding, d.Ident.Name, d, end)
	case *ast.Field:
		name, ok := fieldName(d)
		_, pattern := d.Label.(*ast.ListLit)
		switch {
		case pattern:
			o.add(template, "", d, end)
		case !ok:
			o.whole = fmt.Sprintf("%s: a service's name is worked out", place(d.Pos()))
		case isHidden(name):
			o.add(hidden, name, d, end)
		default:
			o.add(service, name, d, end)
		}
	default:
		o.whole = fmt.Sprintf("%s: services are worked out", place(d.Pos()))
	}
}

// fieldName is a field's name as it stands in the text. Fields with aliases
// have none here, because by its alias a field is seen from elsewhere.
func fieldName(f *ast.Field) (string, bool) {
	if f.Alias != nil {
		return "", false
	}
	switch f.Label.(type) {
	case *ast.Ident, *ast.BasicLit:
		name, _, err := ast.LabelName(f.Label)
		return name, err == nil
	}
	return "", false
}

// isHidden says whether a name is of a hidden field or a definition.
func isHidden(name string) bool { return strings.HasPrefix(name, "_") || strings.HasPrefix(name, "#") }

// resolve finds what each piece names.
func (o *outline) resolve(file *ast.File) {
	for _, decl := range file.Decls {
		ast.Walk(decl, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Node != nil {
				o.reference(id)
			}
			return true
		}, nil)
	}
	for _, id := range file.Unresolved {
		switch p := o.pieceAt(id.Pos()); {
		case id.Name == "services" || id.Name == "self" || id.Name == "__self":
			o.whole = fmt.Sprintf("%s: %s is named", place(id.Pos()), id.Name)
		case p != nil:
			p.names[id.Name] = true
		}
	}
}

func (o *outline) reference(id *ast.Ident) {
	target, ok := o.targets[id.Node]
	if !ok {
		return
	}
	from := o.pieceAt(id.Pos())
	switch {
	case target == nil:
		o.whole = fmt.Sprintf("%s: services is named", place(id.Pos()))
	case from == nil || from == target:
	case target.kind == service:
		o.whole = fmt.Sprintf("%s: one service names another", place(id.Pos()))
	default:
		from.uses[target] = true
		if target.kind == shared {
			from.names[target.name] = true
		}
	}
}

// pieceAt is the piece that a position lies in, or nil.
func (o *outline) pieceAt(pos token.Pos) *piece {
	at := pos.Offset()
	i, _ := slices.BinarySearchFunc(o.pieces, at, func(p *piece, at int) int { return cmp.Compare(p.end, at+1) })
	if i < len(o.pieces) && o.pieces[i].start <= at {
		return o.pieces[i]
	}
	return nil
}

// text is the file with every piece left out that is not to be kept: made
// blank, so that all else keeps its place.
func (o *outline) text(keep map[*piece]bool) []byte {
	text := o.file.text
	copied := false
	for _, p := range o.pieces {
		if keep[p] {
			continue
		}
		if !copied {
			text, copied = append([]byte(nil), text...), true
		}
		blank(text[p.start:p.end])
	}
	return text
}

func blank(text []byte) {
	for i, c := range text {
		if c != '\n' {
			text[i] = ' '
		}
	}
}
