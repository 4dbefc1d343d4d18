package awssim

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Who may connect is decided by the caller's principal.
func TestWhoMayConnect(t *testing.T) {
	const role = "arn:aws:iam::" + consumer + ":role/client"
	tests := []struct {
		name    string
		allowed []string
		roles   map[string]bool // the role of the consumer's that calls -> may it?
	}{
		{"nobody is listed", nil, map[string]bool{"client": false, "other": false, "": false}},
		{"a role", []string{role}, map[string]bool{"client": true, "other": false, "": false}},
		{"the account", []string{"arn:aws:iam::" + consumer + ":root"}, map[string]bool{"client": true, "other": true, "": true}},
		{"the account by its id", []string{consumer}, map[string]bool{"client": true, "": true}},
		{"another account", []string{partner}, map[string]bool{"client": false, "": false}},
		{"everybody", []string{"*"}, map[string]bool{"client": true, "other": true, "": true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inPrivateLink(t, Knobs{}, func(lt *linkTest) {
				service := lt.service(nil)
				if len(test.allowed) > 0 {
					lt.allow(service, test.allowed...)
				}
				for name, may := range test.roles {
					client := lt.ec2(consumer)
					if name != "" {
						client = lt.as(consumer, name)
					}
					_, err := client.CreateVpcEndpoint(lt.Context(), want(service))
					_, seen := client.DescribeVpcEndpointServices(lt.Context(), &ec2.DescribeVpcEndpointServicesInput{ServiceNames: []string{*service.ServiceName}})
					if may {
						lt.ok(err)
						lt.ok(seen)
						continue
					}
					text := "The Vpc Endpoint Service '" + *service.ServiceName + "' does not exist"
					lt.refused(err, "InvalidServiceName", text)
					lt.refused(seen, "InvalidServiceName", text)
				}
			})
		})
	}
}

func TestOwnAccountNeedsNoPermission(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		in := want(service)
		in.VpcId, in.SubnetIds = aws.String("vpc-01000000000000000"), []string{subnetID("01", 0)}
		out, err := lt.ec2(provider).CreateVpcEndpoint(lt.Context(), in)
		lt.ok(err)
		if out.VpcEndpoint.State != "pendingAcceptance" {
			t.Errorf("state %s: being of the owner's account does not spare the acceptance", out.VpcEndpoint.State)
		}
	})
}

func TestPrincipalsKept(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer, "arn:aws:iam::"+partner+":role/client", "arn:aws:iam::"+partner+":user/ann", "*")
		out, err := lt.ec2(provider).ModifyVpcEndpointServicePermissions(lt.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{
			ServiceId: service.ServiceId, AddAllowedPrincipals: []string{"arn:aws:iam::" + consumer + ":root"}, RemoveAllowedPrincipals: []string{"*"},
		})
		lt.ok(err)
		if len(out.AddedPrincipals) > 0 {
			t.Errorf("added %v, which was there", *out.AddedPrincipals[0].Principal)
		}
		list, err := lt.ec2(provider).DescribeVpcEndpointServicePermissions(lt.Context(),
			&ec2.DescribeVpcEndpointServicePermissionsInput{ServiceId: service.ServiceId})
		lt.ok(err)
		var got []string
		for _, p := range list.AllowedPrincipals {
			got = append(got, string(p.PrincipalType)+" "+*p.Principal)
			if *p.ServicePermissionId == "" || *p.ServiceId != *service.ServiceId {
				t.Errorf("ids of %s: %v", *p.Principal, p)
			}
		}
		equal(t, "principals", got, []string{
			"Account arn:aws:iam::" + consumer + ":root",
			"Role arn:aws:iam::" + partner + ":role/client",
			"User arn:aws:iam::" + partner + ":user/ann",
		})
		list, err = lt.ec2(provider).DescribeVpcEndpointServicePermissions(lt.Context(), &ec2.DescribeVpcEndpointServicePermissionsInput{
			ServiceId: service.ServiceId, Filters: []ec2types.Filter{filterOn("principal-type", "Role")},
		})
		lt.ok(err)
		if len(list.AllowedPrincipals) != 1 {
			t.Errorf("%d roles", len(list.AllowedPrincipals))
		}
	})
}

func TestPrincipalsRefused(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		for _, principal := range []string{
			"arn:aws:sts::222222222222:assumed-role/client/session",
			"arn:aws:iam::222222222222:role/team/client", // has a path
			"222222222",
			"client",
		} {
			_, err := lt.ec2(provider).ModifyVpcEndpointServicePermissions(lt.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{
				ServiceId: service.ServiceId, AddAllowedPrincipals: []string{principal},
			})
			lt.refused(err, "InvalidPrincipal", principal)
		}
	})
}

// Taking a permission away leaves what is connected and keeps newcomers out.
func TestPermissionRemovedKeepsConnection(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(nil)
		lt.allow(service, consumer)
		id := lt.connect(service)
		lt.accept(service, id)
		_, err := lt.ec2(provider).ModifyVpcEndpointServicePermissions(lt.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{
			ServiceId: service.ServiceId, RemoveAllowedPrincipals: []string{consumer},
		})
		lt.ok(err)
		lt.state(id, "available")
		_, err = lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), want(service))
		lt.refused(err, "InvalidServiceName", "")
	})
}

// Both sides see the zones they have in common under their own names.
func TestServiceSeenByConsumers(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(func(in *ec2.CreateVpcEndpointServiceConfigurationInput) {
			in.NetworkLoadBalancerArns = []string{lt.balancer("one-zone", 0)} // use1-az1
			in.TagSpecifications = []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeVpcEndpointService,
				Tags: []ec2types.Tag{{Key: aws.String("secret"), Value: aws.String("x")}}}}
		})
		lt.allow(service, consumer, partner)
		for account, zone := range map[string]string{provider: "us-east-1a", consumer: "us-east-1a", partner: "us-east-1b"} {
			out, err := lt.ec2(account).DescribeVpcEndpointServices(lt.Context(), &ec2.DescribeVpcEndpointServicesInput{})
			lt.ok(err)
			equal(t, "names for "+account, out.ServiceNames, []string{*service.ServiceName})
			detail := out.ServiceDetails[0]
			equal(t, "zones for "+account, detail.AvailabilityZones, []string{zone})
			if *detail.Owner != provider || !*detail.AcceptanceRequired {
				t.Errorf("detail for %s: %v", account, detail)
			}
			if own := account == provider; own != (len(detail.Tags) == 1) {
				t.Errorf("%s sees tags %v", account, detail.Tags)
			}
		}
	})
}
