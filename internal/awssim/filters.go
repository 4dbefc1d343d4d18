package awssim

// A filterSet gives, by filter name, the values a row has for it.
// EC2's filters match when any value of the filter matches any of the row's.
type filterSet[T any] map[string]func(T) []string

// filter keeps the rows that pass every entry of the call's Filters (EC2's
// Filter.N.Name, Filter.N.Value.M with * and ?). "tag:KEY" and "tag-key" work
// on tagsOf, unless that is nil. A name in neither is refused:
// InvalidParameterValue "The filter 'x' is invalid".
func filter[T any](c *call, rows []T, by filterSet[T], tagsOf func(T) tags) ([]T, error) {
	panic("not yet")
}

// one is a filterSet entry for a field with a single value.
func one[T any](field func(T) string) func(T) []string {
	return func(row T) []string { return []string{field(row)} }
}
