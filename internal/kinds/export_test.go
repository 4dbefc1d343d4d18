package kinds

import (
	"reflect"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
)

// A SpecField is one field of a kind's spec, for the tables that must have an
// entry for each.
type SpecField struct {
	Kind, Path string
	Replace    bool
}

func (f SpecField) String() string { return f.Kind + ": " + f.Path }

// SpecFields are the fields of all kinds' specs.
func SpecFields() []SpecField {
	var all []SpecField
	for _, k := range All() {
		all = append(all, fieldsOf(k.Name, "", reflect.TypeOf(SpecOf(k)), false)...)
	}
	return all
}

// SpecOf is a spec of the kind, as a fleet that has everything asks for it.
func SpecOf(k Kind) any {
	rs := k.want(fleetOfEverything(), planner.State{})
	if len(rs) == 0 {
		return nil
	}
	return rs[0].Spec
}

func fieldsOf(kind, path string, t reflect.Type, replace bool) []SpecField {
	var all []SpecField
	for f := range t.Fields() {
		at := path + f.Tag.Get("json")
		replaces := replace || slices.Contains(strings.Split(f.Tag.Get("plan"), ","), "replace")
		if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[planner.Value]() {
			all = append(all, fieldsOf(kind, at+".", f.Type, replaces)...)
			continue
		}
		all = append(all, SpecField{kind, at, replaces})
	}
	return all
}
