package main

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/page"
	"github.com/linkfleet/linkfleet/schema"
)

// shown is what the status page shows: the ledger, and the fleet as it was
// loaded last.
type shown struct {
	*ledger.Ledger

	mu    sync.Mutex
	fleet page.Fleet
}

// Fleet is the fleet as it was loaded last.
func (s *shown) Fleet() page.Fleet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fleet
}

// Jobs are all there are: those of a server name no fleet, for a state folder
// is of one.
func (s *shown) Jobs(ctx context.Context, _ string) ([]ledger.Job, error) {
	return s.Ledger.Jobs(ctx, "")
}

// load takes note of a fleet.
func (s *shown) load(f *schema.Fleet) {
	fleet := page.Fleet{Name: f.Name}
	for _, name := range slices.Sorted(maps.Keys(f.Services)) {
		of := f.Services[name]
		service := page.Service{Name: name, Account: of.Account, Region: of.Region}
		for _, consumer := range slices.Sorted(maps.Keys(of.Consumers)) {
			service.Consumers = append(service.Consumers, page.Consumer{Name: consumer, Managed: of.Consumers[consumer].Endpoint != nil})
		}
		fleet.Services = append(fleet.Services, service)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fleet = fleet
}
