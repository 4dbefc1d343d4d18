package kinds

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// An IAMPolicy is a policy document as IAM takes it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type IAMPolicy struct {
	Version   string
	Statement []IAMStatement
}

// An IAMStatement allows actions.
type IAMStatement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

func allow(sid string, actions, resources []string) IAMStatement {
	return IAMStatement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources}
}

// when adds a condition to a statement.
func (s IAMStatement) when(operator, key string, values ...string) IAMStatement {
	s.Condition = map[string]map[string][]string{operator: {key: values}}
	return s
}

// Policy is the least that the fleet's role in an account must be allowed to
// do, by what the account is in the fleet: a provider of services, a consumer
// with endpoints, the owner of zones. With readOnly it is the least for
// planning.
//
// A side's actions are those of every kind that can stand there, whether the
// fleet has it now or not, so that taking a private name or a topic out of the
// fleet does not take the right to remove it away. Of a side that an account
// is not on any more the same cannot be said: Read finds by their tags the
// objects that are left of it, and is refused, so the policy may shrink only
// after the apply that removes them.
func Policy(f *schema.Fleet, account string, readOnly bool) (IAMPolicy, error) {
	a := f.Accounts[account]
	switch {
	case a == nil:
		return IAMPolicy{}, fmt.Errorf("fleet %s has no account %q", f.Name, account)
	case a.External:
		return IAMPolicy{}, fmt.Errorf("account %q is external: linkfleet has no role there", account)
	}
	actions := actionsOf(sidesOf(f, account), readOnly)
	p := IAMPolicy{Version: "2012-10-17"}
	for _, st := range []IAMStatement{
		allow("Regional", others(actions, globalActions), []string{"*"}).when("StringEquals", "aws:RequestedRegion", f.Regions...),
		allow("ZoneRecords", among(actions, "route53:ListResourceRecordSets"), zoneARNs(f, account)),
		// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-rrset-conditions.html
		allow("ZoneTXTRecords", among(actions, "route53:ChangeResourceRecordSets"), zoneARNs(f, account)).
			when("ForAllValues:StringEquals", "route53:ChangeResourceRecordSetsRecordTypes", "TXT"),
		allow("ZoneChanges", among(actions, "route53:GetChange"), []string{"arn:aws:route53:::change/*"}),
		// The zone is one of AWS's own, of which nobody knows the id before.
		allow("PrivateDNS", among(actions, "route53:AssociateVPCWithHostedZone"), []string{"*"}),
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html
		allow("FirstLoadBalancer", among(actions, "iam:CreateServiceLinkedRole"), []string{"*"}).
			when("StringEquals", "iam:AWSServiceName", "elasticloadbalancing.amazonaws.com"),
		leaseStatement(f, a, readOnly),
	} {
		if len(st.Action) > 0 {
			p.Statement = append(p.Statement, st)
		}
	}
	return p, nil
}

// leaseStatement allows to keep the fleet's lease, where it is in the account.
// Only who applies needs it.
func leaseStatement(f *schema.Fleet, a *schema.Account, readOnly bool) IAMStatement {
	if f.Lease == nil || readOnly || f.Accounts[f.Lease.Account] != a {
		return IAMStatement{}
	}
	return allow("Lease", []string{"dynamodb:GetItem", "dynamodb:PutItem"},
		[]string{"arn:aws:dynamodb:" + f.Lease.Region + ":" + a.ID + ":table/" + f.Lease.Table})
}

// globalActions are those of services outside any region, each with a
// statement of its own in Policy.
var globalActions = []string{
	"iam:CreateServiceLinkedRole", "route53:AssociateVPCWithHostedZone", "route53:ChangeResourceRecordSets",
	"route53:GetChange", "route53:ListResourceRecordSets",
}

// policySize is how many characters, white space aside, IAM lets a managed
// policy have, less what the statement of an events queue takes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const policySize = 6144 - 300

// CallerPolicy is what linkfleet's own credentials must be allowed to do: to
// assume the roles in every account of the fleet that has any. With readOnly
// it is those for planning alone. Of a fleet whose roles are too many to be
// listed in one policy, it names those that have one name in several accounts
// by a pattern, in any account, and patterns is true.
func CallerPolicy(f *schema.Fleet, readOnly bool) (p IAMPolicy, patterns bool) {
	var roles []string
	for a := range sorted(f.Accounts) {
		if a.External {
			continue
		}
		if !readOnly {
			roles = append(roles, a.RoleARN())
		}
		if readOnly || a.ReadOnlyRole != "" {
			roles = append(roles, a.ReadOnlyRoleARN())
		}
	}
	if p = mayAssume(roles); p.size() <= policySize {
		return p, false
	}
	return mayAssume(anywhere(roles)), true
}

func mayAssume(roles []string) IAMPolicy {
	return IAMPolicy{Version: "2012-10-17", Statement: []IAMStatement{allow("Roles", []string{"sts:AssumeRole"}, roles)}}
}

// size is how many characters IAM counts.
func (p IAMPolicy) size() int {
	text, _ := json.Marshal(p) // strings alone cannot fail
	return len(text)
}

// anywhere has one pattern in place of the roles that have a name in common.
func anywhere(roles []string) []string {
	inAnyAccount := func(role string) string {
		_, name, _ := strings.Cut(role, ":role/")
		return "arn:aws:iam::*:role/" + name
	}
	named := map[string]int{}
	for _, role := range roles {
		named[inAnyAccount(role)]++
	}
	var all []string
	for _, role := range roles {
		if pattern := inAnyAccount(role); named[pattern] > 1 {
			role = pattern
		}
		if !slices.Contains(all, role) {
			all = append(all, role)
		}
	}
	return all
}

// A side is what an account can be in a fleet.
type side string

const (
	providerSide side = "provider"
	consumerSide side = "consumer"
	dnsSide      side = "dns"
)

func sidesOf(f *schema.Fleet, account string) []side {
	on := map[side]bool{}
	for s := range services(f) {
		if s.Account == account {
			on[providerSide] = true
		}
		for c := range managed(s) {
			if c.Account == account {
				on[consumerSide] = true
			}
		}
	}
	for z := range sorted(f.Zones) {
		if z.Account == account {
			on[dnsSide] = true
		}
	}
	return slices.Sorted(maps.Keys(on))
}

// actionsOf are the actions of the kinds that can stand on the sides, and of
// what is read besides them.
func actionsOf(sides []side, readOnly bool) []string {
	actions := []string{"tag:GetResources"} // every account is searched for what once was there
	for _, on := range sides {
		actions = append(actions, preflightReads()[on]...)
	}
	standing := kindsBySide()
	for _, k := range All() {
		if !slices.ContainsFunc(sides, func(s side) bool { return slices.Contains(standing[s], k.Name) }) {
			continue
		}
		actions = append(actions, k.Reads...)
		if !readOnly {
			actions = append(actions, k.Writes...)
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// kindsBySide asks the kinds themselves where they stand: each wants
// resources of a fleet that has everything.
func kindsBySide() map[side][]string {
	found := map[side][]string{}
	f := fleetOfEverything()
	for _, k := range All() {
		for _, r := range k.want(f, planner.State{}) {
			on := side(r.Addr.Place.Account)
			if !slices.Contains(found[on], k.Name) {
				found[on] = append(found[on], k.Name)
			}
		}
	}
	return found
}

// fleetOfEverything uses every part of the fleet language once, in accounts
// that are named for their sides.
func fleetOfEverything() *schema.Fleet {
	account := func(s side) *schema.Account { return &schema.Account{Name: string(s), Role: "linkfleet"} }
	const region, domain = "us-east-1", "example.com"
	consumer := &schema.Consumer{
		Name: "consumer", Account: string(consumerSide), Principals: []string{"*"},
		Endpoint: &schema.Endpoint{Region: region, PrivateDNS: true},
	}
	return &schema.Fleet{
		Name: "everything", Regions: []string{region},
		Accounts: map[string]*schema.Account{
			string(providerSide): account(providerSide), string(consumerSide): account(consumerSide), string(dnsSide): account(dnsSide),
		},
		Zones: map[string]*schema.Zone{domain: {Domain: domain, Account: string(dnsSide)}},
		Services: map[string]*schema.Service{"service": {
			Name: "service", Account: string(providerSide), Region: region, AcceptanceRequired: true,
			Listeners:     map[string]*schema.Listener{"listener": {Name: "listener"}},
			PrivateDNS:    &schema.PrivateDNS{Name: "service." + domain, Zone: domain},
			Notifications: &schema.Notifications{Topic: "topic"},
			Consumers:     map[string]*schema.Consumer{"consumer": consumer},
		}},
	}
}

// zoneARNs are the fleet's zones in an account.
func zoneARNs(f *schema.Fleet, account string) []string {
	var arns []string
	for z := range sorted(f.Zones) {
		if z.Account == account {
			arns = append(arns, "arn:aws:route53:::hostedzone/"+z.ID)
		}
	}
	return arns
}

// among are those of the actions that are named, and others those that are
// not.
func among(actions []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return !slices.Contains(names, a) })
}

func others(actions, names []string) []string {
	return slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return slices.Contains(names, a) })
}
