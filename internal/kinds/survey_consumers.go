package kinds

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A door is how far a service stands open for one account.
type door struct {
	account    *schema.Account
	principals []string
	// ends are the endpoints that linkfleet can run, and left tells whether
	// the account has connections besides.
	ends []*end
	left bool
}

// An end is an endpoint that linkfleet can run.
type end struct {
	at       *sighting
	endpoint ec2types.VpcEndpoint
	spec     endpointSpec
	group    string // the security group's id
	from     []string
}

var principalARN = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):(root|(role|user)/[^/]+)$`)

// consumers reads who may connect and who is connected.
func (v *survey) consumers(ctx context.Context, at *sighting, _ ec2types.ServiceConfiguration, f *Found) error {
	principals, err := readPermissions(ctx, at.Place, f.ID)
	if err != nil {
		return err
	}
	doors := map[string]*door{} // by account id
	for _, p := range principals {
		m := principalARN.FindStringSubmatch(p)
		if m == nil {
			f.fault(f.ID, "%s may connect, which no consumer of a fleet can be; let roles, users or accounts connect instead", p)
			continue
		}
		d := v.door(doors, m[1], f)
		d.principals = append(d.principals, p)
	}
	for _, c := range at.connections {
		if aws.ToString(c.ServiceId) != f.ID {
			continue
		}
		if err := v.connection(ctx, at, c, doors, f); err != nil {
			return err
		}
	}
	for d := range sorted(doors) {
		d.tell(f)
	}
	return nil
}

// door finds or makes the door of an account. An account that the fleet does
// not know is somebody else's.
func (v *survey) door(doors map[string]*door, id string, f *Found) *door {
	if d := doors[id]; d != nil {
		return d
	}
	a := v.accounts[id]
	if a == nil {
		a = &schema.Account{Name: "account-" + id, ID: id, External: true}
		v.accounts[id] = a
	}
	if v.fleet.Accounts[a.Name] == nil {
		f.Accounts = append(f.Accounts, a)
	}
	doors[id] = &door{account: a}
	return doors[id]
}

// connection finds who is at the other end.
func (v *survey) connection(ctx context.Context, at *sighting, c ec2types.VpcEndpointConnection, doors map[string]*door, f *Found) error {
	id, owner := aws.ToString(c.VpcEndpointId), aws.ToString(c.VpcEndpointOwner)
	state := connectionState(c.VpcEndpointState)
	d := doors[owner]
	switch {
	case state == "" || state == connRejected:
		return nil
	case d == nil && state == connPending:
		f.remark(id, "endpoint of account %s, which may not connect any more, waits for acceptance; it is left pending", owner)
		return nil
	case d == nil:
		f.Service.OnRevoke = schema.Keep
		f.remark(id, "endpoint of account %s is connected and may not connect any more; it stays, by onRevoke: \"keep\"", owner)
		return nil
	case state == connPending:
		f.fault(id, "endpoint of account %s waits for acceptance, and linkfleet would accept it because the account may connect; accept or reject it first", owner)
		return nil
	}
	e, why, err := v.end(ctx, at, id, d, f)
	if err != nil {
		return err
	}
	if e == nil {
		d.left = true
	} else {
		d.ends = append(d.ends, e)
	}
	for _, text := range why {
		f.remark(id, "the endpoint stays with account %s: %s", d.account.Name, text)
	}
	return nil
}

// end finds an endpoint in an account of the fleet's, and says why linkfleet
// could not run it as it is. Both are empty for an endpoint of others.
func (v *survey) end(ctx context.Context, at *sighting, id string, d *door, f *Found) (e *end, why []string, err error) {
	there := v.sightingOf(planner.Place{Account: d.account.Name, Region: at.Region})
	if there == nil {
		return nil, nil, nil
	}
	i := slices.IndexFunc(there.endpoints, func(e ec2types.VpcEndpoint) bool { return aws.ToString(e.VpcEndpointId) == id })
	if i < 0 {
		return nil, []string{"it is not in the list of the account's endpoints"}, nil
	}
	endpoint := there.endpoints[i]
	e = &end{at: there, endpoint: endpoint, spec: readEndpoint(ourEndpoint{VpcEndpoint: endpoint}).Spec}
	why = oddEndpoint(e, d, f)
	if groups := known(e.spec.SecurityGroups); len(groups) != 1 {
		why = append(why, fmt.Sprintf("it has %d security groups, and linkfleet's have one", len(groups)))
	} else {
		spec, odd, err := there.ownGroup(ctx, groups[0], id)
		if err != nil {
			return nil, nil, err
		}
		why = append(why, prefixed("its security group "+groups[0]+": ", odd)...)
		e.group = groups[0]
		e.from, odd = clientsOf(spec, portsOfListeners(f.Service))
		why = append(why, prefixed("its security group "+groups[0]+": ", odd)...)
		why = append(why, unheard(e.from, f.Service.LoadBalancer.SecurityGroup)...)
	}
	if len(why) > 0 {
		return nil, why, nil
	}
	return e, nil, nil
}

func prefixed(with string, texts []string) []string {
	var all []string
	for _, t := range texts {
		all = append(all, with+t)
	}
	return all
}

// oddEndpoint says what of an endpoint linkfleet's own do not have.
func oddEndpoint(e *end, d *door, f *Found) []string {
	var why []string
	role := "arn:aws:iam::" + d.account.ID + ":role/" + path.Base(d.account.Role)
	if !slices.Contains(d.principals, role) && !slices.Contains(d.principals, "arn:aws:iam::"+d.account.ID+":root") {
		why = append(why, "the service does not let linkfleet's role "+role+" connect, which would have to make it anew")
	}
	if keeper := ec2Tag(e.endpoint.Tags)(TagFleet); keeper != "" {
		why = append(why, fmt.Sprintf("it is %s of fleet %s", ec2Tag(e.endpoint.Tags)(TagAddress), keeper))
	}
	if !sameState(e.endpoint.State, ec2types.StateAvailable) {
		why = append(why, fmt.Sprintf("its state is %s", e.endpoint.State))
	}
	if e.spec.IPAddressType != "ipv4" {
		why = append(why, fmt.Sprintf("its addresses are %s, and linkfleet's are ipv4", e.spec.IPAddressType))
	}
	if len(e.spec.Subnets) < 2 {
		why = append(why, fmt.Sprintf("it has %d subnet, and linkfleet's have two or more", len(e.spec.Subnets)))
	}
	if aws.ToBool(e.endpoint.PrivateDnsEnabled) && f.Service.PrivateDNS == nil {
		why = append(why, "private DNS is on, and the service has no private DNS name any more")
	}
	return why
}

// unheard finds clients of an endpoint that the load balancer shuts out.
func unheard(from []string, sg schema.LoadBalancerSecurityGroup) []string {
	if len(from) == 0 {
		return []string{"its security group lets nobody in"}
	}
	if !sg.EnforceOnPrivateLink {
		return nil
	}
	var why []string
	for _, block := range from {
		if !slices.ContainsFunc(sg.From, func(wide string) bool { return holdsBlock(wide, block) }) {
			why = append(why, fmt.Sprintf("its security group lets in %s, which the load balancer's drops", block))
		}
	}
	return why
}

func holdsBlock(wide, block string) bool {
	w, err := netip.ParsePrefix(wide)
	b, berr := netip.ParsePrefix(block)
	return err == nil && berr == nil && w.Bits() <= b.Bits() && w.Contains(b.Addr())
}

// tell makes consumers of a door: one for each endpoint that linkfleet can
// run, and one for the rest.
func (d *door) tell(f *Found) {
	principals := d.principals
	if len(principals) == 1 && d.account.Role != "" && principals[0] == "arn:aws:iam::"+d.account.ID+":role/"+path.Base(d.account.Role) {
		principals = nil // the default
	}
	for _, e := range d.ends {
		name := d.account.Name
		if len(d.ends) > 1 {
			name = d.nameFor(e)
		}
		c := &schema.Consumer{Name: free(f.Service, name, aws.ToString(e.endpoint.VpcEndpointId)), Account: d.account.Name, Principals: principals}
		c.Endpoint = &schema.Endpoint{
			Region: f.Service.Region, VPC: e.spec.VPC, Subnets: e.spec.Subnets, From: e.from,
			PrivateDNS: aws.ToBool(e.endpoint.PrivateDnsEnabled),
		}
		f.Service.Consumers[c.Name] = c
		f.claim(addrEndpoint(f.Service, c), aws.ToString(e.endpoint.VpcEndpointId))
		f.claim(addrEndpointGroup(f.Service, c), e.group)
	}
	if len(d.ends) == 0 || d.left {
		name := free(f.Service, d.account.Name, "others")
		f.Service.Consumers[name] = &schema.Consumer{Name: name, Account: d.account.Name, Principals: d.principals}
	}
}

// nameFor tells the endpoints of an account apart.
func (d *door) nameFor(e *end) string {
	if name := slug(ec2Tag(e.endpoint.Tags)("Name"), 64); name != "" {
		return name
	}
	return slug(d.account.Name+"-"+strings.TrimPrefix(e.spec.VPC, "vpc-"), 64)
}

// free is a name that no consumer of the service has yet.
func free(s *schema.Service, name, suffix string) string {
	if s.Consumers[name] == nil {
		return name
	}
	name = strings.TrimRight(name[:min(len(name), 64-1-len(suffix))], "-")
	return name + "-" + suffix
}
