package kinds

import (
	"slices"
	"testing"
)

// TestEveryKindHasASide fails for a kind that fleetOfEverything does not make
// use of: its actions would be in no policy.
func TestEveryKindHasASide(t *testing.T) {
	sides := kindsBySide()
	for _, k := range All() {
		on := 0
		for _, names := range sides {
			if slices.Contains(names, k.Name) {
				on++
			}
		}
		if on == 0 {
			t.Errorf("kind %s stands on no side of a fleet that has everything", k.Name)
		}
	}
	if len(sides) != 3 {
		t.Errorf("got sides %v; want the provider's, the consumer's and DNS", sides)
	}
}
