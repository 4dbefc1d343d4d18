package kinds_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// An edit is a change of the fleet's files that AWS can follow in place, with
// consumers connected. Edits are played one after the other.
type edit struct {
	fields string // "Type.Field" of package schema, several with commas
	name   string
	edit   func(*scene)
	want   string // the plan
}

// edits are all edits, by the fleet on which they are played.
func edits() map[string][]edit {
	return map[string][]edit{
		"balancer": slices.Concat(balancerEdits(), listenerEdits()),
		"service":  slices.Concat(serviceEdits(), nameEdits()),
		"topic":    topicEdits(),
		"consumer": consumerEdits(),
	}
}

func TestEditsConvergeInOneApply(t *testing.T) {
	for name, all := range edits() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onStage(t, narrow, func(s *scene) {
				for _, e := range all {
					t.Log(e.fields, e.name)
					e.edit(s)
					s.heals(e.want)
				}
				s.tidy()
			})
		})
	}
}

// narrow is pair in two of three zones.
func narrow(f *schema.Fleet) {
	pair(f)
	s := f.Services["fraud"]
	s.LoadBalancer.Subnets = s.LoadBalancer.Subnets[:2]
	s.Consumers["risk"].Endpoint.Subnets = s.Consumers["risk"].Endpoint.Subnets[:2]
}

// editedElsewhere are fields that are not of this table, and why.
func editedElsewhere() map[string]string {
	return map[string]string{
		"Service.Account":  "another place is another service",
		"Service.Region":   "another place is another service",
		"LoadBalancer.VPC": "a replacement",
		"Targets.Type":     "a replacement",
		"Targets.Protocol": "a replacement",
		"PrivateDNS.Zone":  "a replacement",
		"Consumer.Account": "another place is another consumer",
		"Endpoint.Region":  "always the service's",
		"Endpoint.VPC":     "a replacement",
	}
}

// TestEveryFleetFieldIsEdited: what the language lets people say must be
// changeable.
func TestEveryFleetFieldIsEdited(t *testing.T) {
	has := slices.Sorted(func(yield func(string) bool) {
		for f := range editedElsewhere() {
			if !yield(f) {
				return
			}
		}
	})
	for _, all := range edits() {
		for _, e := range all {
			has = append(has, fieldList(e.fields)...)
		}
	}
	var want []string
	for _, typ := range []reflect.Type{
		reflect.TypeFor[schema.Service](), reflect.TypeFor[schema.LoadBalancer](), reflect.TypeFor[schema.LoadBalancerSecurityGroup](),
		reflect.TypeFor[schema.Listener](), reflect.TypeFor[schema.Targets](), reflect.TypeFor[schema.HealthCheck](),
		reflect.TypeFor[schema.PrivateDNS](), reflect.TypeFor[schema.Notifications](), reflect.TypeFor[schema.Consumer](), reflect.TypeFor[schema.Endpoint](),
	} {
		for f := range typ.Fields() {
			if !slices.Contains([]string{"Name", "Pos", "Waiver", "AllowReplace"}, f.Name) && !isPart(f.Type) {
				want = append(want, typ.Name()+"."+f.Name)
			}
		}
	}
	want = append(want, "PrivateDNS.Name")
	sameFields(t, "edit", has, want)
}

// isPart tells a struct that is itself one of the types looked at.
func isPart(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && strings.HasSuffix(t.PkgPath(), "/schema")
}

func balancerEdits() []edit {
	lb := func(change func(*schema.LoadBalancer)) func(*scene) {
		return func(s *scene) { change(&s.fraud.LoadBalancer) }
	}
	return []edit{
		{fields: "LoadBalancer.CrossZone", want: "update load-balancer/fraud: crossZone\n", edit: lb(func(lb *schema.LoadBalancer) { lb.CrossZone = false })},
		{fields: "LoadBalancer.DeletionProtection", name: "on", want: "update load-balancer/fraud: deletionProtection\n", edit: lb(func(lb *schema.LoadBalancer) { lb.DeletionProtection = true })},
		{fields: "LoadBalancer.DeletionProtection", name: "off", want: "update load-balancer/fraud: deletionProtection\n", edit: lb(func(lb *schema.LoadBalancer) { lb.DeletionProtection = false })},
		{fields: "LoadBalancerSecurityGroup.From", want: "update security-group/fraud: ingress\n", edit: lb(func(lb *schema.LoadBalancer) { lb.SecurityGroup.From = []string{"10.30.0.0/16", "10.40.0.0/16"} })},
		{fields: "LoadBalancerSecurityGroup.EnforceOnPrivateLink", want: "update load-balancer/fraud: enforceOnPrivateLink\n", edit: lb(func(lb *schema.LoadBalancer) { lb.SecurityGroup.EnforceOnPrivateLink = false })},
		{
			// The endpoint's new zone has to reach the service first.
			fields: "LoadBalancer.Subnets, Endpoint.Subnets", name: "a zone more, on both sides",
			want: "update load-balancer/fraud: subnets\nupdate endpoint-service/fraud: zones\nupdate endpoint/fraud/risk: subnets\n",
			edit: func(s *scene) {
				s.fraud.LoadBalancer.Subnets = append(slices.Clip(s.fraud.LoadBalancer.Subnets), "subnet-0f0000000000000a3")
				s.riskEndpoint().Subnets = append(slices.Clip(s.riskEndpoint().Subnets), "subnet-0a0000000000000b3")
			},
		},
	}
}

func (s *scene) riskEndpoint() *schema.Endpoint { return s.fraud.Consumers["risk"].Endpoint }

func listenerEdits() []edit {
	on := func(change func(*schema.Listener)) func(*scene) {
		return func(s *scene) { change(s.fraud.Listeners["https"]) }
	}
	group := func(field, fields string, change func(*schema.Listener)) edit {
		return edit{fields: field, want: "update target-group/fraud/https: " + fields + "\n", edit: on(change)}
	}
	return []edit{
		{fields: "Listener.Port", want: "update security-group/fraud: ingress\nupdate security-group/fraud/risk: ingress\nupdate listener/fraud/https: port\n", edit: on(func(l *schema.Listener) { l.Port = 9443 })},
		{fields: "Listener.IdleTimeout", want: "update listener/fraud/https: idleTimeout\n", edit: on(func(l *schema.Listener) { l.IdleTimeout = 60 })},
		group("Targets.DeregistrationDelay", "deregistrationDelay", func(l *schema.Listener) { l.Targets.DeregistrationDelay = 10 }),
		group("Targets.PreserveClientIP", "preserveClientIP", func(l *schema.Listener) { l.Targets.PreserveClientIP = true }),
		group("Targets.ProxyProtocolV2", "proxyProtocolV2", func(l *schema.Listener) { l.Targets.ProxyProtocolV2 = true }),
		group("Targets.Addresses", "targets", func(l *schema.Listener) { l.Targets.Addresses = []string{"10.20.1.11", "10.20.2.10"} }),
		group("HealthCheck.Protocol, HealthCheck.Path", "healthCheck.protocol, healthCheck.path", func(l *schema.Listener) {
			l.HealthCheck.Protocol, l.HealthCheck.Path = "HTTP", "/ready"
		}),
		group("HealthCheck.Path", "healthCheck.path", func(l *schema.Listener) { l.HealthCheck.Path = "/live" }),
		group("HealthCheck.Protocol", "healthCheck.protocol, healthCheck.path", func(l *schema.Listener) {
			l.HealthCheck.Protocol, l.HealthCheck.Path = "TCP", ""
		}),
		group("HealthCheck.Port", "healthCheck.port", func(l *schema.Listener) { l.HealthCheck.Port = "9000" }),
		group("HealthCheck.Port", "healthCheck.port", func(l *schema.Listener) { l.HealthCheck.Port = "traffic-port" }),
		group("HealthCheck.Interval", "healthCheck.interval", func(l *schema.Listener) { l.HealthCheck.Interval = 30 }),
		group("HealthCheck.Timeout", "healthCheck.timeout", func(l *schema.Listener) { l.HealthCheck.Timeout = 5 }),
		group("HealthCheck.HealthyThreshold", "healthCheck.healthyThreshold", func(l *schema.Listener) { l.HealthCheck.HealthyThreshold = 2 }),
		group("HealthCheck.UnhealthyThreshold", "healthCheck.unhealthyThreshold", func(l *schema.Listener) { l.HealthCheck.UnhealthyThreshold = 2 }),
		{
			fields: "Targets.Port", want: "create target-group/fraud/https: port, targets\nupdate listener/fraud/https: targetGroup\ndelete target-group/fraud/https: port, targets\n",
			edit: on(func(l *schema.Listener) { l.Targets.Port = 9443 }),
		},
		{
			fields: "Listener.Protocol, Listener.Certificate, Listener.SSLPolicy", want: "update listener/fraud/https: protocol, certificate, sslPolicy, idleTimeout\n",
			edit: on(func(l *schema.Listener) {
				l.Protocol, l.Certificate, l.SSLPolicy, l.IdleTimeout = "TLS", certificate, "ELBSecurityPolicy-TLS13-1-2-2021-06", 0
			}),
		},
		{fields: "Listener.Certificate", want: "update listener/fraud/https: certificate\n", edit: on(func(l *schema.Listener) { l.Certificate += "-new" })},
		{fields: "Listener.SSLPolicy", want: "update listener/fraud/https: sslPolicy\n", edit: on(func(l *schema.Listener) { l.SSLPolicy = "ELBSecurityPolicy-2016-08" })},
		{fields: "Listener.Protocol", want: "update listener/fraud/https: protocol, certificate, sslPolicy, idleTimeout\n", edit: on(func(l *schema.Listener) {
			l.Protocol, l.Certificate, l.SSLPolicy, l.IdleTimeout = "TCP", "", "", 350
		})},
		{
			fields: "Service.Listeners", name: "one more",
			want: "update security-group/fraud: ingress\nupdate security-group/fraud/risk: ingress\ncreate target-group/fraud/admin\ncreate listener/fraud/admin\n",
			edit: func(s *scene) { s.fraud.Listeners["admin"] = listenerLike(s.fraud, "admin", 10443) },
		},
		{
			fields: "Service.Listeners", name: "its name changes", // the port passes from one to the other
			want: "create target-group/fraud/ops\ndelete listener/fraud/admin\ndelete target-group/fraud/admin\ncreate listener/fraud/ops\n",
			edit: func(s *scene) {
				delete(s.fraud.Listeners, "admin")
				s.fraud.Listeners["ops"] = listenerLike(s.fraud, "ops", 10443)
			},
		},
		{
			fields: "Service.Listeners", name: "one less",
			want: "update security-group/fraud: ingress\nupdate security-group/fraud/risk: ingress\ndelete listener/fraud/ops\ndelete target-group/fraud/ops\n",
			edit: func(s *scene) { delete(s.fraud.Listeners, "ops") },
		},
	}
}

func listenerLike(s *schema.Service, name string, port int) *schema.Listener {
	l := *s.Listeners["https"]
	l.Name, l.Port = name, port
	return &l
}

func serviceEdits() []edit {
	return []edit{
		{fields: "Service.AcceptanceRequired", name: "off", want: "update endpoint-service/fraud: acceptanceRequired\n", edit: func(s *scene) { s.fraud.AcceptanceRequired = false }},
		{fields: "Service.AcceptanceRequired", name: "on", want: "update endpoint-service/fraud: acceptanceRequired\n", edit: func(s *scene) { s.fraud.AcceptanceRequired = true }},
		{fields: "Service.UnknownConnections, Service.OnRevoke", edit: func(s *scene) {
			s.fraud.UnknownConnections, s.fraud.OnRevoke = schema.RejectUnknown, schema.Keep
		}},
		{fields: "Consumer.OnRevoke", want: "update endpoint-service/fraud: terms.onRevoke\n", edit: func(s *scene) {
			s.fraud.Consumers["partner-a"].OnRevoke = schema.Reject
		}},
		{fields: "Service.PreventDestroy", name: "on", want: "update endpoint-service/fraud: terms.preventDestroy\n", edit: func(s *scene) { s.fraud.PreventDestroy = true }},
		{fields: "Service.PreventDestroy", name: "off", want: "update endpoint-service/fraud: terms.preventDestroy\n", edit: func(s *scene) { s.fraud.PreventDestroy = false }},
	}
}

func nameEdits() []edit {
	const renamed = "update private-dns-name/fraud: name\ncreate verification-record/fraud: name, value\n" +
		"update domain-verification/fraud: record\ndelete verification-record/fraud: name, value\n" +
		"update endpoint-private-dns/fraud/risk: name\n"
	return []edit{
		{fields: "PrivateDNS.Name", name: "with a consumer on it", want: renamed, edit: func(s *scene) {
			s.fraud.PrivateDNS = &schema.PrivateDNS{Name: "risk.internal.payments.example.com", Zone: "payments.example.com"}
		}},
		{fields: "PrivateDNS.Name", name: "a wildcard", want: renamed, edit: func(s *scene) {
			s.fraud.PrivateDNS = &schema.PrivateDNS{Name: "*.fraud.payments.example.com", Zone: "payments.example.com"}
		}},
		{fields: "Endpoint.PrivateDNS", name: "off", want: "delete endpoint-private-dns/fraud/risk\n", edit: func(s *scene) { s.riskEndpoint().PrivateDNS = false }},
		{fields: "Endpoint.PrivateDNS", name: "on", want: "create endpoint-private-dns/fraud/risk\n", edit: func(s *scene) { s.riskEndpoint().PrivateDNS = true }},
	}
}

func topicEdits() []edit {
	to := func(topic string) func(*scene) {
		return func(s *scene) {
			n := *s.fraud.Notifications
			n.Topic = topic
			s.fraud.Notifications = &n
		}
	}
	const theirs = "arn:aws:sns:us-east-1:111111111111:theirs"
	return []edit{
		{fields: "Notifications.Events", want: "update connection-notification/fraud: events\n", edit: func(s *scene) { s.fraud.Notifications.Events = []string{"Connect"} }},
		{fields: "Notifications.Topic", name: "another name", want: "create topic/second\nupdate connection-notification/fraud: topic\ndelete topic/privatelink-events\n", edit: to("second")},
		{
			fields: "Notifications.Topic", name: "an ARN", want: "update connection-notification/fraud: topic\ndelete topic/second\n",
			edit: func(s *scene) {
				_, err := s.platform.SNS.CreateTopic(s.T.Context(), &sns.CreateTopicInput{Name: aws.String("theirs")})
				s.must(err)
				to(theirs)(s)
			},
		},
		{fields: "Notifications.Topic", name: "a name again", want: "create topic/second\nupdate connection-notification/fraud: topic\n", edit: to("second")},
		{fields: "Service.Notifications", name: "none", want: "delete connection-notification/fraud\ndelete topic/second\n", edit: func(s *scene) { s.fraud.Notifications = nil }},
		{fields: "Service.Notifications", name: "again", want: "create topic/second\ncreate connection-notification/fraud\n", edit: func(s *scene) {
			s.fraud.Notifications = &schema.Notifications{Topic: "second", Events: []string{"Accept", "Reject"}}
		}},
	}
}

func consumerEdits() []edit {
	subnets := func(ids ...string) func(*scene) { return func(s *scene) { s.riskEndpoint().Subnets = ids } }
	const updated = "update endpoint/fraud/risk: subnets\n"
	lending := &schema.Consumer{
		Name: "lending", Account: "lending", Principals: []string{"arn:aws:iam::555555555555:role/linkfleet"},
		Endpoint: &schema.Endpoint{
			Region: region, VPC: "vpc-0a0000000000000c1", PrivateDNS: true, From: []string{"10.40.0.0/16"},
			Subnets: []string{"subnet-0a0000000000000c1", "subnet-0a0000000000000c2"},
		},
	}
	return []edit{
		{fields: "Endpoint.Subnets", name: "swapped within a zone", want: updated, edit: subnets("subnet-0a0000000000000b2", "subnet-0a0000000000000f9")},
		{fields: "Endpoint.Subnets", name: "one less", want: updated, edit: subnets("subnet-0a0000000000000b2")},
		{fields: "Endpoint.Subnets", name: "one more", want: updated, edit: subnets("subnet-0a0000000000000b1", "subnet-0a0000000000000b2")},
		{fields: "Endpoint.From", want: "update security-group/fraud/risk: ingress\n", edit: func(s *scene) { s.riskEndpoint().From = []string{"10.30.4.0/24"} }},
		{fields: "Consumer.Principals", want: "update service-permissions/fraud: principals\n", edit: func(s *scene) {
			s.fraud.Consumers["partner-a"].Principals = []string{"arn:aws:iam::333333333333:role/other"}
		}},
		{
			fields: "Service.Consumers, Consumer.Endpoint", name: "one more",
			want: "create security-group/fraud/lending\nupdate service-permissions/fraud: principals\ncreate endpoint/fraud/lending\n" +
				"create connection/fraud/lending\ncreate endpoint-private-dns/fraud/lending\n",
			edit: func(s *scene) { s.fraud.Consumers["lending"] = lending },
		},
		{
			fields: "Service.Consumers", name: "one less",
			want: "update service-permissions/fraud: principals\ndelete endpoint-private-dns/fraud/lending\n" +
				"delete endpoint/fraud/lending\ndelete security-group/fraud/lending\n",
			edit: func(s *scene) { delete(s.fraud.Consumers, "lending") },
		},
		{fields: "Service.Consumers, Service.PrivateDNS", name: "nobody, and then no name", edit: func(s *scene) {
			clear(s.fraud.Consumers)
			s.Converge()
			s.fraud.PrivateDNS = nil
			s.Converge()
			s.fraud.PrivateDNS = &schema.PrivateDNS{Name: "*.internal.payments.example.com", Zone: "payments.example.com"}
			s.Converge()
		}},
	}
}

// A new load balancer enforces its rules on PrivateLink traffic, and AWS does
// not say so until somebody sets it: a fleet that wants it off must set it.
func TestEnforcementIsOffFromTheStart(t *testing.T) {
	onStage(t, func(f *schema.Fleet) {
		narrow(f)
		f.Services["fraud"].LoadBalancer.SecurityGroup.EnforceOnPrivateLink = false
	}, func(s *scene) {
		out, err := s.platform.ELB.DescribeLoadBalancers(s.T.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{*s.id("load-balancer/fraud")}})
		s.must(err)
		if got := aws.ToString(out.LoadBalancers[0].EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic); got != "off" {
			t.Errorf("enforcement is %q, want off", got)
		}
	})
}

// A security group has room for 60 rules. Where it has not for the old beside
// the new, they take turns, and no client is without both in between.
func TestFullSecurityGroupsChange(t *testing.T) {
	for n, want := range map[int]string{
		30: "Authorize Revoke",
		35: "Authorize Revoke Authorize Revoke",
		50: strings.TrimSpace(strings.Repeat("Authorize Revoke ", 5)),
		60: strings.TrimSpace(strings.Repeat("Revoke Authorize ", 6)),
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { changeGroupOf(t, n, want) })
	}
}

func changeGroupOf(t *testing.T, n int, want string) {
	onStage(t, func(f *schema.Fleet) {
		narrow(f)
		var blocks []string
		for i := range n {
			blocks = append(blocks, fmt.Sprintf("10.30.%d.0/24", i))
		}
		s := f.Services["fraud"]
		s.LoadBalancer.SecurityGroup.From, s.Consumers["risk"].Endpoint.From = blocks, blocks
	}, func(s *scene) {
		s.fraud.Listeners["https"].Port = 9443
		s.Sim.ResetCalls()
		s.heals("update security-group/fraud: ingress\nupdate security-group/fraud/risk: ingress\nupdate listener/fraud/https: port\n")
		var did []string
		for _, c := range s.Sim.Calls() {
			if c.Account == platformID && strings.HasSuffix(c.Operation, "SecurityGroupIngress") && c.Code == "" {
				did = append(did, strings.TrimSuffix(c.Operation, "SecurityGroupIngress"))
			}
		}
		if got := strings.Join(did, " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// AWS refuses some edits while endpoints are connected. Linkfleet refuses
// them before, and says the way out.
func TestEditsThatConnectionsForbid(t *testing.T) {
	onStage(t, pair, func(s *scene) {
		for _, c := range []struct {
			name     string
			edit     func()
			at       string
			reason   string
			mend     string
			takeBack func()
		}{
			{
				"a zone less", func() { s.fraud.LoadBalancer.Subnets = s.fraud.LoadBalancer.Subnets[:2] },
				"load-balancer/fraud", "2 connections go through this load balancer", "keep subnet-0f0000000000000a3 at services/fraud/service.cue",
				func() { s.fraud.LoadBalancer.Subnets = s.fraud.LoadBalancer.Subnets[:3] },
			},
			{
				"no private name", func() { s.fraud.PrivateDNS = nil },
				"private-dns-name/fraud", "2 endpoints are connected", "put privateDNS back at services/fraud/service.cue",
				func() {
					s.fraud.PrivateDNS = &schema.PrivateDNS{Name: "fraud.internal.payments.example.com", Zone: "payments.example.com"}
				},
			},
		} {
			c.edit()
			plan := s.Plan()
			i := slices.IndexFunc(plan.Blocked, func(b planner.Blocked) bool { return b.Addr.Path() == c.at })
			if i < 0 || plan.Blocked[i].Cause != planner.CauseRefused || !strings.Contains(plan.Blocked[i].Reason, c.reason) || !strings.Contains(plan.Blocked[i].Mend, c.mend) {
				t.Errorf("%s: want %s refused because %q:\n%s", c.name, c.at, c.reason, stage.Text(plan))
			}
			if err := s.Apply().Err(); err != nil {
				t.Errorf("%s: the rest of the plan fails: %v", c.name, err)
			}
			c.takeBack()
			s.Converge()
		}
	})
}

// An endpoint that is replaced stays connected all the while, as one or the
// other, and one that comes is there before one that goes is gone.
func TestPrivateNameStaysWithWhoComes(t *testing.T) {
	moved := func(s *scene, c *schema.Consumer) *schema.Consumer {
		next, e := *c, *c.Endpoint
		e.VPC, e.Subnets, e.AllowReplace = "vpc-0a0000000000000f1", []string{"subnet-0a0000000000000f1", "subnet-0a0000000000000f2"}, true
		next.Endpoint = &e
		return &next
	}
	for name, edit := range map[string]func(*scene, map[string]*schema.Consumer){
		"replaced": func(s *scene, all map[string]*schema.Consumer) { all["risk"] = moved(s, all["risk"]) },
		"another": func(s *scene, all map[string]*schema.Consumer) {
			next := moved(s, all["risk"])
			next.Name, all["risk-two"] = "risk-two", next
			delete(all, "risk")
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(f *schema.Fleet) { pair(f); only(f.Services["fraud"].Consumers, "risk") }, func(s *scene) {
				s.fraud.PrivateDNS = nil
				edit(s, s.fraud.Consumers)
				plan := s.Plan()
				if !slices.ContainsFunc(plan.Blocked, func(b planner.Blocked) bool {
					return b.Addr.Path() == "private-dns-name/fraud" && b.Cause == planner.CauseRefused && strings.Contains(b.Mend, "put privateDNS back")
				}) {
					t.Errorf("the name goes:\n%s", stage.Text(plan))
				}
				if err := s.Apply().Err(); err != nil {
					t.Errorf("the rest of the plan fails: %v", err)
				}
			})
		})
	}
}
