package planner

import (
	"slices"
	"strings"
)

// KnownAfterApply stands in a [Field] for a value that only the apply will
// tell.
const KnownAfterApply = "(known after apply)"

// A lookup gives the text of a Value if it is known.
type lookup func(Value) (text string, known bool)

// compare lists what is different in want from live, which have the same
// layout, and the outputs that may change with it.
func compare(want, live spec, look lookup) (fields []Field, changing []string) {
	for i := range want.layout {
		l := &want.layout[i]
		var f Field
		var differ bool
		if l.shape.single() {
			f, differ = compareSingle(want, live, l, look)
		} else {
			f, differ = compareSets(want.set(l), live.set(l), look)
		}
		if !differ {
			continue
		}
		f.Path, f.Replace = l.path, l.replace
		fields = append(fields, f)
		changing = append(changing, l.changes...)
	}
	return fields, changing
}

func compareSingle(want, live spec, l *leaf, look lookup) (Field, bool) {
	switch l.shape { // without making text of what is equal
	case isString:
		if want.field(l).String() == live.field(l).String() {
			return Field{}, false
		}
	case isBool:
		if want.field(l).Bool() == live.field(l).Bool() {
			return Field{}, false
		}
	case isInt:
		if want.field(l).Int() == live.field(l).Int() {
			return Field{}, false
		}
	}
	before := live.single(l).Known
	after, known := look(want.single(l))
	if !known {
		after = KnownAfterApply
	}
	return Field{Before: before, After: after}, !known || after != before
}

func compareSets(want, live []Value, look lookup) (Field, bool) {
	var after []string
	unknown := 0
	for _, v := range want {
		text, known := look(v)
		if !known {
			unknown++
			continue
		}
		after = append(after, text)
	}
	slices.Sort(after)
	after = slices.Compact(after)
	before := make([]string, len(live)) // live sets are known and sorted
	for i, v := range live {
		before[i] = v.Known
	}
	f := Field{Removed: without(before, after), Added: without(after, before)}
	for range unknown {
		f.Added = append(f.Added, KnownAfterApply)
	}
	return f, len(f.Removed)+len(f.Added) > 0
}

// without is what of the sorted a is not in the sorted b.
func without(a, b []string) []string {
	var rest []string
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); !found {
			rest = append(rest, s)
		}
	}
	return rest
}

// replacing tells whether one of the differences needs a replacement.
func replacing(fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool { return f.Replace })
}

// replacedPaths names the fields that need a replacement.
func replacedPaths(fields []Field) string {
	var paths []string
	for _, f := range fields {
		if f.Replace {
			paths = append(paths, f.Path)
		}
	}
	return strings.Join(paths, ", ")
}
