package kinds

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	taggingtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// topic is an SNS topic for connection notifications, with its policy. All
// services of a place that name it share it.
func topic() Def[topicSpec] {
	return Def[topicSpec]{
		Name:  "topic",
		Trait: planner.Trait{Rank: 70},
		Type:  "sns:topic",
		Marks: snsMarks(),
		Reads: []string{"tag:GetResources", "sns:GetTopicAttributes"},
		Writes: []string{
			"sns:ListTagsForResource", "sns:CreateTopic", "sns:TagResource", "sns:SetTopicAttributes", "sns:DeleteTopic",
		},
		Want:   wantTopics,
		List:   listTopics,
		Create: createTopic,
		Update: updateTopic,
		Delete: deleteTopic,
	}
}

// A topicSpec is the topic's policy, see policyOf.
type topicSpec struct {
	// Publishers are the ARNs of the services that may publish.
	Publishers []planner.Value `json:"publishers"`
	// OwnerAccess is AWS's usual statement, which lets the topic's own
	// account use it.
	OwnerAccess bool `json:"ownerAccess"`
	// OtherStatements are all others, as canonical JSON. None is wanted.
	OtherStatements []string `json:"otherStatements"`
}

// ownTopic tells whether a service's notifications go to a topic that
// linkfleet keeps, not to one that is named by its ARN.
func ownTopic(s *schema.Service) bool {
	return s.Notifications != nil && !strings.HasPrefix(s.Notifications.Topic, "arn:")
}

func addrTopic(s *schema.Service) planner.Addr {
	return planner.Addr{Kind: "topic", Name: s.Notifications.Topic, Place: placeOf(s)}
}

func wantTopics(f *schema.Fleet, _ planner.State) []Item[topicSpec] {
	var items []Item[topicSpec]
	at := map[planner.Addr]int{}
	for s := range services(f) {
		if !ownTopic(s) {
			continue
		}
		addr := addrTopic(s)
		i, known := at[addr]
		if !known {
			i = len(items)
			at[addr] = i
			items = append(items, Item[topicSpec]{
				Resource: planner.Resource{Addr: addr, Origin: s.Notifications.Pos.Short()},
				Spec:     topicSpec{OwnerAccess: true},
			})
		}
		items[i].Spec.Publishers = append(items[i].Spec.Publishers, planner.Ref(addrService(s), "arn"))
	}
	return items
}

// listTopics finds topics by their tags, because SNS's own list would take a
// call for the tags of every topic of the account. The index follows within
// seconds; a topic made just now may be missing, and one that is gone may
// still be there.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
func listTopics(ctx context.Context, p *Place) ([]Item[topicSpec], error) {
	var tagged []taggingtypes.ResourceTagMapping
	pages := tagging.NewGetResourcesPaginator(p.Tagging, &tagging.GetResourcesInput{
		ResourceTypeFilters: []string{"sns:topic"},
		TagFilters:          []taggingtypes.TagFilter{{Key: aws.String(TagFleet), Values: []string{p.Fleet}}},
		ResourcesPerPage:    aws.Int32(100),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		tagged = append(tagged, page.ResourceTagMappingList...)
	}
	for _, arn := range p.assumedIDs("topic") {
		tagged = append(tagged, taggingtypes.ResourceTagMapping{ResourceARN: aws.String(arn)})
	}
	found, err := readEach(ctx, tagged, p.readTopic)
	if err != nil {
		return nil, err
	}
	var items []Item[topicSpec]
	for _, it := range found {
		if it != nil && it.ID != "" {
			items = append(items, *it)
		}
	}
	return items, nil
}

// readTopic reads a tagged topic's policy. The item has no ID where the tags
// are not those of a topic of ours.
func (p *Place) readTopic(ctx context.Context, r taggingtypes.ResourceTagMapping) (Item[topicSpec], error) {
	arn := aws.ToString(r.ResourceARN)
	addr, ok := p.whose("topic", arn, func(key string) string {
		for _, t := range r.Tags {
			if aws.ToString(t.Key) == key {
				return aws.ToString(t.Value)
			}
		}
		return ""
	})
	if !ok {
		return Item[topicSpec]{}, nil
	}
	out, err := p.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(arn)})
	if err != nil {
		return Item[topicSpec]{}, err
	}
	made := topicMade(arn)
	return Item[topicSpec]{
		Resource: planner.Resource{Addr: addr, ID: made.ID, Outputs: made.Outputs},
		Spec:     topicPolicy{arn, p.AccountID}.read(out.Attributes["Policy"]),
	}, nil
}

func topicMade(arn string) applier.Made {
	return applier.Made{ID: arn, Outputs: planner.Outputs{"id": arn, "arn": arn}}
}

// createTopic looks before it makes anything: CreateTopic answers with a
// topic of the name that is there already, whosever it is.
func createTopic(ctx context.Context, p *Place, want Item[topicSpec]) (applier.Made, error) {
	arn := fmt.Sprintf("arn:aws:sns:%s:%s:%s", p.Region, p.AccountID, want.Addr.Name)
	out, err := p.SNS.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: aws.String(arn)})
	switch {
	case awsapi.IsNotFound(err):
		_, err = p.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(want.Addr.Name), Tags: p.snsTags(want.Addr)})
	case err == nil:
		if addr, ok := p.addrOf("topic", snsTag(out.Tags)); !ok || addr != want.Addr {
			return applier.Made{}, fmt.Errorf("the topic %s is not of fleet %s: give notifications.topic another name, or this topic's ARN to use it as it is", arn, p.Fleet)
		}
	}
	if err != nil {
		return applier.Made{}, err
	}
	return topicMade(arn), p.setPolicy(ctx, arn, want.Spec)
}

func updateTopic(ctx context.Context, p *Place, was, want Item[topicSpec]) (applier.Made, error) {
	if err := p.stillOurs(ctx, was); err != nil {
		return applier.Made{}, err
	}
	return topicMade(was.ID), p.setPolicy(ctx, was.ID, want.Spec)
}

// stillOurs asks the topic itself whose it is: the index that it was found by
// lags behind, and shows for a while what was let go, or was made anew by
// somebody else under the same name and so the same ARN.
func (p *Place) stillOurs(ctx context.Context, was Item[topicSpec]) error {
	out, err := p.SNS.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: aws.String(was.ID)})
	if err != nil {
		return err
	}
	if addr, ok := p.whose("topic", was.ID, snsTag(out.Tags)); !ok || addr != was.Addr {
		return fmt.Errorf("the topic %s does not carry the tags of fleet %s any more and is left as it is; run again when AWS's index of tags has heard of it", was.ID, p.Fleet)
	}
	return nil
}

func (p *Place) setPolicy(ctx context.Context, arn string, spec topicSpec) error {
	doc, err := topicPolicy{arn, p.AccountID}.write(known(spec.Publishers))
	if err != nil {
		return err
	}
	_, err = p.SNS.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: aws.String(arn), AttributeName: aws.String("Policy"), AttributeValue: aws.String(doc),
	})
	return err
}

func deleteTopic(ctx context.Context, p *Place, was Item[topicSpec]) error {
	if err := p.stillOurs(ctx, was); err != nil {
		return unlessGone(err)
	}
	_, err := p.SNS.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: aws.String(was.ID)})
	return unlessGone(err)
}

// snsTags are the tags of addr as SNS takes them.
func (p *Place) snsTags(addr planner.Addr) []snstypes.Tag {
	var tags []snstypes.Tag
	for _, kv := range p.tags(addr) {
		tags = append(tags, snstypes.Tag{Key: aws.String(kv[0]), Value: aws.String(kv[1])})
	}
	return tags
}

// snsTag looks a tag up in an SNS tag list.
func snsTag(tags []snstypes.Tag) func(string) string {
	return func(key string) string {
		i := slices.IndexFunc(tags, func(t snstypes.Tag) bool { return aws.ToString(t.Key) == key })
		if i < 0 {
			return ""
		}
		return aws.ToString(tags[i].Value)
	}
}
