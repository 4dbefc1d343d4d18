package schema

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/literal"
)

// PrintFleet writes the file that says a fleet's name, regions, accounts and
// zones. The comment stands at its top, a line for each of its lines.
func PrintFleet(f *Fleet, comment string) ([]byte, error) {
	p := newPrinter(comment)
	p.open("fleet")
	p.field("name", quote(f.Name))
	p.field("regions", quotes(f.Regions))
	p.close()
	p.b.WriteByte('\n')
	p.accounts(slices.Collect(maps.Values(f.Accounts)))
	if len(f.Zones) > 0 {
		p.open("zones")
		for _, domain := range slices.Sorted(maps.Keys(f.Zones)) {
			z := f.Zones[domain]
			p.field(label(domain), fmt.Sprintf("{account: %s, id: %s}", quote(z.Account), quote(z.ID)))
		}
		p.close()
	}
	return p.text()
}

// PrintService writes the file of one service. What is as by default is left
// out, except how the service accepts connections. Accounts are by name; they
// tell what a consumer's principals are by default. Those in also are
// declared in the file too.
func PrintService(s *Service, accounts map[string]*Account, also []*Account, comment string) ([]byte, error) {
	p := newPrinter(comment)
	p.accounts(also)
	p.open("services: " + label(s.Name))
	p.field("account", quote(s.Account))
	p.field("region", quote(s.Region))
	p.loadBalancer(s.LoadBalancer)
	p.open("listeners")
	for _, name := range slices.Sorted(maps.Keys(s.Listeners)) {
		p.listener(s.Listeners[name])
	}
	p.close()
	p.field("acceptanceRequired", strconv.FormatBool(s.AcceptanceRequired))
	p.unless("unknownConnections", quote(string(s.UnknownConnections)), quote(string(Leave)))
	p.unless("onRevoke", quote(string(s.OnRevoke)), quote(string(Reject)))
	if s.PrivateDNS != nil {
		p.field("privateDNS: name", quote(s.PrivateDNS.Name))
	}
	if n := s.Notifications; n != nil {
		p.open("notifications")
		p.field("topic", quote(n.Topic))
		p.unless("events", quotes(n.Events), quotes([]string{"Accept", "Connect", "Delete", "Reject"}))
		p.close()
	}
	if len(s.Consumers) > 0 {
		p.open("consumers")
		for _, name := range slices.Sorted(maps.Keys(s.Consumers)) {
			p.consumer(s.Consumers[name], accounts)
		}
		p.close()
	}
	p.close()
	return p.text()
}

// A printer collects CUE that format.Source then sets in order.
type printer struct {
	b   strings.Builder
	err error
}

func newPrinter(comment string) *printer {
	p := &printer{}
	for line := range strings.Lines(comment) {
		p.b.WriteString(strings.TrimRight("// "+harmless(strings.TrimRight(line, "\n")), " ") + "\n")
	}
	p.b.WriteString("package " + packageName + "\n\n")
	return p
}

// harmless keeps what is not printable out of a comment, which a line break
// would end.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

func (p *printer) text() ([]byte, error) {
	if p.err != nil {
		return nil, p.err
	}
	text, err := format.Source([]byte(p.b.String()), format.Simplify())
	if err != nil {
		return nil, fmt.Errorf("setting CUE: %w", err)
	}
	return text, nil
}

func (p *printer) open(name string)         { p.b.WriteString(name + ": {\n") }
func (p *printer) close()                   { p.b.WriteString("}\n") }
func (p *printer) field(name, value string) { p.b.WriteString(name + ": " + value + "\n") }

// unless leaves out a field that has its default.
func (p *printer) unless(name, value, standard string) {
	if value != standard {
		p.field(name, value)
	}
}

// flag leaves out a field that has its default.
func (p *printer) flag(name string, value, standard bool) {
	p.unless(name, strconv.FormatBool(value), strconv.FormatBool(standard))
}

// number leaves out a field that has its default.
func (p *printer) number(name string, value, standard int) {
	p.unless(name, strconv.Itoa(value), strconv.Itoa(standard))
}

var plainLabel = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$`)

// label is a field's name, quoted where CUE would read it otherwise.
func label(name string) string {
	if plainLabel.MatchString(name) && ast.IsValidIdent(name) && !slices.Contains([]string{"for", "if", "in", "let", "true", "false", "null", "import", "package", "func", "try", "else"}, name) {
		return name
	}
	return quote(name)
}

func quote(text string) string { return literal.String.Quote(text) }

func quotes(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func (p *printer) accounts(accounts []*Account) {
	if len(accounts) == 0 {
		return
	}
	slices.SortFunc(accounts, func(a, b *Account) int { return strings.Compare(a.Name, b.Name) })
	p.open("accounts")
	for _, a := range accounts {
		says := "id: " + quote(a.ID)
		if a.External {
			says += ", external: true"
		} else {
			says += ", role: " + quote(a.Role)
		}
		if a.ReadOnlyRole != "" {
			says += ", readOnlyRole: " + quote(a.ReadOnlyRole)
		}
		if a.ExternalID != "" {
			says += ", externalId: " + quote(a.ExternalID)
		}
		p.field(label(a.Name), "{"+says+"}")
	}
	p.close()
	p.b.WriteByte('\n')
}

func (p *printer) loadBalancer(lb LoadBalancer) {
	p.open("loadBalancer")
	p.field("vpc", quote(lb.VPC))
	p.field("subnets", quotes(lb.Subnets))
	p.flag("crossZone", lb.CrossZone, true)
	p.flag("deletionProtection", lb.DeletionProtection, false)
	p.open("securityGroup")
	p.field("from", quotes(lb.SecurityGroup.From))
	p.field("enforceOnPrivateLink", strconv.FormatBool(lb.SecurityGroup.EnforceOnPrivateLink))
	p.close()
	p.close()
}

func (p *printer) listener(l *Listener) {
	p.open(label(l.Name))
	p.field("port", strconv.Itoa(l.Port))
	p.unless("protocol", quote(l.Protocol), quote("TCP"))
	if l.Protocol == "TLS" {
		p.field("certificate", quote(l.Certificate))
		p.unless("sslPolicy", quote(l.SSLPolicy), quote("ELBSecurityPolicy-TLS13-1-2-2021-06"))
	} else {
		p.number("idleTimeout", l.IdleTimeout, 350)
	}
	t := l.Targets
	p.open("targets")
	p.field("type", quote(t.Type))
	p.field("port", strconv.Itoa(t.Port))
	p.unless("protocol", quote(t.Protocol), quote("TCP"))
	p.field("addresses", quotes(t.Addresses))
	p.number("deregistrationDelay", t.DeregistrationDelay, 300)
	p.flag("preserveClientIp", t.PreserveClientIP, t.Type != "ip")
	p.flag("proxyProtocolV2", t.ProxyProtocolV2, false)
	p.close()
	p.healthCheck(l.HealthCheck)
	p.close()
}

func (p *printer) healthCheck(h HealthCheck) {
	if h == (HealthCheck{Protocol: "TCP", Port: "traffic-port", Interval: 30, Timeout: 10, HealthyThreshold: 5, UnhealthyThreshold: 2}) {
		return
	}
	p.open("healthCheck")
	p.unless("protocol", quote(h.Protocol), quote("TCP"))
	p.unless("port", h.Port, "traffic-port")
	if h.Protocol != "TCP" {
		p.unless("path", quote(h.Path), quote("/"))
	}
	p.number("interval", h.Interval, 30)
	p.number("timeout", h.Timeout, 10)
	p.number("healthyThreshold", h.HealthyThreshold, 5)
	p.number("unhealthyThreshold", h.UnhealthyThreshold, 2)
	p.close()
}

func (p *printer) consumer(c *Consumer, accounts map[string]*Account) {
	p.open(label(c.Name))
	p.unless("account", quote(c.Account), quote(c.Name))
	if len(c.Principals) > 0 && (c.Endpoint == nil || !isDefault(c.Principals, accounts[c.Account])) {
		p.field("principals", quotes(c.Principals))
	}
	if e := c.Endpoint; e != nil {
		p.open("endpoint")
		p.field("vpc", quote(e.VPC))
		p.field("subnets", quotes(e.Subnets))
		p.field("from", quotes(e.From))
		p.flag("privateDNS", e.PrivateDNS, false)
		p.close()
	}
	p.close()
}

// isDefault tells whether the principals are those that a consumer with an
// endpoint has if it names none.
func isDefault(principals []string, a *Account) bool {
	return a != nil && slices.Equal(principals, []string{"arn:aws:iam::" + a.ID + ":role/" + path.Base(a.Role)})
}
