package awssim

import "strings"

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
	globs  []string
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
		count += len(want.globs)
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
	return wanted[T]{values: values, globs: f.strs("Values")}, nil
}

func passes[T any](row T, all []wanted[T]) bool {
	for _, want := range all {
		if !anyMatch(want.globs, want.values(row)) {
			return false
		}
	}
	return true
}

func anyMatch(globs, values []string) bool {
	for _, glob := range globs {
		for _, value := range values {
			if globMatch(glob, value) {
				return true
			}
		}
	}
	return false
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
