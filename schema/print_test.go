package schema

import (
	"maps"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// printable is a fleet that has all that is printed, as Load gives it.
func printable() *Fleet {
	const root = "arn:aws:iam::222222222222:root"
	health := HealthCheck{Protocol: "TCP", Port: "traffic-port", Interval: 30, Timeout: 10, HealthyThreshold: 5, UnhealthyThreshold: 2}
	return &Fleet{
		Name: "payments", Regions: []string{"eu-west-1", "us-east-1"},
		Accounts: map[string]*Account{
			"platform": {Name: "platform", ID: "111111111111", Role: "team/linkfleet", ReadOnlyRole: "team/read", ExternalID: "said-once"},
			"risk":     {Name: "risk", ID: "222222222222", Role: "linkfleet"},
			"for":      {Name: "for", ID: "333333333333", External: true},
		},
		Zones: map[string]*Zone{"example.com": {Domain: "example.com", Account: "platform", ID: "Z1"}},
		Services: map[string]*Service{
			"import": {
				Name: "import", Account: "platform", Region: "us-east-1",
				LoadBalancer: LoadBalancer{
					VPC: "vpc-00000000", Subnets: []string{"subnet-00000001", "subnet-00000002"}, DeletionProtection: true,
					SecurityGroup: LoadBalancerSecurityGroup{From: []string{"10.0.0.0/8"}},
				},
				Listeners: map[string]*Listener{
					"tls": {
						Name: "tls", Port: 443, Protocol: "TLS", SSLPolicy: "ELBSecurityPolicy-2016-08",
						Certificate: "arn:aws:acm:us-east-1:111111111111:certificate/one",
						Targets:     Targets{Type: "instance", Port: 443, Protocol: "TLS", Addresses: []string{"i-00000000"}, DeregistrationDelay: 5, PreserveClientIP: false, ProxyProtocolV2: true},
						HealthCheck: HealthCheck{Protocol: "HTTPS", Port: "8080", Path: `/a"\(b)`, Interval: 5, Timeout: 2, HealthyThreshold: 2, UnhealthyThreshold: 3},
					},
					"alb": {
						Name: "alb", Port: 80, Protocol: "TCP", IdleTimeout: 60,
						Targets: Targets{
							Type: "alb", Port: 80, Protocol: "TCP", DeregistrationDelay: 300, PreserveClientIP: true,
							Addresses: []string{"arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/app/a/0"},
						},
						HealthCheck: HealthCheck{Protocol: "HTTP", Port: "traffic-port", Path: "/", Interval: 30, Timeout: 10, HealthyThreshold: 5, UnhealthyThreshold: 2},
					},
					"1": {
						Name: "1", Port: 1, Protocol: "TCP", IdleTimeout: 350, HealthCheck: health,
						Targets: Targets{Type: "ip", Port: 1, Protocol: "TCP", Addresses: []string{"10.1.1.1"}, DeregistrationDelay: 300},
					},
				},
				AcceptanceRequired: true, UnknownConnections: RejectUnknown, OnRevoke: Keep,
				PrivateDNS:    &PrivateDNS{Name: "*.pay.example.com", Zone: "example.com"},
				Notifications: &Notifications{Topic: "events", Events: []string{"Accept", "Reject"}},
				Consumers: map[string]*Consumer{
					"risk": {Name: "risk", Account: "risk", Principals: []string{"arn:aws:iam::222222222222:role/linkfleet"}, Endpoint: &Endpoint{
						Region: "us-east-1", VPC: "vpc-00000003", Subnets: []string{"subnet-00000004", "subnet-00000005"}, From: []string{"10.2.0.0/16"},
						PrivateDNS: true,
					}},
					"risk-2": {Name: "risk-2", Account: "risk", Principals: []string{root}, Endpoint: &Endpoint{
						Region: "us-east-1", VPC: "vpc-00000006", Subnets: []string{"subnet-00000007", "subnet-00000008"}, From: []string{"10.3.0.0/16"},
					}},
					"for": {Name: "for", Account: "for", Principals: []string{"arn:aws:iam::333333333333:role/x"}},
				},
			},
		},
	}
}

// What is printed loads as what it was, and plain CUE has no objection.
func TestPrintRoundTrip(t *testing.T) {
	want := printable()
	stranger := want.Accounts["for"]
	top := *want
	top.Accounts = maps.Clone(want.Accounts)
	delete(top.Accounts, "for")
	fleetText, err := PrintFleet(&top, "One line.\n\nAnother\x1b[31m with an escape.")
	if err != nil {
		t.Fatal(err)
	}
	serviceText, err := PrintService(want.Services["import"], want.Accounts, []*Account{stranger}, "")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{
		"cue.mod/module.cue": {Data: []byte("module: \"example.com/x\"\nlanguage: version: \"v0.13.0\"\n")},
		schemaFile:           {Data: schemaText},
		"fleet.cue":          {Data: fleetText},
		"import.cue":         {Data: serviceText},
	}
	got, _, err := LoadFS(t.Context(), files, time.Now())
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, fleetText, serviceText)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(Pos{}, Limits{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("loaded is another fleet (-printed +loaded):\n%s\n%s", diff, serviceText)
	}
	for _, r := range string(fleetText) {
		if r == '\x1b' {
			t.Error("an escape sequence went through")
		}
	}
}

// What is as by default is not said.
func TestPrintLeavesDefaultsOut(t *testing.T) {
	f := printable()
	s := f.Services["import"]
	only := s.Listeners["1"]
	s.Listeners = map[string]*Listener{"1": only}
	text, err := PrintService(s, f.Accounts, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"idleTimeout", "healthCheck", "protocol", "deregistrationDelay", "preserveClientIp", "proxyProtocolV2"} {
		if slices.Contains(fieldNames(string(text)), name) {
			t.Errorf("%s is printed though it is as by default:\n%s", name, text)
		}
	}
}

// fieldNames are the words before colons.
func fieldNames(text string) []string {
	var names []string
	word := ""
	for _, r := range text {
		switch {
		case r == ':':
			names = append(names, word)
			word = ""
		case r == ' ' || r == '\t' || r == '\n' || r == '{':
			word = ""
		default:
			word += string(r)
		}
	}
	return names
}
