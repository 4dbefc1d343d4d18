package kinds

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// privateDNSName is the name under which consumers may reach a service. With
// it comes a token that a TXT record must hold to prove the domain.
func privateDNSName() Def[privateNameSpec] {
	return Def[privateNameSpec]{
		Name:   "private-dns-name",
		Trait:  planner.Trait{Rank: 80, Shared: true},
		Parent: "endpoint-service",
		Reads:  []string{"ec2:DescribeVpcEndpointServiceConfigurations"},
		Writes: []string{"ec2:ModifyVpcEndpointServiceConfiguration"},
		Want:   wantPrivateNames,
		List:   listPrivateNames,
		Create: createPrivateName,
		Update: updatePrivateName,
		Delete: deletePrivateName,
	}
}

type privateNameSpec struct {
	Service planner.Value `json:"service" plan:"replace"`
	Name    string        `json:"name" plan:"changes=recordName+recordValue"`
}

func wantPrivateNames(f *schema.Fleet, _ planner.State) []Item[privateNameSpec] {
	var items []Item[privateNameSpec]
	for s := range services(f) {
		if s.PrivateDNS == nil {
			continue
		}
		items = append(items, Item[privateNameSpec]{
			Resource: planner.Resource{Addr: addrPrivateName(s), Group: groupOf(s, nil), Origin: s.PrivateDNS.Pos.Short()},
			Spec:     privateNameSpec{Service: planner.Ref(addrService(s), "id"), Name: s.PrivateDNS.Name},
		})
	}
	return items
}

func listPrivateNames(ctx context.Context, p *Place) ([]Item[privateNameSpec], error) {
	ours, err := p.ourServices(ctx)
	var items []Item[privateNameSpec]
	for _, s := range ours {
		if name := aws.ToString(s.PrivateDnsName); name != "" {
			addr := planner.Addr{Kind: "private-dns-name", Name: s.Addr.Name, Place: p.Place.Place}
			made := privateNameMade(s.ServiceConfiguration)
			items = append(items, Item[privateNameSpec]{
				Resource: planner.Resource{Addr: addr, Group: groupFromName(addr), ID: made.ID, Outputs: made.Outputs},
				Spec:     privateNameSpec{Service: planner.Known(s.id()), Name: name},
			})
		}
	}
	return items, err
}

// privateNameID names the setting by its service: it has no id of its own.
func privateNameID(serviceID string) string { return serviceID + "/private-dns-name" }

// serviceOfName is the service behind what privateNameID made.
func serviceOfName(id string) string { return strings.TrimSuffix(id, "/private-dns-name") }

func privateNameMade(s ec2types.ServiceConfiguration) applier.Made {
	id := privateNameID(aws.ToString(s.ServiceId))
	made := applier.Made{ID: id, Outputs: planner.Outputs{"id": id}}
	if conf := s.PrivateDnsNameConfiguration; conf != nil {
		made.Outputs["recordName"] = recordName(aws.ToString(conf.Name), aws.ToString(s.PrivateDnsName))
		made.Outputs["recordValue"] = aws.ToString(conf.Value)
	}
	return made
}

// recordName is where the proof of a domain stands: at AWS's label below the
// domain, or at the domain itself where AWS gives no label. A wildcard name
// is proved at its parent.
// https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
func recordName(label, privateName string) string {
	domain := canonicalName(strings.TrimPrefix(privateName, "*."))
	label = canonicalName(label)
	switch {
	case label == "":
		return domain
	case strings.HasSuffix(label, "."+domain):
		return label
	}
	return label + "." + domain
}

// canonicalName is a DNS name in one form: lower case, no trailing dot.
func canonicalName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// serviceByID reads one service as it is now.
func (p *Place) serviceByID(ctx context.Context, id string) (ec2types.ServiceConfiguration, error) {
	out, err := p.EC2.DescribeVpcEndpointServiceConfigurations(ctx, &ec2.DescribeVpcEndpointServiceConfigurationsInput{ServiceIds: []string{id}})
	if err != nil {
		return ec2types.ServiceConfiguration{}, err
	}
	if len(out.ServiceConfigurations) != 1 {
		return ec2types.ServiceConfiguration{}, fmt.Errorf("AWS answers with %d endpoint services of the id %s", len(out.ServiceConfigurations), id)
	}
	return out.ServiceConfigurations[0], nil
}

func createPrivateName(ctx context.Context, p *Place, want Item[privateNameSpec]) (applier.Made, error) {
	return p.setPrivateName(ctx, want.Spec.Service.Known, want.Spec.Name)
}

func updatePrivateName(ctx context.Context, p *Place, was, want Item[privateNameSpec]) (applier.Made, error) {
	return p.setPrivateName(ctx, was.Spec.Service.Known, want.Spec.Name)
}

// setPrivateName leaves a name alone that is set already: every name that is
// set begins with a new token, and may do so when it is the same. For the same
// reason it sets none again that AWS does not show yet.
func (p *Place) setPrivateName(ctx context.Context, service, name string) (applier.Made, error) {
	s, err := p.serviceByID(ctx, service)
	if err != nil {
		return applier.Made{}, err
	}
	if !strings.EqualFold(aws.ToString(s.PrivateDnsName), name) {
		if err := p.once("set "+service+" "+name, func() error { return p.tellPrivateName(ctx, service, name) }); err != nil {
			return applier.Made{}, err
		}
		if s, err = p.serviceByID(ctx, service); err != nil {
			return applier.Made{}, err
		}
	}
	made := privateNameMade(s)
	if !strings.EqualFold(aws.ToString(s.PrivateDnsName), name) || made.Outputs["recordValue"] == "" {
		return made, applier.Busy{Err: fmt.Errorf("AWS shows no verification token for %s yet", name)}
	}
	return made, nil
}

func (p *Place) tellPrivateName(ctx context.Context, service, name string) error {
	_, err := p.EC2.ModifyVpcEndpointServiceConfiguration(ctx, &ec2.ModifyVpcEndpointServiceConfigurationInput{
		ServiceId: aws.String(service), PrivateDnsName: aws.String(name),
	})
	return err
}

// deletePrivateName is refused by AWS while endpoints are connected; those
// that are about to go make it pass by itself.
func deletePrivateName(ctx context.Context, p *Place, was Item[privateNameSpec]) error {
	_, err := p.EC2.ModifyVpcEndpointServiceConfiguration(ctx, &ec2.ModifyVpcEndpointServiceConfigurationInput{
		ServiceId: aws.String(was.Spec.Service.Known), RemovePrivateDnsName: aws.Bool(true),
	})
	if awsapi.Code(err) == "InvalidParameter" {
		return applier.Busy{Err: err}
	}
	return unlessGone(err)
}
