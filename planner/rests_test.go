package planner

import (
	"fmt"
	"testing"
)

// Steps tell which unchanged resources they rest on, those that must merely
// stand included; what a step changes is no ground but an edge.
func TestRestsOn(t *testing.T) {
	p := mustDiff(t, Input{
		Want: []Resource{
			want("net/a", toySpec{}), want("net/b", toySpec{Size: 1}),
			want("hub/a", toySpec{Base: ref("net/a", "net/b", "net/c")}), want("net/c", toySpec{}),
		},
		Live: state(live("net/a", "net-1", toySpec{}), live("net/b", "net-2", toySpec{}), live("net/c", "net-3", toySpec{}), live("net/z", "net-9", toySpec{})),
	})
	got := ""
	for _, s := range p.Steps {
		for _, a := range s.RestsOn {
			got += fmt.Sprintf("%s rests on %s; ", s.StepKey, a.Path())
		}
	}
	for _, r := range p.Stands {
		got += r.Addr.Path() + "=" + r.ID + "; "
	}
	want := "create hub/a@home/r1 rests on net/a; create hub/a@home/r1 rests on net/c; net/a=net-1; net/c=net-3; "
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
