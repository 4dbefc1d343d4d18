package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// domainVerification is AWS's look at the record that proves a private DNS
// name. There is no taking it back: it goes with the name.
func domainVerification() Def[verificationSpec] {
	return Def[verificationSpec]{
		Name:    "domain-verification",
		Trait:   planner.Trait{Rank: 100, Fades: true},
		Parent:  "endpoint-service",
		Reads:   []string{"ec2:DescribeVpcEndpointServiceConfigurations"},
		Writes:  []string{"ec2:StartVpcEndpointServicePrivateDnsVerification"},
		Want:    wantVerifications,
		List:    listVerifications,
		Create:  createVerification,
		Update:  updateVerification,
		Settled: settledVerifications,
	}
}

type verificationSpec struct {
	PrivateName planner.Value `json:"privateDNSName" plan:"replace"`
	// Record is the token in the record: another token, another proof.
	Record planner.Value `json:"record"`
	// State is AWS's word. It is verified, or to be.
	State string `json:"state"`
}

func wantVerifications(f *schema.Fleet, _ planner.State) []Item[verificationSpec] {
	var items []Item[verificationSpec]
	for s := range services(f) {
		if s.PrivateDNS == nil {
			continue
		}
		items = append(items, Item[verificationSpec]{
			Resource: planner.Resource{Addr: addrVerification(s), Group: groupOf(s, nil), Origin: s.PrivateDNS.Pos.Short()},
			Spec: verificationSpec{
				PrivateName: planner.Ref(addrPrivateName(s), "id"),
				Record:      planner.Ref(addrRecord(f, s), "value"),
				State:       string(ec2types.DnsNameStateVerified),
			},
		})
	}
	return items
}

func listVerifications(ctx context.Context, p *Place) ([]Item[verificationSpec], error) {
	ours, err := p.ourServices(ctx)
	var items []Item[verificationSpec]
	for _, s := range ours {
		conf := s.PrivateDnsNameConfiguration
		if aws.ToString(s.PrivateDnsName) == "" || conf == nil {
			continue
		}
		addr := planner.Addr{Kind: "domain-verification", Name: s.Addr.Name, Place: p.Place.Place}
		made := verificationMade(s.id())
		items = append(items, Item[verificationSpec]{
			Resource: planner.Resource{Addr: addr, Group: groupFromName(addr), ID: made.ID, Outputs: made.Outputs},
			Spec: verificationSpec{
				PrivateName: planner.Known(privateNameID(s.id())),
				Record:      planner.Known(aws.ToString(conf.Value)),
				State:       dnsNameState(conf.State),
			},
		})
	}
	return items, err
}

// dnsNameState spells a state as AWS documents it, however it travelled.
func dnsNameState(state ec2types.DnsNameState) string {
	for _, known := range state.Values() {
		if sameState(state, known) {
			return string(known)
		}
	}
	return string(state)
}

func verificationMade(service string) applier.Made {
	id := service + "/domain-verification"
	return applier.Made{ID: id, Outputs: planner.Outputs{"id": id}}
}

func createVerification(ctx context.Context, p *Place, want Item[verificationSpec]) (applier.Made, error) {
	service := serviceOfName(want.Spec.PrivateName.Known)
	return verificationMade(service), p.startVerification(ctx, service)
}

func updateVerification(ctx context.Context, p *Place, _, want Item[verificationSpec]) (applier.Made, error) {
	return createVerification(ctx, p, want)
}

func (p *Place) startVerification(ctx context.Context, service string) error {
	_, err := p.EC2.StartVpcEndpointServicePrivateDnsVerification(ctx, &ec2.StartVpcEndpointServicePrivateDnsVerificationInput{
		ServiceId: aws.String(service),
	})
	return err
}

// settledVerifications starts a verification that failed once more: name
// servers may not have had the record yet. AWS itself gives the domain's
// owner up to two days.
func settledVerifications(ctx context.Context, p *Place, items []Item[verificationSpec]) ([]applier.Status, error) {
	var on []Item[endpointServiceSpec]
	for _, it := range items {
		on = append(on, Item[endpointServiceSpec]{Resource: planner.Resource{ID: serviceOfName(it.Spec.PrivateName.Known)}})
	}
	found, err := describeServices(ctx, p, on)
	if err != nil {
		return nil, err
	}
	sts := make([]applier.Status, len(items))
	for i := range items {
		var failed bool
		if sts[i], failed = verificationStatus(found[on[i].ID]); failed {
			if err := p.startVerification(ctx, on[i].ID); err != nil {
				return nil, err
			}
		}
	}
	return sts, nil
}

// verificationStatus also tells whether the verification has to be started
// again.
func verificationStatus(s ec2types.ServiceConfiguration) (st applier.Status, failed bool) {
	conf := s.PrivateDnsNameConfiguration
	if conf == nil {
		return applier.Status{Readiness: applier.Waiting, Reason: "not visible yet"}, false
	}
	st = applier.Status{Readiness: applier.Waiting, Reason: dnsNameState(conf.State)}
	switch {
	case sameState(conf.State, ec2types.DnsNameStateVerified):
		st.Readiness = applier.Ready
	case sameState(conf.State, ec2types.DnsNameStateFailed):
		return applier.Status{Readiness: applier.Waiting, Reason: "failed, looking again"}, true
	}
	return st, false
}
