package schema

import (
	"fmt"
	"slices"
	"strings"
)

// A Removal names what may be deleted although consumers depend on it. Its
// text is "services/S", "services/S/consumers/C" or
// "services/S/consumers/C/endpoint".
type Removal struct {
	Service  string
	Consumer string // empty: the service and all that is its
	// Endpoint: only the endpoint that linkfleet ran, not the consumer, who
	// may make one of its own now.
	Endpoint bool
	Pos      Pos
}

// String is the removal as the files write it.
func (r Removal) String() string {
	switch {
	case r.Consumer == "":
		return "services/" + r.Service
	case r.Endpoint:
		return "services/" + r.Service + "/consumers/" + r.Consumer + "/endpoint"
	default:
		return "services/" + r.Service + "/consumers/" + r.Consumer
	}
}

// Removes tells whether the fleet says by name that a service may be deleted
// or, with a consumer's name, that consumer's endpoint. A service's removal
// covers its consumers.
func (f *Fleet) Removes(service, consumer string) bool {
	return slices.ContainsFunc(f.Removed, func(r Removal) bool {
		return r.Service == service && (r.Consumer == "" || r.Consumer == consumer)
	})
}

// removals reads fleet.removed.
func (c *checker) removals(f *field) []Removal {
	c.repeated(f)
	var rs []Removal
	for _, e := range f.elements() {
		parts := strings.Split(e.str(), "/")
		r := Removal{Pos: e.pos()}
		switch len(parts) {
		case 5:
			r.Endpoint = true
			fallthrough
		case 4:
			r.Consumer = parts[3]
			fallthrough
		case 2:
			r.Service = parts[1]
			rs = append(rs, r)
		}
	}
	return rs
}

// checkRemovals finds entries of fleet.removed that name what still stands
// in the files. One of the two is a mistake, and nobody can tell which.
func (c *checker) checkRemovals(f *Fleet) {
	for _, r := range f.Removed {
		if where := f.declares(r); where.File != "" {
			c.add(r.Pos, "fleet.removed", fmt.Sprintf("%q is still declared, at %s", r, where), "delete the one or the other")
		}
	}
}

// declares tells where the fleet declares what r names; zero if nowhere.
func (f *Fleet) declares(r Removal) Pos {
	s := f.Services[r.Service]
	if s == nil {
		return Pos{}
	}
	k := s.Consumers[r.Consumer]
	switch {
	case r.Consumer == "":
		return s.Pos
	case k == nil:
		return Pos{}
	case !r.Endpoint:
		return k.Pos
	case k.Endpoint != nil:
		return k.Endpoint.Pos
	}
	return Pos{}
}
