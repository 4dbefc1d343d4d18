package awssim

import (
	"slices"
	"strings"
)

// filterValues is EC2's limit on the values of all filters of a request.
const filterValues = 200

// A filterSet gives, by filter name, the values a row has for it.
// EC2's filters match when any value of the filter matches any of the row's.
type filterSet[T any] map[string]func(T) []string

// one is a filterSet entry for a field with a single value.
func one[T any](field func(T) string) func(T) []string {
	return func(row T) []string { return []string{field(row)} }
}

// A wanted is one filter of a request, ready to be held against rows.
type wanted[T any] struct {
	values func(T) []string
	globs  []string        // with *, ? or \
	plain  map[string]bool // without
}

// filter keeps the rows that pass every entry of the call's Filters (EC2's
// Filter.N.Name, Filter.N.Value.M with * and ?). "tag:KEY" and "tag-key" work
// on tagsOf, unless that is nil. A name in neither is refused:
// InvalidParameterValue "The filter 'x' is invalid".
func filter[T any](c *call, rows []T, by filterSet[T], tagsOf func(T) tags) ([]T, error) {
	var all []wanted[T]
	count := 0
	for _, f := range c.in.list("Filters") {
		want, err := filterOf(f, by, tagsOf)
		if err != nil {
			return nil, err
		}
		all = append(all, want)
		count += len(f.strs("Values"))
	}
	if count > filterValues {
		return nil, refuse("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", filterValues)
	}
	kept := make([]T, 0, len(rows))
	for _, row := range rows {
		if passes(row, all) {
			kept = append(kept, row)
		}
	}
	return kept, nil
}

func filterOf[T any](f M, by filterSet[T], tagsOf func(T) tags) (wanted[T], error) {
	name := f.str("Name")
	values, known := by[name]
	if key, isTag := strings.CutPrefix(name, "tag:"); isTag && tagsOf != nil {
		known = true
		values = func(row T) []string {
			if value, ok := tagsOf(row)[key]; ok {
				return []string{value}
			}
			return nil
		}
	}
	if name == "tag-key" && tagsOf != nil {
		known = true
		values = func(row T) []string { return sortedKeys(tagsOf(row)) }
	}
	if !known {
		return wanted[T]{}, refuse("InvalidParameterValue", "The filter '%s' is invalid", name)
	}
	if len(f.strs("Values")) == 0 {
		return wanted[T]{}, refuse("InvalidParameterValue", "The filter '%s' has no values", name)
	}
	return sortedOut(values, f.strs("Values")), nil
}

// sortedOut sorts the values of a filter into patterns and plain text: hundreds
// of ids against thousands of rows should not be compared one by one.
func sortedOut[T any](values func(T) []string, texts []string) wanted[T] {
	want := wanted[T]{values: values, plain: make(map[string]bool)}
	for _, text := range texts {
		if strings.ContainsAny(text, `*?\`) {
			want.globs = append(want.globs, text)
		} else {
			want.plain[text] = true
		}
	}
	return want
}

func passes[T any](row T, all []wanted[T]) bool {
	for _, want := range all {
		if !slices.ContainsFunc(want.values(row), want.matches) {
			return false
		}
	}
	return true
}

func (w wanted[T]) matches(value string) bool {
	return w.plain[value] || slices.ContainsFunc(w.globs, func(glob string) bool { return globMatch(glob, value) })
}

// globMatch matches text against a pattern in which * stands for any run of
// characters, ? for one, and \ takes the next character as it is.
func globMatch(glob, text string) bool {
	for glob != "" {
		switch glob[0] {
		case '*':
			for i := len(text); i >= 0; i-- {
				if globMatch(glob[1:], text[i:]) {
					return true
				}
			}
			return false
		case '?':
			if text == "" {
				return false
			}
		default:
			if glob[0] == '\\' && len(glob) > 1 {
				glob = glob[1:]
			}
			if text == "" || text[0] != glob[0] {
				return false
			}
		}
		glob, text = glob[1:], text[1:]
	}
	return text == ""
}
