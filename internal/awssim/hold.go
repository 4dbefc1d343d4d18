package awssim

import (
	"fmt"
	"slices"
)

// stations are the transitions that can be held up, by the latency that times
// them, and the events that would end them.
func stations() map[string]string {
	return map[string]string{
		"endpointProvision":     eventEndpointReady, // and endpointModify
		"endpointDelete":        eventEndpointDeleted,
		"servicePending":        eventServiceReady,
		"serviceDelete":         eventServiceDeleted,
		"domainVerification":    eventDomainChecked,
		"loadBalancerProvision": "balancing.active", // and loadBalancerZones
		"loadBalancerDetach":    "balancing.detach",
	}
}

// Hold has whatever is on its way stay where it is from now on: endpoints stay
// pending, load balancers provisioning. Latencies say which ways; an unknown
// one is an error. Release lets all go on.
func (s *Sim) Hold(latencies ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range latencies {
		kind, ok := stations()[name]
		if !ok {
			return fmt.Errorf("awssim: hold: nothing is held up by %q; there are %q", name, sortedKeys(stations()))
		}
		s.held = append(s.held, kind)
	}
	return nil
}

// Release ends what Hold began: what is overdue happens now.
func (s *Sim) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	overdue := s.aside
	s.held, s.aside = nil, nil
	for _, e := range overdue {
		s.happen(e)
	}
	s.changed()
}

// holdUp puts an event aside if it is held up.
func (s *Sim) holdUp(e event) bool {
	held := slices.Contains(s.held, e.Kind)
	if held {
		s.aside = append(s.aside, e)
	}
	return held
}
