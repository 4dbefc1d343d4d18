package awssim

import "maps"

// tagged lists the zones, which are the same from every region.
func (h *hostedZones) tagged() []taggedResource {
	var all []taggedResource
	for _, z := range h.Zones.all() {
		arn := "arn:aws:route53:::hostedzone/" + z.ID
		all = append(all, taggedResource{ID: z.ID, ARN: arn, Service: "route53", Type: "hostedzone", Tags: z.Tags})
	}
	return all
}

// taggedZone finds the zone whose tags an operation is about.
func (c *call) taggedZone() (*hostedZone, error) {
	if c.in.str("ResourceType") != "hostedzone" {
		return nil, &Error{Code: "NoSuchHealthCheck", Status: 404,
			Message: "A health check with id " + c.in.str("ResourceId") + " does not exist."}
	}
	return c.zoneFor(c.in.str("ResourceId"))
}

func listZoneTags(c *call) (M, error) {
	zone, err := c.taggedZone()
	if err != nil {
		return nil, err
	}
	return M{"ResourceTagSet": M{"ResourceType": "hostedzone", "ResourceId": zone.ID, "Tags": tagItems(zone.Tags)}}, nil
}

func changeZoneTags(c *call) (M, error) {
	zone, err := c.taggedZone()
	if err != nil {
		return nil, err
	}
	add, remove := c.in.list("AddTags"), c.in.strs("RemoveTagKeys")
	if len(add) == 0 && len(remove) == 0 {
		return nil, refuse("InvalidInput", "Request must specify at least one of AddTags or RemoveTagKeys")
	}
	after := maps.Clone(zone.Tags)
	for _, key := range remove {
		delete(after, key)
	}
	for _, in := range add {
		after[in.str("Key")] = in.str("Value")
	}
	if limit := c.quota("tagsPerResource"); len(after) > limit {
		return nil, refuse("InvalidInput", "Number of tags exceeds the limit of %d", limit)
	}
	zone.Tags = after
	return M{}, nil
}
