package awssim

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// zonesOf tells how many Availability Zones a region has. Regions that are not
// named have three.
func zonesOf(region string) int {
	switch region {
	case "us-east-1":
		return 6
	case "us-west-2", "ap-northeast-2":
		return 4
	default:
		return 3
	}
}

// zonePrefix shortens a region's name as zone IDs do: us-east-1 is use1,
// ap-southeast-2 is apse2. ("AZ IDs", AWS RAM User Guide.)
func zonePrefix(region string) string {
	parts := strings.Split(region, "-")
	short := parts[0]
	for _, part := range parts[1:] {
		switch part {
		case "northeast", "northwest", "southeast", "southwest":
			short += part[:1] + part[5:6]
		default:
			short += part[:1]
		}
	}
	return short
}

// A zonePair is one zone as an account sees it.
type zonePair struct{ Name, ID string }

// zones returns an account's zones in a region. Which physical zone bears which
// name differs per account, and is the same on every day; the world file may
// fix names.
func (s *Sim) zones(accountID, region string) []zonePair {
	fixed := s.accountOf(accountID).ZoneIDs
	var names, ids []string
	for i := range zonesOf(region) {
		names = append(names, region+string(rune('a'+i)))
		ids = append(ids, zonePrefix(region)+"-az"+strconv.Itoa(i+1))
	}
	ids = slices.DeleteFunc(ids, func(id string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return fixed[name] == id })
	})
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(s.world.Seed + accountID + region)) // a hash does not fail
	rand.New(rand.NewPCG(hash.Sum64(), 0)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	pairs := make([]zonePair, len(names))
	for i, name := range names {
		pairs[i] = zonePair{Name: name, ID: fixed[name]}
		if pairs[i].ID == "" {
			pairs[i].ID, ids = ids[0], ids[1:]
		}
	}
	return pairs
}

// zoneID maps an account's zone name (us-east-1a) to the zone ID (use1-az4);
// "" when there is no such zone.
func (s *Sim) zoneID(accountID, zoneName string) string {
	if zoneName == "" {
		return ""
	}
	for _, z := range s.zones(accountID, zoneName[:len(zoneName)-1]) {
		if z.Name == zoneName {
			return z.ID
		}
	}
	return ""
}

// zoneName maps a zone ID of a region to the account's name for it; "" when
// there is no such zone.
func (s *Sim) zoneName(accountID, region, zoneID string) string {
	for _, z := range s.zones(accountID, region) {
		if z.ID == zoneID {
			return z.Name
		}
	}
	return ""
}

func describeAvailabilityZones(c *call) (M, error) {
	zones := c.sim.zones(c.account, c.region)
	byName := listing[zonePair]{Key: func(z zonePair) string { return z.Name }, Missing: missingZone}
	picked, err := byName.pick(zones, c.in.strs("ZoneNames"))
	if err != nil {
		return nil, err
	}
	byID := listing[zonePair]{Key: func(z zonePair) string { return z.ID }, Missing: missingZone}
	if picked, err = byID.pick(picked, c.in.strs("ZoneIds")); err != nil {
		return nil, err
	}
	constant := func(text string) func(zonePair) []string {
		return func(zonePair) []string { return []string{text} }
	}
	picked, err = filter(c, picked, filterSet[zonePair]{
		"group-name":    constant(c.region + "-zg-1"),
		"message":       constant(""),
		"opt-in-status": constant("opt-in-not-required"),
		"region-name":   constant(c.region),
		"state":         constant("available"),
		"zone-id":       one(func(z zonePair) string { return z.ID }),
		"zone-name":     one(func(z zonePair) string { return z.Name }),
		"zone-type":     constant("availability-zone"),
	}, nil)
	if err != nil {
		return nil, err
	}
	return M{"AvailabilityZones": listBy(picked, func(z zonePair) M {
		return M{
			"ZoneName": z.Name, "ZoneId": z.ID, "RegionName": c.region, "State": "available",
			"OptInStatus": "opt-in-not-required", "ZoneType": "availability-zone",
			"GroupName": c.region + "-zg-1", "NetworkBorderGroup": c.region, "Messages": []any{},
		}
	})}, nil
}

func missingZone(name string) *Error {
	return refuse("InvalidParameterValue", "Invalid availability zone: [%s]", name)
}
