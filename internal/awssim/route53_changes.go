package awssim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Limits of one change batch (Route 53 guide, "Quotas"); an UPSERT counts twice.
const (
	batchRecords    = 1000
	batchCharacters = 32000
)

// A batch works out a change batch on a copy of a zone's records, so that all
// of it happens or nothing.
type batch struct {
	zone    *hostedZone
	records map[string]*recordSet
	touched map[string]*recordSet // what the batch leaves under each key
	faults  []string
}

// changeResourceRecordSets refuses a batch whole when any of its changes is
// wrong, and tells of every fault.
func changeResourceRecordSets(c *call) (M, error) {
	zone, err := c.zoneFor(c.in.str("HostedZoneId"))
	if err != nil {
		return nil, err
	}
	b := &batch{zone: zone, records: maps.Clone(zone.Records), touched: map[string]*recordSet{}}
	changes := c.in.sub("ChangeBatch").list("Changes")
	if err := checkBatchSize(changes); err != nil {
		return nil, err
	}
	for _, in := range changes {
		action := in.str("Action")
		record, err := wantedRecord(action, in.sub("ResourceRecordSet"))
		if err != nil {
			return nil, err
		}
		b.apply(action, record, c.quota("valuesPerRecord"))
	}
	b.whole(c.quota("recordsPerZone"))
	if len(b.faults) > 0 {
		return nil, refuse("InvalidChangeBatch", "[%s]", strings.Join(b.faults, ", "))
	}
	zone.Records = b.records
	change := &dnsChange{Zone: zone.ID, Comment: c.in.sub("ChangeBatch").str("Comment"), Puts: b.touched}
	return M{"ChangeInfo": c.submit(change).item()}, nil
}

func checkBatchSize(changes []M) error {
	records, characters := 0, 0
	for _, in := range changes {
		times := 1
		if in.str("Action") == "UPSERT" {
			times = 2
		}
		for _, value := range in.sub("ResourceRecordSet").list("ResourceRecords") {
			records += times
			characters += times * len(value.str("Value"))
		}
	}
	if records > batchRecords {
		return refuse("InvalidChangeBatch", "[Number of records limit of %d exceeded.]", batchRecords)
	}
	if characters > batchCharacters {
		return refuse("InvalidChangeBatch", "[Number of characters limit of %d exceeded.]", batchCharacters)
	}
	return nil
}

func (b *batch) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// apply makes one change, or notes why it cannot be.
func (b *batch) apply(action string, r *recordSet, values int) {
	if !inZone(r.Name, b.zone.Name) {
		b.fault("RRSet with DNS name %s is not permitted in zone %s", r.Name, b.zone.Name)
		return
	}
	key := r.key()
	have := b.records[key]
	if action == "DELETE" {
		b.remove(key, have, r)
		return
	}
	if _, again := b.touched[key]; again && b.touched[key] != nil {
		b.fault("The request contains an invalid set of changes for a resource record set '%s %s'", r.Type, r.Name)
		return
	}
	if action == "CREATE" && have != nil {
		b.fault("Tried to create resource record set [name='%s', type='%s'] but it already exists", r.Name, r.Type)
		return
	}
	if fault := b.unfit(r, values); fault != "" {
		b.fault("%s", fault)
		return
	}
	b.records[key], b.touched[key] = r, r
}

func (b *batch) remove(key string, have, r *recordSet) {
	named := fmt.Sprintf("[name='%s', type='%s']", r.Name, r.Type)
	if r.SetIdentifier != "" {
		named = fmt.Sprintf("[name='%s', type='%s', set identifier='%s']", r.Name, r.Type, r.SetIdentifier)
	}
	switch {
	case have == nil:
		b.fault("Tried to delete resource record set %s but it was not found", named)
	case !have.matches(r):
		b.fault("Tried to delete resource record set %s but the values provided do not match the current values", named)
	default:
		delete(b.records, key)
		b.touched[key] = nil
	}
}

// matches tells whether a DELETE names the record set as it is. The order of
// values does not matter.
func (r *recordSet) matches(other *recordSet) bool {
	return sameSet(r.Values, other.Values) && samePointer(r.TTL, other.TTL) && samePointer(r.Weight, other.Weight) &&
		r.Region == other.Region && r.Failover == other.Failover && r.HealthCheck == other.HealthCheck &&
		r.sameAlias(other)
}

func (r *recordSet) sameAlias(other *recordSet) bool {
	if r.Alias == nil || other.Alias == nil {
		return r.Alias == other.Alias
	}
	a, b := *r.Alias, *other.Alias
	a.DNSName, b.DNSName = strings.TrimSuffix(a.DNSName, "."), strings.TrimSuffix(b.DNSName, ".")
	return a == b
}

func samePointer[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// unfit tells why a record set cannot stand in the zone, "" if it can.
func (b *batch) unfit(r *recordSet, values int) string {
	if len(r.Values) > values {
		return fmt.Sprintf("Too many values: %s %s has more than %d", r.Type, r.Name, values)
	}
	for i, value := range r.Values {
		if slices.Contains(r.Values[:i], value) {
			return fmt.Sprintf("Duplicate Resource Record: '%s'", value)
		}
		if fault := badValue(r.Type, value); fault != "" {
			return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: %s encountered with '%s''", fault, value)
		}
	}
	if r.Type == "CNAME" && r.Name == b.zone.Name {
		return fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", r.Name, b.zone.Name)
	}
	for _, other := range b.records {
		if other.Name == r.Name && other.Type != r.Type && (other.Type == "CNAME" || r.Type == "CNAME") {
			return fmt.Sprintf("RRSet of type %s with DNS name %s is not permitted as it conflicts with other records with the same DNS name in zone %s",
				r.Type, r.Name, b.zone.Name)
		}
	}
	return ""
}

// badValue tells what is wrong with a record's value, "" if nothing. Values of
// TXT are quoted strings of at most 255 characters (RFC 1035, section 3.3).
func badValue(kind, value string) string {
	if kind != "TXT" && kind != "SPF" {
		return ""
	}
	parts, ok := quotedStrings(value)
	if !ok {
		return "InvalidCharacterString (Value should be enclosed in quotation marks)"
	}
	for _, part := range parts {
		if len(part) > 255 {
			return "CharacterStringTooLong (Value is too long)"
		}
	}
	return ""
}

// whole checks what the batch leaves behind.
func (b *batch) whole(limit int) {
	if b.records[recordKey(b.zone.Name, "NS", "")] == nil {
		b.fault("A HostedZone must contain at least one NS record for the zone itself.")
	}
	if b.records[recordKey(b.zone.Name, "SOA", "")] == nil {
		b.fault("A HostedZone must contain exactly one SOA record.")
	}
	if len(b.records) > limit {
		b.fault("Number of resource record sets exceeds the limit of %d", limit)
	}
}
