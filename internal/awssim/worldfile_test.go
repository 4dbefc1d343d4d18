package awssim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const exampleWorld = `package sandbox

import "strings"

seed: "test"
knobs: {
	latencies: {listLag: "2s", endpointProvision: "1m30s"}
	quotas: endpointsPerVpc: 2
	choices: acceptRejected: false
}
let provider = "111111111111"
accounts: "111111111111": {
	name: strings.ToLower("PLATFORM")
	accessKeys: ["AKIAEXAMPLE00000001"]
	zones: "us-east-1a": "use1-az4"
	roles: linkfleet: {trust: ["123456789012"], externalId: "x", actions: ["ec2:Describe*"], maxSession: "2h"}
	regions: "us-east-1": vpcs: "vpc-0123456789abcdef0": {
		cidr: "10.0.0.0/16"
		enableDnsHostnames: true
		subnets: "subnet-0123456789abcdef0": {cidr: "10.0.1.0/24", zone: "us-east-1a", availableIps: 3}
		subnets: "subnet-0123456789abcdef1": {cidr: "10.0.2.0/24", zoneId: "use1-az1"}
	}
	regions: "us-east-1": queues: events: {attributes: VisibilityTimeout: "60", tags: team: "risk"}
	hostedZones: Z0123: {name: "example.com", records: [{name: "a.example.com", type: "TXT", values: ["\"x\""]}]}
}
actors: [{
	name: "partner", account: provider, principal: "arn:aws:iam::333333333333:role/client", region: "us-east-1"
	vpc: "vpc-0123456789abcdef0", subnets: ["subnet-0123456789abcdef0"]
	service: owner: provider
	behaviour: "until-let-in", every: "10s"
}]
`

func writeWorld(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "world.cue")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadWorld(t *testing.T) {
	path := writeWorld(t, exampleWorld)
	for _, from := range []string{path, filepath.Dir(path)} {
		w, err := LoadWorld(from)
		if err != nil {
			t.Fatal(err)
		}
		a := w.Accounts["111111111111"]
		v := a.Regions["us-east-1"].VPCs["vpc-0123456789abcdef0"]
		switch {
		case w.Seed != "test", a.Name != "platform", a.AccessKeys[0] != "AKIAEXAMPLE00000001":
			t.Errorf("plain fields: %+v", w)
		case w.Knobs.Latencies["endpointProvision"] != 90*time.Second || w.Knobs.Choices["acceptRejected"]:
			t.Errorf("knobs: %+v", w.Knobs)
		case a.Roles["linkfleet"].MaxSession != 2*time.Hour || a.Roles["linkfleet"].ExternalID != "x":
			t.Errorf("role: %+v", a.Roles)
		case !*v.EnableDNSHostnames || v.EnableDNSSupport != nil || *v.Subnets["subnet-0123456789abcdef0"].AvailableIPs != 3:
			t.Errorf("VPC: %+v", v)
		case a.HostedZones["Z0123"].Records[0].TTL != 300:
			t.Errorf("zone: %+v", a.HostedZones)
		case a.Regions["us-east-1"].Queues["events"].Attributes["VisibilityTimeout"] != "60":
			t.Errorf("queue: %+v", a.Regions["us-east-1"].Queues)
		case w.Actors[0].Every != 10*time.Second || w.Actors[0].Service.Owner != "111111111111":
			t.Errorf("actor: %+v", w.Actors)
		}
		if _, err := New(Options{World: w}); err != nil {
			t.Error(err)
		}
	}
}

func TestLoadWorldRefuses(t *testing.T) {
	for name, test := range map[string]struct{ world, want string }{
		"unknown field":   {"package sandbox\nacounts: {}\n", "world.cue:2:1: acounts: field not allowed"},
		"bad account":     {"package sandbox\n\naccounts: \"12\": {}\n", "world.cue:3:"},
		"bad VPC id":      {"package sandbox\naccounts: \"111111111111\": regions: \"us-east-1\": vpcs: \"vpc-1\": cidr: \"10.0.0.0/16\"\n", "world.cue:2:"},
		"bad duration":    {"package sandbox\nknobs: latencies: listLag: \"soon\"\n", "world.cue:2:"},
		"unknown latency": {"package sandbox\nknobs: latencies: lag: \"1s\"\n", `there is no latency "lag"`},
		"wrong package":   {"package fleet\n", "package sandbox"},
		"syntax":          {"package sandbox\naccounts: {\n", "world.cue:"},
		"missing trust":   {"package sandbox\naccounts: \"111111111111\": roles: r: path: \"/\"\nactors: [{}]\n", "name: incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := LoadWorld(writeWorld(t, test.world))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to contain %q", err, test.want)
			}
		})
	}
}

func TestWorldContradictions(t *testing.T) {
	world := func(s WorldSubnet) World {
		return World{Accounts: map[string]WorldAccount{"111111111111": {Regions: map[string]WorldRegion{"us-east-1": {VPCs: map[string]WorldVPC{
			"vpc-00000001": {CIDR: "10.0.0.0/16", Subnets: map[string]WorldSubnet{"subnet-00000001": s}},
		}}}}}}
	}
	for name, w := range map[string]World{
		"no such zone":  world(WorldSubnet{CIDR: "10.0.0.0/24", Zone: "us-east-1z"}),
		"no such ID":    world(WorldSubnet{CIDR: "10.0.0.0/24", ZoneID: "use1-az9"}),
		"no zone":       world(WorldSubnet{CIDR: "10.0.0.0/24"}),
		"outside":       world(WorldSubnet{CIDR: "10.1.0.0/24", Zone: "us-east-1a"}),
		"unknown knob":  {Knobs: Knobs{Quotas: map[string]int{"subnets": 3}}},
		"short account": {Accounts: map[string]WorldAccount{"1": {}}},
		"lost actor":    {Actors: []WorldActor{{Name: "x", Account: "111111111111", Region: "us-east-1", Principal: "p", Behaviour: "while-open", VPC: "vpc-00000001"}}},
	} {
		if _, err := New(Options{World: w}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
