package awssim

import (
	"slices"
	"strconv"
	"strings"
)

// maxItems reads the MaxItems of a list; more than AWS's page size counts as
// that size.
func (c *call) maxItems(most int) (int, error) {
	given := c.in.str("MaxItems")
	if given == "" {
		return most, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 {
		return 0, refuse("InvalidInput", "MaxItems must be a number of 1 or more, not '%s'", given)
	}
	return min(n, most), nil
}

func listHostedZones(c *call) (M, error) {
	most, err := c.maxItems(100)
	if err != nil {
		return nil, err
	}
	if c.in.has("DelegationSetId") {
		return nil, refuse("NoSuchDelegationSet", "A reusable delegation set with the specified ID does not exist.")
	}
	zones := c.dns().Zones.all()
	if c.in.has("HostedZoneType") {
		zones = slices.DeleteFunc(zones, func(z *hostedZone) bool { return !z.Private })
	}
	marker := c.in.str("Marker")
	if marker != "" {
		i := slices.IndexFunc(zones, func(z *hostedZone) bool { return z.ID == hostedZoneID(marker) })
		if i < 0 {
			return nil, refuse("InvalidInput", "The marker '%s' is not valid", marker)
		}
		zones = zones[i:]
	}
	m := M{"Marker": marker, "MaxItems": strconv.Itoa(most), "IsTruncated": len(zones) > most}
	if len(zones) > most {
		m["NextMarker"] = zones[most].ID
		zones = zones[:most]
	}
	m["HostedZones"] = listBy(zones, (*hostedZone).item)
	return m, nil
}

// listHostedZonesByName begins at a name, and goes on to all that follow: it
// does not look a name up.
func listHostedZonesByName(c *call) (M, error) {
	most, err := c.maxItems(100)
	if err != nil {
		return nil, err
	}
	from, fromID := c.in.str("DNSName"), hostedZoneID(c.in.str("HostedZoneId"))
	if from == "" && fromID != "" {
		return nil, refuse("InvalidInput", "HostedZoneId cannot be specified without DNSName")
	}
	zones := slices.SortedFunc(slices.Values(c.dns().Zones.all()), func(a, b *hostedZone) int {
		return strings.Compare(reversed(a.Name)+"\x00"+a.ID, reversed(b.Name)+"\x00"+b.ID)
	})
	m := M{"MaxItems": strconv.Itoa(most), "IsTruncated": false}
	if from != "" {
		start, err := domainName(from)
		if err != nil {
			return nil, err
		}
		zones = slices.DeleteFunc(zones, func(z *hostedZone) bool {
			return reversed(z.Name)+"\x00"+z.ID < reversed(start)+"\x00"+fromID
		})
		m["DNSName"] = start
	}
	if fromID != "" {
		m["HostedZoneId"] = fromID
	}
	if len(zones) > most {
		m["IsTruncated"], m["NextDNSName"], m["NextHostedZoneId"] = true, zones[most].Name, zones[most].ID
		zones = zones[:most]
	}
	m["HostedZones"] = listBy(zones, (*hostedZone).item)
	return m, nil
}
