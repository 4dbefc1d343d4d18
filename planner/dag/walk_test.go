package dag

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errBroken = errors.New("broken")

// walkText walks with one worker, failing the nodes named, and prints the
// outcomes.
func walkText(t *testing.T, g *Graph[string], failing ...string) string {
	t.Helper()
	outcomes, err := Walk(t.Context(), g, Options{}, func(_ context.Context, k string) error {
		if slices.Contains(failing, k) {
			return fmt.Errorf("%s: %w", k, errBroken)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return outcomesText(outcomes)
}

func outcomesText(outcomes []Outcome[string]) string {
	var parts []string
	for _, o := range outcomes {
		part := o.Node + " " + o.State.String()
		if o.State == Skipped {
			part += " because of " + o.Because
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func TestWalkOutcomes(t *testing.T) {
	tests := []struct{ name, graph, failing, want string }{
		{"all done", "a; b: a", "", "a done; b done"},
		{"the root is named, not the link", "a; b: a; c: b; d", "a",
			"a failed; b skipped because of a; c skipped because of a; d done"},
		{"of two roots the first added", "a; b; c: b a", "a b",
			"a failed; b failed; c skipped because of a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := walkText(t, graph(tt.graph), strings.Fields(tt.failing)...); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestWalkKeepsErrors(t *testing.T) {
	outcomes, err := Walk(t.Context(), graph("a; b: a; c"), Options{Workers: 2}, func(_ context.Context, k string) error {
		if k == "b" {
			return nil
		}
		return fmt.Errorf("%s: %w", k, errBroken)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := Failures(outcomes); got.Error() != "a: broken\nc: broken" || !errors.Is(got, errBroken) {
		t.Errorf("Failures = %v", got)
	}
	if got := Failures(outcomes[:0]); got != nil {
		t.Errorf("Failures of nothing = %v", got)
	}
}

func TestWalkRefusesCycle(t *testing.T) {
	outcomes, err := Walk(t.Context(), graph("a; b: c; c: b"), Options{}, func(context.Context, string) error {
		t.Error("a node of a graph with a cycle was visited")
		return nil
	})
	if _, ok := errors.AsType[*CycleError[string]](err); !ok || outcomes != nil {
		t.Errorf("Walk = %v, %v; want a cycle", outcomes, err)
	}
}

func TestWalkStop(t *testing.T) {
	stop := make(chan struct{})
	outcomes, err := Walk(t.Context(), graph("a; b; c: b; d"), Options{Stop: stop}, func(ctx context.Context, k string) error {
		if k == "b" {
			close(stop)
		}
		return ctx.Err()
	})
	if want := "a done; b done; c not started; d not started"; err != nil || outcomesText(outcomes) != want {
		t.Errorf("got %s, %v; want %s", outcomesText(outcomes), err, want)
	}
}

func TestWalkContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	outcomes, err := Walk(ctx, graph("a; b: a; c; d"), Options{}, func(ctx context.Context, k string) error {
		if k == "a" {
			cancel()
		}
		return ctx.Err()
	})
	if want := "a failed; b skipped because of a; c not started; d not started"; err != nil || outcomesText(outcomes) != want {
		t.Errorf("got %s, %v; want %s", outcomesText(outcomes), err, want)
	}
}

// Running visits finish although the walk was stopped, and Walk waits for
// them.
func TestWalkStopLetsRunningFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		var finished atomic.Bool
		_, err := Walk(t.Context(), graph("long; short; never"), Options{Workers: 2, Stop: stop}, func(ctx context.Context, k string) error {
			if k == "short" {
				close(stop)
				return nil
			}
			time.Sleep(time.Hour)
			finished.Store(true)
			return ctx.Err()
		})
		if err != nil || !finished.Load() {
			t.Errorf("Walk returned %v before a running visit was over", err)
		}
	})
}

// In virtual time a walk takes as long as its longest chain if there are
// workers enough, and as long as the work over the workers if there are not.
func TestWalkSideBySide(t *testing.T) {
	tests := []struct {
		graph   string
		workers int
		want    time.Duration
	}{
		{"a; b; c; d", 4, time.Second},
		{"a; b; c; d", 2, 2 * time.Second},
		{"a; b: a; c: b; d; e; f", 4, 3 * time.Second},
		{"a; b; c; d", 0, 4 * time.Second},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, err := Walk(t.Context(), graph(tt.graph), Options{Workers: tt.workers}, func(context.Context, string) error {
				time.Sleep(time.Second)
				return nil
			})
			if took := time.Since(start); err != nil || took != tt.want {
				t.Errorf("%s with %d workers took %v, %v; want %v", tt.graph, tt.workers, took, err, tt.want)
			}
		})
	}
}

// A wide random walk keeps every promise at once: order, bound, one visit
// and one outcome for each node, skips exactly where a failure is upstream.
func TestWalkRandom(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 1 + rng.IntN(30)
		var edges [][2]int
		for range rng.IntN(3 * n) {
			if i, j := rng.IntN(n), rng.IntN(n); i > j {
				edges = append(edges, [2]int{i, j})
			}
		}
		failing := make([]bool, n)
		for i := range failing {
			failing[i] = rng.IntN(8) == 0
		}
		checkWalk(t, n, edges, failing, 1+rng.IntN(6))
	}
}

func checkWalk(t *testing.T, n int, edges [][2]int, failing []bool, workers int) {
	t.Helper()
	var mu sync.Mutex
	var running int
	done := map[int]bool{}
	visit := func(_ context.Context, k int) error {
		mu.Lock()
		running++
		if running > workers {
			t.Errorf("%d visits at a time, %d allowed", running, workers)
		}
		for _, e := range edges {
			if e[0] == k && !done[e[1]] {
				t.Errorf("%d visited before %d was done", k, e[1])
			}
		}
		mu.Unlock()
		defer func() {
			mu.Lock()
			running--
			done[k] = !failing[k]
			mu.Unlock()
		}()
		if failing[k] {
			return errBroken
		}
		return nil
	}
	outcomes, err := Walk(t.Context(), intGraph(n, edges), Options{Workers: workers}, visit)
	if err != nil || len(outcomes) != n {
		t.Fatalf("Walk = %d outcomes, %v; want %d", len(outcomes), err, n)
	}
	checkOutcomes(t, outcomes, edges, failing)
}

func checkOutcomes(t *testing.T, outcomes []Outcome[int], edges [][2]int, failing []bool) {
	t.Helper()
	r := reach(len(outcomes), edges)
	for i, o := range outcomes {
		want, because := Done, 0
		if failing[i] {
			want = Failed
		}
		for j, f := range failing {
			if f && r[i][j] && outcomes[j].State == Failed {
				want, because = Skipped, j
				break
			}
		}
		if o.Node != i || o.State != want || o.Because != because || (o.Err != nil) != (want == Failed) {
			t.Errorf("edges %v, failing %v: outcome %d = %+v; want %v because of %d", edges, failing, i, o, want, because)
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	g := &Graph[int]{}
	for i := range 100_000 {
		g.Edge(i, i/2-1)
	}
	for b.Loop() {
		if _, err := Walk(b.Context(), g, Options{Workers: 8}, func(context.Context, int) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
