package awssim

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// populate brings a world into being. What a map of the World holds is made in
// an order that depends on nothing but the ids, and is not alphabetical: AWS's
// lists have no order to rely on.
func (s *Sim) populate(w World) error {
	if err := w.Knobs.check(); err != nil {
		return fmt.Errorf("awssim: world: knobs: %w", err)
	}
	for _, id := range shuffled(w.Accounts) {
		if !isAccountID(id) {
			return fmt.Errorf("awssim: world: account %q: an account id has 12 digits", id)
		}
		if err := s.addAccount(id, w.Accounts[id]); err != nil {
			return fmt.Errorf("awssim: world: account %s: %w", id, err)
		}
	}
	for _, a := range w.Actors {
		if err := s.checkActor(a); err != nil {
			return fmt.Errorf("awssim: world: actor %s: %w", a.Name, err)
		}
	}
	s.startParties(w.Actors)
	return nil
}

// shuffled returns a map's keys in the order of their hashes.
func shuffled[V any](m map[string]V) []string {
	keys := sortedKeys(m)
	slices.SortStableFunc(keys, func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return slices.Compare(x[:], y[:])
	})
	return keys
}

func (s *Sim) addAccount(id string, w WorldAccount) error {
	a := s.accountOf(id)
	a.Name, a.ZoneIDs = w.Name, w.Zones
	for _, key := range w.AccessKeys {
		if owner := s.world.AccessKeys[key]; owner != "" {
			return fmt.Errorf("access key %s is account %s's already", key, owner)
		}
		s.world.AccessKeys[key] = id
	}
	for _, name := range shuffled(w.Roles) {
		a.Roles[name] = newRole(id, name, w.Roles[name])
	}
	for _, region := range shuffled(w.Regions) {
		for _, vpcID := range shuffled(w.Regions[region].VPCs) {
			if err := s.addVpc(s.cellOf(id, region), vpcID, w.Regions[region].VPCs[vpcID]); err != nil {
				return fmt.Errorf("%s: %s: %w", region, vpcID, err)
			}
		}
	}
	for _, region := range shuffled(w.Regions) {
		for _, name := range shuffled(w.Regions[region].Tables) {
			if err := s.addTable(s.cellOf(id, region), name, w.Regions[region].Tables[name]); err != nil {
				return fmt.Errorf("%s: table %s: %w", region, name, err)
			}
		}
	}
	for _, region := range shuffled(w.Regions) {
		for _, name := range shuffled(w.Regions[region].Queues) {
			if err := s.addQueue(s.cellOf(id, region), name, w.Regions[region].Queues[name]); err != nil {
				return fmt.Errorf("%s: queue %s: %w", region, name, err)
			}
		}
	}
	for _, zoneID := range shuffled(w.HostedZones) {
		if err := s.addZone(id, zoneID, w.HostedZones[zoneID]); err != nil {
			return fmt.Errorf("hosted zone %s: %w", zoneID, err)
		}
	}
	return nil
}

func newRole(accountID, name string, w WorldRole) *role {
	id := sha256.Sum256([]byte(accountID + name))
	return &role{
		ARN: "arn:aws:iam::" + accountID + ":role" + cmp.Or(w.Path, "/") + name, Name: name,
		ID: fmt.Sprintf("AROASIM%X", id[:7]), Trust: w.Trust, ExternalID: w.ExternalID,
		Actions: w.Actions, MaxSession: cmp.Or(w.MaxSession, time.Hour),
	}
}

func (s *Sim) addVpc(l *cell, id string, w WorldVPC) error {
	block, err := blockOf(w.CIDR)
	if err != nil {
		return fmt.Errorf("cidr: %w", err)
	}
	v := &vpc{ID: id, CIDR: block.String(), EnableDNSSupport: true, Tags: copyTags(w.Tags)}
	if w.EnableDNSSupport != nil {
		v.EnableDNSSupport = *w.EnableDNSSupport
	}
	if w.EnableDNSHostnames != nil {
		v.EnableDNSHostnames = *w.EnableDNSHostnames
	}
	l.Network.Vpcs.put(id, v)
	s.addDefaultGroup(l, id)
	for _, groupID := range shuffled(w.SecurityGroups) {
		g := w.SecurityGroups[groupID]
		s.addGroup(l, &securityGroup{
			ID: groupID, Name: cmp.Or(g.Name, groupID), Description: cmp.Or(g.Description, "as it was"),
			VPC: id, Tags: copyTags(g.Tags),
		})
	}
	for _, subnetID := range shuffled(w.Subnets) {
		if err := s.addSubnet(l, v, subnetID, w.Subnets[subnetID]); err != nil {
			return fmt.Errorf("%s: %w", subnetID, err)
		}
	}
	return nil
}

func (s *Sim) addSubnet(l *cell, v *vpc, id string, w WorldSubnet) error {
	block, err := blockOf(w.CIDR)
	if err != nil {
		return fmt.Errorf("cidr: %w", err)
	}
	whole, _ := netip.ParsePrefix(v.CIDR) // was parsed a moment ago
	if !whole.Contains(block.Addr()) || block.Bits() < whole.Bits() {
		return fmt.Errorf("cidr %s is not within the VPC's %s", block, whole)
	}
	made := &subnet{ID: id, VPC: v.ID, CIDR: block.String(), Zone: w.Zone, ZoneID: w.ZoneID, Available: capacity(block), Tags: copyTags(w.Tags)}
	if made.Zone == "" {
		made.Zone = s.zoneName(l.Account, l.Region, made.ZoneID)
	}
	id2 := s.zoneID(l.Account, made.Zone)
	if id2 == "" || made.ZoneID != "" && made.ZoneID != id2 {
		return fmt.Errorf("%s has no zone %q with ID %q", l.Region, w.Zone, w.ZoneID)
	}
	made.ZoneID = id2
	if w.AvailableIPs != nil {
		made.Available = *w.AvailableIPs
	}
	l.Network.Subnets.put(id, made)
	return nil
}

func copyTags(from map[string]string) tags {
	to := make(tags, len(from))
	for k, v := range from {
		to[k] = v
	}
	return to
}

// checkActor refuses an actor that could never act.
func (s *Sim) checkActor(a WorldActor) error {
	switch {
	case a.Name == "" || !isAccountID(a.Account) || a.Region == "" || a.Principal == "":
		return fmt.Errorf("name, account, principal and region are required")
	case !slices.Contains([]string{"until-let-in", "never", "while-open"}, a.Behaviour):
		return fmt.Errorf("behaviour %q is none of until-let-in, never, while-open", a.Behaviour)
	case a.Behaviour != "never" && !s.cellOf(a.Account, a.Region).Network.Vpcs.has(a.VPC):
		return fmt.Errorf("account %s has no %s in %s", a.Account, a.VPC, a.Region)
	}
	for _, id := range a.Subnets {
		if in := s.cellOf(a.Account, a.Region).Network.Subnets.get(id); in == nil || in.VPC != a.VPC {
			return fmt.Errorf("%s is not a subnet of %s", id, a.VPC)
		}
	}
	return nil
}
