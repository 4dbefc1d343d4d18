package schema

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/token"
)

// A spot is one path of the fleet in the author's text: every place that
// writes something there. It knows only what stands in the text at that
// path; what a template or a reference brings has its place elsewhere.
type spot struct {
	writes []write
	open   bool // kids and patterns are known
	kids   map[string]*spot
	order  []string
	// patterns are what stands under [pattern]: labels, which may or may not
	// concern a given field; also are those that may concern this spot.
	patterns, also *spot
}

// A write is one place that writes a field.
type write struct {
	label token.Pos
	value ast.Expr
}

// newSpot is the top of some files.
func newSpot(files []*ast.File) *spot {
	s := &spot{open: true, kids: map[string]*spot{}}
	for _, f := range files {
		s.addDecls(f.Decls)
	}
	return s
}

// pos is where a reader looks first: the place that writes most, and of
// those the first.
func (s *spot) pos() Pos {
	if s == nil || len(s.writes) == 0 {
		return Pos{}
	}
	best := slices.MaxFunc(s.writes, func(a, b write) int { return weight(a.value) - weight(b.value) })
	return place(best.label)
}

// weight is how many fields an expression writes out, and at least one.
func weight(x ast.Expr) int {
	switch x := x.(type) {
	case *ast.StructLit:
		return 1 + len(x.Elts)
	case *ast.BinaryExpr:
		return weight(x.X) + weight(x.Y)
	case *ast.BasicLit, *ast.ListLit:
		return 2
	}
	return 1
}

// child is the spot of a field: what is written for it by name and, failing
// that, by pattern. It is nil where nothing is.
func (s *spot) child(name string) *spot {
	if s == nil {
		return nil
	}
	s.expand()
	kid, patterns := s.kids[name], s.patterns
	if patterns == nil {
		patterns = s.also.child(name)
	}
	if kid == nil {
		return patterns
	}
	kid.also = patterns
	return kid
}

// element is the spot of a list's element, labelled "[3]".
func (s *spot) element(label string) *spot {
	i, err := strconv.Atoi(strings.Trim(label, "[]"))
	if s == nil || err != nil {
		return s
	}
	out := &spot{}
	for _, w := range s.writes {
		if list, ok := w.value.(*ast.ListLit); ok && i < len(list.Elts) {
			out.writes = append(out.writes, write{list.Elts[i].Pos(), list.Elts[i]})
		}
	}
	if len(out.writes) == 0 {
		return s
	}
	return out
}

func (s *spot) expand() {
	if s.open {
		return
	}
	s.open, s.kids = true, map[string]*spot{}
	for _, w := range s.writes {
		s.addExpr(w.value)
	}
}

// addExpr adds the fields that an expression writes out.
func (s *spot) addExpr(x ast.Expr) {
	switch x := x.(type) {
	case *ast.StructLit:
		s.addDecls(x.Elts)
	case *ast.ParenExpr:
		s.addExpr(x.X)
	case *ast.Alias:
		s.addExpr(x.Expr)
	case *ast.BinaryExpr:
		if x.Op == token.AND {
			s.addExpr(x.X)
			s.addExpr(x.Y)
		}
	}
}

func (s *spot) addDecls(decls []ast.Decl) {
	for _, d := range decls {
		switch d := d.(type) {
		case *ast.Field:
			s.addField(d)
		case *ast.EmbedDecl:
			s.addExpr(d.Expr)
		case *ast.Comprehension:
			s.addExpr(d.Value)
		}
	}
}

func (s *spot) addField(f *ast.Field) {
	label := f.Label
	if alias, ok := label.(*ast.Alias); ok {
		if l, ok := alias.Expr.(ast.Label); ok {
			label = l
		}
	}
	w := write{label: f.Label.Pos(), value: f.Value}
	switch label.(type) {
	case *ast.Ident, *ast.BasicLit:
		name, _, err := ast.LabelName(label)
		if err != nil {
			return
		}
		kid := s.kids[name]
		if kid == nil {
			kid = &spot{}
			s.kids[name] = kid
			s.order = append(s.order, name)
		}
		kid.writes = append(kid.writes, w)
	default:
		if s.patterns == nil {
			s.patterns = &spot{}
		}
		s.patterns.writes = append(s.patterns.writes, w)
	}
}

// A saying is what one place says a field is.
type saying struct {
	pos  Pos
	text string
}

// conflict finds two places that write different literals for one field.
func (s *spot) conflict() (a, b saying, ok bool) {
	if s == nil {
		return a, b, false
	}
	var says []saying
	for _, w := range s.writes {
		if !isLiteral(w.value) {
			continue
		}
		if text := w.text(); !slices.ContainsFunc(says, func(s saying) bool { return s.text == text }) {
			says = append(says, saying{place(w.label), text})
		}
	}
	if len(says) < 2 {
		return a, b, false
	}
	return says[0], says[1], true
}

// isLiteral says whether an expression is a value that any other literal
// contradicts.
func isLiteral(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BasicLit, *ast.ListLit, *ast.StructLit:
		return true
	case *ast.UnaryExpr:
		return isLiteral(x.X)
	}
	return false
}

// text is the value as the author wrote it, or its outline if that is long.
func (w write) text() string {
	const long = 60
	b, err := format.Node(w.value)
	text := strings.TrimSpace(string(b))
	if err == nil && len(text) <= long && !strings.Contains(text, "\n") {
		return text
	}
	switch w.value.(type) {
	case *ast.StructLit:
		return "{…}"
	case *ast.ListLit:
		return "[…]"
	}
	return "this"
}
