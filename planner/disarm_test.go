package planner

import (
	"slices"
	"testing"
)

// armedTraits have nets that must be turned off before they can be deleted.
func armedTraits() map[string]Trait {
	traits := toyTraits()
	net := traits["net"]
	net.Disarm = func(live any) (any, bool) {
		s := live.(toySpec)
		on := s.Opts.On
		s.Opts.On = false
		return s, on
	}
	traits["net"] = net
	return traits
}

func keysOf(p *Plan) []string {
	var keys []string
	for _, s := range p.Steps {
		keys = append(keys, s.StepKey.String())
	}
	return keys
}

func wantKeys(t *testing.T, p *Plan, want ...string) {
	t.Helper()
	if got := keysOf(p); !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
}

func TestProtectionGoesJustBeforeItsBearer(t *testing.T) {
	armed := live("net/a", "net-1", toySpec{Opts: toyOpts{On: true}})
	user := live("hub/a", "hub-1", toySpec{Base: Known("net-1")})
	in := Input{Traits: armedTraits(), Live: state(armed, user)}
	p := mustDiff(t, in)
	wantKeys(t, p, "delete hub/a@home/r1 (hub-1)", "update net/a@home/r1 (net-1)", "delete net/a@home/r1 (net-1)")
	step := p.Steps[1]
	if len(step.Fields) != 1 || step.Fields[0].Path != "opts.on" || step.After.Spec.(toySpec).Opts.On {
		t.Errorf("the step changes %+v", step.Fields)
	}

	in.Live = state(live("net/a", "net-1", toySpec{}))
	wantKeys(t, mustDiff(t, in), "delete net/a@home/r1 (net-1)")
}

// What is not deleted keeps its protection.
func TestProtectionStaysWithItsBearer(t *testing.T) {
	armed := live("net/a", "net-1", toySpec{Opts: toyOpts{On: true}})
	in := Input{Traits: armedTraits(), Live: state(armed), Rules: []Rule{func(p *Plan) []Blocked {
		return []Blocked{{StepKey: StepKey{Delete, armed.Addr, armed.ID}, Reason: "no"}}
	}}}
	p := mustDiff(t, in)
	wantKeys(t, p)
	if len(p.Blocked) != 1 || p.Blocked[0].Action != Delete {
		t.Errorf("blocked: %+v", p.Blocked)
	}

	in.Rules = nil
	in.Live = state(armed, live("hub/a@away", "hub-1", toySpec{Base: Known("net-1")}))
	in.Want = []Resource{want("hub/a@away", toySpec{Base: Known("net-1")})}
	if p := mustDiff(t, in); len(p.Steps) > 0 {
		t.Errorf("used by what stays: %q", keysOf(p))
	}
}

// A replacement needs it as well, of the old and not of the new.
func TestProtectionOfTheReplaced(t *testing.T) {
	in := Input{
		Traits: armedTraits(),
		Live:   state(live("net/a", "net-1", toySpec{Class: "old", Opts: toyOpts{On: true}})),
		Want:   []Resource{want("net/a", toySpec{Class: "new", Opts: toyOpts{On: true}})},
	}
	p := mustDiff(t, in)
	wantKeys(t, p, "create net/a@home/r1", "update net/a@home/r1 (net-1)", "delete net/a@home/r1 (net-1)")
}
