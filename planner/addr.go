package planner

import (
	"cmp"
	"fmt"
	"strings"
)

// A Place is one region of one account: the unit of credentials, throttling
// and reading. Account is the account's name in the fleet.
type Place struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Global is the region of places that AWS keeps outside any region, such as
// an account's hosted zones.
const Global = "global"

// String is account/region.
func (p Place) String() string { return p.Account + "/" + p.Region }

// Compare orders places by account, then region.
func (p Place) Compare(q Place) int {
	return cmp.Or(strings.Compare(p.Account, q.Account), strings.Compare(p.Region, q.Region))
}

// An Addr names a resource for life. Its Path is written into the resource's
// tags.
type Addr struct {
	Kind  string `json:"kind"` // "endpoint-service"
	Name  string `json:"name"` // "fraud" or "fraud/risk"
	Place Place  `json:"place"`
}

// Path is kind/name, the part of an address that stands in tags: where a
// resource lives need not be told to who finds it there.
func (a Addr) Path() string { return a.Kind + "/" + a.Name }

// String is kind/name@account/region.
func (a Addr) String() string { return a.Path() + "@" + a.Place.String() }

// Compare orders addresses by kind, name and place.
func (a Addr) Compare(b Addr) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), a.Place.Compare(b.Place))
}

// ParsePath reads what Path wrote, found in place p.
func ParsePath(path string, p Place) (Addr, error) {
	kind, name, ok := strings.Cut(path, "/")
	if !ok || kind == "" || name == "" {
		return Addr{}, fmt.Errorf("%q is no address: want kind/name", path)
	}
	return Addr{Kind: kind, Name: name, Place: p}, nil
}
