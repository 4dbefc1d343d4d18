package awssim

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

type callLog struct{}
type plannedFault struct{}
type session struct{}
type role struct{}
type caller struct{}
type bucket struct{}
type remembered struct{}

func (s *Sim) begin() error                                 { return nil }
func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {}
func (s *Sim) latency(name string) time.Duration            { return 0 }
func (s *Sim) quota(name string) int                        { return 0 }
func (s *Sim) choice(name string) bool                      { return false }
func (s *Sim) run(e event, until time.Time)                 {}
func sortedRows[K comparable, V any](m map[K]V, less func(a, b K) bool) []V {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b K) int {
		if less(a, b) {
			return -1
		}
		return 1
	})
	rows := make([]V, len(keys))
	for i, k := range keys {
		rows[i] = m[k]
	}
	return rows
}
func networkOperations() map[string]operation { return nil }
func tagOperations() map[string]operation     { return nil }
func stsOperations() map[string]operation     { return nil }

// notFound refuses an id: <code>.Malformed when it is not of the prefix's form, else <code>.NotFound with the text.
func notFound(prefix, code, text, id string) *Error { return refuse(code+".NotFound", text, id) }

// allowed tells whether the caller's role lets it do an action ("route53:AssociateVPCWithHostedZone").
func (c *call) allowed(action string) bool { return true }

// tagSpec returns the tags that TagSpecifications ask for on resourceType
// ("vpc-endpoint"), refusing other resource types, aws: keys and too many tags. Never nil without error.
func (c *call) tagSpec(resourceType string) (tags, error) { return tags{}, nil }

// tagItems renders tags as a reply's TagSet: sorted by key, items {Key, Value}.
func tagItems(t tags) []any { return nil }

// zoneID maps an account's zone name (us-east-1a) to the zone ID (use1-az4); "" when the region has no such zone.
func (s *Sim) zoneID(account, zoneName string) string { return "" }

// zoneName maps a zone ID of a region back to the account's name for it.
func (s *Sim) zoneName(account, region, zoneID string) string { return "" }

// unsuccessful is an item of EC2's Unsuccessful lists: {ResourceId, Error {Code, Message}}.
func unsuccessful(id string, err *Error) M {
	return M{"ResourceId": id, "Error": M{"Code": err.Code, "Message": err.Message}}
}
