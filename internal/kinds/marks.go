package kinds

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
)

// A Mark is what an object shows of whose it is. The zero Mark is of an
// object that shows nothing.
type Mark struct {
	Fleet string
	Path  string // of the address
}

// marks are how one sort of objects shows whose they are: by tags, or by a
// claim where AWS has no tags. Setting and clearing them changes nothing else.
type marks struct {
	Reads, Writes []string // IAM actions

	// read gives the marks of those objects that show any, by id.
	read  func(ctx context.Context, p *Place, ids []string) (map[string]Mark, error)
	set   func(ctx context.Context, p *Place, id string, m Mark) error
	clear func(ctx context.Context, p *Place, id string, m Mark) error
}

// pairs are a mark's tags. Name is not among them: what stands keeps its own.
func (m Mark) pairs() [][2]string { return [][2]string{{TagFleet, m.Fleet}, {TagAddress, m.Path}} }

// ec2Marks are the tags of EC2's objects.
func ec2Marks() *marks {
	return &marks{
		Reads: []string{"ec2:DescribeTags"}, Writes: []string{"ec2:CreateTags", "ec2:DeleteTags"},
		read: readEC2Marks,
		set: func(ctx context.Context, p *Place, id string, m Mark) error {
			var tags []ec2types.Tag
			for _, kv := range m.pairs() {
				tags = append(tags, ec2types.Tag{Key: aws.String(kv[0]), Value: aws.String(kv[1])})
			}
			_, err := p.EC2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: tags})
			return err
		},
		clear: clearEC2Marks,
	}
}

// clearEC2Marks takes all tags of linkfleet's off, whatever else they note
// of the object. Values go along, so that a tag that somebody changed
// meanwhile stays.
func clearEC2Marks(ctx context.Context, p *Place, id string, _ Mark) error {
	out, err := p.EC2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []ec2types.Filter{{Name: aws.String("resource-id"), Values: []string{id}}}})
	if err != nil {
		return err
	}
	var ours []ec2types.Tag
	for _, t := range out.Tags {
		if strings.HasPrefix(aws.ToString(t.Key), tagPrefix) {
			ours = append(ours, ec2types.Tag{Key: t.Key, Value: t.Value})
		}
	}
	if len(ours) == 0 {
		return nil // without tags, DeleteTags would take all off
	}
	_, err = p.EC2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: ours})
	return err
}

// tagPrefix begins every tag of linkfleet's but Name.
const tagPrefix = "linkfleet:"

func readEC2Marks(ctx context.Context, p *Place, ids []string) (map[string]Mark, error) {
	found := map[string]Mark{}
	keys := []string{TagFleet, TagAddress}
	for _, batch := range batches(ids, filterValues-len(keys)) {
		pages := ec2.NewDescribeTagsPaginator(p.EC2, &ec2.DescribeTagsInput{MaxResults: aws.Int32(1000), Filters: []ec2types.Filter{
			{Name: aws.String("resource-id"), Values: batch},
			{Name: aws.String("key"), Values: keys},
		}})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, t := range page.Tags {
				id := aws.ToString(t.ResourceId)
				found[id] = found[id].with(aws.ToString(t.Key), aws.ToString(t.Value))
			}
		}
	}
	return found, nil
}

func (m Mark) with(key, value string) Mark {
	switch key {
	case TagFleet:
		m.Fleet = value
	case TagAddress:
		m.Path = value
	}
	return m
}

// elbMarks are the tags of Elastic Load Balancing's objects.
func elbMarks() *marks {
	return &marks{
		Reads:  []string{"elasticloadbalancing:DescribeTags"},
		Writes: []string{"elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"},
		read: func(ctx context.Context, p *Place, ids []string) (map[string]Mark, error) {
			described, err := p.elbTagsOf(ctx, ids)
			found := map[string]Mark{}
			for _, d := range described {
				tag := elbTag(d.Tags)
				if m := (Mark{tag(TagFleet), tag(TagAddress)}); m != (Mark{}) {
					found[aws.ToString(d.ResourceArn)] = m
				}
			}
			return found, err
		},
		set: func(ctx context.Context, p *Place, id string, m Mark) error {
			var tags []elbtypes.Tag
			for _, kv := range m.pairs() {
				tags = append(tags, elbtypes.Tag{Key: aws.String(kv[0]), Value: aws.String(kv[1])})
			}
			_, err := p.ELB.AddTags(ctx, &elb.AddTagsInput{ResourceArns: []string{id}, Tags: tags})
			return err
		},
		clear: func(ctx context.Context, p *Place, id string, _ Mark) error {
			_, err := p.ELB.RemoveTags(ctx, &elb.RemoveTagsInput{ResourceArns: []string{id}, TagKeys: []string{TagFleet, TagAddress}})
			return err
		},
	}
}

// snsMarks are the tags of topics.
func snsMarks() *marks {
	return &marks{
		Reads: []string{"sns:ListTagsForResource"}, Writes: []string{"sns:TagResource", "sns:UntagResource"},
		read: func(ctx context.Context, p *Place, ids []string) (map[string]Mark, error) {
			found := map[string]Mark{}
			for _, arn := range ids {
				out, err := p.SNS.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: aws.String(arn)})
				if unlessGone(err) != nil {
					return nil, err
				}
				if err != nil {
					continue
				}
				tag := snsTag(out.Tags)
				if m := (Mark{tag(TagFleet), tag(TagAddress)}); m != (Mark{}) {
					found[arn] = m
				}
			}
			return found, nil
		},
		set: func(ctx context.Context, p *Place, id string, m Mark) error {
			var tags []snstypes.Tag
			for _, kv := range m.pairs() {
				tags = append(tags, snstypes.Tag{Key: aws.String(kv[0]), Value: aws.String(kv[1])})
			}
			_, err := p.SNS.TagResource(ctx, &sns.TagResourceInput{ResourceArn: aws.String(id), Tags: tags})
			return err
		},
		clear: func(ctx context.Context, p *Place, id string, _ Mark) error {
			_, err := p.SNS.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: aws.String(id), TagKeys: []string{TagFleet, TagAddress}})
			return err
		},
	}
}

// recordMarks are the claims beside tokens in TXT records.
func recordMarks() *marks {
	return &marks{
		Reads: []string{"route53:ListResourceRecordSets"}, Writes: []string{"route53:ChangeResourceRecordSets"},
		read: readClaims,
		set: func(ctx context.Context, p *Place, id string, m Mark) error {
			zone, name, token := cutRecordID(id)
			c := claim{m.Fleet, m.Path, token}
			return p.editRecord(ctx, zone, name, func(present []string) []string {
				if !holds(present, token) {
					return present // what is not there cannot be claimed
				}
				return assert(c, present)
			})
		},
		clear: func(ctx context.Context, p *Place, id string, m Mark) error {
			zone, name, _ := cutRecordID(id)
			return p.editRecord(ctx, zone, name, func(present []string) []string { return disclaim(m.Fleet, m.Path, present) })
		},
	}
}

func (p *Place) editRecord(ctx context.Context, zone, name string, edit func([]string) []string) error {
	_, err := p.changeRecord(ctx, recordSpec{Zone: zone, Name: planner.Known(name)}, edit)
	return err
}

func readClaims(ctx context.Context, p *Place, ids []string) (map[string]Mark, error) {
	found := map[string]Mark{}
	for _, id := range ids {
		zone, name, token := cutRecordID(id)
		set, err := p.recordSet(ctx, zone, name)
		if err != nil {
			return nil, err
		}
		if set == nil {
			continue
		}
		if c, ok := holder(token, txtValues(*set)); ok {
			found[id] = Mark{c.fleet, c.address}
		}
	}
	return found, nil
}

// recordID names a token in a record without a claim: zone/name/token.
func recordID(zone, name, token string) string {
	return zone + "/" + canonicalName(name) + "/" + token
}

// cutRecordID reads what recordID wrote. Of a record that is claimed the last
// part is its service's name instead, see recordMade.
func cutRecordID(id string) (zone, name, token string) {
	zone, rest, _ := strings.Cut(id, "/")
	name, token, _ = strings.Cut(rest, "/")
	return zone, name, token
}

// Assume gives places that read the objects of those ids, as long as they
// show nobody's mark, as if they showed the addresses'.
func (ps *Places) Assume(objects map[planner.Addr]string) *Places {
	with := *ps
	with.assumed = map[planner.Place]map[string]planner.Addr{}
	for addr, id := range objects {
		if with.assumed[addr.Place] == nil {
			with.assumed[addr.Place] = map[string]planner.Addr{}
		}
		with.assumed[addr.Place][id] = addr
	}
	return &with
}

// whose is the address of an object by its marks, or what is assumed of one
// that shows none.
func (p *Place) whose(kind, id string, tag func(string) string) (planner.Addr, bool) {
	if addr, ok := p.assumed[id]; ok && addr.Kind == kind && tag(TagFleet) == "" {
		return addr, true
	}
	return p.addrOf(kind, tag)
}

// assumedIDs are the ids of what is assumed of a kind, sorted.
func (p *Place) assumedIDs(kind string) []string {
	var ids []string
	for id, addr := range p.assumed {
		if addr.Kind == kind {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// filterValues is how many values EC2 takes in a call, in all its filters.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html
const filterValues = 200

// candidates are the filters that between them find what whose may tell to be
// of a kind: by tag, and by id where something is assumed.
func (p *Place) candidates(kind, idFilter string) [][]ec2types.Filter {
	filters := [][]ec2types.Filter{p.ours()}
	for _, batch := range batches(p.assumedIDs(kind), filterValues) {
		filters = append(filters, []ec2types.Filter{{Name: aws.String(idFilter), Values: batch}})
	}
	return filters
}

// assumedClaims are the claims that are assumed on tokens in a record, as long
// as nobody claims them.
func (p *Place) assumedClaims(zone, name string, present []string) []claim {
	var cs []claim
	for _, id := range p.assumedIDs("verification-record") {
		z, n, token := cutRecordID(id)
		if z != zone || n != name || !holds(present, token) {
			continue
		}
		if _, held := holder(token, present); !held {
			cs = append(cs, claim{p.Fleet, p.assumed[id].Path(), token})
		}
	}
	return cs
}

// MarksItself tells whether objects of a kind show whose they are. Those of
// other kinds belong to whom their parents do.
func MarksItself(kind string) bool { return marksOf(kind) != nil }

func marksOf(kind string) *marks {
	for _, k := range All() {
		if k.Name == kind {
			return k.marks
		}
	}
	return nil
}

// MarkActions are the IAM actions that Marks, Mark and Unmark need, sorted.
func MarkActions() []string {
	actions := map[string]bool{}
	for _, k := range All() {
		if k.marks == nil {
			continue
		}
		for _, a := range slices.Concat(k.marks.Reads, k.marks.Writes) {
			actions[a] = true
		}
	}
	return slices.Sorted(maps.Keys(actions))
}

// Marks reads what marks objects show; those that show none, or do not exist,
// are not in the answer.
func (ps *Places) Marks(ctx context.Context, objects map[planner.Addr]string) (map[planner.Addr]Mark, error) {
	type lot struct {
		place planner.Place
		kind  string
	}
	lots := map[lot][]planner.Addr{}
	for addr := range objects {
		l := lot{addr.Place, addr.Kind}
		lots[l] = append(lots[l], addr)
	}
	found := map[planner.Addr]Mark{}
	for l, addrs := range lots {
		how := marksOf(l.kind)
		if how == nil {
			return nil, fmt.Errorf("%s: objects of this kind show no mark; they belong to whom their parents do", addrs[0])
		}
		p, err := ps.Open(ctx, l.place)
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(addrs))
		for i, addr := range addrs {
			ids[i] = objects[addr]
		}
		shown, err := how.read(ctx, p, ids)
		if err != nil {
			return nil, fmt.Errorf("reading whose the fleet's objects in %s are: %w", l.place, err)
		}
		for i, addr := range addrs {
			if m, ok := shown[ids[i]]; ok {
				found[addr] = m
			}
		}
	}
	return found, nil
}

// Mark makes the object of that id show that it is the fleet's addr, and
// changes nothing else. An object that shows somebody else's mark it refuses.
func (ps *Places) Mark(ctx context.Context, addr planner.Addr, id string) error {
	shown, err := ps.Marks(ctx, map[planner.Addr]string{addr: id})
	if err != nil {
		return err
	}
	mark := Mark{ps.fleet, addr.Path()}
	switch now := shown[addr]; now {
	case mark:
		return nil
	case Mark{}:
		p, err := ps.Open(ctx, addr.Place)
		if err != nil {
			return err
		}
		return awsapi.Mark(marksOf(addr.Kind).set(ctx, p, id, mark))
	default:
		return fmt.Errorf("%s: object %s is %s of fleet %s", addr, id, now.Path, now.Fleet)
	}
}

// Unmark takes the fleet's mark off the object of that id, as Read tells it,
// and changes nothing else.
func (ps *Places) Unmark(ctx context.Context, addr planner.Addr, id string) error {
	p, err := ps.Open(ctx, addr.Place)
	if err != nil {
		return err
	}
	how := marksOf(addr.Kind)
	if how == nil {
		return fmt.Errorf("%s: objects of this kind show no mark", addr)
	}
	return awsapi.Mark(unlessGone(how.clear(ctx, p, id, Mark{ps.fleet, addr.Path()})))
}
