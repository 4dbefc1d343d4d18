package awssim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A recordSet is a resource record set: all records of one name and type (and,
// with a routing policy, of one identifier).
type recordSet struct {
	Name, Type    string
	SetIdentifier string
	TTL           *int64
	Values        []string
	Alias         *aliasTarget
	Weight        *int64
	Region        string
	Failover      string
	MultiValue    *bool
	HealthCheck   string
}

// An aliasTarget is what an alias record answers for.
type aliasTarget struct {
	ZoneID, DNSName string
	Evaluate        bool
}

// key tells record sets of a zone apart and sorts them as AWS lists them: by
// the name with its labels reversed, then type, then identifier.
func (r *recordSet) key() string { return recordKey(r.Name, r.Type, r.SetIdentifier) }

func recordKey(name, kind, identifier string) string {
	return reversed(name) + "\x00" + kind + "\x00" + identifier
}

// apex tells whether the record set is one of the two that a zone needs.
func (r *recordSet) apex(z *hostedZone) bool {
	return r.Name == z.Name && (r.Type == "NS" || r.Type == "SOA")
}

// reversed gives a name's labels in reverse: "www.example.com." is
// "com.example.www.". The final dot counts in AWS's order.
func reversed(name string) string {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + "."
}

// domainName brings a name into the form that Route 53 keeps: lower case, with
// a final dot, and other characters than letters, digits, hyphen and
// underscore as \ooo (Route 53 guide, "DNS domain name format").
func domainName(name string) (string, error) {
	var out strings.Builder
	text := strings.ToLower(strings.TrimSuffix(name, "."))
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch {
		case b == '\\' && i+3 < len(text) && octal(text[i+1:i+4]):
			out.WriteString(text[i : i+4])
			i += 3
		case b == '.' || b == '-' || b == '_' || isAlphanumeric(rune(b)):
			out.WriteByte(b)
		default:
			fmt.Fprintf(&out, "\\%03o", b)
		}
	}
	for label := range strings.SplitSeq(out.String(), ".") {
		if label == "" || len(label) > 63 {
			return "", refuse("InvalidDomainName", "The domain name '%s' is invalid: a label must have 1 to 63 characters", name)
		}
	}
	if out.Len() > 255 {
		return "", refuse("InvalidDomainName", "The domain name '%s' is invalid: it must not be longer than 255 characters", name)
	}
	return out.String() + ".", nil
}

func octal(digits string) bool {
	return strings.Trim(digits, "01234567") == ""
}

func worldRecord(zone string, from WorldRecord) (*recordSet, error) {
	name, err := domainName(from.Name)
	if err != nil {
		return nil, err
	}
	if !inZone(name, zone) {
		return nil, fmt.Errorf("record %s is not in zone %s: give its full name", from.Name, zone)
	}
	return &recordSet{Name: name, Type: from.Type, TTL: new(cmp.Or(from.TTL, 300)), Values: from.Values}, nil
}

func inZone(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }

// wantedRecord reads a ResourceRecordSet, and refuses with InvalidInput what
// is no record set at all.
func wantedRecord(action string, in M) (*recordSet, error) {
	name, err := domainName(in.str("Name"))
	if err != nil {
		return nil, err
	}
	r := &recordSet{
		Name: name, Type: in.str("Type"), SetIdentifier: in.str("SetIdentifier"),
		Region: in.str("Region"), Failover: in.str("Failover"), HealthCheck: in.str("HealthCheckId"),
	}
	if in.has("TTL") {
		r.TTL = new(in.num("TTL"))
	}
	if in.has("Weight") {
		r.Weight = new(in.num("Weight"))
	}
	if in.has("MultiValueAnswer") {
		r.MultiValue = new(in.flag("MultiValueAnswer"))
	}
	for _, value := range in.list("ResourceRecords") {
		r.Values = append(r.Values, value.str("Value"))
	}
	if alias := in.sub("AliasTarget"); alias != nil {
		r.Alias = &aliasTarget{hostedZoneID(alias.str("HostedZoneId")), alias.str("DNSName"), alias.flag("EvaluateTargetHealth")}
	}
	return r, r.complete(action, in)
}

// complete refuses record sets that lack a part or have one too many.
func (r *recordSet) complete(action string, in M) error {
	where := fmt.Sprintf("Change with [Action=%s, Name=%s, Type=%s, SetIdentifier=%s]",
		action, in.str("Name"), r.Type, cmp.Or(r.SetIdentifier, "null"))
	for _, policy := range []string{"GeoLocation", "GeoProximityLocation", "CidrRoutingConfig", "TrafficPolicyInstanceId"} {
		if in.has(policy) {
			return refuse("InvalidInput", "Invalid request: %s is not simulated, in %s", policy, where)
		}
	}
	plain, alias := r.TTL != nil && len(r.Values) > 0, r.Alias != nil
	routed := r.Weight != nil || r.Region != "" || r.Failover != "" || r.MultiValue != nil
	switch {
	case plain && alias:
		return refuse("InvalidInput", "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found more than one in %s", where)
	case !alias && r.TTL == nil && len(r.Values) > 0:
		return refuse("InvalidInput", "Invalid request: Missing field 'TTL' in %s", where)
	case !alias && len(r.Values) == 0 && r.TTL != nil:
		return refuse("InvalidInput", "Invalid request: Missing field 'ResourceRecords' in %s", where)
	case !alias && !plain:
		return refuse("InvalidInput", "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in %s", where)
	case routed && r.SetIdentifier == "":
		return refuse("InvalidInput", "Invalid request: Missing field 'SetIdentifier' in %s", where)
	case !routed && r.SetIdentifier != "":
		return refuse("InvalidInput", "Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, GeoProximityLocation, CidrRoutingConfig, or MultiValueAnswer], but found none in %s", where)
	}
	return nil
}

// item is the record set as replies show it.
func (r *recordSet) item() M {
	m := M{"Name": r.Name, "Type": r.Type}
	for name, text := range map[string]string{
		"SetIdentifier": r.SetIdentifier, "Region": r.Region, "Failover": r.Failover, "HealthCheckId": r.HealthCheck,
	} {
		if text != "" {
			m[name] = text
		}
	}
	if r.TTL != nil {
		m["TTL"] = *r.TTL
	}
	if r.Weight != nil {
		m["Weight"] = *r.Weight
	}
	if r.MultiValue != nil {
		m["MultiValueAnswer"] = *r.MultiValue
	}
	if r.Alias != nil {
		m["AliasTarget"] = M{
			"HostedZoneId": r.Alias.ZoneID, "DNSName": strings.TrimSuffix(r.Alias.DNSName, ".") + ".",
			"EvaluateTargetHealth": r.Alias.Evaluate,
		}
	}
	if len(r.Values) > 0 {
		m["ResourceRecords"] = listBy(r.Values, func(v string) M { return M{"Value": v} })
	}
	return m
}

// listResourceRecordSets pages by name, type and identifier: the next page
// begins at the first record set that was left out.
func listResourceRecordSets(c *call) (M, error) {
	zone, err := c.zoneFor(c.in.str("HostedZoneId"))
	if err != nil {
		return nil, err
	}
	most, err := c.maxItems(300)
	if err != nil {
		return nil, err
	}
	start, err := c.recordCursor()
	if err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(zone.Records))
	for key := range zone.Records {
		if key >= start {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	m := M{"IsTruncated": len(keys) > most, "MaxItems": strconv.Itoa(most)}
	if len(keys) > most {
		next := zone.Records[keys[most]]
		m["NextRecordName"], m["NextRecordType"] = next.Name, next.Type
		if next.SetIdentifier != "" {
			m["NextRecordIdentifier"] = next.SetIdentifier
		}
		keys = keys[:most]
	}
	m["ResourceRecordSets"] = listBy(keys, func(key string) M { return zone.Records[key].item() })
	return m, nil
}

// recordCursor gives the key at which a list of records begins.
func (c *call) recordCursor() (string, error) {
	name, kind, identifier := c.in.str("StartRecordName"), c.in.str("StartRecordType"), c.in.str("StartRecordIdentifier")
	switch {
	case name == "" && kind != "":
		return "", refuse("InvalidInput", "Cannot specify a type without specifying a name")
	case kind == "" && identifier != "":
		return "", refuse("InvalidInput", "Cannot specify an identifier without specifying a name and a type")
	case name == "":
		return "", nil
	}
	start, err := domainName(name)
	if err != nil {
		return "", err
	}
	return recordKey(start, kind, identifier), nil
}
