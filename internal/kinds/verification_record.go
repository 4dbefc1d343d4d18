package kinds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// verificationRecord is the token in the public DNS that proves a private DNS
// name. It is a value among others in a TXT record set: Route 53 keeps one
// set per name, and others may have theirs in it. Ours are known by a claim
// that stands beside them.
func verificationRecord() Def[recordSpec] {
	return Def[recordSpec]{
		Name:    "verification-record",
		Trait:   planner.Trait{Rank: 90, Shared: true},
		Marks:   recordMarks(),
		Reads:   []string{"route53:ListResourceRecordSets", "route53:GetChange"},
		Writes:  []string{"route53:ChangeResourceRecordSets"},
		Want:    wantRecords,
		List:    listRecords,
		Create:  createRecord,
		Update:  updateRecord,
		Delete:  deleteRecord,
		Settled: settledRecords,
	}
}

type recordSpec struct {
	Zone  string        `json:"zone" plan:"replace"` // the hosted zone's id
	Name  planner.Value `json:"name" plan:"replace"`
	Value planner.Value `json:"value" plan:"changes=value"`
}

// recordTTL is what a new record set gets, in seconds: what AWS suggests for
// verification records. One that stands keeps its own, whoever chose it.
// https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
const recordTTL = 1800

func wantRecords(f *schema.Fleet, _ planner.State) []Item[recordSpec] {
	var items []Item[recordSpec]
	for s := range services(f) {
		if s.PrivateDNS == nil {
			continue
		}
		items = append(items, Item[recordSpec]{
			Resource: planner.Resource{Addr: addrRecord(f, s), Group: groupOf(s, nil), Origin: s.PrivateDNS.Pos.Short()},
			Spec: recordSpec{
				Zone:  f.Zones[s.PrivateDNS.Zone].ID,
				Name:  planner.Ref(addrPrivateName(s), "recordName"),
				Value: planner.Ref(addrPrivateName(s), "recordValue"),
			},
		})
	}
	return items
}

// listRecords goes through the fleet's zones whole: Route 53 finds no record
// by its value.
func listRecords(ctx context.Context, p *Place) ([]Item[recordSpec], error) {
	var items []Item[recordSpec]
	for _, zone := range p.Zones {
		if err := p.eachRecordSet(ctx, zone, func(set dnstypes.ResourceRecordSet) {
			items = append(items, recordItems(p, zone, set)...)
		}); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// eachRecordSet pages by name, type and identifier of the next record set.
func (p *Place) eachRecordSet(ctx context.Context, zone string, do func(dnstypes.ResourceRecordSet)) error {
	in := &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String(zone), MaxItems: aws.Int32(300)}
	for {
		out, err := p.Route53.ListResourceRecordSets(ctx, in)
		if err != nil {
			return err
		}
		for _, set := range out.ResourceRecordSets {
			do(set)
		}
		if !out.IsTruncated {
			return nil
		}
		in.StartRecordName, in.StartRecordType, in.StartRecordIdentifier = out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier
	}
}

// recordItems are the fleet's records in a set.
func recordItems(p *Place, zone string, set dnstypes.ResourceRecordSet) []Item[recordSpec] {
	if set.Type != dnstypes.RRTypeTxt {
		return nil
	}
	present := txtValues(set)
	var items []Item[recordSpec]
	name := canonicalName(aws.ToString(set.Name))
	for _, c := range append(claimsOf(p.Fleet, present), p.assumedClaims(zone, name, present)...) {
		addr, err := planner.ParsePath(c.address, p.Place.Place)
		if err != nil || addr.Kind != "verification-record" {
			continue
		}
		if !holds(present, c.token) {
			c.token = "" // somebody took it out and left the claim
		}
		made := recordMade(addr, zone, name, c.token)
		items = append(items, Item[recordSpec]{
			Resource: planner.Resource{Addr: addr, Group: groupFromName(addr), ID: made.ID, Outputs: made.Outputs},
			Spec:     recordSpec{Zone: zone, Name: planner.Known(name), Value: planner.Known(c.token)},
		})
	}
	return items
}

// recordMade has the service's name in the id, because one record set may
// hold the tokens of several services.
func recordMade(addr planner.Addr, zone, name, value string) applier.Made {
	id := zone + "/" + name + "/" + addr.Name
	return applier.Made{ID: id, Outputs: planner.Outputs{"id": id, "name": name, "value": value}}
}

func txtValues(set dnstypes.ResourceRecordSet) []string {
	var vs []string
	for _, r := range set.ResourceRecords {
		vs = append(vs, aws.ToString(r.Value))
	}
	return vs
}

func createRecord(ctx context.Context, p *Place, want Item[recordSpec]) (applier.Made, error) {
	c := claim{p.Fleet, want.Addr.Path(), want.Spec.Value.Known}
	change, err := p.changeRecord(ctx, want.Spec, func(present []string) []string { return assert(c, present) })
	name := canonicalName(want.Spec.Name.Known)
	made := recordMade(want.Addr, want.Spec.Zone, name, want.Spec.Value.Known)
	if change != "" {
		made.Outputs["change"] = change
	}
	return made, err
}

func updateRecord(ctx context.Context, p *Place, _, want Item[recordSpec]) (applier.Made, error) {
	return createRecord(ctx, p, want)
}

func deleteRecord(ctx context.Context, p *Place, was Item[recordSpec]) error {
	_, err := p.changeRecord(ctx, was.Spec, func(present []string) []string {
		return release(p.Fleet, was.Addr.Path(), present)
	})
	return unlessGone(err)
}

// changeRecord changes the values of a record set in one transaction: the set
// exactly as it was read is deleted and the new one made, so that nothing
// happens, rather than a loss, if somebody else changed it in between. It
// gives the id of the change; none if there is nothing to change.
func (p *Place) changeRecord(ctx context.Context, spec recordSpec, edit func([]string) []string) (change string, err error) {
	name := canonicalName(spec.Name.Known)
	old, err := p.recordSet(ctx, spec.Zone, name)
	if err != nil {
		return "", err
	}
	changes := recordChanges(name, old, edit)
	if len(changes) == 0 {
		return "", nil
	}
	out, err := p.Route53.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(spec.Zone),
		ChangeBatch:  &dnstypes.ChangeBatch{Comment: aws.String("linkfleet " + p.Fleet), Changes: changes},
	})
	if err != nil {
		return "", p.overtaken(ctx, spec.Zone, name, old, err)
	}
	if out.ChangeInfo == nil {
		return "", nil
	}
	return aws.ToString(out.ChangeInfo.Id), nil
}

// overtaken marks a refusal as passing by itself if the record set has been
// changed since it was read.
func (p *Place) overtaken(ctx context.Context, zone, name string, old *dnstypes.ResourceRecordSet, refusal error) error {
	if awsapi.Code(refusal) != "InvalidChangeBatch" {
		return refusal
	}
	now, err := p.recordSet(ctx, zone, name)
	if err != nil {
		return errors.Join(refusal, err)
	}
	if sameRecordSet(old, now) {
		return refusal
	}
	return applier.Busy{Err: fmt.Errorf("the TXT record %s was changed by somebody else meanwhile: %w", name, refusal)}
}

func sameRecordSet(a, b *dnstypes.ResourceRecordSet) bool {
	if a == nil || b == nil {
		return a == b
	}
	return aws.ToInt64(a.TTL) == aws.ToInt64(b.TTL) && sameTexts(txtValues(*a), txtValues(*b))
}

// sameTexts compares values as DNS does: their order means nothing.
func sameTexts(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// recordSet reads the TXT record set of a name, nil if there is none.
func (p *Place) recordSet(ctx context.Context, zone, name string) (*dnstypes.ResourceRecordSet, error) {
	out, err := p.Route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(zone), StartRecordName: aws.String(name),
		StartRecordType: dnstypes.RRTypeTxt, MaxItems: aws.Int32(1),
	})
	if err != nil {
		return nil, err
	}
	for _, set := range out.ResourceRecordSets {
		if set.Type != dnstypes.RRTypeTxt || canonicalName(aws.ToString(set.Name)) != name {
			continue
		}
		if set.SetIdentifier != nil || set.AliasTarget != nil {
			return nil, fmt.Errorf("the TXT record %s in zone %s has a routing policy or is an alias; make it a plain one to have a token added", name, zone)
		}
		return &set, nil
	}
	return nil, nil
}

// recordChanges are what turns a record set into one with edited values.
func recordChanges(name string, old *dnstypes.ResourceRecordSet, edit func([]string) []string) []dnstypes.Change {
	var changes []dnstypes.Change
	var present []string
	ttl := int64(recordTTL)
	if old != nil {
		present = txtValues(*old)
		changes = append(changes, dnstypes.Change{Action: dnstypes.ChangeActionDelete, ResourceRecordSet: old})
		ttl = aws.ToInt64(old.TTL)
	}
	edited := edit(present)
	if old != nil && sameTexts(edited, present) {
		return nil
	}
	if len(edited) > 0 {
		set := &dnstypes.ResourceRecordSet{Name: aws.String(name), Type: dnstypes.RRTypeTxt, TTL: aws.Int64(ttl)}
		for _, v := range edited {
			set.ResourceRecords = append(set.ResourceRecords, dnstypes.ResourceRecord{Value: aws.String(v)})
		}
		changes = append(changes, dnstypes.Change{Action: dnstypes.ChangeActionCreate, ResourceRecordSet: set})
	}
	return changes
}

// settledRecords waits until all of Route 53's name servers have the change.
// A record that was not changed has none to wait for.
func settledRecords(ctx context.Context, p *Place, items []Item[recordSpec]) ([]applier.Status, error) {
	found, err := readEach(ctx, items, func(ctx context.Context, it Item[recordSpec]) (applier.Status, error) {
		return p.changeStatus(ctx, it.Outputs["change"])
	})
	if err != nil {
		return nil, err
	}
	sts := repeat(applier.Status{Readiness: applier.Ready}, len(items))
	for i, st := range found {
		if st != nil {
			sts[i] = *st
		}
	}
	return sts, nil
}

func (p *Place) changeStatus(ctx context.Context, change string) (applier.Status, error) {
	if change == "" {
		return applier.Status{Readiness: applier.Ready}, nil
	}
	out, err := p.Route53.GetChange(ctx, &route53.GetChangeInput{Id: aws.String(change)})
	if err != nil {
		return applier.Status{}, err
	}
	if out.ChangeInfo == nil {
		return applier.Status{Readiness: applier.Ready}, nil
	}
	st := applier.Status{Readiness: applier.Waiting, Reason: string(out.ChangeInfo.Status)}
	if strings.EqualFold(st.Reason, string(dnstypes.ChangeStatusInsync)) {
		st.Readiness = applier.Ready
	}
	return st, nil
}
