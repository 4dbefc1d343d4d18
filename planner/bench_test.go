package planner

import (
	"fmt"
	"io"
	"testing"
)

// benchFleet is services with 120 consumers each, four resources a consumer,
// as a fleet of PrivateLink services has them.
func benchFleet(services int) []Resource {
	var fleet []Resource
	for s := range services {
		svc := fmt.Sprintf("s%03d", s)
		add := func(r Resource, consumer string) {
			fleet = append(fleet, grouped(r, svc, consumer))
		}
		add(want("net/"+svc, toySpec{Class: "a", Zones: []string{"az1", "az2", "az3"}}), "")
		add(want("hub/"+svc, toySpec{Base: ref("net/" + svc), Links: []Value{Ref(toyAddr("net/"+svc), "zones")}}), "")
		for c := range 120 {
			who := fmt.Sprintf("c%03d", c)
			name := svc + "/" + who
			account := fmt.Sprintf("@a%03d", c)
			add(want("net/"+name+account, toySpec{Class: "sg", Zones: []string{"10.0.0.0/8", "10.20.0.0/16"}}), who)
			add(want("door/"+name+account, toySpec{Base: ref("hub/"+svc, "net/"+svc), Links: []Value{ref("net/" + name + account)}}), who)
			add(want("link/"+name, toySpec{Base: ref("door/" + name + account), Class: "accepted"}), who)
			add(want("plug/"+name+account, toySpec{Base: ref("door/"+name+account, "link/"+name)}), who)
		}
	}
	return fleet
}

func benchSizes(b *testing.B, run func(b *testing.B, fleet []Resource)) {
	for _, services := range []int{1, 10, 100, 200} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) { run(b, benchFleet(services)) })
	}
}

func benchDiff(b *testing.B, in Input, steps int) {
	b.ReportAllocs()
	for b.Loop() {
		p, err := Diff(in)
		if err != nil || len(p.Steps) != steps {
			b.Fatalf("%d steps, %v; want %d", len(p.Steps), err, steps)
		}
	}
}

// BenchmarkDiff plans a fleet from nothing, a fleet that is as it should be,
// and one that goes.
func BenchmarkDiff(b *testing.B) {
	benchSizes(b, func(b *testing.B, fleet []Resource) {
		w := newWorld()
		up, err := Diff(Input{Want: fleet, Traits: toyTraits()})
		if err != nil {
			b.Fatal(err)
		}
		w.build(up)
		b.Run("up", func(b *testing.B) { benchDiff(b, Input{Want: fleet, Traits: toyTraits()}, len(fleet)) })
		b.Run("same", func(b *testing.B) { benchDiff(b, Input{Want: fleet, Live: w.state(), Traits: toyTraits()}, 0) })
		b.Run("down", func(b *testing.B) { benchDiff(b, Input{Live: w.state(), Traits: toyTraits()}, len(fleet)) })
	})
}

func BenchmarkDigest(b *testing.B) { benchRender(b, func(p *Plan) error { p.Digest(); return nil }) }

func BenchmarkText(b *testing.B) {
	benchRender(b, func(p *Plan) error { return Text(io.Discard, p, TextOptions{}) })
}

func benchRender(b *testing.B, render func(*Plan) error) {
	benchSizes(b, func(b *testing.B, fleet []Resource) {
		p, err := Diff(Input{Want: fleet, Traits: toyTraits()})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := render(p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// build makes what p creates without the checks that make a world slow.
func (w *world) build(p *Plan) {
	made := map[Addr]Resource{}
	for i, s := range p.Steps {
		spec, err := Resolve(s.After.Spec, func(a Addr, out string) (string, bool) {
			text, ok := made[a].Outputs[out]
			return text, ok
		})
		if err != nil {
			panic(err) // the fleet above is broken
		}
		r := live(s.Addr.Path(), fmt.Sprintf("%s-%d", s.Addr.Kind, i), spec.(toySpec))
		r.Addr = s.Addr
		made[s.Addr], w.objects[r.ID] = r, r
	}
}
