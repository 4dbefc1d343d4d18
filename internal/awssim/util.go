package awssim

import (
	"cmp"
	"maps"
	"slices"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func nonEmpty(text, otherwise string) string { return cmp.Or(text, otherwise) }
