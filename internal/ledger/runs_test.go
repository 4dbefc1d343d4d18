package ledger

import (
	"fmt"
	"testing"
	"time"
)

// run keeps a run that began at a minute and, unless its outcome is Running,
// ended a minute later.
func (l *Ledger) run(t testing.TB, minute int, r Run) Run {
	t.Helper()
	r.Began = at(minute)
	id, err := l.BeginRun(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.ID = id
	if r.Outcome == Running {
		return r
	}
	r.Ended = at(minute + 1)
	if err := l.EndRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func ids(runs []Run) []int64 {
	all := []int64{}
	for _, r := range runs {
		all = append(all, r.ID)
	}
	return all
}

func TestRunIsKeptWhole(t *testing.T) {
	l := open(t, t.TempDir())
	begun := Run{
		Fleet: "payments", Kind: PreviewRun, Commit: "c0ffee", Subject: "fraud: a second zone", Ref: "refs/heads/main", Pull: 12,
		Began: time.Date(2026, 3, 1, 13, 0, 0, 123456789, time.FixedZone("CET", 3600)),
	}
	id := must(l.BeginRun(t.Context(), begun))(t)
	begun.ID, begun.Outcome, begun.Began = id, Running, noon.Add(123*time.Millisecond)
	got, found, err := l.Run(t.Context(), id)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	want(t, got, begun)

	ended := begun
	ended.Ended, ended.Outcome, ended.Digest = at(5), Failed, "sha256:1234"
	ended.Counts = Counts{Created: 1, Changed: 2, Replaced: 3, Deleted: 4, Blocked: 5, Waiting: 6}
	ended.Error, ended.Report = "the role of account risk cannot be assumed", []byte(`{"steps":[]}`)
	if err := l.EndRun(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	got, _, err = l.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want(t, got, ended)
	ended.Report = nil
	want(t, must(l.Runs(t.Context(), RunFilter{}))(t), []Run{ended})
}

func TestRunEndsOnceAndWhereItBegan(t *testing.T) {
	dir := t.TempDir()
	l, other := open(t, dir), open(t, dir)
	r := Run{Fleet: "payments", Kind: ApplyRun, Outcome: Running}
	r = l.run(t, 0, r)
	r.Ended = at(1)
	wantError(t, l.EndRun(t.Context(), r), `run 1 cannot end "running"`)
	r.Outcome = Done
	wantError(t, other.EndRun(t.Context(), r), "run 1 is not running here")
	if err := l.EndRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Outcome = Failed
	wantError(t, l.EndRun(t.Context(), r), "run 1 is not running here")
	if _, found, err := l.Run(t.Context(), 99); found || err != nil {
		t.Error(found, err)
	}
}

func TestRunsAreFilteredAndPaged(t *testing.T) {
	l := open(t, t.TempDir())
	for i := range 12 { // ids from 1
		l.run(t, i, Run{Fleet: []string{"payments", "search"}[i%2], Kind: []RunKind{ApplyRun, DriftRun, PreviewRun}[i%3], Outcome: Done})
	}
	tests := []struct {
		filter RunFilter
		want   []int64
	}{
		{RunFilter{Limit: 3}, []int64{12, 11, 10}},
		{RunFilter{Limit: 3, Before: 10}, []int64{9, 8, 7}},
		{RunFilter{Fleet: "search"}, []int64{12, 10, 8, 6, 4, 2}},
		{RunFilter{Kind: ApplyRun}, []int64{10, 7, 4, 1}},
		{RunFilter{Fleet: "payments", Kind: PreviewRun, Limit: 1}, []int64{9}},
		{RunFilter{Whole: true, Limit: 5}, []int64{11, 10, 8, 7, 5}},
		{RunFilter{Fleet: "nobody's"}, []int64{}},
		{RunFilter{Before: 1}, []int64{}},
	}
	for _, test := range tests {
		want(t, ids(must(l.Runs(t.Context(), test.filter))(t)), test.want)
	}
}

func TestLastAppliedAndLastSuccess(t *testing.T) {
	l := open(t, t.TempDir())
	if _, found, err := l.LastApplied(t.Context(), "payments"); found || err != nil {
		t.Error(found, err)
	}
	tests := []struct {
		run              Run
		applied, success int64
	}{
		{Run{Fleet: "payments", Kind: ApplyRun, Outcome: Failed}, 0, 0},
		{Run{Fleet: "payments", Kind: DriftRun, Outcome: Nothing}, 0, 2},
		{Run{Fleet: "payments", Kind: ApplyRun, Outcome: Done}, 3, 3},
		{Run{Fleet: "payments", Kind: HealRun, Outcome: Done}, 3, 4},
		{Run{Fleet: "payments", Kind: PreviewRun, Outcome: Done}, 3, 4},
		{Run{Fleet: "payments", Kind: ApplyRun, Outcome: Refused}, 3, 4},
		{Run{Fleet: "payments", Kind: ApplyRun, Outcome: Interrupted}, 3, 4},
		{Run{Fleet: "payments", Kind: ApplyRun, Outcome: Running}, 3, 4},
		{Run{Fleet: "search", Kind: ApplyRun, Outcome: Done}, 3, 4},
		{Run{Fleet: "payments", Kind: ShardRun, Outcome: Done}, 3, 4},
		{Run{Fleet: "payments", Kind: ApplyRun, Outcome: Nothing}, 11, 11},
	}
	for i, test := range tests {
		l.run(t, i, test.run)
		applied, _, err := l.LastApplied(t.Context(), "payments")
		if err != nil || applied.ID != test.applied {
			t.Errorf("after run %d, run %d was applied last (%v), want %d", i+1, applied.ID, err, test.applied)
		}
		success, _, err := l.LastSuccess(t.Context(), "payments")
		if err != nil || success.ID != test.success {
			t.Errorf("after run %d, run %d succeeded last (%v), want %d", i+1, success.ID, err, test.success)
		}
	}
}

func TestRolledOut(t *testing.T) {
	l := open(t, t.TempDir())
	for i, test := range []struct {
		run  Run
		want bool
	}{
		{Run{Kind: ApplyRun, Outcome: Done, Digest: "d"}, true},
		{Run{Kind: ApplyRun, Outcome: Nothing, Digest: "d"}, true},
		{Run{Kind: ApplyRun, Outcome: Failed, Digest: "d"}, true},
		{Run{Kind: ApplyRun, Outcome: Interrupted}, true},
		{Run{Kind: ApplyRun, Outcome: Running}, true},
		{Run{Kind: ShardRun, Outcome: Done, Digest: "d"}, true},
		{Run{Kind: ApplyRun, Outcome: Failed}, false},
		{Run{Kind: ApplyRun, Outcome: Refused, Digest: "d"}, false}, // such as by who held the lease
		{Run{Kind: ApplyRun, Outcome: Refused, Digest: "d", Counts: Counts{Blocked: 1}}, false},
		{Run{Kind: ApplyRun, Outcome: Refused, Digest: "d", Counts: Counts{Created: 1, Blocked: 1}}, true},
		{Run{Kind: PreviewRun, Outcome: Done, Digest: "d"}, false},
		{Run{Kind: HealRun, Outcome: Done, Digest: "d"}, false},
	} {
		test.run.Fleet, test.run.Commit = "payments", fmt.Sprint("commit ", i)
		l.run(t, i, test.run)
		got, err := l.RolledOut(t.Context(), "payments", test.run.Commit)
		if err != nil || got != test.want {
			t.Errorf("after %+v: %v, %v", test.run, got, err)
		}
		if got, err := l.RolledOut(t.Context(), "search", test.run.Commit); err != nil || got {
			t.Errorf("another fleet: %v, %v", got, err)
		}
	}
}

// What was begun after the commit applied last stands, whatever came of later
// tries.
func TestUnfinished(t *testing.T) {
	l := open(t, t.TempDir())
	part, stopped := Counts{Changed: 1}, Counts{Blocked: 1}
	for i, test := range []struct {
		run  Run
		want int64 // 0: none
	}{
		{Run{Kind: ApplyRun, Commit: "a", Outcome: Failed, Digest: "d"}, 1},
		{Run{Kind: ApplyRun, Commit: "a", Outcome: Done, Counts: part}, 0},
		{Run{Kind: ApplyRun, Commit: "a", Outcome: Failed, Digest: "d"}, 0}, // what heals do too
		{Run{Kind: ApplyRun, Commit: "b", Outcome: Refused, Digest: "d", Counts: stopped}, 0},
		{Run{Kind: ApplyRun, Commit: "b", Outcome: Failed}, 0},
		{Run{Kind: ApplyRun, Outcome: Interrupted}, 0}, // before it knew of which commit
		{Run{Kind: HealRun, Commit: "a", Outcome: Interrupted, Digest: "d"}, 0},
		{Run{Kind: ApplyRun, Commit: "b", Outcome: Refused, Digest: "d", Counts: part}, 8},
		{Run{Kind: ApplyRun, Commit: "b", Outcome: Refused, Digest: "d", Counts: stopped}, 8},
		{Run{Kind: ApplyRun, Commit: "c", Outcome: Failed}, 8},
		{Run{Kind: ApplyRun, Commit: "c", Outcome: Failed, Digest: "d"}, 11},
		{Run{Kind: ApplyRun, Commit: "c", Outcome: Done}, 0},
		{Run{Kind: ApplyRun, Commit: "d", Outcome: Interrupted}, 13},
		{Run{Kind: ApplyRun, Commit: "d", Outcome: Nothing}, 0},
		{Run{Kind: ShardRun, Commit: "e", Outcome: Done, Digest: "d"}, 15},
		{Run{Kind: ApplyRun, Commit: "e", Outcome: Nothing}, 0},
		{Run{Kind: ApplyRun, Commit: "f", Outcome: Running}, 17},
	} {
		test.run.Fleet = "payments"
		l.run(t, i, test.run)
		got, found, err := l.Unfinished(t.Context(), "payments")
		if err != nil || got.ID != test.want || found != (test.want != 0) {
			t.Errorf("after run %d, %+v: unfinished is run %d (%v, %v), want %d", i+1, test.run, got.ID, found, err, test.want)
		}
	}
}

func TestPruneRuns(t *testing.T) {
	fill := func(l *Ledger) {
		l.run(t, 0, Run{Fleet: "payments", Kind: ApplyRun, Outcome: Done})
		l.run(t, 1, Run{Fleet: "payments", Kind: HealRun, Outcome: Nothing})
		l.run(t, 2, Run{Fleet: "payments", Kind: ApplyRun, Outcome: Running})
		l.run(t, 3, Run{Fleet: "payments", Kind: ApplyRun, Outcome: Failed})
		l.run(t, 4, Run{Fleet: "payments", Kind: PreviewRun, Outcome: Done})
		l.run(t, 5, Run{Fleet: "search", Kind: DriftRun, Outcome: Failed})
		l.run(t, 6, Run{Fleet: "payments", Kind: PreviewRun, Outcome: Done})
		l.run(t, 7, Run{Fleet: "payments", Kind: ApplyRun, Outcome: Failed})
	}
	tests := []struct {
		name   string
		keep   int
		before time.Time
		left   []int64
	}{
		{"by age", 0, at(7), []int64{8, 7, 3, 2, 1}}, // run 7 ended at minute 7
		{"by number", 1, at(99), []int64{8, 6, 3, 2, 1}},
		{"by both", 3, at(6), []int64{8, 7, 6, 5, 3, 2, 1}},
		{"nothing is old", 0, noon, []int64{8, 7, 6, 5, 4, 3, 2, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := open(t, t.TempDir())
			fill(l)
			forgotten := must(l.PruneRuns(t.Context(), test.keep, test.before))(t)
			want(t, ids(must(l.Runs(t.Context(), RunFilter{}))(t)), test.left)
			want(t, forgotten, int64(8-len(test.left)))
			if next := l.run(t, 9, Run{Fleet: "search", Outcome: Done}); next.ID != 9 {
				t.Errorf("the next run got ID %d", next.ID)
			}
		})
	}
}
