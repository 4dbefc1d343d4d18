package schema

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	cueerrors "cuelang.org/go/cue/errors"
)

// A field is a place in the evaluated fleet: the value there, what the
// schema says of it, and where the author wrote it. Reading it finds its
// faults: a reader asks for what it wants and gets zero values for what is
// missing or wrong, which is then on record.
type field struct {
	in    *reading
	up    *field
	label string // "[3]" for an element of a list, which a name may look like too
	// element says that the field is an element of a list.
	element bool
	value   cue.Value
	shape   *shape
	spot    *spot // see at

	// What reading has found already: asking CUE again costs time, and would
	// record faults twice.
	kids  map[string]*field
	items []*field
	text  *string
}

// A reading gathers the faults of one evaluation.
type reading struct {
	faults
	known map[string]bool // paths at fault
	names []string        // fields at the top, which any file may name
	vague []string        // paths of what could not be compiled
}

// broken records what CUE could not compile. Whatever is missing at those
// paths may be missing for that reason alone.
func (in *reading) broken(err error) {
	for _, e := range cueerrors.Errors(err) {
		path := pathText(e.Path())
		in.add(place(e.Position()), path, messageOf(e), in.mendReference(e))
		in.vague = append(in.vague, path)
		if path != "" {
			in.known[path] = true
		}
	}
}

// mendReference says what to do about what CUE could not compile.
func (in *reading) mendReference(e cueerrors.Error) string {
	format, args := e.Msg()
	switch {
	case strings.HasPrefix(format, "reference %q not found") && len(args) > 0:
		if near := didYouMean(fmt.Sprint(args[0]), slices.Values(in.names)); near != "" {
			return "did you mean " + near + "?"
		}
		return "declare it at the top of a file, or write another name"
	case strings.HasPrefix(format, "builtin package"):
		return "CUE's own packages are at https://pkg.go.dev/cuelang.org/go/pkg"
	}
	return ""
}

// isVague says whether a path lies at or below what could not be compiled.
func (in *reading) isVague(path string) bool {
	return slices.ContainsFunc(in.vague, func(v string) bool { return v == "" || path == v || within(path, v) })
}

// path is the field's, as messages write it.
func (f *field) path() string {
	switch {
	case f.up == nil:
		return f.label
	case f.up.up == nil:
		return cue.Str(f.label).String()
	case f.element:
		return f.up.path() + f.label
	}
	return f.up.path() + "." + cue.Str(f.label).String()
}

// pos is where the author wrote the field, or the nearest field around it.
func (f *field) pos() Pos {
	for ; f != nil; f = f.up {
		if p := f.at().pos(); p.File != "" {
			return p
		}
		if p := place(f.value.Pos()); p.File != "" && p.File != schemaFile {
			return p
		}
	}
	return Pos{}
}

// fault records what is wrong with the field.
func (f *field) fault(message, mend string) {
	f.in.known[f.path()] = true
	f.in.add(f.pos(), f.path(), message, mend)
}

// at is where the author writes the field, or nil.
func (f *field) at() *spot {
	switch {
	case f.spot != nil || f.up == nil:
	case f.element:
		f.spot = f.up.at().element(f.label)
	default:
		f.spot = f.up.at().child(f.label)
	}
	return f.spot
}

// exists says whether anybody wrote the field or it has a default.
func (f *field) exists() bool { return f != nil && f.value.Exists() }

// get is a struct's field. If it must be there and is not, that is a fault.
func (f *field) get(name string) *field {
	if g := f.kids[name]; g != nil {
		return g
	}
	shape := f.shape.field(name)
	g := &field{in: f.in, up: f, label: name, shape: shape}
	if !f.exists() {
		return g
	}
	if f.kids == nil {
		f.kids = map[string]*field{}
	}
	f.kids[name] = g
	g.value = f.value.LookupPath(shape.path)
	if !g.exists() && shape.required && !f.in.isVague(g.path()) {
		g.fault("is missing", "write "+shape.wants)
	}
	g.mustBeStruct()
	return g
}

// mustBeStruct records that a value is no struct where one belongs, and
// takes it for absent.
func (f *field) mustBeStruct() {
	if f.exists() && f.shape.isStruct() && f.value.IncompleteKind() != cue.StructKind && !brokenWithin(f.value) {
		f.misfit(f.value.Err())
		f.value = cue.Value{}
	}
}

// each are the fields of a struct with free names, by name.
func (f *field) each() iter.Seq2[string, *field] {
	if f.kids == nil && f.exists() {
		f.readAll()
	}
	return func(yield func(string, *field) bool) {
		for _, name := range slices.Sorted(maps.Keys(f.kids)) {
			if !yield(name, f.kids[name]) {
				return
			}
		}
	}
}

func (f *field) readAll() {
	f.kids = map[string]*field{}
	fields, err := f.value.Fields()
	for err == nil && fields.Next() {
		name := fields.Selector().Unquoted()
		kid := &field{in: f.in, up: f, label: name, value: fields.Value(), shape: f.shape.element}
		if !f.shape.allows(name) {
			kid.badName()
			continue
		}
		kid.mustBeStruct()
		f.kids[name] = kid
	}
}

// brokenWithin says whether a value is a struct and what is wrong lies in
// its fields.
func brokenWithin(v cue.Value) bool {
	fields, err := v.Fields()
	return err == nil && fields.Next()
}

// elements are those of a list.
func (f *field) elements() []*field {
	if f.items != nil || !f.exists() {
		return f.items
	}
	values, err := f.listed()
	if err != nil {
		f.misfit(err)
	}
	shape := f.shape
	if shape.item != nil && shape.item.wants != "" {
		shape = shape.item
	}
	f.items = make([]*field, len(values))
	for i, v := range values {
		f.items[i] = &field{in: f.in, up: f, label: "[" + strconv.Itoa(i) + "]", element: true, value: v, shape: shape}
	}
	return f.items
}

// listed are a list's elements, and what is wrong with the list if nothing
// is wrong with an element.
func (f *field) listed() (values []cue.Value, err error) {
	v, _ := f.value.Default()
	list, err := v.List()
	if err == nil {
		for list.Next() {
			values = append(values, list.Value())
		}
		return values, nil
	}
	for i := 0; ; i++ {
		v := f.value.LookupPath(cue.MakePath(cue.Index(i)))
		if !v.Exists() {
			return values, err
		}
		switch {
		case v.Err() != nil:
			err = nil
		case incomplete(v):
			continue // the schema's own, of a list that is too short
		}
		values = append(values, v)
	}
}

// str is a string, or "" if it is absent or wrong.
func (f *field) str() string {
	switch {
	case f.text != nil:
		return *f.text
	case !f.exists():
		return ""
	}
	s, err := f.value.String()
	if err != nil {
		f.misfit(err)
	}
	f.text = &s
	return s
}

// num is a whole number, or 0.
func (f *field) num() int {
	if !f.exists() {
		return 0
	}
	n, err := f.value.Int64()
	if err != nil {
		f.misfit(err)
	}
	return int(n)
}

// isNumber says whether the value is a number.
func (f *field) isNumber() bool {
	if !f.exists() {
		return false
	}
	v, _ := f.value.Default()
	return v.Kind() == cue.IntKind
}

// flag is a boolean, or false.
func (f *field) flag() bool {
	if !f.exists() {
		return false
	}
	b, err := f.value.Bool()
	if err != nil {
		f.misfit(err)
	}
	return b
}

// strs is a list of strings, in the author's order.
func (f *field) strs() []string {
	var out []string
	for _, e := range f.elements() {
		if s := e.str(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// misfit records that the field's value is not what the schema wants.
func (f *field) misfit(err error) {
	reason := reasonOf(err)
	if reason.message == "field not allowed" {
		return // which says too little; whoever checks the fields around it knows more
	}
	text := f.written()
	mend := "write " + f.shape.wants
	a, b, twice := f.at().conflict()
	switch {
	case twice:
		f.in.known[f.path()] = true
		f.in.add(a.pos, f.path(), fmt.Sprintf("%s here, but %s at %s", a.text, b.text, b.pos), "keep one of the two")
	case reason.conflict && len(reason.authors) > 1 && !reason.schema:
		f.fault(fmt.Sprintf("%s, written at %s and %s", reason.message, reason.authors[0], reason.authors[1]), "keep one of the two")
	case (incomplete(f.value) || reason.deeper) && f.in.isVague(f.path()):
	case incomplete(f.value) && !reason.deeper:
		f.fault(strings.TrimSpace(text+" is no value yet"), mend)
	case reason.deeper:
		f.fault(strings.TrimSpace(text+" cannot be worked out: "+reason.message), "mend that, or write "+f.shape.wants)
	default:
		f.fault(strings.TrimSpace(text+" does not fit"), mend)
	}
}

// incomplete says whether more text could make the value whole.
func incomplete(v cue.Value) bool { return v.IncompleteKind() != cue.BottomKind && !v.IsConcrete() }

// written is how the author wrote the value, or "" if nobody wrote it at
// that path.
func (f *field) written() string {
	s := f.at()
	if s == nil || len(s.writes) == 0 {
		return ""
	}
	return s.writes[0].text()
}

// unknownFields finds the fields that the schema does not have, at every
// depth.
func (f *field) unknownFields() {
	if !f.exists() || f.shape == nil || f.shape.open || !f.shape.isStruct() {
		return
	}
	fields, err := f.value.Fields()
	for err == nil && fields.Next() {
		name := fields.Selector().Unquoted()
		kid := &field{in: f.in, up: f, label: name, value: fields.Value(), shape: f.shape.field(name)}
		switch {
		case kid.shape == nil && f.up == nil && f.in.known[name]:
			// found when the files were read
		case kid.shape == nil:
			kid.fault("unknown field", f.shape.instead(name))
		case !f.shape.allows(name):
			kid.badName()
		default:
			kid.unknownFields()
		}
	}
}

// instead says what to write in place of an unknown field.
func (s *shape) instead(name string) string {
	if near := didYouMean(name, s.names()); near != "" {
		return "did you mean " + near + "?"
	}
	return "the fields here are " + strings.Join(s.order, ", ")
}

// badName records a free name that the schema does not allow.
func (f *field) badName() {
	f.fault(strconv.Quote(f.label)+" is not a name that fits here", "use "+f.up.shape.key)
}
