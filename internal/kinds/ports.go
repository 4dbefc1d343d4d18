package kinds

import (
	"fmt"

	"github.com/linkfleet/linkfleet/planner"
)

// keepPorts refuses a listener the port of another that stays on it. AWS
// refuses it as well, but only after the listener has left its own port to make
// way: see makeWay, which takes it for given that the other leaves.
func keepPorts(judged planner.State) planner.Rule {
	type port struct {
		balancer string // ARN
		number   int
	}
	holders := map[port]planner.Resource{}
	for _, rs := range judged.Live {
		for _, r := range rs {
			if spec, ok := r.Spec.(listenerSpec); ok {
				holders[port{spec.LoadBalancer.Known, spec.Port}] = r
			}
		}
	}
	return func(p *planner.Plan) []planner.Blocked {
		leaving := map[string]bool{} // by id
		for _, st := range p.Steps {
			before, was := st.Before.Spec.(listenerSpec)
			after, is := st.After.Spec.(listenerSpec)
			if was && (!is || after.Port != before.Port || st.Action == planner.Delete) {
				leaving[st.Before.ID] = true
			}
		}
		var refused []planner.Blocked
		for _, st := range p.Steps {
			want, ok := st.After.Spec.(listenerSpec)
			if !ok || st.Action == planner.Delete {
				continue
			}
			holder, taken := holders[port{want.LoadBalancer.Known, want.Port}]
			if !taken || holder.Addr == st.Addr || leaving[holder.ID] {
				continue
			}
			refused = append(refused, planner.Blocked{
				StepKey: st.StepKey, Group: groupOfStep(st), Cause: planner.CauseRefused,
				Reason: fmt.Sprintf("port %d is that of %s, which keeps it", want.Port, holder.Addr),
				Mend:   fmt.Sprintf("give it another port at %s, or let the other go first", st.After.Origin),
			})
		}
		return refused
	}
}
