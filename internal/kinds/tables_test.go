package kinds_test

import (
	"slices"
	"strings"
	"testing"
)

// fieldList takes "kind: field, kind: field" apart.
func fieldList(s string) []string {
	var all []string
	for f := range strings.SplitSeq(s, ",") {
		all = append(all, strings.TrimSpace(f))
	}
	return all
}

// sameFields wants a table to have entries for these fields and no others.
func sameFields(t *testing.T, table string, has, want []string) {
	t.Helper()
	for _, f := range want {
		if !slices.Contains(has, f) {
			t.Errorf("%q has no entry in the %s table", f, table)
		}
	}
	for _, f := range has {
		if !slices.Contains(want, f) {
			t.Errorf("the %s table has an entry for %q, which is no such field", table, f)
		}
	}
}
