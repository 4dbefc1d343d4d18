package planner

import "testing"

// through is a live spec that stands on id and is reached through what is at
// the addresses.
func through(id string, paths ...string) toySpec {
	s := stands(id)
	for _, path := range paths {
		s.Base.With = append(s.Base.With, toyAddr(path))
	}
	return s
}

func TestDiffReachedThrough(t *testing.T) {
	runDiffTests(t, []diffTest{
		{
			name: "what a resource is reached through goes after it",
			live: []Resource{live("net/a", "net-1", toySpec{}), live("hub/a", "hub-1", through("net-1", "link/a")), live("link/a", "link-1", stands("net-1"))},
			plan: `delete hub/a=hub-1
			       delete link/a=link-1 after delete hub/a=hub-1
			       delete net/a=net-1 after delete hub/a=hub-1, delete link/a=link-1`,
		}, {
			name:   "and stays when that must not go",
			unread: map[Place]string{there: "AccessDenied"},
			live:   []Resource{live("hub/a", "hub-1", through("net-9", "link/a")), live("link/a", "link-1", toySpec{})},
			plan: `blocked delete hub/a=hub-1: unread: something in away/r1 may use it, which could not be read
			       blocked delete link/a=link-1: depends: waits for the delete of hub/a@home/r1 (hub-1), which is blocked`,
		}, {
			name: "it may go from a resource that stays",
			want: []Resource{want("hub/a", toySpec{Base: Known("net-9")})},
			live: []Resource{live("hub/a", "hub-1", through("net-9", "link/a")), live("link/a", "link-1", toySpec{})},
			plan: `delete link/a=link-1`,
		}, {
			name: "it goes after the move",
			want: []Resource{want("hub/a", toySpec{Base: Known("net-9"), Size: 1})},
			live: []Resource{live("hub/a", "hub-1", through("net-9", "link/a")), live("link/a", "link-1", toySpec{})},
			plan: `update hub/a size
			       delete link/a=link-1 after update hub/a`,
		},
	})
}
