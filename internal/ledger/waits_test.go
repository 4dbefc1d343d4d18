package ledger

import "testing"

func TestWaitsKeepSinceWhen(t *testing.T) {
	l := open(t, t.TempDir())
	observe := func(minute int, unread func(string) bool, seen ...Wait) []Wait {
		t.Helper()
		return must(l.ObserveWaits(t.Context(), Glance{Fleet: "payments", At: at(minute), Unread: unread}, seen))(t)
	}
	wait := func(address, what string, blocked bool, minute int) Wait {
		return Wait{Fleet: "payments", Address: address, What: what, Blocked: blocked, Since: at(minute)}
	}
	accepted := Wait{Address: "connection/a", What: "the partner to connect"}
	denied := Wait{Address: "connection/a", What: "its place is unread", Blocked: true}
	zone := Wait{Address: "name/b", What: "the name to be verified"}

	want(t, observe(1, nil, accepted, accepted), []Wait{wait("connection/a", accepted.What, false, 1)})
	must(l.ObserveWaits(t.Context(), Glance{Fleet: "search", At: at(1)}, []Wait{zone}))(t)
	want(t, observe(2, nil, zone, accepted, denied), []Wait{
		wait("connection/a", accepted.What, false, 1), wait("connection/a", denied.What, true, 2), wait("name/b", zone.What, false, 2),
	})
	want(t, observe(3, nil, zone), []Wait{wait("name/b", zone.What, false, 2)})

	// One that comes again waits anew.
	want(t, observe(4, nil, accepted, zone), []Wait{wait("name/b", zone.What, false, 2), wait("connection/a", accepted.What, false, 4)})

	// What could not be read waits on.
	unread := func(address string) bool { return address == "name/b" }
	want(t, observe(5, unread), []Wait{wait("name/b", zone.What, false, 2)})

	search := Wait{Fleet: "search", Address: "name/b", What: zone.What, Since: at(1)}
	want(t, must(l.Waits(t.Context(), "search"))(t), []Wait{search})
	want(t, must(l.Waits(t.Context(), ""))(t), []Wait{search, wait("name/b", zone.What, false, 2)})
	if left := observe(6, nil); len(left) > 0 {
		t.Errorf("%v waits still", left)
	}
}
