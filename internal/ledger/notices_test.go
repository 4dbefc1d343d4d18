package ledger

import (
	"errors"
	"testing"
)

// turn puts a condition into a state, with a notice to each channel if that
// is a change.
func (l *Ledger) turn(t *testing.T, minute int, state string, channels ...string) (was string, changed bool) {
	t.Helper()
	was, changed, err := l.Turn(t.Context(), Condition{Subject: "drift of payments", State: state, Since: at(minute)}, func(was string) []Notice {
		var notices []Notice
		for _, c := range channels {
			notices = append(notices, Notice{Channel: c, Body: []byte("from " + was + " to " + state)})
		}
		return notices
	})
	if err != nil {
		t.Fatal(err)
	}
	return was, changed
}

func (l *Ledger) takeNotice(t *testing.T, minute int) Notice {
	t.Helper()
	n, _, err := l.TakeNotice(t.Context(), at(minute))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTurnTellsOnlyChanges(t *testing.T) {
	l := open(t, t.TempDir())
	for i, test := range []struct {
		state, was string
		changed    bool
	}{
		{"none", "", true}, {"none", "none", false}, {"drifted", "none", true}, {"drifted", "drifted", false}, {"none", "drifted", true},
	} {
		was, changed := l.turn(t, i, test.state, "slack")
		if was != test.was || changed != test.changed {
			t.Errorf("turn %d: was %q, changed %t; want %q, %t", i, was, changed, test.was, test.changed)
		}
	}
	for _, was := range []string{"", "failing"} {
		got, changed, err := l.Turn(t.Context(), Condition{Subject: "runs of payments", State: "failing", Since: at(9)}, nil)
		if err != nil || got != was || changed != (was == "") {
			t.Errorf("another subject was %q, changed %t, %v; want %q", got, changed, err, was)
		}
	}
	var said []string
	for _, n := range must(l.Unsent(t.Context()))(t) {
		said = append(said, string(n.Body))
	}
	want(t, said, []string{"from  to none", "from none to drifted", "from drifted to none"})
}

// A change whose notices cannot be kept is no change.
func TestTurnIsAllOrNothing(t *testing.T) {
	l := open(t, t.TempDir())
	c := Condition{Subject: "drift of payments", State: "drifted", Since: at(1)}
	_, changed, err := l.Turn(t.Context(), c, func(string) []Notice { return []Notice{{Channel: "slack", Body: nil}} })
	if err == nil || changed {
		t.Fatalf("changed %t, error %v", changed, err)
	}
	if _, changed := l.turn(t, 2, "drifted", "slack"); !changed {
		t.Error("it did not change the second time")
	}
}

func TestNoticesGoOutInOrder(t *testing.T) {
	dir := t.TempDir()
	l, other := open(t, dir), open(t, dir)
	l.turn(t, 1, "drifted", "slack", "sns") // notices 1 and 2
	l.turn(t, 2, "none", "slack", "sns")    // notices 3 and 4

	first := l.takeNotice(t, 3)
	want(t, first, Notice{ID: 1, Channel: "slack", Subject: "drift of payments", Body: []byte("from  to drifted"), At: at(1), Attempts: 1})
	second := other.takeNotice(t, 3)
	want(t, second.ID, 2)
	want(t, l.takeNotice(t, 3), Notice{}) // both channels are busy

	wantError(t, other.NoticeSent(t.Context(), first, at(4)), "notice 1 is not being sent here")
	if err := l.NoticeFailed(t.Context(), first, at(10), "the webhook answered 503"); err != nil {
		t.Fatal(err)
	}
	if err := other.NoticeSent(t.Context(), second, at(4)); err != nil {
		t.Fatal(err)
	}
	want(t, l.takeNotice(t, 9).ID, 4) // notice 3 waits behind notice 1
	want(t, l.takeNotice(t, 9), Notice{})
	again := l.takeNotice(t, 10)
	if again.ID != 1 || again.Attempts != 2 || again.LastError != "the webhook answered 503" {
		t.Errorf("got %+v", again)
	}
	if err := l.NoticeSent(t.Context(), again, at(11)); err != nil {
		t.Fatal(err)
	}
	want(t, l.takeNotice(t, 11).ID, 3)
	want(t, len(must(l.Unsent(t.Context()))(t)), 2)

	want(t, must(l.PruneNotices(t.Context(), at(11)))(t), 1)
	want(t, must(l.PruneNotices(t.Context(), at(99)))(t), 1)
	want(t, len(must(l.Unsent(t.Context()))(t)), 2)
}

func TestErrorsOfDomainNameTheLedger(t *testing.T) {
	l := open(t, t.TempDir())
	err := l.NoticeFailed(t.Context(), Notice{ID: 7}, at(1), "")
	want(t, err.Error(), "the ledger "+l.path()+": notice 7 is not being sent here")
	if errors.Is(err, ErrReadOnly) {
		t.Error("it is not read only")
	}
}
