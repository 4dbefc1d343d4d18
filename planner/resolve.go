package planner

import (
	"fmt"
	"slices"
)

// Resolve is a copy of spec in which every [Value] is known. Lookup gives
// the output out of the resource at an address; a false means that it is
// not known, which makes Resolve fail with an error naming it.
func Resolve(spec any, lookup func(from Addr, out string) (string, bool)) (any, error) {
	s, err := layouts{}.open(spec)
	if err != nil {
		return nil, err
	}
	var missing error
	resolved := s.resolve(func(v Value) (string, bool) {
		text, ok := lookup(v.From, v.Out)
		if !ok && missing == nil {
			missing = fmt.Errorf("output %s of %s is not known", v.Out, v.From)
		}
		return text, ok
	})
	if missing != nil {
		return nil, missing
	}
	return resolved.data(), nil
}

// resolve is a copy of s in which every Value that lookup knows is known.
// Lookup is asked for references only.
func (s spec) resolve(lookup func(Value) (string, bool)) spec {
	c := s.copy()
	for i := range c.layout {
		l := &c.layout[i]
		switch l.shape {
		case isValue:
			v := c.value(l)
			*v = resolveValue(*v, lookup)
		case isValues:
			vs := c.values(l)
			resolved := make([]Value, len(*vs))
			for j, v := range *vs {
				resolved[j] = resolveValue(v, lookup)
			}
			*vs = tidyValues(resolved)
		}
	}
	return c
}

func resolveValue(v Value, lookup func(Value) (string, bool)) Value {
	if !v.IsRef() {
		return Known(v.Known)
	}
	if text, ok := lookup(v); ok {
		return Known(text)
	}
	return v
}

// Refs are the addresses spec points to, those that must merely stand (With)
// included, sorted, each once.
func Refs(spec any) ([]Addr, error) {
	s, err := layouts{}.open(spec)
	if err != nil {
		return nil, err
	}
	var refs []Addr
	s.eachValue(func(_ *leaf, v *Value) {
		if v.IsRef() {
			refs = append(refs, v.From)
		}
		refs = append(refs, v.With...)
	})
	slices.SortFunc(refs, Addr.Compare)
	return slices.Compact(refs), nil
}
