package awssim

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A lagging is a field of an object, changed and read.
type lagging struct {
	change func(*linkTest, *lagScene) error
	read   func(*linkTest, *lagScene) string
	was    string
	is     string
}

type lagScene struct {
	service  *ec2types.ServiceConfiguration
	balancer string
	endpoint string
}

const lagGroup = "sg-02000000000000000"

func laggings() map[string]lagging {
	elbOf := func(lt *linkTest) *elb.Client { return elb.NewFromConfig(lt.config(provider, "secret", "")) }
	return map[string]lagging{
		"acceptance": {
			change: func(lt *linkTest, s *lagScene) error {
				_, err := lt.ec2(provider).ModifyVpcEndpointServiceConfiguration(lt.Context(), &ec2.ModifyVpcEndpointServiceConfigurationInput{
					ServiceId: s.service.ServiceId, AcceptanceRequired: aws.Bool(false), PrivateDnsName: aws.String("fraud.example.com"),
				})
				return err
			},
			read: func(lt *linkTest, s *lagScene) string {
				now := lt.configuration(s.service)
				return map[bool]string{true: "required ", false: "open "}[*now.AcceptanceRequired] + aws.ToString(now.PrivateDnsName)
			},
			was: "required ", is: "open fraud.example.com",
		},
		"permissions": {
			change: func(lt *linkTest, s *lagScene) error {
				lt.allow(s.service, "arn:aws:iam::"+partner+":root")
				return nil
			},
			read: func(lt *linkTest, s *lagScene) string {
				out, err := lt.ec2(provider).DescribeVpcEndpointServicePermissions(lt.Context(), &ec2.DescribeVpcEndpointServicePermissionsInput{ServiceId: s.service.ServiceId})
				lt.ok(err)
				return strings.Repeat("p", len(out.AllowedPrincipals))
			},
			was: "p", is: "pp",
		},
		"endpoint": {
			change: func(lt *linkTest, s *lagScene) error {
				_, err := lt.ec2(consumer).ModifyVpcEndpoint(lt.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &s.endpoint, RemoveSubnetIds: []string{subnetID("02", 1)}, AddSecurityGroupIds: []string{lagGroup}})
				return err
			},
			read: func(lt *linkTest, s *lagScene) string {
				now := lt.endpoint(s.endpoint)
				return strings.Repeat("s", len(now.SubnetIds)) + strings.Repeat("g", len(now.Groups))
			},
			was: "ssg", is: "sgg",
		},
		"balancer": {
			change: func(lt *linkTest, s *lagScene) error {
				_, err := elbOf(lt).ModifyLoadBalancerAttributes(lt.Context(), &elb.ModifyLoadBalancerAttributesInput{
					LoadBalancerArn: &s.balancer, Attributes: []elbtypes.LoadBalancerAttribute{{Key: aws.String("deletion_protection.enabled"), Value: aws.String("true")}},
				})
				return err
			},
			read: func(lt *linkTest, s *lagScene) string {
				out, err := elbOf(lt).DescribeLoadBalancerAttributes(lt.Context(), &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &s.balancer})
				lt.ok(err)
				for _, a := range out.Attributes {
					if *a.Key == "deletion_protection.enabled" {
						return *a.Value
					}
				}
				return ""
			},
			was: "false", is: "true",
		},
		"rules": {
			change: func(lt *linkTest, s *lagScene) error {
				_, err := lt.ec2(consumer).AuthorizeSecurityGroupIngress(lt.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
					GroupId: aws.String(lagGroup), IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), CidrIp: aws.String("10.0.0.0/8"),
				})
				return err
			},
			read: func(lt *linkTest, s *lagScene) string {
				out, err := lt.ec2(consumer).DescribeSecurityGroups(lt.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{lagGroup}})
				lt.ok(err)
				return strings.Repeat("r", len(out.SecurityGroups[0].IpPermissions))
			},
			was: "", is: "r",
		},
	}
}

// For as long as attributes lag, reads show what they were; what is done goes
// by what they are. States do not lag.
func TestAttributesLag(t *testing.T) {
	for name, field := range laggings() {
		t.Run(name, func(t *testing.T) {
			inPrivateLink(t, Knobs{Latencies: map[string]time.Duration{"attributeLag": 20 * time.Second}}, func(lt *linkTest) {
				s := &lagScene{service: lt.service(nil)}
				s.balancer = s.service.NetworkLoadBalancerArns[0]
				lt.allow(s.service, "arn:aws:iam::"+consumer+":root")
				s.endpoint = lt.connect(s.service)
				lt.accept(s.service, s.endpoint)
				lt.wait(time.Minute)
				for _, step := range []struct {
					wait time.Duration
					want string
				}{{0, field.was}, {19 * time.Second, field.was}, {time.Second, field.is}} {
					if step.wait == 0 {
						lt.ok(field.change(lt, s))
					}
					lt.wait(step.wait)
					if got := field.read(lt, s); got != step.want {
						lt.Errorf("%v on it reads %q, want %q", step.wait, got, step.want)
					}
				}
			})
		})
	}
}
