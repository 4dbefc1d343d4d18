package kinds_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/estate"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// imports imports into a new folder, as a new process.
func (h *handMade) imports(only ...string) (string, *estate.Imported) {
	h.T.Helper()
	dir := filepath.Join(h.TempDir(), "fleet")
	base := *h.Fleet
	in := estate.Import{API: h.API(), Fleet: &base, Dir: dir, Only: only, Today: time.Now()}
	done, err := in.Run(h.Context())
	h.must(err)
	return dir, done
}

// loads makes the fleet of a folder the stage's.
func (h *handMade) loads(dir string) {
	h.T.Helper()
	fleet, _, err := schema.Load(h.Context(), dir, time.Now())
	h.must(err)
	h.Fleet = fleet
}

// adopts adopts all that the folder says.
func (h *handMade) adopts(dir string) *estate.Adoption {
	h.T.Helper()
	objects, err := estate.ReadClaims(dir)
	h.must(err)
	a, err := estate.PlanAdoption(h.Context(), h.API(), h.Fleet, objects, "")
	h.must(err)
	if len(a.Left.Steps)+len(a.Left.Blocked) > 0 {
		h.Fatalf("adoption leaves something to do:\n%s", stage.Text(a.Left))
	}
	h.must(a.Do(h.Context(), func(estate.Object) {}))
	time.Sleep(10 * time.Minute) // AWS's index of tags lags
	return a
}

// changing are the operations among calls that change something, sorted.
func changing(calls []awssim.Call) []string {
	var ops []string
	for _, c := range calls {
		reads := slices.ContainsFunc([]string{"Describe", "List", "Get", "AssumeRole"}, func(p string) bool { return strings.HasPrefix(c.Operation, p) })
		if !reads && !slices.Contains(ops, c.Operation) {
			ops = append(ops, c.Operation)
		}
	}
	slices.Sort(ops)
	return ops
}

func wantOperations(t *testing.T, calls []awssim.Call, want ...string) {
	t.Helper()
	if got := changing(calls); !slices.Equal(got, want) {
		t.Errorf("operations that change AWS: %v, want %v", got, want)
	}
}

func TestHandMadeEstate(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		before := h.records()
		var dir string
		var done *estate.Imported
		wantOperations(t, h.Calls(func() { dir, done = h.imports() }))
		if len(done.Whole) != 2 || len(done.Drafts) != 1 || done.Drafts[0].Service.Name != "legacy" {
			for _, f := range done.Drafts {
				t.Logf("%s: %v", f.Service.Name, f.Faults)
			}
			t.Fatalf("%d whole and %d drafts, want two and legacy", len(done.Whole), len(done.Drafts))
		}
		goldenFleet(t, dir)
		h.loads(dir)

		calls := h.Calls(func() { h.adopts(dir) })
		wantOperations(t, calls, "AddTags", "ChangeResourceRecordSets", "CreateTags", "TagResource")
		wantOperations(t, h.Calls(h.WantEmpty))
		if again := h.adopts(dir); len(again.Objects) != 0 {
			t.Errorf("a second adoption has %v to do", again.Objects)
		}

		service := done.Whole[0].Service.Name
		calls = h.Calls(func() { h.releases(service) })
		wantOperations(t, calls, "ChangeResourceRecordSets", "DeleteTags", "RemoveTags", "UntagResource")
		kept := h.Fleet.Services[service]
		delete(h.Fleet.Services, service)
		h.WantEmpty()
		h.Fleet.Services[service] = kept

		h.adopts(dir)
		h.WantEmpty()
		for name := range h.Fleet.Services {
			h.releases(name)
		}
		if after := h.records(); !slices.Equal(before, after) {
			t.Errorf("TXT values before %q, after %q", before, after)
		}
		h.loads(dir)
		if _, again := h.imports(); len(again.Whole) != 2 {
			t.Errorf("after release %d services can be imported, want 2", len(again.Whole))
		}
	})
}

// releases lets go of a service.
func (h *handMade) releases(service string) *estate.Release {
	h.T.Helper()
	r, err := estate.PlanRelease(h.Context(), h.API(), h.Fleet, service)
	h.must(err)
	h.must(r.Do(h.Context(), func(estate.Object) {}))
	time.Sleep(10 * time.Minute)
	return r
}

// cutsOffNobody wants the next apply to end no connection.
func (h *handMade) cutsOffNobody() {
	h.T.Helper()
	time.Sleep(10 * time.Minute)
	plan := h.Plan()
	for _, st := range plan.Steps {
		if slices.Contains([]string{"connection", "endpoint", "endpoint-service"}, st.Addr.Kind) && st.Action == planner.Delete {
			h.Errorf("the next apply would %s %s:\n%s", st.Verb, st.Addr, stage.Text(plan))
		}
	}
}

// While one of a service's endpoints is not the fleet's, neither is the
// service: to the next apply the endpoint would be a stranger's.
func TestHalfAdopted(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		dir, _ := h.imports()
		h.loads(dir)
		objects, err := estate.ReadClaims(dir)
		h.must(err)
		risk := h.Fleet.Accounts["risk"]
		risk.Role = "surveyor"
		a, err := estate.PlanAdoption(h.Context(), h.API(), h.Fleet, objects, "")
		h.must(err)
		did := map[planner.Addr]bool{}
		err = a.Do(h.Context(), func(o estate.Object) { did[o.Addr] = true })
		if err == nil || !strings.Contains(err.Error(), "so that the next apply rejects no connection of theirs") {
			t.Errorf("an adoption that is half done says %v", err)
		}
		for _, o := range a.Objects {
			if want := o.Addr.Place.Account != "risk" && o.Addr.Kind != "endpoint-service"; did[o.Addr] != want {
				t.Errorf("%s adopted: %t, want %t", o.Addr, did[o.Addr], want)
			}
		}
		risk.Role = "linkfleet"
		h.cutsOffNobody()
		h.adopts(dir)
		h.WantEmpty()
	}, func(world awssim.World) {
		world.Accounts[riskID].Roles["surveyor"] = awssim.WorldRole{Trust: []string{"*"}, Actions: kinds.SurveyActions()}
	})
}

// What keeps one service from being adopted keeps no other from it.
func TestOneOfTwoAdopted(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		dir, _ := h.imports()
		h.loads(dir)
		objects, err := estate.ReadClaims(dir)
		h.must(err)
		a, err := estate.PlanAdoption(h.Context(), h.API(), h.Fleet, objects, "")
		h.must(err)
		for addr, id := range objects {
			if addr.Path() == "load-balancer/pay-front" {
				h.tagBalancer(id, "other", "load-balancer/pay")
			}
		}
		if err := a.Do(h.Context(), func(estate.Object) {}); err == nil {
			t.Error("an object of another fleet was adopted")
		}
		time.Sleep(10 * time.Minute)
		whose, err := kinds.NewPlaces(h.API(), h.Fleet).Marks(h.Context(), objects)
		h.must(err)
		for addr := range objects {
			if addr.Kind == "endpoint-service" && (whose[addr] != kinds.Mark{}) != (addr.Name == "fraud-scoring") {
				t.Errorf("%s shows %v", addr, whose[addr])
			}
		}
	})
}

// A service goes before its endpoints do: the next apply takes a connection
// of an endpoint that it does not know for a stranger's.
func TestHalfReleased(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		dir, _ := h.imports()
		h.loads(dir)
		h.adopts(dir)
		r, err := estate.PlanRelease(h.Context(), h.API(), h.Fleet, "fraud-scoring")
		h.must(err)
		ctx, stop := context.WithCancel(h.Context())
		did := 0
		err = r.Do(ctx, func(estate.Object) { did++; stop() })
		if !errors.Is(err, context.Canceled) || did != 1 {
			t.Errorf("of a release that was stopped at once %d were done: %v", did, err)
		}
		h.cutsOffNobody()
		h.releases("fraud-scoring")
		delete(h.Fleet.Services, "fraud-scoring")
		h.WantEmpty()
	})
}

// A service that cannot be let go of keeps all that is its.
func TestServiceThatStaysKeepsItsOwn(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		dir, _ := h.imports()
		h.loads(dir)
		h.adopts(dir)
		h.Fleet.Accounts["platform"].Role = "surveyor"
		r, err := estate.PlanRelease(h.Context(), h.API(), h.Fleet, "fraud-scoring")
		h.must(err)
		err = r.Do(h.Context(), func(o estate.Object) { t.Errorf("%s was let go of", o.Addr) })
		if err == nil || !strings.Contains(err.Error(), "so that the next apply rejects no connection of theirs") {
			t.Errorf("a release that is not done says %v", err)
		}
		h.Fleet.Accounts["platform"].Role = "linkfleet"
		h.WantEmpty()
	}, func(world awssim.World) {
		world.Accounts[platformID].Roles["surveyor"] = awssim.WorldRole{Trust: []string{"*"}, Actions: kinds.SurveyActions()}
	})
}

// records are the TXT values and TTLs of the public zone.
func (h *handMade) records() []string {
	h.T.Helper()
	out, err := h.dns.Route53.ListResourceRecordSets(h.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String(publicZone)})
	h.must(err)
	var all []string
	for _, set := range out.ResourceRecordSets {
		for _, r := range set.ResourceRecords {
			all = append(all, aws.ToString(set.Name)+" "+time.Duration(aws.ToInt64(set.TTL)).String()+" "+aws.ToString(r.Value))
		}
	}
	slices.Sort(all)
	return all
}

// goldenFleet compares the services' files with testdata/estate.
func goldenFleet(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"fleet.cue", "services/fraud-scoring.cue", "services/pay-front.cue", "services/legacy.cue.draft"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "estate", name)
		if os.Getenv("UPDATE") != "" {
			if err := os.MkdirAll(filepath.Dir(golden), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is\n%s\nwant (see %s)\n%s", name, got, golden, want)
		}
	}
}

// What marks are read and written with is in the list of actions that people
// give their roles.
func TestMarkActionsAreListed(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		dir, _ := h.imports()
		h.loads(dir)
		calls := h.Calls(func() {
			h.adopts(dir)
			for name := range h.Fleet.Services {
				h.releases(name)
			}
		})
		for _, op := range changing(calls) {
			if !slices.ContainsFunc(kinds.MarkActions(), func(a string) bool { return strings.HasSuffix(a, ":"+op) }) {
				t.Errorf("%s is called and not listed in %v", op, kinds.MarkActions())
			}
		}
	})
}

// What import's help names is enough to import with, in every account.
func TestSurveyActionsSuffice(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		act(h.Stage, "surveyor")
		api := h.API()
		act(h.Stage, "linkfleet")
		in := estate.Import{API: api, Fleet: h.Fleet, Dir: filepath.Join(h.TempDir(), "fleet"), Today: time.Now()}
		done, err := in.Run(h.Context())
		h.must(err)
		if len(done.Whole) != 2 || len(done.Drafts) != 1 {
			t.Errorf("%d whole and %d drafts, want two and one", len(done.Whole), len(done.Drafts))
		}
	}, func(world awssim.World) {
		for _, account := range world.Accounts {
			if role, ours := account.Roles["linkfleet"]; ours {
				role.Actions = kinds.SurveyActions()
				account.Roles["surveyor"] = role
			}
		}
	})
}

// Whatever the language has no words for makes a service a draft, for the
// reason that it is.
func TestDrafts(t *testing.T) {
	clients := func(h *handMade) string { return h.groupID(platformVPC, "pay-clients") }
	rule := func(port int32, block string) []ec2types.IpPermission {
		return []ec2types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(port), ToPort: aws.Int32(port), IpRanges: []ec2types.IpRange{{CidrIp: aws.String(block)}}}}
	}
	for _, tc := range []struct {
		name, want string
		odd        func(h *handMade, balancer, service string)
	}{
		{"a rule for no listener", "linkfleet's rules are of TCP", func(h *handMade, _, _ string) {
			_, err := h.platform.EC2.AuthorizeSecurityGroupIngress(h.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String(clients(h)), IpPermissions: rule(22, "10.0.0.0/8")})
			h.must(err)
		}},
		{"closed to the inside", "linkfleet's let everything out", func(h *handMade, _, _ string) {
			_, err := h.platform.EC2.RevokeSecurityGroupEgress(h.Context(), &ec2.RevokeSecurityGroupEgressInput{GroupId: aws.String(clients(h)), IpPermissions: []ec2types.IpPermission{{
				IpProtocol: aws.String("-1"), IpRanges: []ec2types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
			}}})
			h.must(err)
		}},
		{"a port for some", "some listeners' ports but not on 9000", func(h *handMade, lb, _ string) {
			h.listener(lb, "second", 9000, &elb.CreateTargetGroupInput{Port: aws.Int32(9000)}, "10.20.1.21")
		}},
		{"two security groups", "2 security groups", func(h *handMade, lb, _ string) {
			_, err := h.platform.ELB.SetSecurityGroups(h.Context(), &elb.SetSecurityGroupsInput{LoadBalancerArn: &lb, SecurityGroups: []string{clients(h), h.group(h.platform, platformVPC, "more", nil)}})
			h.must(err)
		}},
		{"the default security group", "default security group", func(h *handMade, lb, _ string) {
			_, err := h.platform.ELB.SetSecurityGroups(h.Context(), &elb.SetSecurityGroupsInput{LoadBalancerArn: &lb, SecurityGroups: []string{h.groupID(platformVPC, "default")}})
			h.must(err)
		}},
		{"a group that a balancer of no service is in", "others are in it too", func(h *handMade, _, _ string) {
			h.balancer("besides", subnets("subnet-0f0000000000000a", 2), clients(h))
		}},
		{"a group that a balancer of another service is in", "others are in it too", func(h *handMade, _, _ string) {
			other := h.balancer("besides", subnets("subnet-0f0000000000000a", 2), clients(h))
			h.service(&ec2.CreateVpcEndpointServiceConfigurationInput{NetworkLoadBalancerArns: []string{other}, AcceptanceRequired: aws.Bool(true)}, role(riskID, "linkfleet"))
		}},
		{"a group that an endpoint is in", "others are in it too", func(h *handMade, _, _ string) {
			other := h.balancer("besides", subnets("subnet-0f0000000000000a", 2))
			id, name := h.service(&ec2.CreateVpcEndpointServiceConfigurationInput{NetworkLoadBalancerArns: []string{other}, AcceptanceRequired: aws.Bool(true)}, role(platformID, "linkfleet"))
			h.connect(platformID, "linkfleet", id, name, platformVPC, subnets("subnet-0f0000000000000a", 2), false, clients(h))
		}},
		{"two listeners, one group", "forwards to the target group of", func(h *handMade, lb, _ string) {
			out, err := h.platform.ELB.DescribeTargetGroups(h.Context(), &elb.DescribeTargetGroupsInput{LoadBalancerArn: &lb})
			h.must(err)
			_, err = h.platform.ELB.CreateListener(h.Context(), &elb.CreateListenerInput{
				LoadBalancerArn: &lb, Port: aws.Int32(9000), Protocol: elbtypes.ProtocolEnumTcp,
				DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: out.TargetGroups[0].TargetGroupArn}},
			})
			h.must(err)
		}},
		{"a target's own port", "has a port of its own", func(h *handMade, lb, _ string) {
			out, err := h.platform.ELB.DescribeTargetGroups(h.Context(), &elb.DescribeTargetGroupsInput{LoadBalancerArn: &lb})
			h.must(err)
			_, err = h.platform.ELB.RegisterTargets(h.Context(), &elb.RegisterTargetsInput{TargetGroupArn: out.TargetGroups[0].TargetGroupArn, Targets: []elbtypes.TargetDescription{
				{Id: aws.String("10.20.1.20"), Port: aws.Int32(8444)},
			}})
			h.must(err)
		}},
		{"everybody", "* may connect", func(h *handMade, _, id string) {
			_, err := h.platform.EC2.ModifyVpcEndpointServicePermissions(h.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{ServiceId: &id, AddAllowedPrincipals: []string{"*"}})
			h.must(err)
		}},
		{"a root that is let in unasked", "acceptanceRequired", func(h *handMade, _, id string) {
			_, err := h.platform.EC2.ModifyVpcEndpointServiceConfiguration(h.Context(), &ec2.ModifyVpcEndpointServiceConfigurationInput{ServiceId: &id, AcceptanceRequired: aws.Bool(false)})
			h.must(err)
			_, err = h.platform.EC2.ModifyVpcEndpointServicePermissions(h.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{ServiceId: &id, AddAllowedPrincipals: []string{"arn:aws:iam::333333333333:root"}})
			h.must(err)
		}},
		{"a zone of the balancer's alone", "linkfleet would update it as endpoint-service/pay", func(h *handMade, lb, _ string) {
			_, err := h.platform.ELB.SetSubnets(h.Context(), &elb.SetSubnetsInput{LoadBalancerArn: &lb, Subnets: subnets("subnet-0f0000000000000a", 3)})
			h.must(err)
		}},
		{"one who waits", "waits for acceptance", func(h *handMade, _, id string) {
			h.must(h.knock(id))
		}},
		{"a part of another fleet's", "security-group/x of fleet other", func(h *handMade, _, _ string) {
			h.tag(clients(h), "other", "security-group/x")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onHandMade(t, func(h *handMade) {
				balancer, service := h.pay()
				tc.odd(h, balancer, service)
				time.Sleep(10 * time.Minute)
				_, done := h.imports("pay")
				if len(done.Whole) > 0 || len(done.Drafts) != 1 {
					t.Fatalf("%d whole, %d drafts", len(done.Whole), len(done.Drafts))
				}
				var reasons []string
				for _, r := range done.Drafts[0].Faults {
					reasons = append(reasons, r.String())
				}
				if text := strings.Join(reasons, "\n"); !strings.Contains(text, tc.want) {
					t.Errorf("the reasons are\n%s\nwant one with %q", text, tc.want)
				}
			})
		})
	}
}

// Into a fleet that has its private name already a service comes as a draft,
// and what was removed from the fleet comes back under another name.
func TestImportBesideOthers(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		dir, _ := h.imports("Fraud / Scoring")
		text, err := os.ReadFile(filepath.Join(dir, "services/fraud-scoring.cue"))
		h.must(err)
		h.must(os.RemoveAll(filepath.Join(dir, "services")))
		h.must(os.RemoveAll(filepath.Join(dir, "adopt")))
		h.must(schema.WriteNew(dir, map[string][]byte{
			"services/zeta.cue": []byte(strings.ReplaceAll(string(text), "fraud-scoring", "zeta")),
			"removed.cue":       []byte("package fleet\n\nfleet: removed: [\"services/pay-front\"]\n"),
		}))
		h.loads(dir)
		in := estate.Import{API: h.API(), Fleet: h.Fleet, Dir: dir, Into: true, Today: time.Now()}
		done, err := in.Run(h.Context())
		h.must(err)
		if len(done.Whole) != 1 || !strings.HasPrefix(done.Whole[0].Service.Name, "svc-") {
			t.Errorf("whole are %d, want the service that was pay-front, named by its id", len(done.Whole))
		}
		var faults []string
		for _, f := range done.Drafts {
			faults = append(faults, fmt.Sprint(f.Service.Name, ": ", f.Faults))
		}
		if all := strings.Join(faults, "\n"); len(done.Drafts) != 2 || !strings.Contains(all, "is the private DNS name of service fraud-scoring too") {
			t.Errorf("the drafts are\n%s\nwant legacy and, for its private name, fraud-scoring", all)
		}
		_, _, err = schema.Load(h.Context(), dir, time.Now())
		h.must(err)
	})
}

// EC2 takes 200 values of all filters of a call together.
func TestMarksOfMany(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.pay()
		last := planner.Addr{Kind: "security-group", Name: "last", Place: planner.Place{Account: "platform", Region: region}}
		objects := map[planner.Addr]string{last: h.groupID(platformVPC, "pay-clients")}
		h.tag(objects[last], "imported", last.Path())
		for i := range 400 {
			objects[planner.Addr{Kind: last.Kind, Name: fmt.Sprint("g", i), Place: last.Place}] = fmt.Sprintf("sg-%017x", i)
		}
		time.Sleep(10 * time.Minute)
		shown, err := kinds.NewPlaces(h.API(), h.Fleet).Marks(h.Context(), objects)
		h.must(err)
		if want := (kinds.Mark{Fleet: "imported", Path: last.Path()}); len(shown) != 1 || shown[last] != want {
			t.Errorf("the marks are %v, want %v alone", shown, want)
		}
	})
}

// What the claims say must be true, and nobody else's.
func TestAdoptionRefuses(t *testing.T) {
	at := planner.Place{Account: "platform", Region: region}
	group := planner.Addr{Kind: "security-group", Name: "pay", Place: at}
	service := planner.Addr{Kind: "endpoint-service", Name: "pay", Place: at}
	for _, tc := range []struct {
		name, want string
		wrong      func(h *handMade, objects map[planner.Addr]string)
	}{
		{"what is another fleet's", "endpoint-service/theirs of fleet other", func(h *handMade, objects map[planner.Addr]string) {
			h.tag(objects[service], "other", "endpoint-service/theirs")
		}},
		{"what is another resource of the fleet", "endpoint-service/old of fleet imported", func(h *handMade, objects map[planner.Addr]string) {
			h.tag(objects[service], "imported", "endpoint-service/old")
		}},
		{"what does not exist", "there is no object sg-0123456789abcdef0", func(_ *handMade, objects map[planner.Addr]string) {
			objects[group] = "sg-0123456789abcdef0"
		}},
		{"what nobody wants", "ask for no topic/events", func(_ *handMade, objects map[planner.Addr]string) {
			objects[planner.Addr{Kind: "topic", Name: "events", Place: at}] = "arn:aws:sns:us-east-1:111111111111:events"
		}},
		{"what shows no mark of its own", "ask for no service-permissions/pay", func(_ *handMade, objects map[planner.Addr]string) {
			objects[planner.Addr{Kind: "service-permissions", Name: "pay", Place: at}] = objects[service]
		}},
		{"a second of a resource", "the fleet has one already", func(h *handMade, _ map[planner.Addr]string) {
			h.tag(h.group(h.platform, platformVPC, "another", nil), "imported", "security-group/pay")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onHandMade(t, func(h *handMade) {
				h.pay()
				dir, _ := h.imports()
				h.loads(dir)
				objects, err := estate.ReadClaims(dir)
				h.must(err)
				tc.wrong(h, objects)
				time.Sleep(10 * time.Minute)
				calls := h.Calls(func() { _, err = estate.PlanAdoption(h.Context(), h.API(), h.Fleet, objects, "") })
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("the error is %v, want %q", err, tc.want)
				}
				wantOperations(t, calls)
			})
		})
	}
}

// What was changed after the import shows as what adoption would leave to do.
func TestAdoptionShowsWhatIsLeft(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.pay()
		dir, _ := h.imports()
		h.loads(dir)
		h.Fleet.Services["pay"].Listeners["tcp-8443"].IdleTimeout = 700
		objects, err := estate.ReadClaims(dir)
		h.must(err)
		a, err := estate.PlanAdoption(h.Context(), h.API(), h.Fleet, objects, "pay")
		h.must(err)
		if got := stage.Short(a.Left); got != "update listener/pay/tcp-8443: idleTimeout\n" {
			t.Errorf("left is %s", got)
		}
	})
}

// A topic that two services share goes with the one that goes.
func TestReleaseOfASharedTopic(t *testing.T) {
	onStage(t, nil, func(s *scene) {
		r, err := estate.PlanRelease(s.T.Context(), s.API(), s.Fleet, "fraud")
		s.must(err)
		if len(r.Topics) != 1 || !slices.Equal(r.Topics[0].Services, []string{"payments"}) {
			s.T.Fatalf("shared topics are %+v", r.Topics)
		}
		calls := s.Calls(func() { s.must(r.Do(s.T.Context(), func(estate.Object) {})) })
		wantOperations(s.T, calls, "ChangeResourceRecordSets", "DeleteTags", "RemoveTags", "UntagResource")
		delete(s.Fleet.Services, "fraud")
		s.Fleet.Services["payments"].Notifications.Topic = r.Topics[0].ARN
		time.Sleep(10 * time.Minute)
		s.WantEmpty()
	})
}
