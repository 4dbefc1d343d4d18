package stage

import (
	"maps"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/schema"
)

// Remove takes a service, a consumer or a consumer's endpoint out of the
// fleet and says so by name: "services/fraud/consumers/risk".
func (s *Stage) Remove(name string) {
	parts := strings.Split(name, "/")
	r := schema.Removal{Service: parts[1]}
	switch len(parts) {
	case 2:
		delete(s.Fleet.Services, r.Service)
	case 4:
		r.Consumer = parts[3]
		delete(s.Fleet.Services[r.Service].Consumers, r.Consumer)
	default:
		r.Consumer, r.Endpoint = parts[3], true
		s.Fleet.Services[r.Service].Consumers[r.Consumer].Endpoint = nil
	}
	s.Fleet.Removed = append(s.Fleet.Removed, r)
}

// nameRemoved keeps fleet.removed to what the fleet once had and has no more.
func (s *Stage) nameRemoved() {
	now := map[schema.Removal]bool{}
	for _, service := range s.Fleet.Services {
		now[schema.Removal{Service: service.Name}] = true
		for _, c := range service.Consumers {
			now[schema.Removal{Service: service.Name, Consumer: c.Name}] = true
			if c.Endpoint != nil {
				now[schema.Removal{Service: service.Name, Consumer: c.Name, Endpoint: true}] = true
			}
		}
	}
	if s.seen == nil {
		s.seen = map[schema.Removal]bool{}
	}
	maps.Copy(s.seen, now)
	s.Fleet.Removed = slices.DeleteFunc(slices.Collect(maps.Keys(s.seen)), func(r schema.Removal) bool { return now[r] })
}
