package schema

import (
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A checker reads a fleet out of evaluated CUE and finds what CUE has no
// words for.
type checker struct {
	*reading
	today time.Time
	frame *Fleet // the fleet apart from its services
}

// accounts checks accounts, and zones and the lease against them.
func (c *checker) accounts(top *field) {
	owner := map[string]*Account{}
	for name, f := range top.get("accounts").each() {
		a := c.frame.Accounts[name]
		if a == nil || a.ID == "" {
			continue
		}
		if other := owner[a.ID]; other != nil {
			f.get("id").fault(fmt.Sprintf("%s is the id of account %s too (%s)", a.ID, other.Name, other.Pos), "give each account one name")
			continue
		}
		owner[a.ID] = a
	}
	for _, f := range top.get("zones").each() {
		c.ownAccount(f.get("account"), "a zone's records are linkfleet's to write")
	}
	if f := top.get("fleet").get("lease").get("dynamodb"); f.exists() {
		c.ownAccount(f.get("account"), "the lease is linkfleet's to write")
	}
}

func (c *checker) accountRole(f *field, a *Account) {
	switch role := f.get("role"); {
	case a.External && role.exists():
		role.fault("an external account has no role of ours", "delete role, or external: true if linkfleet may assume a role there")
	case a.External && f.get("readOnlyRole").exists():
		f.get("readOnlyRole").fault("an external account has no role of ours", "delete readOnlyRole")
	case a.External && f.get("externalId").exists():
		f.get("externalId").fault("an external account has no role of ours, and so no external id", "delete externalId")
	case !a.External && !role.exists() && !c.known[f.path()]:
		f.fault("the account has no role", `write role: "linkfleet", the role that linkfleet assumes there, or external: true if the account is somebody else's`)
	}
}

// account is the account that a field names, or nil when there is none of
// the name, which is then on record.
func (c *checker) namedAccount(f *field, name string) *Account {
	if name == "" || c.frame.Accounts == nil {
		return nil
	}
	if a := c.frame.Accounts[name]; a != nil {
		return a
	}
	mend := fmt.Sprintf("declare it in accounts, or write one of %s", listed(maps.Keys(c.frame.Accounts)))
	if near := didYouMean(name, maps.Keys(c.frame.Accounts)); near != "" {
		mend = "did you mean " + near + "?"
	}
	f.fault(fmt.Sprintf("there is no account %q", name), mend)
	return nil
}

// ownAccount checks a field that names an account where linkfleet works.
func (c *checker) ownAccount(f *field, because string) *Account {
	a := c.namedAccount(f, f.str())
	if a != nil && a.External {
		f.fault(fmt.Sprintf("account %s is external, and %s", a.Name, because), "name an account that has a role")
	}
	return a
}

// repeated finds equal elements in a list.
func (c *checker) repeated(f *field) {
	all := f.elements()
	for i, e := range all {
		s := e.str()
		if s == "" {
			continue
		}
		if j := slices.IndexFunc(all[:i], func(other *field) bool { return other.str() == s }); j >= 0 {
			e.fault(fmt.Sprintf("%q stands in the list twice (see [%d])", s, j), "delete one")
		}
	}
}

// block is a canonical IPv4 CIDR block.
func (c *checker) block(f *field) (netip.Prefix, bool) {
	text := f.str()
	if text == "" {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		f.fault(fmt.Sprintf("%q is not a CIDR block", text), "write an IPv4 CIDR block, such as \"10.0.0.0/8\"")
		return netip.Prefix{}, false
	}
	if p != p.Masked() {
		f.fault(fmt.Sprintf("%q has bits set beyond its /%d", text, p.Bits()), fmt.Sprintf("AWS would make it %q: write that", p.Masked()))
		return netip.Prefix{}, false
	}
	return p, true
}

// listed writes names for a sentence: the first few, sorted.
func listed(names iter.Seq[string]) string {
	const most = 8
	all := slices.Sorted(names)
	if len(all) > most {
		return strings.Join(all[:most], ", ") + ", …"
	}
	return strings.Join(all, ", ")
}
