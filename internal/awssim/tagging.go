package awssim

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A tagIndex is what the tagging API knows of a place. It is brought up to
// date when it is asked and the last time is taggingLag ago, so that it may
// miss new resources and still show deleted ones.
type tagIndex struct {
	At   time.Time
	Rows []taggedResource
	Once map[string]bool // ARNs that had tags when the index was made
}

func taggingOperations() map[string]operation {
	return map[string]operation{"GetResources": getResources}
}

// indexed lists the resources that are tagged, or once were, as the tagging
// API sees them now.
func (c *call) indexed() []taggedResource {
	index := &c.cell().TagIndex
	if index.At.IsZero() || c.now.Sub(index.At) >= c.latency("taggingLag") {
		c.refresh(index)
	}
	return index.Rows
}

func (c *call) refresh(index *tagIndex) {
	all := c.cell().tagged()
	if c.region == "us-east-1" { // where global resources are listed
		all = append(all, c.dns().tagged()...)
	}
	if index.Once == nil {
		index.Once = make(map[string]bool)
	}
	index.At, index.Rows = c.now, nil
	for _, r := range all {
		if len(r.Tags) > 0 {
			index.Once[r.ARN] = true
		}
		if index.Once[r.ARN] {
			r.Tags = maps.Clone(r.Tags)
			index.Rows = append(index.Rows, r)
		}
	}
}

// getResources finds resources by tags and types, or tells the tags of given
// ARNs; of those that do not exist it says nothing.
func getResources(c *call) (M, error) {
	arns, types, filters := c.in.strs("ResourceARNList"), c.in.strs("ResourceTypeFilters"), c.in.list("TagFilters")
	if err := c.checkGetResources(arns, types, filters); err != nil {
		return nil, err
	}
	rows := slices.DeleteFunc(slices.Clone(c.indexed()), func(r taggedResource) bool {
		return len(arns) > 0 && !slices.Contains(arns, r.ARN) ||
			len(types) > 0 && !slices.ContainsFunc(types, r.ofType) ||
			!r.passes(filters)
	})
	by := paging{Limit: "ResourcesPerPage", Token: "PaginationToken", Min: 1, Max: 100, Default: 100}
	rows, next, err := page(c, rows, func(r taggedResource) string { return r.ARN }, by)
	if err != nil {
		return nil, err
	}
	return M{"PaginationToken": next, "ResourceTagMappingList": listBy(rows, func(r taggedResource) M {
		return M{"ResourceARN": r.ARN, "Tags": tagItems(r.Tags)}
	})}, nil
}

func (c *call) checkGetResources(arns, types []string, filters []M) error {
	paged := c.in.has("ResourcesPerPage") || c.in.has("TagsPerPage") || c.in.str("PaginationToken") != ""
	if len(arns) > 0 && (len(types) > 0 || len(filters) > 0 || paged) {
		return refuse("InvalidParameterException",
			"You cannot specify ResourceARNList together with TagFilters, ResourceTypeFilters or pagination parameters")
	}
	if len(types) > 100 {
		return refuse("InvalidParameterException", "You can specify at most 100 resource types")
	}
	for _, f := range filters {
		if f.str("Key") == "" {
			return refuse("InvalidParameterException", "A tag filter must have a key")
		}
	}
	if c.in.flag("ExcludeCompliantResources") && !c.in.flag("IncludeComplianceDetails") {
		return refuse("InvalidParameterException", "ExcludeCompliantResources requires IncludeComplianceDetails")
	}
	return nil
}

// ofType tells whether a filter SERVICE or SERVICE:TYPE is about the resource;
// loadbalancer is also the type of loadbalancer/net.
func (r taggedResource) ofType(filter string) bool {
	service, kind, typed := strings.Cut(filter, ":")
	return service == r.Service && (!typed || kind == r.Type || strings.HasPrefix(r.Type, kind+"/"))
}

// passes tells whether the resource has, for every filter, the key with one of
// the values (with any, where the filter names none).
func (r taggedResource) passes(filters []M) bool {
	for _, f := range filters {
		value, has := r.Tags[f.str("Key")]
		values := f.strs("Values")
		if !has || len(values) > 0 && !slices.Contains(values, value) {
			return false
		}
	}
	return true
}
