package awssim

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// taggedIDs is how many resources CreateTags and DeleteTags take at once.
const taggedIDs = 1000

func tagOperations() map[string]operation {
	return map[string]operation{
		"CreateTags":   createTags,
		"DeleteTags":   deleteTags,
		"DescribeTags": describeTags,
	}
}

// tagItems renders tags as a reply's list of {Key, Value}, by key.
func tagItems(t tags) []any {
	return listBy(sortedKeys(t), func(key string) M { return M{"Key": key, "Value": t[key]} })
}

// tagSpec returns the tags that TagSpecifications ask for on resourceType
// ("vpc-endpoint"), refusing other resource types, reserved keys and too many
// tags. Never nil without error.
func (c *call) tagSpec(resourceType string) (tags, error) {
	out := tags{}
	for _, spec := range c.in.list("TagSpecifications") {
		if kind := spec.str("ResourceType"); kind != resourceType {
			return nil, refuse("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", kind)
		}
		if err := readTags(out, spec.list("Tags")); err != nil {
			return nil, err
		}
	}
	if len(out) > c.quota("tagsPerResource") {
		return nil, refuse("TagLimitExceeded", "The maximum number of tags for a resource has been reached.")
	}
	return out, nil
}

// readTags adds {Key, Value} items to tags, refusing what EC2 refuses.
func readTags(into tags, items []M) error {
	for _, item := range items {
		key, value := item.str("Key"), item.str("Value")
		if _, twice := into[key]; twice {
			return refuse("InvalidParameterValue", "Duplicate tag key '%s' specified.", key)
		}
		if err := checkTag(key, value); err != nil {
			return err
		}
		into[key] = value
	}
	return nil
}

func checkTag(key, value string) error {
	switch {
	case key == "":
		return refuse("InvalidParameterValue", "Tag keys cannot be empty")
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return refuse("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
	case utf8.RuneCountInString(key) > 128:
		return refuse("InvalidParameterValue", "Tag key exceeds the maximum length of 128 characters")
	case utf8.RuneCountInString(value) > 256:
		return refuse("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters")
	}
	return nil
}

// taggedByID finds resources of EC2 for tagging, all or none.
func (c *call) taggedByID() ([]taggedResource, error) {
	ids := c.in.strs("Resources")
	if len(ids) > taggedIDs {
		return nil, refuse("InvalidParameterValue", "The number of resources exceeds the limit of %d", taggedIDs)
	}
	byID := make(map[string]taggedResource)
	for _, r := range c.cell().tagged() {
		if r.Service == "ec2" {
			byID[r.ID] = r
		}
	}
	found := make([]taggedResource, 0, len(ids))
	for _, id := range ids {
		r, ok := byID[id]
		if !ok {
			return nil, refuse("InvalidID", "The ID '%s' is not valid", id)
		}
		found = append(found, r)
	}
	return found, nil
}

func createTags(c *call) (M, error) {
	resources, err := c.taggedByID()
	if err != nil {
		return nil, err
	}
	added := tags{}
	if err := readTags(added, c.in.list("Tags")); err != nil {
		return nil, err
	}
	for _, r := range resources {
		both := maps.Clone(r.Tags)
		maps.Copy(both, added)
		if len(both) > c.quota("tagsPerResource") {
			return nil, refuse("TagLimitExceeded", "The maximum number of tags for a resource has been reached.")
		}
	}
	for _, r := range resources {
		maps.Copy(r.Tags, added)
	}
	return nil, nil
}

// deleteTags takes keys off; with a value, only where the tag has that value.
// Without any tag named, all go.
func deleteTags(c *call) (M, error) {
	resources, err := c.taggedByID()
	if err != nil {
		return nil, err
	}
	named := c.in.list("Tags")
	for _, r := range resources {
		if len(named) == 0 {
			clear(r.Tags)
		}
		for _, item := range named {
			if !item.has("Value") || r.Tags[item.str("Key")] == item.str("Value") {
				delete(r.Tags, item.str("Key"))
			}
		}
	}
	return nil, nil
}

// A tagRow is one tag of one resource.
type tagRow struct{ id, kind, key, value string }

func describeTags(c *call) (M, error) {
	var rows []tagRow
	for _, r := range c.cell().tagged() {
		if r.Service != "ec2" {
			continue
		}
		for _, key := range sortedKeys(r.Tags) {
			rows = append(rows, tagRow{r.ID, r.Type, key, r.Tags[key]})
		}
	}
	by := listing[tagRow]{
		Key: func(r tagRow) string { return r.id + " " + r.key },
		Filters: filterSet[tagRow]{
			"key":           one(func(r tagRow) string { return r.key }),
			"resource-id":   one(func(r tagRow) string { return r.id }),
			"resource-type": one(func(r tagRow) string { return r.kind }),
			"value":         one(func(r tagRow) string { return r.value }),
		},
		Tags: func(r tagRow) tags { return tags{r.key: r.value} },
	}
	return by.reply(c, rows, "Tags", func(r tagRow) M {
		return M{"ResourceId": r.id, "ResourceType": r.kind, "Key": r.key, "Value": r.value}
	})
}

// notFound refuses an id: CODE.Malformed when it is not of AWS's form, else
// CODE.NotFound with the text.
func notFound(prefix, code, text, id string) *Error {
	digits, ok := strings.CutPrefix(id, prefix+"-")
	if !ok || digits == "" || strings.Trim(digits, "0123456789abcdef") != "" || !slices.Contains([]int{8, 17}, len(digits)) {
		return refuse(malformedCode(code), "Invalid id: \"%s\" (expecting \"%s-...\")", id, prefix)
	}
	return refuse(code+".NotFound", text, id)
}

// malformedCode is the code for an id that cannot be one; security groups have
// a name of their own for it.
func malformedCode(code string) string {
	if code == "InvalidGroup" {
		return "InvalidGroupId.Malformed"
	}
	return code + ".Malformed"
}

// unsuccessful is an item of EC2's Unsuccessful lists.
func unsuccessful(id string, err *Error) M {
	return M{"ResourceId": id, "Error": M{"Code": err.Code, "Message": err.Message}}
}
