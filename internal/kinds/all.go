package kinds

import (
	"slices"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// All are the kinds linkfleet keeps, in the order of the way up.
func All() []Kind {
	return []Kind{
		securityGroup().Kind(),
		loadBalancer().Kind(),
		targetGroup().Kind(),
		listener().Kind(),
		endpointService().Kind(),
		servicePermissions().Kind(),
		topic().Kind(),
		connectionNotification().Kind(),
		privateDNSName().Kind(),
		verificationRecord().Kind(),
		domainVerification().Kind(),
		endpoint().Kind(),
		connection().Kind(),
		endpointPrivateDNS().Kind(),
	}
}

// Traits are what the planner must know of every kind, by name.
func Traits() map[string]planner.Trait {
	traits := map[string]planner.Trait{}
	for _, k := range All() {
		traits[k.Name] = k.Trait
	}
	return traits
}

// Wishes are what a fleet asks for in view of the live state, and the live
// state and the notes to plan with.
type Wishes struct {
	Want  []planner.Resource
	Live  planner.State
	Notes []planner.Note
	Rules []planner.Rule
	// Remarks say what the steps do to clients, Limits what is too much of
	// them for one apply.
	Remarks []planner.Remark
	Limits  []planner.Limit
}

// Want turns a fleet into resources. It decides whose the live connections
// are: those nobody should touch are not in the state it returns.
func Want(f *schema.Fleet, live planner.State) Wishes {
	judged, notes := judge(f, throughListeners(live))
	w := Wishes{Live: judged}
	for _, k := range All() {
		w.Want = append(w.Want, k.want(f, judged)...)
	}
	rememberRevoked(f, w.Want, live)
	w.Notes = slices.Concat(notes, waiting(f, judged), spent(f, live))
	w.Rules = []planner.Rule{keepConnected(f, live), acceptWhatComes, keepPorts(judged), newGuard(f, judged, w.Want).refuse}
	w.Remarks = []planner.Remark{outages(f, live)}
	w.Limits = []planner.Limit{limits(f, judged)}
	return w
}
