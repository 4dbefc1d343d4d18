package awssim

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// sortedRows returns a map's values in the order of their keys.
func sortedRows[K comparable, V any](m map[K]V, compare func(a, b K) int) []V {
	rows := make([]V, 0, len(m))
	for _, key := range slices.SortedFunc(maps.Keys(m), compare) {
		rows = append(rows, m[key])
	}
	return rows
}

func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }

func nonEmpty(text, otherwise string) string { return cmp.Or(text, otherwise) }
