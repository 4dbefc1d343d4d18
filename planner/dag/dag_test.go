package dag

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// graph reads "a: b c; d" as: a waits for b and c, d for nothing.
func graph(text string) *Graph[string] {
	g := &Graph[string]{}
	for part := range strings.SplitSeq(text, ";") {
		node, on, _ := strings.Cut(part, ":")
		node = strings.TrimSpace(node)
		g.Add(node)
		for o := range strings.FieldsSeq(on) {
			g.Edge(node, o)
		}
	}
	return g
}

func TestSort(t *testing.T) {
	tests := []struct{ name, graph, want string }{
		{"one", "a", "a"},
		{"by compare", "c; a; b", "a b c"},
		{"edges win", "a: c; b; c", "b c a"},
		{"least first at every turn", "a: z; b: a; y; z", "y z a b"},
		{"an edge twice", "a: b b; b", "b a"},
		{"diamond", "a: b c; b: d; c: d; d", "d b c a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := graph(tt.graph).Sort(cmp.Compare)
			if err != nil || strings.Join(got, " ") != tt.want {
				t.Errorf("Sort(%s) = %v, %v; want %s", tt.graph, got, err, tt.want)
			}
		})
	}
}

func TestSortByAddition(t *testing.T) {
	got, err := graph("c; a; b").Sort(nil)
	if err != nil || strings.Join(got, " ") != "c a b" {
		t.Errorf("Sort(nil) = %v, %v; want the order of addition", got, err)
	}
	if got, err := new(Graph[int]).Sort(nil); err != nil || len(got) != 0 {
		t.Errorf("Sort of the zero Graph = %v, %v", got, err)
	}
}

func TestCycles(t *testing.T) {
	tests := []struct{ name, graph, want string }{
		{"itself", "a: a", "cycle: a waits for a"},
		{"two", "a: b; b: a", "cycle: a waits for b waits for a"},
		{"the shortest way round", "a: b x; b: c; c: a; x: a", "cycle: a waits for x waits for a"},
		{"not what hangs on it", "a: b; b: c; c: b; d: a", "cycle: b waits for c waits for b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := graph(tt.graph).Sort(cmp.Compare)
			if cycle, ok := errors.AsType[*CycleError[string]](err); !ok || cycle.Error() != tt.want {
				t.Errorf("Sort(%s): error %v; want %s", tt.graph, err, tt.want)
			}
		})
	}
}

func TestCyclesNamesEveryKnot(t *testing.T) {
	got := graph("z: y; y: z; m; a: b; b: c d; c: a; d: a").Cycles(cmp.Compare)
	want := []Cycle[string]{
		{Path: []string{"a", "b", "c", "a"}, Nodes: []string{"a", "b", "c", "d"}},
		{Path: []string{"y", "z", "y"}, Nodes: []string{"y", "z"}},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Cycles = %v; want %v", got, want)
	}
}

func TestReverse(t *testing.T) {
	g := graph("a: b c; b: c; d")
	r := g.Reverse()
	if got := fmt.Sprint(r.WaitsFor("c"), r.WaitsFor("b"), r.WaitsFor("a"), r.Nodes()); got != "[a b] [a] [] [a b c d]" {
		t.Errorf("Reverse: %s", got)
	}
	if back := r.Reverse(); fmt.Sprint(back.WaitsFor("a")) != "[b c]" {
		t.Errorf("twice reversed, a waits for %v", back.WaitsFor("a"))
	}
}

func TestLookups(t *testing.T) {
	g := graph("a: b")
	if !g.Has("b") || g.Has("c") || g.Len() != 2 || g.WaitsFor("c") != nil {
		t.Errorf("Has(b) %v, Has(c) %v, Len %d, WaitsFor(c) %v", g.Has("b"), g.Has("c"), g.Len(), g.WaitsFor("c"))
	}
}

// A long chain must neither overflow the stack nor take quadratic time.
func TestLongChain(t *testing.T) {
	const n = 200_000
	g := &Graph[int]{}
	for i := range n {
		g.Edge(i, (i+1)%n)
	}
	if c := g.Cycles(nil); len(c) != 1 || len(c[0].Nodes) != n || len(c[0].Path) != n+1 {
		t.Errorf("one ring of %d nodes came out as %d knots", n, len(c))
	}
}

// reach is the brute oracle: reach[i][j] if i waits, over others, for j.
func reach(n int, edges [][2]int) [][]bool {
	r := make([][]bool, n)
	for i := range r {
		r[i] = make([]bool, n)
	}
	for _, e := range edges {
		r[e[0]][e[1]] = true
	}
	for k := range n {
		for i := range n {
			for j := range n {
				r[i][j] = r[i][j] || r[i][k] && r[k][j]
			}
		}
	}
	return r
}

// leastOrder is the oracle of Sort: at every turn the least node that waits
// for nothing left; nil if there comes a turn without one.
func leastOrder(n int, edges [][2]int) []int {
	var order []int
	for len(order) < n {
		next := -1
		for i := n - 1; i >= 0; i-- {
			free := !slices.Contains(order, i)
			for _, e := range edges {
				free = free && (e[0] != i || slices.Contains(order, e[1]))
			}
			if free {
				next = i
			}
		}
		if next < 0 {
			return nil
		}
		order = append(order, next)
	}
	return order
}

func intGraph(n int, edges [][2]int) *Graph[int] {
	g := &Graph[int]{}
	for i := range n {
		g.Add(i)
	}
	for _, e := range edges {
		g.Edge(e[0], e[1])
	}
	return g
}

func checkAgainstOracle(t *testing.T, n int, edges [][2]int) {
	t.Helper()
	g := intGraph(n, edges)
	order, err := g.Sort(cmp.Compare)
	if want := leastOrder(n, edges); want != nil {
		if err != nil || !slices.Equal(order, want) {
			t.Fatalf("%d nodes, edges %v: Sort = %v, %v; want %v", n, edges, order, err, want)
		}
		return
	}
	if _, ok := errors.AsType[*CycleError[int]](err); !ok {
		t.Fatalf("%d nodes, edges %v: Sort = %v, %v; want a cycle", n, edges, order, err)
	}
	checkCycles(t, g, n, edges)
}

func checkCycles(t *testing.T, g *Graph[int], n int, edges [][2]int) {
	t.Helper()
	r := reach(n, edges)
	inKnot := map[int]bool{}
	for _, c := range g.Cycles(cmp.Compare) {
		for i := range len(c.Path) - 1 {
			if !slices.Contains(edges, [2]int{c.Path[i], c.Path[i+1]}) {
				t.Fatalf("edges %v: path %v is no way", edges, c.Path)
			}
		}
		if c.Path[0] != c.Path[len(c.Path)-1] || c.Path[0] != c.Nodes[0] {
			t.Fatalf("edges %v: path %v of knot %v is no ring through its first", edges, c.Path, c.Nodes)
		}
		for _, i := range c.Nodes {
			inKnot[i] = true
			for _, j := range c.Nodes {
				if !r[i][j] {
					t.Fatalf("edges %v: %d does not wait for %d, yet both are in knot %v", edges, i, j, c.Nodes)
				}
			}
		}
	}
	for i := range n {
		if inKnot[i] != r[i][i] {
			t.Fatalf("edges %v: node %d in a knot: %v; waits for itself: %v", edges, i, inKnot[i], r[i][i])
		}
	}
}

func randomEdges(rng *rand.Rand, n, count int) [][2]int {
	var edges [][2]int
	for range count {
		edges = append(edges, [2]int{rng.IntN(n), rng.IntN(n)})
	}
	return edges
}

func TestSortAndCyclesAgainstOracle(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 0))
		n := 1 + rng.IntN(9)
		checkAgainstOracle(t, n, randomEdges(rng, n, rng.IntN(2*n)))
	}
}

func FuzzSort(f *testing.F) {
	f.Add([]byte{3, 0, 1, 1, 2})
	f.Add([]byte{4, 0, 1, 1, 0, 2, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || len(data) > 40 {
			return
		}
		n := 1 + int(data[0])%10
		var edges [][2]int
		for i := 1; i+1 < len(data); i += 2 {
			edges = append(edges, [2]int{int(data[i]) % n, int(data[i+1]) % n})
		}
		checkAgainstOracle(t, n, edges)
	})
}

func BenchmarkSort(b *testing.B) {
	g := &Graph[int]{}
	for i := range 100_000 {
		g.Edge(i, i/2-1)
		g.Edge(i, i/3-1)
	}
	for b.Loop() {
		if _, err := g.Sort(cmp.Compare); err != nil {
			b.Fatal(err)
		}
	}
}
