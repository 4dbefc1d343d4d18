package awssim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// txt is a change of a TXT record set.
func txt(action types.ChangeAction, name string, ttl int64, values ...string) types.Change {
	set := &types.ResourceRecordSet{Name: &name, Type: types.RRTypeTxt, TTL: &ttl}
	for _, v := range values {
		set.ResourceRecords = append(set.ResourceRecords, types.ResourceRecord{Value: &v})
	}
	return types.Change{Action: action, ResourceRecordSet: set}
}

func (s *stage) change(changes ...types.Change) (*types.ChangeInfo, error) {
	out, err := s.route53(dnsOwner).ChangeResourceRecordSets(s.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String("Z0EXAMPLE"), ChangeBatch: &types.ChangeBatch{Changes: changes},
	})
	if err != nil {
		return nil, err
	}
	return out.ChangeInfo, nil
}

// records lists the zone's record sets as "NAME TYPE".
func (s *stage) records() []string {
	s.Helper()
	out, err := s.route53(dnsOwner).ListResourceRecordSets(s.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String("Z0EXAMPLE")})
	var names []string
	for _, r := range must(s, out, err).ResourceRecordSets {
		names = append(names, *r.Name+" "+string(r.Type))
	}
	return names
}

// lookup asks the public DNS at the present time.
func (s *stage) lookup(name string) []string {
	s.sim.mu.Lock()
	defer s.sim.mu.Unlock()
	s.sim.catchUp()
	return s.sim.publicTXT(name)
}

const zoneOfStage = "payments.example.com"

// Name servers answer a record only when its change is INSYNC, though lists
// show it at once.
func TestRecordChangeReachesNameServers(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		name := "_abc.fraud." + zoneOfStage
		info := try(s.change(txt(types.ChangeActionCreate, name, 1800, `"vpce:one"`, `"other" " half"`))).must(s)
		if info.Status != types.ChangeStatusPending || !strings.HasPrefix(*info.Id, "/change/C") {
			t.Errorf("change %+v", info)
		}
		if got := s.records(); !slices.Contains(got, name+". TXT") {
			t.Errorf("records %v lack the new one", got)
		}
		if got := s.lookup(name); got != nil {
			t.Errorf("name servers answer %q before INSYNC", got)
		}
		s.pass(30 * time.Second)
		out, err := s.route53(dnsOwner).GetChange(s.Context(), &route53.GetChangeInput{Id: info.Id})
		if got := must(s, out, err).ChangeInfo.Status; got != types.ChangeStatusInsync {
			t.Errorf("after 30 s the change is %s", got)
		}
		if got := s.lookup(strings.ToUpper(name) + "."); !slices.Equal(got, []string{"vpce:one", "other half"}) {
			t.Errorf("name servers answer %q", got)
		}
		try(s.change(txt(types.ChangeActionDelete, name, 1800, `"other" " half"`, `"vpce:one"`))).must(s)
		s.pass(30 * time.Second)
		if got := s.lookup(name); got != nil {
			t.Errorf("name servers answer %q after the deletion", got)
		}
		_, err = s.route53(dnsOwner).GetChange(s.Context(), &route53.GetChangeInput{Id: aws.String("C0NONE")})
		s.refused(err, "NoSuchChange", "")
	})
}

func TestChangeBatchRefusals(t *testing.T) {
	const name = "x." + zoneOfStage
	cname := func(name string) types.Change {
		c := txt(types.ChangeActionCreate, name, 300, "target.example.com")
		c.ResourceRecordSet.Type = types.RRTypeCname
		return c
	}
	bare := txt(types.ChangeActionCreate, name, 300, `"1"`)
	bare.ResourceRecordSet.TTL = nil
	tests := []struct {
		changes    []types.Change
		code, text string
	}{
		{[]types.Change{txt(types.ChangeActionCreate, "have."+zoneOfStage, 300, `"1"`)}, "InvalidChangeBatch",
			"[Tried to create resource record set [name='have.payments.example.com.', type='TXT'] but it already exists]"},
		{[]types.Change{txt(types.ChangeActionDelete, name, 300, `"1"`)}, "InvalidChangeBatch",
			"[Tried to delete resource record set [name='x.payments.example.com.', type='TXT'] but it was not found]"},
		{[]types.Change{txt(types.ChangeActionDelete, "have."+zoneOfStage, 300, `"2"`)}, "InvalidChangeBatch",
			"but the values provided do not match the current values]"},
		{[]types.Change{txt(types.ChangeActionDelete, "have."+zoneOfStage, 301, `"1"`)}, "InvalidChangeBatch", "do not match the current values"},
		{[]types.Change{txt(types.ChangeActionCreate, "x.example.org", 300, `"1"`)}, "InvalidChangeBatch",
			"[RRSet with DNS name x.example.org. is not permitted in zone payments.example.com.]"},
		{[]types.Change{txt(types.ChangeActionCreate, name, 300, `bare`)}, "InvalidChangeBatch", "Value should be enclosed in quotation marks"},
		{[]types.Change{txt(types.ChangeActionCreate, name, 300, `"`+strings.Repeat("x", 256)+`"`)}, "InvalidChangeBatch", "CharacterStringTooLong"},
		{[]types.Change{txt(types.ChangeActionCreate, name, 300, `"1"`, `"1"`)}, "InvalidChangeBatch", "Duplicate Resource Record"},
		{[]types.Change{cname(zoneOfStage)}, "InvalidChangeBatch", "not permitted at apex"},
		{[]types.Change{cname("have." + zoneOfStage)}, "InvalidChangeBatch", "conflicts with other records"},
		{[]types.Change{txt(types.ChangeActionUpsert, name, 300, `"1"`), txt(types.ChangeActionUpsert, name, 300, `"2"`)}, "InvalidChangeBatch", "invalid set of changes"},
		{[]types.Change{bare}, "InvalidInput", "Missing field 'TTL' in Change with [Action=CREATE, Name=x.payments.example.com, Type=TXT"},
		{[]types.Change{txt(types.ChangeActionUpsert, name, 300, values(501)...)}, "InvalidChangeBatch", "Number of records limit of 1000 exceeded"},
	}
	onStage(t, nil, func(s *stage) {
		try(s.change(txt(types.ChangeActionCreate, "have."+zoneOfStage, 300, `"1"`))).must(s)
		before := s.records()
		for _, test := range tests {
			// A good change before the bad one must not happen either.
			_, err := s.change(append([]types.Change{txt(types.ChangeActionCreate, "good."+zoneOfStage, 300, `"1"`)}, test.changes...)...)
			s.refused(err, test.code, test.text)
			if after := s.records(); !slices.Equal(before, after) {
				t.Errorf("%s: a refused batch left %v", test.text, after)
			}
		}
		_, err := s.route53(provider).ListResourceRecordSets(s.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String("Z0EXAMPLE")})
		s.refused(err, "AccessDenied", "is not authorized to access this resource")
		_, err = s.route53(dnsOwner).ListResourceRecordSets(s.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String("Z0OTHER")})
		s.refused(err, "NoSuchHostedZone", "No hosted zone found with ID: Z0OTHER")
	})
}

func values(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%q", fmt.Sprint(i))
	}
	return out
}

// In one batch a record set may go and come anew.
func TestReplaceInOneBatch(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		const name = "x." + zoneOfStage
		try(s.change(txt(types.ChangeActionCreate, name, 300, `"old"`))).must(s)
		try(s.change(txt(types.ChangeActionDelete, name, 300, `"old"`), txt(types.ChangeActionCreate, name, 60, `"new"`))).must(s)
		s.pass(time.Minute)
		if got := s.lookup(name); !slices.Equal(got, []string{"new"}) {
			t.Errorf("name servers answer %q", got)
		}
	})
}

// Lists go by the labels in reverse, and pages by name and type.
func TestListResourceRecordSets(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		for _, name := range []string{"b.a.", "a.b.", "a-x.", "*.", "a."} {
			try(s.change(txt(types.ChangeActionCreate, name+zoneOfStage, 300, `"1"`))).must(s)
		}
		want := []string{
			"payments.example.com. NS", "payments.example.com. SOA",
			`\052.payments.example.com. TXT`, "a-x.payments.example.com. TXT", "a.payments.example.com. TXT",
			"b.a.payments.example.com. TXT", "a.b.payments.example.com. TXT", "www.payments.example.com. A",
		}
		if got := s.records(); !slices.Equal(got, want) {
			t.Errorf("order\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		var got []string
		pages := route53.NewListResourceRecordSetsPaginator(s.route53(dnsOwner), &route53.ListResourceRecordSetsInput{
			HostedZoneId: aws.String("/hostedzone/Z0EXAMPLE"), MaxItems: aws.Int32(3),
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(s.Context())
			for _, r := range must(s, out, err).ResourceRecordSets {
				got = append(got, *r.Name+" "+string(r.Type))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of 3 give %v", got)
		}
		_, err := s.route53(dnsOwner).ListResourceRecordSets(s.Context(), &route53.ListResourceRecordSetsInput{
			HostedZoneId: aws.String("Z0EXAMPLE"), StartRecordType: types.RRTypeTxt,
		})
		s.refused(err, "InvalidInput", "")
	})
}

func TestHostedZones(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		client := s.route53(dnsOwner)
		create := func(name, reference string) (*route53.CreateHostedZoneOutput, error) {
			return client.CreateHostedZone(s.Context(), &route53.CreateHostedZoneInput{Name: &name, CallerReference: &reference})
		}
		made := try(create("Example.ORG", "once")).must(s)
		id := made.HostedZone.Id
		if *made.HostedZone.Name != "example.org." || !strings.HasPrefix(*id, "/hostedzone/Z") || len(made.DelegationSet.NameServers) != 4 {
			t.Errorf("zone %+v with servers %v", made.HostedZone, made.DelegationSet)
		}
		_, err := create("example.net", "once")
		s.refused(err, "HostedZoneAlreadyExists", "already been created with the specified caller reference")
		try(create("a.example.com", "twice")).must(s)

		byName, err := client.ListHostedZonesByName(s.Context(), &route53.ListHostedZonesByNameInput{DNSName: aws.String("payments.example.com"), MaxItems: aws.Int32(1)})
		if zones := must(s, byName, err).HostedZones; len(zones) != 1 || *zones[0].Name != "payments.example.com." || *byName.NextDNSName != "example.org." {
			t.Errorf("from payments.example.com: %+v, then %v", zones, aws.ToString(byName.NextDNSName))
		}
		all, err := client.ListHostedZones(s.Context(), &route53.ListHostedZonesInput{MaxItems: aws.Int32(2)})
		if must(s, all, err); len(all.HostedZones) != 2 || !all.IsTruncated {
			t.Errorf("first page: %d zones, truncated %v", len(all.HostedZones), all.IsTruncated)
		}
		rest, err := client.ListHostedZones(s.Context(), &route53.ListHostedZonesInput{Marker: all.NextMarker})
		if must(s, rest, err); len(rest.HostedZones) != 1 || rest.IsTruncated {
			t.Errorf("second page: %d zones, truncated %v", len(rest.HostedZones), rest.IsTruncated)
		}
		_, err = client.DeleteHostedZone(s.Context(), &route53.DeleteHostedZoneInput{Id: aws.String("Z0EXAMPLE")})
		s.refused(err, "HostedZoneNotEmpty", "non-required resource record sets")
		_, err = client.DeleteHostedZone(s.Context(), &route53.DeleteHostedZoneInput{Id: id})
		must(s, 0, err)
		_, err = client.GetHostedZone(s.Context(), &route53.GetHostedZoneInput{Id: id})
		s.refused(err, "NoSuchHostedZone", "")
	})
}

func TestPrivateZoneIsNotPublic(t *testing.T) {
	private := func(w *World) {
		account := w.Accounts[provider]
		account.HostedZones = map[string]WorldZone{"Z0PRIVATE": {
			Name: "fraud.payments.example.com", Private: true,
			Records: []WorldRecord{{Name: "x.fraud.payments.example.com", Type: "TXT", Values: []string{`"private"`}}},
		}}
		w.Accounts[provider] = account
	}
	onStage(t, private, func(s *stage) {
		if got := s.lookup("x.fraud.payments.example.com"); got != nil {
			t.Errorf("the public DNS answers %q", got)
		}
	})
}

// Wildcards answer for names that do not exist, and CNAMEs are followed.
func TestPublicTXT(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		alias := txt(types.ChangeActionCreate, "alias."+zoneOfStage, 300, "x.star."+zoneOfStage+".")
		alias.ResourceRecordSet.Type = types.RRTypeCname
		try(s.change(
			txt(types.ChangeActionCreate, "*.star."+zoneOfStage, 300, `"star"`),
			txt(types.ChangeActionCreate, "deep.have.star."+zoneOfStage, 300, `"deep"`),
			alias,
		)).must(s)
		s.pass(time.Minute)
		for name, want := range map[string][]string{
			"any.star." + zoneOfStage:       {"star"},
			"have.star." + zoneOfStage:      nil, // exists, for something is below it
			"deep.have.star." + zoneOfStage: {"deep"},
			"alias." + zoneOfStage:          {"star"},
			"www." + zoneOfStage:            nil,
			"no." + zoneOfStage:             nil,
			"no.example.invalid":            nil,
		} {
			if got := s.lookup(name); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})
}

func TestZoneTags(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		change := func(in *route53.ChangeTagsForResourceInput) error {
			in.ResourceType, in.ResourceId = types.TagResourceTypeHostedzone, aws.String("Z0EXAMPLE")
			_, err := s.route53(dnsOwner).ChangeTagsForResource(s.Context(), in)
			return err
		}
		must(s, 0, change(&route53.ChangeTagsForResourceInput{AddTags: []types.Tag{
			{Key: aws.String("team"), Value: aws.String("dns")}, {Key: aws.String("env"), Value: aws.String("prod")},
		}}))
		must(s, 0, change(&route53.ChangeTagsForResourceInput{RemoveTagKeys: []string{"env"}}))
		out, err := s.route53(dnsOwner).ListTagsForResource(s.Context(), &route53.ListTagsForResourceInput{
			ResourceType: types.TagResourceTypeHostedzone, ResourceId: aws.String("Z0EXAMPLE"),
		})
		if got := must(s, out, err).ResourceTagSet.Tags; len(got) != 1 || *got[0].Key != "team" || *got[0].Value != "dns" {
			t.Errorf("tags %+v", got)
		}
		s.refused(change(&route53.ChangeTagsForResourceInput{}), "InvalidInput", "at least one")
	})
}

func TestCreatePrivateZone(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		create := func(reference, vpc string) (*route53.CreateHostedZoneOutput, error) {
			return s.route53(provider).CreateHostedZone(s.Context(), &route53.CreateHostedZoneInput{
				Name: aws.String("internal.example.com"), CallerReference: &reference,
				VPC: &types.VPC{VPCId: &vpc, VPCRegion: types.VPCRegionUsEast1},
			})
		}
		made := try(create("1", vpcA)).must(s)
		if !made.HostedZone.Config.PrivateZone || *made.VPC.VPCId != vpcA || made.DelegationSet != nil {
			t.Errorf("zone %+v in %+v", made.HostedZone.Config, made.VPC)
		}
		_, err := create("2", vpcA)
		s.refused(err, "ConflictingDomainExists", vpcA)
		_, err = create("3", "vpc-0dead00000000beef")
		s.refused(err, "InvalidVPCId", "vpc-0dead00000000beef")
		try(create("4", vpcB)).must(s)
		got, err := s.route53(provider).GetHostedZone(s.Context(), &route53.GetHostedZoneInput{Id: made.HostedZone.Id})
		if must(s, got, err); len(got.VPCs) != 1 || *got.VPCs[0].VPCId != vpcA {
			t.Errorf("VPCs %+v", got.VPCs)
		}
	})
}

// Aliases and records with a routing policy are kept, and deleted by what they
// say.
func TestAliasAndWeightedRecords(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		alias := types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
			Name: aws.String("api." + zoneOfStage), Type: types.RRTypeA,
			AliasTarget: &types.AliasTarget{DNSName: aws.String("vpce-1.example.com"), HostedZoneId: aws.String("Z7HUB22UULQXV")},
		}}
		weighted := txt(types.ChangeActionCreate, "w."+zoneOfStage, 60, `"1"`)
		weighted.ResourceRecordSet.Weight = aws.Int64(10)
		_, err := s.change(weighted)
		s.refused(err, "InvalidInput", "Missing field 'SetIdentifier'")
		weighted.ResourceRecordSet.SetIdentifier = aws.String("first")
		try(s.change(alias, weighted)).must(s)

		alias.Action, weighted.Action = types.ChangeActionDelete, types.ChangeActionDelete
		alias.ResourceRecordSet.AliasTarget.EvaluateTargetHealth = true
		_, err = s.change(alias)
		s.refused(err, "InvalidChangeBatch", "do not match the current values")
		alias.ResourceRecordSet.AliasTarget.EvaluateTargetHealth = false
		try(s.change(alias, weighted)).must(s)
		if got := s.records(); len(got) != 3 {
			t.Errorf("records %v", got)
		}
	})
}

func TestDomainName(t *testing.T) {
	for given, want := range map[string]string{
		"Example.COM":         "example.com.",
		"example.com.":        "example.com.",
		"*.example.com":       `\052.example.com.`,
		`\052.example.com`:    `\052.example.com.`,
		"a b.example.com":     `a\040b.example.com.`,
		"_vpce-x.example.com": "_vpce-x.example.com.",
	} {
		if got, err := domainName(given); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", given, got, err, want)
		}
	}
	for _, given := range []string{"", ".", "a..b", strings.Repeat("x", 64) + ".com", strings.Repeat("abcdefg.", 32) + "com"} {
		if got, err := domainName(given); err == nil {
			t.Errorf("%q: %s, want a refusal", given, got)
		}
	}
}

// A zone keeps its own NS and SOA records.
func TestApexRecordsStay(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		out, err := s.route53(dnsOwner).ListResourceRecordSets(s.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String("Z0EXAMPLE")})
		for i, text := range []string{"at least one NS record", "exactly one SOA record"} {
			record := must(s, out, err).ResourceRecordSets[i]
			_, err := s.change(types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: &record})
			s.refused(err, "InvalidChangeBatch", text)
		}
	})
}
