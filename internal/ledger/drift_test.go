package ledger

import (
	"testing"
	"time"
)

func TestDriftIsFoundOnceAndHealed(t *testing.T) {
	l := open(t, t.TempDir())
	first := l.run(t, 0, Run{Fleet: "payments", Kind: DriftRun, Outcome: Done})
	second := l.run(t, 1, Run{Fleet: "payments", Kind: HealRun, Outcome: Done})
	listener := Drift{ID: 1, Fleet: "payments", Address: "listener/a", Fields: []string{"port"}, Found: at(1), Run: first.ID}
	service := Drift{ID: 2, Fleet: "payments", Address: "service/b", Found: at(1), Run: first.ID}

	got := must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(1), Run: first.ID}, []Drift{
		{Address: "listener/a", Fields: []string{"port"}}, {Address: "service/b"},
	}))(t)
	want(t, got, Drifted{Found: []Drift{listener, service}})
	must(l.ObserveDrift(t.Context(), Glance{Fleet: "search", At: at(1)}, []Drift{{Address: "listener/a"}}))(t)

	// The same again is nothing new; other fields are kept.
	listener.Fields = []string{"port", "protocol"}
	got = must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(2), Run: second.ID}, []Drift{
		{Address: "listener/a", Fields: listener.Fields}, {Address: "service/b"},
	}))(t)
	want(t, got, Drifted{})
	want(t, must(l.Drifts(t.Context(), "payments"))(t), []Drift{listener, service})

	listener.Healed = at(3)
	got = must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(3), Run: second.ID}, []Drift{{Address: "service/b"}}))(t)
	want(t, got, Drifted{Healed: []Drift{listener}})

	// What drifts again has drifted anew.
	again := Drift{ID: 4, Fleet: "payments", Address: "listener/a", Found: at(4), Run: second.ID}
	got = must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(4), Run: second.ID}, []Drift{{Address: "service/b"}, {Address: "listener/a"}}))(t)
	want(t, got, Drifted{Found: []Drift{again}})
	other := Drift{ID: 3, Fleet: "search", Address: "listener/a", Found: at(1)}
	want(t, must(l.DriftHistory(t.Context(), "payments", 10))(t), []Drift{again, service, listener})
	want(t, must(l.DriftHistory(t.Context(), "", 2))(t), []Drift{again, other})
	want(t, must(l.Drifts(t.Context(), ""))(t), []Drift{service, other, again})
}

// What a run saw of drift is told long after it, whatever has become of it.
func TestDriftOfARun(t *testing.T) {
	l := open(t, t.TempDir())
	see := func(minute int, kind RunKind, looks ...[]Drift) Run {
		r := l.run(t, minute, Run{Fleet: "payments", Kind: kind, Outcome: Done, Digest: "d"})
		for i, seen := range looks { // a minute is what it takes
			when := r.Began.Add(time.Duration(i+1) * 20 * time.Second)
			must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: when, Run: r.ID}, seen))(t)
		}
		return r
	}
	a, b := Drift{Address: "listener/a"}, Drift{Address: "service/b"}
	must(l.ObserveDrift(t.Context(), Glance{Fleet: "search", At: at(0)}, []Drift{a, b}))(t)
	for i, test := range []struct {
		run  Run
		want DriftCount
	}{
		{see(1, DriftRun, nil), DriftCount{}},
		{see(10, DriftRun, []Drift{a, b}), DriftCount{Drifted: 2}},
		{see(20, DriftRun, []Drift{a, b}), DriftCount{Drifted: 2}},
		{see(30, HealRun, []Drift{a, b}, []Drift{b}), DriftCount{Drifted: 1, Healed: 1}},
		{see(40, HealRun, []Drift{a, b}, nil), DriftCount{Healed: 2}},
		{see(50, HealRun, nil), DriftCount{}},
	} {
		if got, looked, err := l.DriftOf(t.Context(), test.run); got != test.want || !looked || err != nil {
			t.Errorf("run %d saw %+v (%t, %v), want %+v", i+1, got, looked, err, test.want)
		}
	}
	for _, none := range []Run{{Kind: ApplyRun, Digest: "d"}, {Kind: HealRun}} {
		none.Fleet, none.Outcome = "payments", Done
		if _, looked, err := l.DriftOf(t.Context(), l.run(t, 15, none)); looked || err != nil {
			t.Errorf("%+v has looked for drift (%v)", none, err)
		}
	}
}

func TestWhatIsUnreadIsNotHealed(t *testing.T) {
	l := open(t, t.TempDir())
	must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(1)}, []Drift{{Address: "a"}, {Address: "b"}}))(t)
	unread := func(address string) bool { return address == "a" }
	got := must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(2), Unread: unread}, nil))(t)
	if len(got.Healed) != 1 || got.Healed[0].Address != "b" {
		t.Errorf("healed are %v, want b", got.Healed)
	}
	if left := must(l.Drifts(t.Context(), "payments"))(t); len(left) != 1 || left[0].Address != "a" {
		t.Errorf("left is %v, want a", left)
	}
}

func TestDriftSeenTwiceIsOne(t *testing.T) {
	l := open(t, t.TempDir())
	got := must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(1)}, []Drift{{Address: "a"}, {Address: "a"}}))(t)
	want(t, got.Found, []Drift{{ID: 1, Fleet: "payments", Address: "a", Found: at(1)}})
}

func TestDriftOutlivesItsRun(t *testing.T) {
	l := open(t, t.TempDir())
	r := l.run(t, 0, Run{Fleet: "payments", Kind: DriftRun, Outcome: Failed})
	must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(1), Run: r.ID}, []Drift{{Address: "a"}, {Address: "b"}}))(t)
	must(l.PruneRuns(t.Context(), 0, at(9)))(t)
	want(t, must(l.Drifts(t.Context(), "payments"))(t), []Drift{
		{ID: 1, Fleet: "payments", Address: "a", Found: at(1)}, {ID: 2, Fleet: "payments", Address: "b", Found: at(1)},
	})
	_, err := l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(1), Run: 99}, []Drift{{Address: "c"}})
	wantError(t, err, "FOREIGN KEY")

	must(l.ObserveDrift(t.Context(), Glance{Fleet: "payments", At: at(2)}, []Drift{{Address: "b"}}))(t)
	want(t, must(l.PruneDrifts(t.Context(), at(2)))(t), 0)
	want(t, must(l.PruneDrifts(t.Context(), at(3)))(t), 1)
	want(t, len(must(l.DriftHistory(t.Context(), "", 10))(t)), 1)
}
