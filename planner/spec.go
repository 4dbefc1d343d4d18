package planner

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A layout is how a type of spec is read: its leaves in the order of the
// struct, nested ones in place.
type layout []leaf

// A leaf is one field of a spec that holds data.
type leaf struct {
	path    string // json names, nested ones joined by dots
	index   []int  // for reflect.Value.FieldByIndex
	shape   shape
	replace bool     // plan:"replace", here or on a struct around it
	changes []string // outputs that may change with it
}

type shape int

const (
	isString shape = iota
	isBool
	isInt
	isValue
	isStrings
	isValues
)

// single tells whether a leaf holds one thing, not a set.
func (s shape) single() bool { return s < isStrings }

var valueType = reflect.TypeFor[Value]()

// CheckSpec says what is wrong with the type of a spec: a field of a type
// that [Resource] does not allow, without a json name, with a name used
// twice, or with a plan tag that means nothing. A kind's tests call it, so
// that Diff never meets such a spec.
func CheckSpec(spec any) error {
	_, err := layoutOf(reflect.TypeOf(spec))
	return err
}

func layoutOf(t reflect.Type) (layout, error) {
	if t == nil || t.Kind() != reflect.Struct || t == valueType {
		return nil, fmt.Errorf("a spec must be a struct, not %v", t)
	}
	var b layoutBuilder
	b.walk(t, leaf{}, t.String())
	return b.leaves, errors.Join(b.errs...)
}

type layoutBuilder struct {
	leaves layout
	errs   []error
}

func (b *layoutBuilder) fault(field, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("field %s of a spec %s", field, fmt.Sprintf(format, args...)))
}

// walk adds the leaves of struct t. Around is what the fields inherit: path,
// index and tags of the struct they stand in.
func (b *layoutBuilder) walk(t reflect.Type, around leaf, name string) {
	for i := range t.NumField() {
		f := t.Field(i)
		field := name + "." + f.Name
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case key == "-":
			continue
		case !f.IsExported():
			b.fault(field, "is not exported, so no change of it would be seen")
			continue
		case key == "" && !f.Anonymous:
			b.fault(field, "has no json name")
			continue
		}
		l := around.inside(key, i)
		if err := l.readTag(f.Tag.Get("plan")); err != nil {
			b.fault(field, "%v", err)
		}
		b.add(f.Type, l, field)
	}
}

// inside is the start of a leaf for field i, called key, of the struct that
// l describes. An embedded struct without a name adds none.
func (l leaf) inside(key string, i int) leaf {
	l.index = append(slices.Clone(l.index), i)
	l.changes = slices.Clone(l.changes)
	switch {
	case l.path == "":
		l.path = key
	case key != "":
		l.path += "." + key
	}
	return l
}

// readTag reads a plan tag: replace, changes=a+b, or both with a comma.
func (l *leaf) readTag(tag string) error {
	if tag == "" {
		return nil
	}
	for part := range strings.SplitSeq(tag, ",") {
		outs, isChanges := strings.CutPrefix(part, "changes=")
		switch {
		case part == "replace":
			l.replace = true
		case isChanges && outs != "":
			l.changes = append(l.changes, strings.Split(outs, "+")...)
		default:
			return fmt.Errorf(`has the plan tag %q; known are "replace" and "changes=a+b"`, part)
		}
	}
	return nil
}

func (b *layoutBuilder) add(t reflect.Type, l leaf, field string) {
	s, ok := shapeOf(t)
	switch {
	case ok:
		l.shape = s
		if slices.ContainsFunc(b.leaves, func(o leaf) bool { return o.path == l.path }) {
			b.fault(field, "has the json name %q, which another field has too", l.path)
		}
		b.leaves = append(b.leaves, l)
	case t.Kind() == reflect.Struct:
		b.walk(t, l, field)
	default:
		b.fault(field, "has type %v; allowed are string, bool, int, []string, Value, []Value and structs of these", t)
	}
}

func shapeOf(t reflect.Type) (shape, bool) {
	if t == valueType {
		return isValue, true
	}
	switch t.Kind() {
	case reflect.String:
		return isString, true
	case reflect.Bool:
		return isBool, true
	case reflect.Int, reflect.Int32, reflect.Int64:
		return isInt, true
	case reflect.Slice:
		switch elem := t.Elem(); {
		case elem == valueType:
			return isValues, true
		case elem.Kind() == reflect.String:
			return isStrings, true
		}
	}
	return 0, false
}

// layouts are the layouts met so far, by type.
type layouts map[reflect.Type]layout

func (ls layouts) of(t reflect.Type) (layout, error) {
	if l, ok := ls[t]; ok {
		return l, nil
	}
	l, err := layoutOf(t)
	if err == nil {
		ls[t] = l
	}
	return l, err
}

// A spec is a copy of a Resource's Spec that may be read and changed in
// place, its sets sorted and without repetition.
type spec struct {
	layout layout
	v      reflect.Value // addressable
}

func (ls layouts) open(s any) (spec, error) {
	l, err := ls.of(reflect.TypeOf(s))
	if err != nil {
		return spec{}, err
	}
	c := spec{l, reflect.New(reflect.TypeOf(s)).Elem()}
	c.v.Set(reflect.ValueOf(s))
	for i := range c.layout {
		c.tidy(&c.layout[i])
	}
	return c, nil
}

// copy is a spec that can be changed without changing s.
func (s spec) copy() spec {
	c := spec{s.layout, reflect.New(s.v.Type()).Elem()}
	c.v.Set(s.v)
	return c
}

// data is the spec as the kind knows it.
func (s spec) data() any { return s.v.Interface() }

func (s spec) field(l *leaf) reflect.Value { return s.v.FieldByIndex(l.index) }

func (s spec) value(l *leaf) *Value { return s.field(l).Addr().Interface().(*Value) }

func (s spec) values(l *leaf) *[]Value {
	// A named slice type is converted: its elements are Values all the same.
	f := s.field(l).Addr()
	return f.Convert(reflect.TypeFor[*[]Value]()).Interface().(*[]Value)
}

// tidy sorts a set and drops what is in it twice. None becomes an empty set,
// so that both are the same bytes.
func (s spec) tidy(l *leaf) {
	switch l.shape {
	case isStrings:
		f := s.field(l)
		f.Set(tidyStrings(f))
	case isValues:
		vs := s.values(l)
		*vs = tidyValues(*vs)
	}
}

func tidyStrings(f reflect.Value) reflect.Value {
	texts := make([]string, f.Len())
	for i := range texts {
		texts[i] = f.Index(i).String()
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	out := reflect.MakeSlice(f.Type(), len(texts), len(texts))
	for i, t := range texts {
		out.Index(i).SetString(t)
	}
	return out
}

func tidyValues(vs []Value) []Value {
	vs = append(make([]Value, 0, len(vs)), vs...)
	slices.SortFunc(vs, compareValues)
	return slices.CompactFunc(vs, func(a, b Value) bool { return compareValues(a, b) == 0 })
}

func compareValues(a, b Value) int {
	if a.IsRef() != b.IsRef() {
		if b.IsRef() {
			return -1
		}
		return 1
	}
	return cmp.Or(
		strings.Compare(a.Known, b.Known),
		a.From.Compare(b.From),
		strings.Compare(a.Out, b.Out),
		slices.CompareFunc(a.With, b.With, Addr.Compare),
	)
}

// single is what a leaf that is no set holds.
func (s spec) single(l *leaf) Value {
	switch l.shape {
	case isValue:
		return *s.value(l)
	case isBool:
		return Known(strconv.FormatBool(s.field(l).Bool()))
	case isInt:
		return Known(strconv.FormatInt(s.field(l).Int(), 10))
	default:
		return Known(s.field(l).String())
	}
}

// set is what a leaf that is a set holds.
func (s spec) set(l *leaf) []Value {
	if l.shape == isValues {
		return *s.values(l)
	}
	f := s.field(l)
	vs := make([]Value, f.Len())
	for i := range vs {
		vs[i] = Known(f.Index(i).String())
	}
	return vs
}

// eachValue calls yield with the leaf and a pointer into s for each Value in
// s, known ones too, in the order of the struct.
func (s spec) eachValue(yield func(*leaf, *Value)) {
	for i := range s.layout {
		l := &s.layout[i]
		switch l.shape {
		case isValue:
			yield(l, s.value(l))
		case isValues:
			vs := *s.values(l)
			for j := range vs {
				yield(l, &vs[j])
			}
		}
	}
}
