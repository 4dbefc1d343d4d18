package ledger

import "testing"

func TestPauseAndResume(t *testing.T) {
	dir := t.TempDir()
	l, reader := open(t, dir), openReadOnly(t, dir)
	pauses := []Pause{
		{Fleet: "payments", Service: "fraud", Reason: "a partner moves", Who: "alice", Since: at(1)},
		{Fleet: "payments", Reason: "freeze", Who: "bob", Since: at(2)},
		{Fleet: "search", Reason: "freeze", Who: "bob", Since: at(3)},
	}
	for _, p := range pauses {
		if err := l.Pause(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	want(t, must(reader.Pauses(t.Context(), "payments"))(t), []Pause{pauses[1], pauses[0]})
	want(t, must(reader.Pauses(t.Context(), ""))(t), []Pause{pauses[1], pauses[0], pauses[2]})

	// Paused again, it has been since the first time.
	again := Pause{Fleet: "payments", Reason: "freeze, for longer", Who: "carol", Since: at(4)}
	if err := l.Pause(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	again.Since = at(2)
	was, found, err := l.Resume(t.Context(), "payments", "")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	want(t, was, again)
	want(t, must(reader.Pauses(t.Context(), "payments"))(t), []Pause{pauses[0]})
	if _, found, err := l.Resume(t.Context(), "payments", ""); found || err != nil {
		t.Error(found, err)
	}
}
