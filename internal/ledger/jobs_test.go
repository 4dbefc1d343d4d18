package ledger

import (
	"slices"
	"testing"
)

func push(fleet, ref, commit string, minute int) Job {
	return Job{Kind: PushJob, Fleet: fleet, Key: ref, Commit: commit, Enqueued: at(minute)}
}

func pull(number, commit string, minute int) Job {
	return Job{Kind: PullJob, Fleet: "payments", Key: number, Commit: commit, Enqueued: at(minute)}
}

// enqueue queues one job and gives it as it waits.
func (l *Ledger) enqueue(t testing.TB, j Job) Job {
	t.Helper()
	return must(l.Enqueue(t.Context(), j))(t).Jobs[0]
}

// take takes a job, or gives the zero Job if there is none.
func (l *Ledger) take(t testing.TB, minute int) Job {
	t.Helper()
	j, _, err := l.Take(t.Context(), at(minute))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (l *Ledger) done(t testing.TB, j Job) {
	t.Helper()
	if err := l.Done(t.Context(), j); err != nil {
		t.Fatal(err)
	}
}

func commits(jobs []Job) []string {
	all := []string{}
	for _, j := range jobs {
		all = append(all, j.Commit)
	}
	return all
}

func TestJobIsKeptWhole(t *testing.T) {
	l := open(t, t.TempDir())
	j := Job{Kind: PullJob, Fleet: "payments", Key: "12", Commit: "c0ffee", Enqueued: at(1), NotBefore: at(2)}
	got := l.enqueue(t, j)
	j.ID = 1
	want(t, got, j)
	want(t, l.take(t, 1), Job{})
	j.Attempts, j.Taken = 1, at(2)
	want(t, l.take(t, 2), j)
	want(t, must(l.Jobs(t.Context(), "payments"))(t), []Job{j})
	want(t, len(must(l.Jobs(t.Context(), "search"))(t)), 0)
	l.done(t, j)
	want(t, len(must(l.Jobs(t.Context(), ""))(t)), 0)
}

func TestNewerCommitSupersedes(t *testing.T) {
	l := open(t, t.TempDir())
	old := l.enqueue(t, push("payments", "main", "a", 1))
	beside := []Job{
		push("payments", "next", "b", 2), push("search", "main", "c", 3), pull("main", "d", 4),
	}
	if q := must(l.Enqueue(t.Context(), beside...))(t); len(q.Superseded) > 0 {
		t.Errorf("what is not for the same superseded %v", q.Superseded)
	}
	q := must(l.Enqueue(t.Context(), push("payments", "main", "e", 5)))(t)
	want(t, q.Superseded, []Job{old})
	want(t, commits(must(l.Jobs(t.Context(), ""))(t)), []string{"b", "c", "d", "e"})
}

func TestNewerCommitWaitsBehindOneThatRuns(t *testing.T) {
	l := open(t, t.TempDir())
	l.enqueue(t, push("payments", "main", "a", 1))
	running := l.take(t, 1)
	for i, commit := range []string{"a", "b", "c"} { // the same commit may be wanted once more
		q := must(l.Enqueue(t.Context(), push("payments", "main", commit, 2+i)))(t)
		want(t, len(q.Superseded), min(i, 1))
	}
	want(t, l.take(t, 9), Job{})
	want(t, commits(must(l.Jobs(t.Context(), ""))(t)), []string{"a", "c"})
	l.done(t, running)
	want(t, l.take(t, 9).Commit, "c")
}

func TestSameCommitIsOneJob(t *testing.T) {
	l := open(t, t.TempDir())
	first := push("payments", "main", "a", 1)
	first.NotBefore = at(30)
	l.enqueue(t, first)
	again := push("payments", "main", "a", 2)
	again.NotBefore = at(20)
	q := must(l.Enqueue(t.Context(), again))(t)
	first.ID, first.NotBefore = 1, at(20)
	want(t, q, Queued{Jobs: []Job{first}})
	again.NotBefore = at(25)
	want(t, l.enqueue(t, again).NotBefore, at(20))
	want(t, len(must(l.Jobs(t.Context(), ""))(t)), 1)
}

func TestEnqueueIsAllOrNothing(t *testing.T) {
	l := open(t, t.TempDir())
	if _, err := l.write.ExecContext(t.Context(), `CREATE TRIGGER full BEFORE INSERT ON jobs WHEN NEW.hash = 'bad' BEGIN SELECT raise(ABORT, 'full'); END`); err != nil {
		t.Fatal(err)
	}
	_, err := l.Enqueue(t.Context(), push("payments", "main", "good", 1), push("search", "main", "bad", 1))
	wantError(t, err, "full")
	_, fresh, err := l.Accept(t.Context(), Delivery{Forge: "github", ID: "1"}, push("payments", "main", "good", 1), push("search", "main", "bad", 1))
	if fresh {
		t.Error("the delivery is fresh, though nothing was kept")
	}
	wantError(t, err, "full")
	want(t, len(must(l.Jobs(t.Context(), ""))(t)), 0)
	_, fresh, err = l.Accept(t.Context(), Delivery{Forge: "github", ID: "1"}, push("payments", "main", "good", 1))
	if !fresh || err != nil {
		t.Error("sent again, it was not accepted", err)
	}
}

// One job at a time applies to a fleet. Previews run beside it and beside one
// another, but not beside one of the same pull request.
func TestWhatRunsSideBySide(t *testing.T) {
	l := open(t, t.TempDir())
	must(l.Enqueue(t.Context(),
		push("payments", "main", "push", 1),
		Job{Kind: DriftJob, Fleet: "payments", Commit: "drift", Enqueued: at(2)},
		pull("7", "pull 7", 3),
		Job{Kind: ArrivalJob, Fleet: "payments", Key: "vpce-1", Commit: "arrival", Enqueued: at(4)},
		pull("8", "pull 8", 5),
		push("search", "main", "search", 6),
	))(t)
	taken := map[string]Job{}
	take := func(wanted string) {
		t.Helper()
		j := l.take(t, 10)
		if j.Commit != wanted {
			t.Fatalf("took %q, want %q", j.Commit, wanted)
		}
		taken[wanted] = j
	}
	for _, next := range []string{"push", "pull 7", "pull 8", "search", ""} {
		take(next)
	}
	l.enqueue(t, pull("7", "pull 7 again", 7))
	take("")
	l.done(t, taken["push"])
	take("drift")
	take("")
	l.done(t, taken["pull 7"])
	take("pull 7 again")
	l.done(t, taken["drift"])
	take("arrival")
	take("")
}

func TestFailedJobIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	l, other := open(t, dir), open(t, dir)
	l.enqueue(t, push("payments", "main", "a", 1))
	j := l.take(t, 1)
	_, err := other.Fail(t.Context(), j, at(5), "")
	wantError(t, err, "job 1 is not running here")
	wantError(t, other.Done(t.Context(), j), "job 1 is not running here")

	if kept := must(l.Fail(t.Context(), j, at(5), "the forge did not answer"))(t); !kept {
		t.Error("it was not kept")
	}
	wantError(t, l.Done(t.Context(), j), "job 1 is not running here")
	want(t, l.take(t, 4), Job{})
	again := other.take(t, 5)
	j.Attempts, j.NotBefore, j.LastError, j.Taken = 2, at(5), "the forge did not answer", at(5)
	want(t, again, j)

	// A newer one has come meanwhile.
	other.enqueue(t, push("payments", "main", "b", 6))
	if kept := must(other.Fail(t.Context(), again, at(9), "again"))(t); kept {
		t.Error("it was kept though a newer one waits")
	}
	want(t, commits(must(l.Jobs(t.Context(), ""))(t)), []string{"b"})
}

func TestDeferredJobWasNotTried(t *testing.T) {
	l := open(t, t.TempDir())
	l.enqueue(t, push("payments", "main", "a", 1))
	if kept := must(l.Defer(t.Context(), l.take(t, 1), at(60), "outside of its window"))(t); !kept {
		t.Error("it was not kept")
	}
	j := l.take(t, 60)
	if j.Attempts != 1 || j.LastError != "outside of its window" {
		t.Errorf("got %+v", j)
	}
}

func TestNextDue(t *testing.T) {
	l := open(t, t.TempDir())
	due := func(minute int) {
		t.Helper()
		got, found, err := l.NextDue(t.Context())
		switch {
		case err != nil:
			t.Fatal(err)
		case minute < 0 && found:
			t.Errorf("%v is due at %v", must(l.Jobs(t.Context(), ""))(t), got)
		case minute >= 0 && !got.Equal(at(minute)):
			t.Errorf("the next is due at %v, want %v", got, at(minute))
		}
	}
	due(-1)
	later := push("payments", "main", "a", 1)
	later.NotBefore = at(30)
	l.enqueue(t, later)
	due(30)
	l.enqueue(t, push("payments", "next", "b", 2))
	due(2)
	l.take(t, 2)
	due(-1) // the fleet is busy
	l.enqueue(t, pull("7", "c", 3))
	due(3)
}

func TestDeliveryIsAcceptedOnce(t *testing.T) {
	l := open(t, t.TempDir())
	accept := func(forge, id string, minute int) (int, bool) {
		t.Helper()
		q, fresh, err := l.Accept(t.Context(), Delivery{Forge: forge, ID: id, At: at(minute)}, push("payments", "main", id, minute))
		if err != nil {
			t.Fatal(err)
		}
		return len(q.Jobs), fresh
	}
	for i, test := range []struct {
		forge, id string
		minute    int
		fresh     bool
	}{
		{"github", "a", 1, true}, {"github", "a", 2, false}, {"gitlab", "a", 3, true}, {"github", "b", 4, true}, {"github", "a", 5, false},
	} {
		jobs, fresh := accept(test.forge, test.id, test.minute)
		if fresh != test.fresh || (jobs == 1) != test.fresh {
			t.Errorf("delivery %d: %d jobs, fresh %t; want fresh %t", i, jobs, fresh, test.fresh)
		}
	}
	want(t, must(l.PruneDeliveries(t.Context(), at(3)))(t), 1)
	if _, fresh := accept("github", "a", 6); !fresh {
		t.Error("a delivery that was forgotten is not fresh")
	}
	if _, fresh := accept("gitlab", "a", 7); fresh {
		t.Error("a delivery that was not forgotten is fresh")
	}
}

// Whatever takes from the queue at once takes different jobs.
func TestManyTakeAtOnce(t *testing.T) {
	dir := t.TempDir()
	filler := open(t, dir)
	for i := range 40 {
		filler.enqueue(t, pull(string(rune('A'+i)), "c", i))
	}
	taken := make(chan int64, 100)
	finished := make(chan bool)
	for range 4 {
		l := open(t, dir)
		for range 2 {
			go func() {
				defer func() { finished <- true }()
				for {
					j, found, err := l.Take(t.Context(), at(99))
					if err != nil {
						t.Error(err)
					}
					if !found || err != nil {
						return
					}
					taken <- j.ID
				}
			}()
		}
	}
	for range 8 {
		<-finished
	}
	close(taken)
	var all []int64
	for id := range taken {
		all = append(all, id)
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != 40 || len(all) != 40 {
		t.Errorf("taken were %v, want each of 40 once", all)
	}
}

func BenchmarkEnqueueTakeDone(b *testing.B) {
	l := open(b, b.TempDir())
	for b.Loop() {
		l.enqueue(b, push("payments", "main", "a", 1))
		l.done(b, l.take(b, 1))
	}
}

// Many pull requests wait, and the one fleet is busy.
func BenchmarkTakeFromManyWaiting(b *testing.B) {
	l := open(b, b.TempDir())
	l.enqueue(b, push("payments", "main", "a", 0))
	l.take(b, 0)
	jobs := make([]Job, 1000)
	for i := range jobs {
		jobs[i] = Job{Kind: PushJob, Fleet: "payments", Key: string(rune('A' + i)), Enqueued: at(1)}
	}
	must(l.Enqueue(b.Context(), jobs...))(b)
	l.enqueue(b, pull("7", "b", 2))
	for b.Loop() {
		j := l.take(b, 3)
		must(l.Defer(b.Context(), j, at(3), ""))(b)
	}
}

// Who does jobs of some kinds does not see the others, nor wait for them.
func TestTakeByKind(t *testing.T) {
	l := open(t, t.TempDir())
	l.enqueue(t, pull("7", "a", 1))
	l.enqueue(t, push("payments", "main", "b", 2))
	l.enqueue(t, Job{Kind: DriftJob, Fleet: "search", Enqueued: at(3)})
	due, found, err := l.NextDue(t.Context(), DriftJob, PushJob)
	if err != nil || !found || !due.Equal(at(2)) {
		t.Errorf("due at %s (found: %v), %v", due, found, err)
	}
	for _, c := range []struct {
		kinds []JobKind
		want  string
	}{
		{[]JobKind{ArrivalJob}, ""},
		{[]JobKind{DriftJob, PushJob}, "b"},
		{[]JobKind{PushJob}, ""},
		{nil, "a"},
	} {
		j, _, err := l.Take(t.Context(), at(9), c.kinds...)
		if err != nil || j.Commit != c.want {
			t.Errorf("of %v, job %+v was taken, want that of commit %q; %v", c.kinds, j, c.want, err)
		}
	}
	if _, found, err := l.NextDue(t.Context(), PushJob, PullJob); err != nil || found {
		t.Errorf("something is due (%v)", err)
	}
}
