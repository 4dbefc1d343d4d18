package awssim

import (
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
)

const friendly = "fraud.internal.example.com"

// A name is proved by its token in a TXT record of the public DNS, at any of
// the places AWS looks, and not without.
func TestDomainVerification(t *testing.T) {
	tests := []struct {
		name, domain string
		at           func(label string) string
		want         ec2types.DnsNameState
	}{
		{"no record", friendly, nil, "failed"},
		{"the label under the name", friendly, func(label string) string { return label + "." + friendly }, "verified"},
		{"the name without label", friendly, func(string) string { return friendly }, "verified"},
		{"the label under the parent", friendly, func(label string) string { return label + ".example.com" }, "verified"},
		{"the parent without label", friendly, func(string) string { return "example.com" }, "verified"},
		{"a sibling", friendly, func(label string) string { return label + ".other.example.com" }, "failed"},
		{"a wildcard", "*.internal.example.com", func(label string) string { return label + ".internal.example.com" }, "verified"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inPrivateLink(t, Knobs{}, func(lt *linkTest) {
				service := lt.service(named(test.domain))
				config := service.PrivateDnsNameConfiguration
				if config.State != "pendingVerification" || *config.Type != "TXT" ||
					!regexp.MustCompile(`^_[a-z0-9]{20}$`).MatchString(*config.Name) || !regexp.MustCompile(`^vpce:[A-Za-z0-9]{20}$`).MatchString(*config.Value) {
					t.Fatalf("configuration %s %s %s %s", config.State, *config.Type, *config.Name, *config.Value)
				}
				time.Sleep(time.Hour)
				if got := lt.configuration(service).PrivateDnsNameConfiguration.State; got != "pendingVerification" {
					t.Fatalf("state %s before anybody asked", got)
				}
				if test.at != nil {
					lt.txt(r53types.ChangeActionCreate, test.at(*config.Name), *config.Value)
					time.Sleep(time.Minute)
				}
				if got := lt.verify(service); got != test.want {
					t.Errorf("state %s, want %s", got, test.want)
				}
			})
		})
	}
}

func TestVerificationTakesItsTime(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(named(friendly))
		lt.txt(r53types.ChangeActionCreate, *service.PrivateDnsNameConfiguration.Name+"."+friendly, *service.PrivateDnsNameConfiguration.Value)
		_, err := lt.ec2(provider).StartVpcEndpointServicePrivateDnsVerification(lt.Context(),
			&ec2.StartVpcEndpointServicePrivateDnsVerificationInput{ServiceId: service.ServiceId})
		lt.ok(err)
		for _, want := range []ec2types.DnsNameState{"pendingVerification", "verified"} {
			if got := lt.configuration(service).PrivateDnsNameConfiguration.State; got != want {
				t.Errorf("state %s, want %s", got, want)
			}
			time.Sleep(61 * time.Second)
		}
	})
}

func TestVerificationWithoutName(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		_, err := lt.ec2(provider).StartVpcEndpointServicePrivateDnsVerification(lt.Context(),
			&ec2.StartVpcEndpointServicePrivateDnsVerificationInput{ServiceId: lt.service(nil).ServiceId})
		lt.refused(err, "InvalidParameter", "does not have a private DNS name")
	})
}

// verifiedService is a service whose private name stands proved.
func (lt *linkTest) verifiedService() *ec2types.ServiceConfiguration {
	lt.Helper()
	service := lt.service(named(friendly))
	lt.txt(r53types.ChangeActionCreate, *service.PrivateDnsNameConfiguration.Name+"."+friendly, *service.PrivateDnsNameConfiguration.Value)
	time.Sleep(time.Minute)
	if got := lt.verify(service); got != "verified" {
		lt.Fatalf("state %s", got)
	}
	lt.allow(service, consumer)
	return service
}

// Private DNS is refused, in AWS's words, until everything for it stands.
func TestPrivateDNSRefused(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.service(named(friendly))
		lt.allow(service, consumer)
		id := lt.connect(service)
		lt.refused(lt.setName(id, true), "InvalidParameter", "has not verified the private DNS name.")

		lt.txt(r53types.ChangeActionCreate, *service.PrivateDnsNameConfiguration.Name+"."+friendly, *service.PrivateDnsNameConfiguration.Value)
		time.Sleep(time.Minute)
		lt.verify(service)
		lt.refused(lt.setName(id, true), "InvalidParameter", "has not been accepted")
		in := want(service)
		in.PrivateDnsEnabled = aws.Bool(true)
		_, err := lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), in)
		lt.refused(err, "InvalidParameter", "has not been accepted")

		lt.accept(service, id)
		lt.ok(lt.setName(id, true))
		time.Sleep(time.Minute)
		ep := lt.endpoint(id)
		if names := dnsNames(ep.DnsEntries); !*ep.PrivateDnsEnabled || names[len(names)-1] != friendly {
			t.Errorf("enabled %v, names %v", *ep.PrivateDnsEnabled, names)
		}
		if names := dnsNames(lt.connections()[0].DnsEntries); names[len(names)-1] == friendly {
			t.Errorf("the provider sees the consumer's hidden zone: %v", names)
		}

		second := lt.connect(service)
		lt.accept(service, second)
		lt.refused(lt.setName(second, true), "InvalidParameter",
			"private-dns-enabled cannot be set because there is already a conflicting DNS domain for "+friendly+" in the VPC "+consumerVPC)
	})
}

func TestPrivateDNSNeedsVPCAttributes(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.verifiedService()
		in := want(service)
		in.VpcId, in.SubnetIds = aws.String(consumerBare), []string{subnetID("0b", 0)}
		out, err := lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), in)
		lt.ok(err)
		id := *out.VpcEndpoint.VpcEndpointId
		lt.accept(service, id)
		lt.refused(lt.setName(id, true), "InvalidParameter",
			"Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for "+consumerBare)
		_, err = lt.ec2(consumer).ModifyVpcAttribute(lt.Context(), &ec2.ModifyVpcAttributeInput{
			VpcId: aws.String(consumerBare), EnableDnsHostnames: &ec2types.AttributeBooleanValue{Value: aws.Bool(true)},
		})
		lt.ok(err)
		lt.ok(lt.setName(id, true))
	})
}

// The hidden zone of a name that is turned off goes on conflicting for a while.
func TestHiddenZoneLingers(t *testing.T) {
	inPrivateLink(t, Knobs{Latencies: map[string]time.Duration{"privateDNSDetach": 5 * time.Minute}}, func(lt *linkTest) {
		service := lt.verifiedService()
		id := lt.connect(service)
		lt.accept(service, id)
		lt.ok(lt.setName(id, true))
		time.Sleep(time.Minute)
		lt.ok(lt.setName(id, false))
		if *lt.endpoint(id).PrivateDnsEnabled || len(lt.endpoint(id).DnsEntries) != 3 {
			t.Errorf("the name is still on: %v", dnsNames(lt.endpoint(id).DnsEntries))
		}
		time.Sleep(time.Minute)
		lt.refused(lt.setName(id, true), "InvalidParameter", "conflicting DNS domain")
		time.Sleep(5 * time.Minute)
		lt.ok(lt.setName(id, true))
	})
}

// Losing the record turns the state to failed at the next look, which keeps
// new users out and leaves the present ones alone.
func TestLostProof(t *testing.T) {
	for _, test := range []struct {
		name string
		look func(*linkTest, *ec2types.ServiceConfiguration)
	}{
		{"asked again", func(lt *linkTest, service *ec2types.ServiceConfiguration) { lt.verify(service) }},
		{"by itself", func(*linkTest, *ec2types.ServiceConfiguration) { time.Sleep(25 * time.Hour) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			inPrivateLink(t, Knobs{}, func(lt *linkTest) {
				service := lt.verifiedService()
				id := lt.connect(service)
				lt.accept(service, id)
				lt.ok(lt.setName(id, true))
				time.Sleep(time.Minute)
				lt.txt(r53types.ChangeActionDelete, *service.PrivateDnsNameConfiguration.Name+"."+friendly, *service.PrivateDnsNameConfiguration.Value)
				time.Sleep(time.Minute)
				if got := lt.configuration(service).PrivateDnsNameConfiguration.State; got != "verified" {
					t.Fatalf("state %s before anybody looked", got)
				}
				test.look(lt, service)
				if got := lt.configuration(service).PrivateDnsNameConfiguration.State; got != "failed" {
					t.Errorf("state %s, want failed", got)
				}
				if !*lt.endpoint(id).PrivateDnsEnabled {
					t.Errorf("the present user lost the name")
				}
				lt.ok(lt.setName(id, false))
				time.Sleep(time.Minute)
				lt.refused(lt.setName(id, true), "InvalidParameter", "has not verified the private DNS name.")
			})
		})
	}
}

// Another name starts over, with another token.
func TestPrivateNameChanges(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.verifiedService()
		edit := func(in ec2.ModifyVpcEndpointServiceConfigurationInput) error {
			in.ServiceId = service.ServiceId
			_, err := lt.ec2(provider).ModifyVpcEndpointServiceConfiguration(lt.Context(), &in)
			return err
		}
		lt.ok(edit(ec2.ModifyVpcEndpointServiceConfigurationInput{PrivateDnsName: aws.String(friendly)}))
		if got := lt.configuration(service).PrivateDnsNameConfiguration.State; got != "verified" {
			t.Errorf("the same name again: %s", got)
		}
		lt.ok(edit(ec2.ModifyVpcEndpointServiceConfigurationInput{PrivateDnsName: aws.String("api.example.com")}))
		config := lt.configuration(service).PrivateDnsNameConfiguration
		if config.State != "pendingVerification" || *config.Value == *service.PrivateDnsNameConfiguration.Value {
			t.Errorf("another name: %s %s", config.State, *config.Value)
		}
		lt.refused(edit(ec2.ModifyVpcEndpointServiceConfigurationInput{PrivateDnsName: aws.String("a.b.c"), RemovePrivateDnsName: aws.Bool(true)}),
			"InvalidParameterCombination", "")
		lt.connect(service)
		lt.refused(edit(ec2.ModifyVpcEndpointServiceConfigurationInput{RemovePrivateDnsName: aws.Bool(true)}), "InvalidParameter", "cannot be removed")
		lt.ok(nil)
	})
}

// A name is free in a VPC again when the endpoint that had it is gone.
func TestDeletedEndpointFreesName(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.verifiedService()
		first, second := lt.connect(service), lt.connect(service)
		lt.accept(service, first, second)
		lt.ok(lt.setName(first, true))
		lt.refused(lt.setName(second, true), "InvalidParameter", "conflicting DNS domain")
		_, err := lt.ec2(consumer).DeleteVpcEndpoints(lt.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{first}})
		lt.ok(err)
		lt.refused(lt.setName(second, true), "InvalidParameter", "conflicting DNS domain")
		lt.wait(2 * time.Minute)
		lt.ok(lt.setName(second, true))
	})
}

// So does a private hosted zone of Route 53 conflict.
func TestHostedZoneConflicts(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.verifiedService()
		id := lt.connect(service)
		lt.accept(service, id)
		_, err := route53.NewFromConfig(lt.config(consumer, "secret", "")).CreateHostedZone(lt.Context(), &route53.CreateHostedZoneInput{
			Name: aws.String(friendly), CallerReference: aws.String("once"),
			VPC: &r53types.VPC{VPCId: aws.String(consumerVPC), VPCRegion: r53types.VPCRegionUsEast1},
		})
		lt.ok(err)
		lt.refused(lt.setName(id, true), "InvalidParameter", "conflicting DNS domain for "+friendly)
	})
}

// Where no acceptance is asked for, an endpoint may have the name from the start.
func TestPrivateDNSFromTheStart(t *testing.T) {
	inPrivateLink(t, Knobs{}, func(lt *linkTest) {
		service := lt.verifiedService()
		_, err := lt.ec2(provider).ModifyVpcEndpointServiceConfiguration(lt.Context(), &ec2.ModifyVpcEndpointServiceConfigurationInput{
			ServiceId: service.ServiceId, AcceptanceRequired: aws.Bool(false),
		})
		lt.ok(err)
		in := want(service)
		in.PrivateDnsEnabled = aws.Bool(true)
		out, err := lt.ec2(consumer).CreateVpcEndpoint(lt.Context(), in)
		lt.ok(err)
		if names := dnsNames(out.VpcEndpoint.DnsEntries); names[len(names)-1] != friendly {
			t.Errorf("names %v", names)
		}
	})
}
