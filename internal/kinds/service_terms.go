package kinds

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// The terms of a service are what the files say of a time when they will not
// say it any more: that it must not be destroyed, and what becomes of the
// connections of a consumer that is removed. They are tags of the endpoint
// service, because there is no other state.
const (
	TagPreventDestroy = "linkfleet:prevent-destroy"
	// TagOnRevoke, and the same with "-2" and so on behind it, hold
	// "333333333333=keep 888888888888=reject".
	TagOnRevoke = "linkfleet:on-revoke"
)

type serviceTerms struct {
	PreventDestroy bool `json:"preventDestroy"`
	// OnRevoke are "account id=keep" and "account id=reject".
	OnRevoke []string `json:"onRevoke"`
}

// wantTerms are those of the files. What is noted of accounts that are in
// them no more, rememberRevoked adds.
func wantTerms(f *schema.Fleet, s *schema.Service) serviceTerms {
	terms := serviceTerms{PreventDestroy: s.PreventDestroy}
	for c := range consumers(s) {
		if a := f.Accounts[c.Account]; c.OnRevoke != "" && c.Endpoint == nil && a != nil {
			terms.OnRevoke = append(terms.OnRevoke, a.ID+"="+string(c.OnRevoke))
		}
	}
	slices.Sort(terms.OnRevoke)
	return terms
}

// rememberRevoked has services keep what is noted of accounts without a
// declared consumer for as long as AWS shows a connection of theirs, which may
// be judged by it.
func rememberRevoked(f *schema.Fleet, want []planner.Resource, live planner.State) {
	there := map[string]bool{} // connections, by service and owner
	for _, r := range connectionsOf(live) {
		there[r.Group.Service+"/"+r.Outputs["owner"]] = true
	}
	for i, r := range want {
		spec, ok := r.Spec.(endpointServiceSpec)
		if !ok {
			continue
		}
		for _, was := range live.Live[r.Addr] {
			noted, _ := was.Spec.(endpointServiceSpec)
			for _, note := range noted.Terms.OnRevoke {
				account, _, _ := strings.Cut(note, "=")
				if there[r.Addr.Name+"/"+account] && !declaresAccount(f, f.Services[r.Addr.Name], account) {
					spec.Terms.OnRevoke = append(spec.Terms.OnRevoke, note)
				}
			}
		}
		want[i].Spec = spec
	}
}

// declaresAccount tells whether an account of that id is of a consumer who
// makes its own endpoints.
func declaresAccount(f *schema.Fleet, s *schema.Service, id string) bool {
	for c := range consumers(s) {
		if a := f.Accounts[c.Account]; c.Endpoint == nil && a != nil && a.ID == id {
			return true
		}
	}
	return false
}

// notedOnRevoke is what is noted at a live service of an account; empty if
// nothing.
func notedOnRevoke(live planner.State, at planner.Addr, account string) schema.OnRevoke {
	for _, r := range live.Live[at] {
		spec, _ := r.Spec.(endpointServiceSpec)
		for _, note := range spec.Terms.OnRevoke {
			if id, fate, _ := strings.Cut(note, "="); id == account {
				return schema.OnRevoke(fate)
			}
		}
	}
	return ""
}

// notesPerTag keeps a tag within the 256 characters that AWS allows: a note
// has at most 19, and a space.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
const notesPerTag = 12

// tags are the terms as AWS keeps them.
func (t serviceTerms) tags() []ec2types.Tag {
	var tags []ec2types.Tag
	if t.PreventDestroy {
		tags = append(tags, ec2types.Tag{Key: aws.String(TagPreventDestroy), Value: aws.String("true")})
	}
	for i, notes := range batches(t.OnRevoke, notesPerTag) {
		key := TagOnRevoke
		if i > 0 {
			key = fmt.Sprintf("%s-%d", key, i+1)
		}
		tags = append(tags, ec2types.Tag{Key: aws.String(key), Value: aws.String(strings.Join(notes, " "))})
	}
	return tags
}

// readTerms reads them. A note that says nothing known is none.
func readTerms(tags []ec2types.Tag) serviceTerms {
	var terms serviceTerms
	for _, t := range tags {
		key, value := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case key == TagPreventDestroy:
			terms.PreventDestroy = value == "true"
		case isTerm(key):
			terms.OnRevoke = append(terms.OnRevoke, slices.DeleteFunc(strings.Fields(value), meaningless)...)
		}
	}
	slices.Sort(terms.OnRevoke)
	return terms
}

// isTerm tells the tags that hold terms.
func isTerm(key string) bool {
	return key == TagPreventDestroy || key == TagOnRevoke || strings.HasPrefix(key, TagOnRevoke+"-")
}

// meaningless tells a note that is not an account's id and a fate: linkfleet has
// not written it so, and nobody is to be judged by it.
func meaningless(note string) bool {
	account, fate, _ := strings.Cut(note, "=")
	known := fate == string(schema.Keep) || fate == string(schema.Reject)
	return !known || len(account) != 12 || strings.Trim(account, "0123456789") != ""
}

// changeTerms writes what differs, and takes away the tags that are left over:
// all that AWS shows, for a run that was killed before it took them away leaves
// more than there are terms for.
func changeTerms(ctx context.Context, p *Place, id string, was, want serviceTerms) error {
	if was.PreventDestroy == want.PreventDestroy && slices.Equal(was.OnRevoke, want.OnRevoke) {
		return nil
	}
	tags := want.tags()
	if len(tags) > 0 {
		if _, err := p.EC2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: tags}); err != nil {
			return err
		}
	}
	s, err := p.serviceByID(ctx, id)
	if err != nil {
		return err
	}
	var extra []ec2types.Tag
	for _, old := range slices.Concat(was.tags(), s.Tags) {
		same := func(t ec2types.Tag) bool { return *t.Key == *old.Key }
		if isTerm(*old.Key) && !slices.ContainsFunc(tags, same) && !slices.ContainsFunc(extra, same) {
			extra = append(extra, ec2types.Tag{Key: old.Key})
		}
	}
	if len(extra) == 0 {
		return nil
	}
	_, err = p.EC2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: extra})
	return err
}
