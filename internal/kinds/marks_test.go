package kinds

import (
	"slices"
	"testing"

	"github.com/linkfleet/linkfleet/planner"
)

// What is assumed of an object holds only as long as it shows nobody's mark.
func TestAssumedClaims(t *testing.T) {
	addr := planner.Addr{Kind: "verification-record", Name: "fraud", Place: dnsPlace.Place.Place}
	p := &Place{Place: dnsPlace.Place, Fleet: "payments", assumed: map[string]planner.Addr{recordID("Z1", "_a.Example.com.", "vpce:one"): addr}}
	ours, theirs := claim{"payments", addr.Path(), "vpce:one"}, claim{"else", addr.Path(), "vpce:one"}
	for _, tc := range []struct {
		name    string
		present []string
		want    int
	}{
		{"the token alone", []string{spf, `"vpce:one"`}, 1},
		{"no token", []string{spf}, 0},
		{"claimed by another fleet", []string{`"vpce:one"`, quoteTXT(theirs.text())}, 0},
		{"claimed already", []string{`"vpce:one"`, quoteTXT(ours.text())}, 1},
	} {
		set := txtSet("_a.example.com.", 300, tc.present...)
		if got := recordItems(p, "Z1", *set); len(got) != tc.want {
			t.Errorf("%s: %d records, want %d", tc.name, len(got), tc.want)
		}
		if got := recordItems(p, "Z2", *set); len(got) > 0 && tc.name != "claimed already" {
			t.Errorf("%s: a record of another zone is taken for it", tc.name)
		}
	}
}

// Letting go leaves tokens, and what others claim.
func TestDisclaim(t *testing.T) {
	ours, theirs := claim{"payments", "verification-record/a", "vpce:one"}, claim{"else", "verification-record/a", "vpce:one"}
	other := claim{"payments", "verification-record/b", "vpce:one"}
	left := []string{spf, `"vpce:one"`, quoteTXT(theirs.text()), quoteTXT(other.text())}
	if got := disclaim("payments", ours.address, append(slices.Clone(left), quoteTXT(ours.text()))); !slices.Equal(got, left) {
		t.Errorf("left are %v, want %v", got, left)
	}
}

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"Fraud / Scoring": "fraud-scoring", "internal-pay": "pay", "sg-internal-pay": "pay", "sg": "sg", "--": "", "ümlaut": "mlaut",
		"a-very-long-name-of-a-service": "a-very-long-name-of",
	} {
		if got := slug(name, 20); got != want {
			t.Errorf("slug(%q) is %q, want %q", name, got, want)
		}
	}
}
