package schema

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

// checkConsumers checks the consumers of a service. With acceptance
// required, the connection of one that makes its own endpoint is known by
// its account alone.
func (c *checker) checkConsumers(f *field, s *Service) {
	external := map[string]string{}
	for name, kf := range f.each() {
		k := s.Consumers[name]
		account := c.consumerAccount(kf, k)
		c.principals(kf.get("principals"), k, account, s)
		if k.Endpoint != nil {
			c.checkEndpoint(kf.get("endpoint"), k, account, s)
			continue
		}
		if !kf.get("principals").exists() || len(k.Principals) == 0 && !c.known[kf.get("principals").path()] {
			kf.fault("the consumer has neither an endpoint nor principals", "write principals: […], who may connect, or endpoint: {…} for one that linkfleet runs")
		}
		if other, ok := external[k.Account]; ok {
			kf.fault(fmt.Sprintf("consumers %s and %s are both of account %s, and a connection tells only the account", other, name, k.Account), "make them one consumer with the principals of both")
		}
		external[k.Account] = name
	}
}

// consumerAccount is the account that a consumer names, or that has its
// name; nil if there is none, which is then on record.
func (c *checker) consumerAccount(f *field, k *Consumer) *Account {
	if named := f.get("account"); named.exists() {
		return c.namedAccount(named, k.Account)
	}
	if c.frame.Accounts != nil && c.frame.Accounts[k.Name] == nil {
		mend := "declare the account, or write account: … in the consumer"
		if near := didYouMean(k.Name, maps.Keys(c.frame.Accounts)); near != "" {
			mend += "; did you mean " + near + "?"
		}
		f.fault(fmt.Sprintf("the consumer names no account, and there is none of its own name %q", k.Name), mend)
		return nil
	}
	return c.frame.Accounts[k.Name]
}

// endpointRole is the ARN by which AWS knows whoever acts in a role: without
// the role's path.
func endpointRole(a *Account) string {
	return "arn:aws:iam::" + a.ID + ":role/" + path.Base(a.Role)
}

// rootARN stands for everybody in an account.
func rootARN(id string) string { return "arn:aws:iam::" + id + ":root" }

// checkEndpoint checks a managed consumer.
func (c *checker) checkEndpoint(f *field, k *Consumer, a *Account, s *Service) {
	if a != nil && a.External {
		f.fault(fmt.Sprintf("account %s is external, so linkfleet cannot run an endpoint there", a.Name), "delete endpoint and write principals, or give the account a role")
	}
	if k.Endpoint.PrivateDNS && s.PrivateDNS == nil {
		f.get("privateDNS").fault("the service has no private DNS name to turn on", "write privateDNS: {name: …} in the service, or delete this")
	}
	c.admitted(f, k, a)
	c.openClients(f.get("from"), s)
	c.dropped(f.get("from"), k, s)
	if k.OnRevoke == Keep {
		f.up.get("onRevoke").fault("linkfleet runs the consumer's endpoint, which goes when fleet.removed names it and not before", "delete onRevoke")
	}
}

// admitted gives a managed consumer its default principal, and finds one
// that shuts out the role that makes its endpoint.
func (c *checker) admitted(f *field, k *Consumer, a *Account) {
	if a == nil || a.External || a.ID == "" || a.Role == "" {
		return
	}
	role := endpointRole(a)
	if !f.up.get("principals").exists() {
		k.Principals = []string{role}
		return
	}
	admits := func(p string) bool { return p == role || p == rootARN(a.ID) || p == "*" }
	if !slices.ContainsFunc(k.Principals, admits) && !c.known[f.up.get("principals").path()] {
		f.up.get("principals").fault("the principals leave out the role that makes the consumer's endpoint", fmt.Sprintf("add %q", role))
	}
}

// dropped finds clients of an endpoint that the load balancer's security
// group shuts out: it drops their packets silently.
func (c *checker) dropped(f *field, k *Consumer, s *Service) {
	sg := s.LoadBalancer.SecurityGroup
	if !sg.EnforceOnPrivateLink || len(sg.From) == 0 {
		return
	}
	for _, e := range f.elements() {
		p, err := netip.ParsePrefix(e.str())
		if err != nil || p != p.Masked() || covers(sg.From, p) {
			continue
		}
		e.fault(fmt.Sprintf("the load balancer would drop clients from %s: its security group lets in %s and is enforced on PrivateLink traffic", p, strings.Join(sg.From, ", ")),
			"add the block to loadBalancer.securityGroup.from, or write enforceOnPrivateLink: false")
	}
}

// covers says whether one of the blocks holds all of p.
func covers(blocks []string, p netip.Prefix) bool {
	return slices.ContainsFunc(blocks, func(text string) bool {
		b, err := netip.ParsePrefix(text)
		return err == nil && b.Bits() <= p.Bits() && b.Contains(p.Addr())
	})
}

var (
	accountID   = regexp.MustCompile(`^[0-9]{12}$`)
	iamARN      = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):(root|(?:role|user)/[A-Za-z0-9+=,.@_-]{1,64})$`)
	iamPathARN  = regexp.MustCompile(`^(arn:aws:iam::[0-9]{12}:(?:role|user)/)(?:[!-~]*/)([A-Za-z0-9+=,.@_-]{1,64})$`)
	assumedRole = regexp.MustCompile(`^arn:aws:sts::([0-9]{12}):assumed-role/([^/]+)(/.*)?$`)
)

// principals checks who may connect. The forms are those of the PrivateLink
// guide, "Manage permissions".
func (c *checker) principals(f *field, k *Consumer, a *Account, s *Service) {
	c.repeated(f)
	for _, e := range f.elements() {
		p := e.str()
		m := iamARN.FindStringSubmatch(p)
		switch {
		case p == "":
		case p == "*":
			c.everybody(e, s)
		case m == nil:
			message, mend := malformed(p)
			e.fault(message, mend)
		case a != nil && a.ID != "" && m[1] != a.ID:
			e.fault(fmt.Sprintf("the principal is of account %s, and the consumer's account is %s (%s)", m[1], a.Name, a.ID), "make it a consumer of its own, with its account")
		case m[2] == "root":
			c.root(e, k, a, s)
		}
	}
}

// malformed says what is wrong with a principal that is not an IAM ARN that
// AWS takes.
func malformed(p string) (message, mend string) {
	if accountID.MatchString(p) {
		return fmt.Sprintf("%q is an account's id, not a principal", p), fmt.Sprintf("write %q for all of the account", rootARN(p))
	}
	if m := assumedRole.FindStringSubmatch(p); m != nil {
		return "AWS refuses assumed-role ARNs as principals", fmt.Sprintf("write the role's own: %q", "arn:aws:iam::"+m[1]+":role/"+m[2])
	}
	if m := iamPathARN.FindStringSubmatch(p); m != nil {
		return fmt.Sprintf("AWS takes %q but never matches it, because it has a path", p), fmt.Sprintf("leave the path out: %q", m[1]+m[2])
	}
	return fmt.Sprintf("%q is not the ARN of a role, a user or an account's root", p), `write one such as "arn:aws:iam::222222222222:role/client"`
}

// everybody checks the principal "*".
func (c *checker) everybody(f *field, s *Service) {
	if s.Waiver != nil {
		return
	}
	message := "\"*\" lets anybody at all ask for a connection"
	if !s.AcceptanceRequired {
		message = "\"*\" with acceptanceRequired: false opens the service to everybody in AWS"
	}
	f.fault(message, "list the consumers' principals, or write waiver: {reason: …, expires: …} in the service")
}

// root checks an account's root as principal: everybody in the account.
func (c *checker) root(f *field, k *Consumer, a *Account, s *Service) {
	switch {
	case !s.AcceptanceRequired && s.Waiver == nil:
		f.fault("with acceptanceRequired: false, an account's root lets everybody in the account connect unseen", "name the role that connects, write acceptanceRequired: true, or write waiver: {reason: …, expires: …} in the service")
	case k.Endpoint != nil && a != nil && a.Role != "":
		c.warn(f.pos(), f.path(), "an account's root admits everybody in the account, and only one role makes the endpoint", fmt.Sprintf("write %q, or leave principals out", endpointRole(a)))
	}
}
