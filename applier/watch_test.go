package applier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// What waits under one kind, place and purpose is asked about in one call.
func TestQuestionsAreBatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		natures := map[string]nature{}
		var parts []string
		for i := range 100 {
			name := fmt.Sprintf("%03d", i)
			natures[name] = nature{call: time.Second, usable: 3 * time.Second}
			parts = append(parts, fmt.Sprintf("endpoint/%s@acct%d/us-east-1", name, i%2))
		}
		w := newWorld(natures)
		rep, err := w.apply(t, Applier{Parallelism: 100}, planText(strings.Join(parts, ";")), nil)
		if err != nil || rep.Count(Done) != 100 {
			t.Fatal(err, rep.Summary())
		}
		// Two places, asked 0.1s after the calls, then after 1s, 1.5s and 2.25s.
		if len(w.asked) != 8 {
			t.Errorf("%d questions:\n%s", len(w.asked), strings.Join(w.asked, "\n"))
		}
		for _, q := range w.asked {
			if names := strings.Fields(q)[2:]; len(names) != 50 || !slices.IsSorted(names) {
				t.Errorf("question about %d resources, or in no order: %s", len(names), q)
			}
		}
	})
}

// The settled and the gone are asked about apart, as are kinds and places.
func TestQuestionsAreKeptApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(nil)
		if _, err := w.apply(t, Applier{}, planText("thing/a; thing/b; thing/c@x/eu-west-1; gadget/d; -thing/e; ~thing/f"), nil); err != nil {
			t.Fatal(err)
		}
		slices.Sort(w.asked)
		want := []string{
			"100ms gadget@main/us-east-1: d",
			"100ms thing@main/us-east-1: a b f",
			"100ms thing@main/us-east-1: e",
			"100ms thing@x/eu-west-1: c",
		}
		if !slices.Equal(w.asked, want) {
			t.Errorf("asked\n%s\nwant\n%s", strings.Join(w.asked, "\n"), strings.Join(want, "\n"))
		}
	})
}

// Intervals grow by half from the first to the longest, and a newcomer starts
// them afresh without shortening the pause below the first.
func TestIntervals(t *testing.T) {
	tests := []struct {
		name    string
		poll    Poll
		plan    string
		natures map[string]nature
		want    []time.Duration
	}{
		{"growth", Poll{}, "a", map[string]nature{"a": {usable: time.Minute}},
			[]time.Duration{100, 1100, 2600, 4850, 8225, 13287, 20881, 32271, 47271, 62271}},
		{"given", Poll{First: 2 * time.Second, Longest: 4 * time.Second}, "a", map[string]nature{"a": {usable: 15 * time.Second}},
			[]time.Duration{100, 2100, 5100, 9100, 13100, 17100}},
		{"longest below first", Poll{First: 20 * time.Second}, "a", map[string]nature{"a": {usable: 30 * time.Second}},
			[]time.Duration{100, 20100, 40100}},
		{"newcomers", Poll{}, "a; b; c", map[string]nature{"a": {usable: 20 * time.Second}, "b": {call: 9 * time.Second}, "c": {call: 14 * time.Second}},
			// b comes at 9s, c at 14s.
			[]time.Duration{100, 1100, 2600, 4850, 8225, 9225, 10225, 11725, 13975, 14975, 15975, 17475, 19725, 23100}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(tt.natures)
				if _, err := w.apply(t, Applier{Poll: tt.poll}, planText(tt.plan), nil); err != nil {
					t.Fatal(err)
				}
				var got []time.Duration
				for _, q := range w.asked {
					at, err := time.ParseDuration(strings.Fields(q)[0])
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, at.Truncate(time.Millisecond))
				}
				for i := range tt.want {
					tt.want[i] *= time.Millisecond
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("asked at %v\nwant     %v", got, tt.want)
				}
			})
		})
	}
}

// A place that is slow to answer is asked no more than half the time.
func TestSlowAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]nature{"a": {usable: 5 * time.Minute}})
		w.askTakes = time.Minute
		if _, err := w.apply(t, Applier{}, planText("a"), nil); err != nil || len(w.asked) != 4 {
			t.Errorf("%v, asked %v; want 4 questions", err, w.asked)
		}
	})
}

// Nothing is given up on an answer to a question from before its time was up.
func TestLastQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The question of 20.1s finds a pending. When its answer comes, at
		// 30.1s, a is ready, and b has failed, which ends the patience with a.
		w := newWorld(map[string]nature{"a": {ready: 25 * time.Second}, "b": {call: 15 * time.Second, err: errRefused}})
		w.askTakes = 10 * time.Second
		rep, _ := w.apply(t, Applier{}, planText("a; b: a"), nil)
		if want := "a done; b failed"; states(rep) != want {
			t.Errorf("got %s; want %s", states(rep), want)
		}
	})
}

// Questions may fail now and then; three in a row are an answer.
func TestQuestionsThatFail(t *testing.T) {
	refused := errors.New("UnauthorizedOperation")
	tests := []struct {
		name   string
		unread func(question int) error
		want   string
		err    string
	}{
		{"two in a row", func(n int) error {
			if n%3 != 0 {
				return refused
			}
			return nil
		}, "a done; b done", ""},
		{"always", func(int) error { return refused }, "a failed; b skipped because of a",
			"thing/a@main/us-east-1: creating: its state cannot be read: UnauthorizedOperation"},
		{"always busy", func(int) error { return Busy{Err: refused} }, "a failed; b skipped because of a",
			"thing/a@main/us-east-1: creating: still not to be read after 15m; run again to go on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(map[string]nature{"a": {usable: time.Minute}})
				w.unread = tt.unread
				rep, err := w.apply(t, Applier{}, planText("a; b: a"), nil)
				if states(rep) != tt.want || fmt.Sprint(err) != tt.err && tt.err != "" {
					t.Errorf("got %s, %v\nwant %s, %s", states(rep), err, tt.want, tt.err)
				}
			})
		})
	}
}

// short answers too little.
type short struct{ *world }

func (short) Settled(context.Context, planner.Place, []planner.Resource) ([]Status, error) {
	return nil, nil
}

func TestTooFewAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := Applier{Actuators: map[string]Actuator{"thing": short{newWorld(nil)}}}
		_, err := a.Apply(t.Context(), planText("a"), nil)
		want := "thing/a@main/us-east-1: creating: its state cannot be read: 0 answers about 1 resources"
		if fmt.Sprint(err) != want {
			t.Errorf("error %v; want %s", err, want)
		}
	})
}
