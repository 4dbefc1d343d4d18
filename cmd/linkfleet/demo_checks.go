package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// expect says that something came out as it should, or ends the demo: what
// was wanted and what is there are compared as text.
func (d *demo) expect(said string, got, want any) error {
	have, wanted := fmt.Sprint(got), fmt.Sprint(want)
	if have == wanted {
		d.checked(said)
		return nil
	}
	d.hang(d.bad("✗"), said)
	return fmt.Errorf("the demo did not come out as it should: %s: expected %s, but there is %s", said, wanted, have)
}

// checkUp asks the simulated AWS, account by account, whether the fleet
// stands.
func (d *demo) checkUp(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(d.fleet.Services)) {
		s := d.fleet.Services[name]
		service, connections, err := d.describe(ctx, s)
		if err != nil {
			return err
		}
		if err := d.expect(fmt.Sprintf("%s is %s: available, its private name verified", name, service.ID),
			service.State+" "+service.NameState, "Available verified"); err != nil {
			return err
		}
		if err := d.checkConsumers(ctx, s, connections); err != nil {
			return err
		}
	}
	return d.checkPartners(ctx)
}

// describe is a service and its connections in the simulated AWS.
func (d *demo) describe(ctx context.Context, s *schema.Service) (describedService, map[string]describedConnection, error) {
	provider := d.fleet.Accounts[s.Account].ID
	service, err := d.hands.service(ctx, provider, "endpoint-service/"+s.Name)
	if err != nil {
		return service, nil, err
	}
	connections, err := d.hands.connections(ctx, provider, service.ID)
	return service, connections, err
}

// checkConsumers wants every endpoint of a service that linkfleet runs to be
// up on both sides.
func (d *demo) checkConsumers(ctx context.Context, s *schema.Service, connections map[string]describedConnection) error {
	got, want := map[string]string{}, map[string]string{}
	for name, c := range s.Consumers {
		if c.Endpoint == nil {
			continue
		}
		account := d.fleet.Accounts[c.Account].ID
		endpoint, err := d.hands.endpoint(ctx, account, "endpoint/"+s.Name+"/"+name)
		if err != nil {
			return err
		}
		got[name] = fmt.Sprintf("%s, connection %s, private DNS %t", endpoint.State, connections[account].State, endpoint.PrivateDNS)
		want[name] = fmt.Sprintf("available, connection available, private DNS %t", c.Endpoint.PrivateDNS)
	}
	said := fmt.Sprintf("%s of %s accepted and available, private DNS on: %s", plural(len(want), "endpoint"), s.Name, list(slices.Sorted(maps.Keys(want))))
	return d.expect(said, got, want)
}

// checkPartners wants those who came to be connected, from their accounts.
func (d *demo) checkPartners(ctx context.Context) error {
	_, connections, err := d.describe(ctx, d.fleet.Services[demoService])
	if err != nil {
		return err
	}
	came, late := d.partners()
	got, want := map[string]string{}, map[string]string{}
	for _, c := range came {
		got[c.Name], want[c.Name] = connections[d.fleet.Accounts[c.Account].ID].State, "available"
	}
	for _, c := range late {
		got[c.Name], want[c.Name] = connections[d.fleet.Accounts[c.Account].ID].State, ""
	}
	return d.expect(fmt.Sprintf("%s came and were accepted; %s has not come", list(names(came)), list(names(late))), got, want)
}

// checkQuiet wants a plan that does nothing and waits for the late partner.
func (d *demo) checkQuiet(plan *planner.Plan) error {
	_, late := d.partners()
	var waiting []string
	for _, n := range plan.Notes {
		if n.Kind == planner.NoteWaiting {
			waiting = append(waiting, n.Group.Consumer)
		}
	}
	if err := d.expect("there is nothing to do", changes(plan), []string{}); err != nil {
		return err
	}
	return d.expect(list(names(late))+" is waited for, which is no failure", waiting, names(late))
}

// changes are what a plan does, field by field, and what it cannot do.
func changes(plan *planner.Plan) []string {
	var all []string
	for _, st := range plan.Steps {
		change := string(st.Action) + " " + st.Addr.Path()
		for _, f := range st.Fields {
			change += " " + f.Path + signed(" -", f.Removed) + signed(" +", f.Added)
		}
		all = append(all, change)
	}
	for _, b := range plan.Blocked {
		all = append(all, "blocked "+b.Addr.Path())
	}
	for place := range plan.Unread {
		all = append(all, "unread "+place.String())
	}
	slices.Sort(all)
	return all
}

func signed(sign string, elements []string) string {
	var b strings.Builder
	for _, e := range elements {
		b.WriteString(sign + e)
	}
	return b.String()
}

// demoPatience is how long, on AWS's clock, the stranger may take.
const demoPatience = time.Hour

// checkStrangerPending waits until the stranger has found the open door.
func (d *demo) checkStrangerPending(ctx context.Context, provider string) error {
	var found describedConnection
	for until := d.sim.Now().Add(demoPatience); found.Endpoint == "" && d.sim.Now().Before(until); {
		connections, err := d.hands.connections(ctx, provider, d.fraud.ID)
		if err != nil {
			return err
		}
		found = connections[d.stranger.Account]
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second / demoSpeed):
		}
	}
	d.blank()
	d.pending = found.Endpoint
	return d.expect("at once the stranger's endpoint stands at the door: "+found.Endpoint, found.State, "pendingAcceptance")
}

// checkDriftFound wants the plan to hold the three changes and nothing else,
// and to name the stranger.
func (d *demo) checkDriftFound(plan *planner.Plan) error {
	drifted := []string{
		"create endpoint-private-dns/" + demoService + "/" + demoConsumer,
		"update security-group/" + demoService + " ingress -" + demoRule,
		"update service-permissions/" + demoService + " principals -" + d.stranger.Principal,
	}
	if err := d.expect("all three changes are found, and nothing else", changes(plan), drifted); err != nil {
		return err
	}
	return d.checkListedUnknown(plan)
}

// checkListedUnknown wants a note about the stranger's connection.
func (d *demo) checkListedUnknown(plan *planner.Plan) error {
	listed := slices.ContainsFunc(plan.Notes, func(n planner.Note) bool {
		return n.Kind == planner.NoteUnknown && strings.Contains(n.Text, d.pending)
	})
	return d.expect("the stranger's connection is listed as unknown, and left pending", listed, true)
}

// checkHealed wants what the hands changed to be as it was.
func (d *demo) checkHealed(ctx context.Context) error {
	s := d.fleet.Services[demoService]
	provider := d.fleet.Accounts[s.Account].ID
	group, err := d.hands.group(ctx, provider, "security-group/"+demoService)
	if err != nil {
		return err
	}
	if err := d.expect(group.ID+" lets in "+list(s.LoadBalancer.SecurityGroup.From)+" only", group.Blocks, s.LoadBalancer.SecurityGroup.From); err != nil {
		return err
	}
	service, connections, err := d.describe(ctx, s)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("the allow-list of %s names its %s, and no stranger", service.ID, plural(len(d.fraud.Principals), "principal"))
	if err := d.expect(said, slices.Sorted(slices.Values(service.Principals)), slices.Sorted(slices.Values(d.fraud.Principals))); err != nil {
		return err
	}
	return d.checkConsumers(ctx, s, connections)
}

// checkLeftAlone wants the stranger still outside, and nothing left to do.
func (d *demo) checkLeftAlone(ctx context.Context) error {
	_, connections, err := d.describe(ctx, d.fleet.Services[demoService])
	if err != nil {
		return err
	}
	// An accepted connection never comes back to this state.
	if err := d.expect("the stranger's "+d.pending+" still waits; it was never accepted", connections[d.stranger.Account].State, "pendingAcceptance"); err != nil {
		return err
	}
	d.heading("Plan once more")
	_, plan, err := d.planOf(ctx)
	if err != nil {
		return err
	}
	if err := d.plan(plan); err != nil {
		return err
	}
	d.blank()
	if err := d.checkListedUnknown(plan); err != nil {
		return err
	}
	return d.checkQuiet(plan)
}
