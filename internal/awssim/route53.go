package awssim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hostedZones are an account's Route 53 zones with the changes made to them.
type hostedZones struct {
	Zones   table[*hostedZone] // by id, without "/hostedzone/"
	Changes table[*dnsChange]  // by id, without "/change/"
}

// A hostedZone is a domain with its records.
type hostedZone struct {
	ID, Name        string // the name in Route 53's form: lower case, with the final dot
	CallerReference string
	Comment         string
	Private         bool
	VPCs            []zoneVPC
	NameServers     []string
	Tags            tags
	// Records are what the API shows: at once what was last asked for.
	// Served are what name servers answer: only what is INSYNC.
	Records map[string]*recordSet // by recordSet.key
	Served  map[string]*recordSet
}

// A zoneVPC is a VPC in which a private zone is answered.
type zoneVPC struct{ ID, Region string }

// A dnsChange is a change batch on its way to the name servers.
type dnsChange struct {
	ID, Zone  string
	Comment   string
	Status    string // PENDING, INSYNC
	Submitted time.Time
	Puts      map[string]*recordSet // what the batch left under each key; nil: nothing
}

// item is the change as replies show it.
func (ch *dnsChange) item() M {
	m := M{"Id": "/change/" + ch.ID, "Status": ch.Status, "SubmittedAt": ch.Submitted}
	if ch.Comment != "" {
		m["Comment"] = ch.Comment
	}
	return m
}

func route53Operations() map[string]operation {
	return map[string]operation{
		"ListHostedZones":          listHostedZones,
		"ListHostedZonesByName":    listHostedZonesByName,
		"GetHostedZone":            getHostedZone,
		"CreateHostedZone":         createHostedZone,
		"DeleteHostedZone":         deleteHostedZone,
		"ListResourceRecordSets":   listResourceRecordSets,
		"ChangeResourceRecordSets": changeResourceRecordSets,
		"GetChange":                getChange,
		"ListTagsForResource":      listZoneTags,
		"ChangeTagsForResource":    changeZoneTags,
	}
}

func route53Events() map[string]eventHandler {
	return map[string]eventHandler{
		"route53.insync": func(s *Sim, e event) {
			if ch := s.accountOf(e.Account).DNS.Changes.get(e.ID); ch != nil {
				s.synchronise(s.accountOf(e.Account), ch)
			}
		},
	}
}

// synchronise lets name servers answer what a change says.
func (s *Sim) synchronise(a *account, ch *dnsChange) {
	ch.Status = "INSYNC"
	zone := a.DNS.Zones.get(ch.Zone)
	if zone == nil {
		return
	}
	for key, record := range ch.Puts {
		if record == nil {
			delete(zone.Served, key)
			continue
		}
		zone.Served[key] = record
	}
}

// addZone puts a hosted zone of the world file into an account.
func (s *Sim) addZone(accountID, id string, from WorldZone) error {
	name, err := domainName(from.Name)
	if err != nil {
		return err
	}
	zone := s.newZone(id, name)
	zone.Private = from.Private
	zone.CallerReference = "world-" + id
	for _, r := range from.Records {
		record, err := worldRecord(name, r)
		if err != nil {
			return err
		}
		zone.Records[record.key()] = record
	}
	zone.Served = maps.Clone(zone.Records)
	s.accountOf(accountID).DNS.Zones.put(id, zone)
	return nil
}

// newZone makes a zone with the records that Route 53 itself puts there.
func (s *Sim) newZone(id, name string) *hostedZone {
	zone := &hostedZone{ID: id, Name: name, Tags: tags{}, Records: map[string]*recordSet{}}
	digits := s.newHex(4)
	for i, domain := range []string{"com", "net", "org", "co.uk"} {
		zone.NameServers = append(zone.NameServers, "ns-"+strconv.Itoa(512*i+int(digits[i]))+".awsdns-"+digits[:2]+"."+domain)
	}
	ns := &recordSet{Name: name, Type: "NS", TTL: new(int64(172800))}
	for _, server := range zone.NameServers {
		ns.Values = append(ns.Values, server+".")
	}
	soa := &recordSet{Name: name, Type: "SOA", TTL: new(int64(900)), Values: []string{
		zone.NameServers[0] + ". awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400",
	}}
	zone.Records[ns.key()], zone.Records[soa.key()] = ns, soa
	zone.Served = maps.Clone(zone.Records)
	return zone
}

func hostedZoneID(given string) string { return strings.TrimPrefix(given, "/hostedzone/") }

// zoneFor finds the zone that an operation names. A zone of another account
// is refused differently from one that does not exist.
func (c *call) zoneFor(given string) (*hostedZone, error) {
	id := hostedZoneID(given)
	if zone := c.dns().Zones.get(id); zone != nil {
		return zone, nil
	}
	for _, a := range c.sim.accounts() {
		if a.DNS.Zones.has(id) {
			return nil, &Error{Code: "AccessDenied", Status: 403,
				Message: "User: " + c.principal + " is not authorized to access this resource"}
		}
	}
	return nil, &Error{Code: "NoSuchHostedZone", Status: 404, Message: "No hosted zone found with ID: " + id}
}

func (c *call) dns() *hostedZones { return &c.sim.accountOf(c.account).DNS }

// item is the zone as replies show it.
func (z *hostedZone) item() M {
	config := M{"PrivateZone": z.Private}
	if z.Comment != "" {
		config["Comment"] = z.Comment
	}
	return M{
		"Id":                     "/hostedzone/" + z.ID,
		"Name":                   z.Name,
		"CallerReference":        z.CallerReference,
		"Config":                 config,
		"ResourceRecordSetCount": int64(len(z.Records)),
	}
}

// delegation adds the name servers, which only public zones have.
func (z *hostedZone) delegation(m M) M {
	if !z.Private {
		m["DelegationSet"] = M{"NameServers": list(z.NameServers)}
	}
	return m
}

func (v zoneVPC) item() M { return M{"VPCId": v.ID, "VPCRegion": v.Region} }

func getHostedZone(c *call) (M, error) {
	zone, err := c.zoneFor(c.in.str("Id"))
	if err != nil {
		return nil, err
	}
	reply := M{"HostedZone": zone.item()}
	if zone.Private {
		reply["VPCs"] = listBy(zone.VPCs, zoneVPC.item)
	}
	return zone.delegation(reply), nil
}

func createHostedZone(c *call) (M, error) {
	name, err := domainName(c.in.str("Name"))
	if err != nil {
		return nil, err
	}
	for _, z := range c.dns().Zones.all() {
		if z.CallerReference == c.in.str("CallerReference") {
			return nil, &Error{Code: "HostedZoneAlreadyExists", Status: 409,
				Message: "A hosted zone has already been created with the specified caller reference."}
		}
	}
	if len(c.dns().Zones.Order) >= c.quota("hostedZonesPerAccount") {
		return nil, refuse("TooManyHostedZones", "Limits Exceeded: MAX_HOSTED_ZONES_BY_OWNER - Cannot create more hosted zones.")
	}
	vpcs, err := c.wantedZoneVPCs(name)
	if err != nil {
		return nil, err
	}
	config := c.in.sub("HostedZoneConfig")
	if config.flag("PrivateZone") && len(vpcs) == 0 {
		return nil, refuse("InvalidInput", "When you're creating a private hosted zone (when you specify true for PrivateZone), you must also specify values for VPCId and VPCRegion.")
	}
	zone := c.sim.newZone("Z"+strings.ToUpper(c.newHex(20)), name)
	zone.CallerReference, zone.Comment = c.in.str("CallerReference"), config.str("Comment")
	zone.VPCs, zone.Private = vpcs, len(vpcs) > 0
	c.dns().Zones.put(zone.ID, zone)
	reply := M{
		"HostedZone": zone.item(),
		"ChangeInfo": c.submit(&dnsChange{Zone: zone.ID}).item(),
		"Location":   "https://route53.amazonaws.com/2013-04-01/hostedzone/" + zone.ID,
	}
	if zone.Private {
		reply["VPC"] = zone.VPCs[0].item()
	}
	return zone.delegation(reply), nil
}

func (c *call) wantedZoneVPCs(name string) ([]zoneVPC, error) {
	in := c.in.sub("VPC")
	if in == nil {
		return nil, nil
	}
	v := zoneVPC{ID: in.str("VPCId"), Region: in.str("VPCRegion")}
	if c.cellOf(c.account, v.Region).Network.Vpcs.get(v.ID) == nil {
		return nil, refuse("InvalidVPCId", "The VPC ID '%s' is not valid in region '%s'", v.ID, v.Region)
	}
	for _, z := range c.dns().Zones.all() {
		if z.Name == name && slices.Contains(z.VPCs, v) {
			return nil, refuse("ConflictingDomainExists",
				"The VPC %s in region %s has already been associated with the hosted zone %s with the same domain name.", v.ID, v.Region, z.ID)
		}
	}
	return []zoneVPC{v}, nil
}

func deleteHostedZone(c *call) (M, error) {
	zone, err := c.zoneFor(c.in.str("Id"))
	if err != nil {
		return nil, err
	}
	for _, r := range zone.Records {
		if !r.apex(zone) {
			return nil, refuse("HostedZoneNotEmpty", "The specified hosted zone contains non-required resource record sets  and so cannot be deleted.")
		}
	}
	c.dns().Zones.drop(zone.ID)
	return M{"ChangeInfo": c.submit(&dnsChange{Zone: zone.ID}).item()}, nil
}

// submit gives a change its id and sends it to the name servers.
func (c *call) submit(ch *dnsChange) *dnsChange {
	ch.ID = "C" + strings.ToUpper(c.newHex(20))
	ch.Status, ch.Submitted = "PENDING", c.now
	c.dns().Changes.put(ch.ID, ch)
	if d := c.latency("dnsSync"); d > 0 {
		c.at(d, "route53.insync", c.account, c.region, ch.ID)
		return ch
	}
	c.sim.synchronise(c.sim.accountOf(c.account), ch)
	return ch
}

func getChange(c *call) (M, error) {
	id := strings.TrimPrefix(c.in.str("Id"), "/change/")
	ch := c.dns().Changes.get(id)
	if ch == nil {
		return nil, &Error{Code: "NoSuchChange", Status: 404, Message: "Could not find resource with ID: " + id}
	}
	return M{"ChangeInfo": ch.item()}, nil
}
