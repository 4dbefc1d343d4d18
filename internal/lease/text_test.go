package lease

import (
	"errors"
	"testing"
	"time"
)

func at() time.Time { return time.Date(2026, 3, 1, 9, 30, 5, 0, time.FixedZone("CET", 3600)) }

func TestTexts(t *testing.T) {
	alice := Holder{Who: "alice", Host: "build-7", Process: 4711, Commit: "0123456789abcdef0123", Since: at()}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"held": {&HeldError{Fleet: "payments", Holder: alice, Way: "wait"},
			"fleet payments is being applied by alice on build-7 (process 4711) since 2026-03-01 08:30:05 UTC with commit 0123456789ab, and only one may at a time; wait"},
		"held by an unknown": {&HeldError{Fleet: "payments", Way: "wait"},
			"fleet payments is being applied by somebody, and only one may at a time; wait"},
		"held by a joker": {&HeldError{Fleet: "payments", Holder: Holder{Who: "eve\x1b[2J\n", Host: "a\u202eb"}, Way: "wait"},
			"fleet payments is being applied by eve\ufffd[2J\ufffd on a\ufffdb, and only one may at a time; wait"},
		"lost to another": {&LostError{Fleet: "payments", By: &alice},
			"the lease of fleet payments was lost, so no further step was started: it is now held by alice on build-7 (process 4711) since 2026-03-01 08:30:05 UTC with commit 0123456789ab; run again to go on"},
		"lost by itself": {&LostError{Fleet: "payments", Err: errors.New("it could not be renewed within 20s: no route")},
			"the lease of fleet payments was lost, so no further step was started: it could not be renewed within 20s: no route; run again to go on"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.err.Error(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
