package kinds

import (
	"fmt"
	"slices"
	"strings"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A guard keeps from being deleted what consumers depend on, unless the fleet
// says so by name: that it is missing from the files may be a mistake.
//
// Closing the door is no destruction. Who is in no file any more loses the
// permission, and the connection as onRevoke says, with nothing named.
type guard struct {
	fleet  *schema.Fleet
	live   planner.State
	wanted map[planner.Addr]bool
}

func newGuard(f *schema.Fleet, live planner.State, want []planner.Resource) *guard {
	g := &guard{fleet: f, live: live, wanted: map[planner.Addr]bool{}}
	for _, r := range want {
		g.wanted[r.Addr] = true
	}
	return g
}

// refuse is the rule.
func (g *guard) refuse(p *planner.Plan) []planner.Blocked {
	var refused []planner.Blocked
	for _, st := range p.Steps {
		if st.Action != planner.Delete || g.isDuplicate(st) || isSetApart(st) {
			continue
		}
		if reason, mend := g.objection(st); reason != "" {
			refused = append(refused, planner.Blocked{
				StepKey: st.StepKey, Group: st.Before.Group, Cause: planner.CauseRefused, Reason: reason, Mend: mend,
			})
		}
	}
	return refused
}

// isDuplicate tells whether another at the address stays.
func (g *guard) isDuplicate(st planner.Step) bool {
	return g.wanted[st.Addr] && !st.Replaces && len(g.live.Live[st.Addr]) > 1
}

// isSetApart tells whether a delete only tidies up an endpoint that AWS gave
// up on, or that is no use beside another, see ourEndpoints.
func isSetApart(st planner.Step) bool {
	return st.Addr.Kind == endpoint().Name && strings.Count(st.Addr.Name, "/") == 2
}

// keepSuccessors holds the delete of an endpoint that may be what a create of
// the plan takes up: a run that died in the middle of a replacement leaves the
// new one set apart from the old, which serves. Where the create is refused,
// it may go: it may be what is in the way.
func keepSuccessors(p *planner.Plan, refused []planner.Blocked) []planner.Blocked {
	var held []planner.Blocked
	for _, made := range p.Steps {
		after, isEndpoint := made.After.Spec.(endpointSpec)
		if made.Action != planner.Create || !isEndpoint || slices.ContainsFunc(refused, func(b planner.Blocked) bool { return b.StepKey == made.StepKey }) {
			continue
		}
		for _, st := range p.Steps {
			before, _ := st.Before.Spec.(endpointSpec)
			if st.Action == planner.Delete && isSetApart(st) && st.Addr.Place == made.Addr.Place &&
				strings.HasPrefix(st.Addr.Name, made.Addr.Name+"/") && before.VPC == after.VPC &&
				!endpointDead(ec2types.State(st.Before.Outputs["state"])) {
				held = append(held, planner.Blocked{
					StepKey: st.StepKey, Group: st.Before.Group, Cause: planner.CauseDepends,
					Reason: fmt.Sprintf("%s may turn out to be what an earlier run made for %s", st.ID, made.Addr),
				})
			}
		}
	}
	return held
}

// objection is why the fleet does not let a delete be; empty if it does.
func (g *guard) objection(st planner.Step) (reason, mend string) {
	group := st.Before.Group
	s := g.fleet.Services[group.Service]
	switch {
	case group.Service == "": // shared: what uses it decides
		return "", ""
	case s == nil:
		return g.ofRemoved(group)
	case g.leftBehind(s, st):
		return fmt.Sprintf("service %s stands in %s, where consumers depend on it, and the fleet now has it in %s", s.Name, st.Addr.Place, placeOf(s)),
			fmt.Sprintf("take that back at %s, or declare another service there, move the consumers to it, and then remove this one", s.Pos.Short())
	case s.PreventDestroy && group.Consumer == "" && !destroysNothing(st):
		return fmt.Sprintf("service %s has preventDestroy", s.Name), fmt.Sprintf("write preventDestroy: false at %s if that is meant", s.Pos.Short())
	}
	return g.ofEndpoint(s, st)
}

// destroysNothing tells whether a delete only shuts consumers out, or moves
// the proof of a private name along with the name.
func destroysNothing(st planner.Step) bool {
	switch st.Addr.Kind {
	case connection().Name, servicePermissions().Name:
		return true
	}
	return st.Addr.Kind == verificationRecord().Name && st.Replaces
}

// ofRemoved judges what is left of a service that is in no file.
func (g *guard) ofRemoved(group planner.Group) (reason, mend string) {
	switch {
	case !g.fleet.Removes(group.Service, group.Consumer):
		return fmt.Sprintf("no file declares service %s any more, and fleet.removed does not name it", group.Service),
			fmt.Sprintf("add %q to fleet.removed if it is to be deleted", schema.Removal{Service: group.Service})
	case group.Consumer == "" && g.protected(group.Service):
		return fmt.Sprintf("service %s was removed while it had preventDestroy", group.Service),
			"declare it again with preventDestroy: false, apply, and then remove it"
	}
	return "", ""
}

// protected tells whether AWS shows the mark of preventDestroy at a service.
func (g *guard) protected(service string) bool {
	for addr, rs := range g.live.Live {
		for _, r := range rs {
			if spec, ok := r.Spec.(endpointServiceSpec); ok && addr.Name == service && spec.Terms.PreventDestroy {
				return true
			}
		}
	}
	return false
}

// leftBehind tells whether a delete is of a service that the files have moved
// elsewhere.
func (g *guard) leftBehind(s *schema.Service, st planner.Step) bool {
	at := addrService(s)
	at.Place = st.Addr.Place
	return st.Before.Group.Consumer == "" && at.Place != placeOf(s) && len(g.live.Live[at]) > 0
}

// ofEndpoint judges the delete of a consumer's endpoint, and of its private
// name, which goes with it.
func (g *guard) ofEndpoint(s *schema.Service, st planner.Step) (reason, mend string) {
	at := st.Addr
	if at.Kind != endpoint().Name && at.Kind != endpointPrivateDNS().Name {
		return "", ""
	}
	at.Kind = endpoint().Name
	group := st.Before.Group
	c := s.Consumers[group.Consumer]
	switch {
	case g.wanted[at]: // only the name goes, or its replacement is allowed
		return "", ""
	case c != nil && c.Endpoint != nil && c.Endpoint.AllowReplace:
		return "", ""
	case c != nil && c.Endpoint != nil:
		return fmt.Sprintf("the endpoint of consumer %s of service %s is to move to %s, which would replace it", c.Name, s.Name, consumerPlace(c)),
			fmt.Sprintf("write allowReplace: true at %s if that is meant", c.Endpoint.Pos.Short())
	case g.fleet.Removes(group.Service, group.Consumer):
		return "", ""
	}
	entry := schema.Removal{Service: group.Service, Consumer: group.Consumer, Endpoint: c != nil}
	return fmt.Sprintf("no file declares the endpoint of consumer %s of service %s any more, and fleet.removed does not name it", group.Consumer, group.Service),
		fmt.Sprintf("add %q to fleet.removed if it is to be deleted", entry)
}

// spent warns of entries of fleet.removed of which nothing stands any more:
// they would let go, unseen, what comes under the same name one day.
func spent(f *schema.Fleet, live planner.State) []planner.Note {
	if len(live.Unread) > 0 {
		return nil
	}
	standing := map[planner.Group]bool{}
	for addr, rs := range live.Live {
		for _, r := range rs {
			if addr.Kind == connection().Name {
				continue // which AWS shows for a while after its end
			}
			standing[planner.Group{Service: r.Group.Service}] = true
			standing[r.Group] = true
		}
	}
	var notes []planner.Note
	for _, r := range f.Removed {
		group := planner.Group{Service: r.Service, Consumer: r.Consumer}
		if !standing[group] {
			notes = append(notes, planner.Note{
				Kind: planner.NoteWarning, Group: group,
				Text: fmt.Sprintf("nothing of it stands any more: take %q out of fleet.removed%s", r, atPos(r.Pos)),
			})
		}
	}
	return notes
}

// atPos is where the author wrote something, in a sentence.
func atPos(p schema.Pos) string {
	if p.File == "" {
		return ""
	}
	return " at " + p.Short()
}
