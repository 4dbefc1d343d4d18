package kinds_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/schema"
)

// A drift is a change by hand of one field of a kind's spec, or of several
// that AWS changes together.
type drift struct {
	fields string // "kind: field", more fields after commas
	name   string // where a field has several drifts
	hand   func(*scene)
	// want is the plan that heals it. Empty where no hand can do it yet; then
	// refused is AWS's code for who tries.
	want    string
	refused func(*scene) error
	code    string
}

// drifts are all drifts, by the fleet on which they are played: one after
// the other, each healed before the next.
func drifts() map[string][]drift {
	return map[string][]drift{
		"pair":     slices.Concat(groupDrifts(), balancerDrifts(), targetGroupDrifts(), serviceDrifts(), endpointDrifts()),
		"topic":    topicDrifts(),
		"name":     nameDrifts(),
		"alone":    slices.Concat(zoneDrifts(), listenerDrifts()),
		"aloneTLS": tlsDrifts(),
	}
}

func driftFleets() map[string]func(*schema.Fleet) {
	return map[string]func(*schema.Fleet){"pair": pair, "topic": pair, "name": pair, "alone": alone, "aloneTLS": aloneTLS}
}

func TestDriftIsFoundAndHealed(t *testing.T) {
	for fleet, all := range drifts() {
		t.Run(fleet, func(t *testing.T) {
			t.Parallel()
			onStage(t, driftFleets()[fleet], func(s *scene) {
				for _, d := range all {
					s.play(d)
				}
			})
		})
	}
}

func (s *scene) play(d drift) {
	s.T.Helper()
	s.T.Logf("%s %s", d.fields, d.name)
	if d.refused != nil {
		if err := d.refused(s); awsapi.Code(err) != d.code {
			s.T.Errorf("%s: AWS answers %v, want %s: if a hand can do it now, this drift needs to be healed", d.fields, err, d.code)
		}
		s.WantEmpty()
		return
	}
	d.hand(s)
	s.heals(d.want)
}

// TestEveryMutableFieldDrifts: a field that nobody can change, or that no
// drift is about, is not tested.
func TestEveryMutableFieldDrifts(t *testing.T) {
	var played []string
	for _, all := range drifts() {
		for _, d := range all {
			played = append(played, fieldList(d.fields)...)
		}
	}
	var want []string
	for _, f := range kinds.SpecFields() {
		if !f.Replace {
			want = append(want, f.String())
		}
	}
	sameFields(t, "drift", played, want)
}

func rule(port int32, cidr string) []ec2types.IpPermission {
	return []ec2types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, IpRanges: []ec2types.IpRange{{CidrIp: &cidr}},
	}}
}

var anywhere = []ec2types.IpPermission{{IpProtocol: aws.String("-1"), IpRanges: []ec2types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}

func groupDrifts() []drift {
	return []drift{
		{fields: "security-group: ingress", name: "opened", want: "update security-group/fraud: ingress\n", hand: func(s *scene) {
			_, err := s.platform.EC2.AuthorizeSecurityGroupIngress(s.T.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
				GroupId: s.id("security-group/fraud"), IpPermissions: rule(22, "0.0.0.0/0"),
			})
			s.must(err)
		}},
		{fields: "security-group: ingress", name: "closed", want: "update security-group/fraud/risk: ingress\n", hand: func(s *scene) {
			_, err := s.risk.EC2.RevokeSecurityGroupIngress(s.T.Context(), &ec2.RevokeSecurityGroupIngressInput{
				GroupId: s.id("security-group/fraud/risk"), IpPermissions: rule(8443, "10.30.0.0/16"),
			})
			s.must(err)
		}},
		{fields: "security-group: egress", want: "update security-group/fraud: egress\n", hand: func(s *scene) {
			_, err := s.platform.EC2.RevokeSecurityGroupEgress(s.T.Context(), &ec2.RevokeSecurityGroupEgressInput{
				GroupId: s.id("security-group/fraud"), IpPermissions: anywhere,
			})
			s.must(err)
		}},
	}
}

func (s *scene) balancerAttribute(key, value string) {
	s.T.Helper()
	_, err := s.platform.ELB.ModifyLoadBalancerAttributes(s.T.Context(), &elb.ModifyLoadBalancerAttributesInput{
		LoadBalancerArn: s.id("load-balancer/fraud"),
		Attributes:      []elbtypes.LoadBalancerAttribute{{Key: &key, Value: &value}},
	})
	s.must(err)
}

func balancerDrifts() []drift {
	return []drift{
		{fields: "load-balancer: crossZone", want: "update load-balancer/fraud: crossZone\n", hand: func(s *scene) {
			s.balancerAttribute("load_balancing.cross_zone.enabled", "false")
		}},
		{fields: "load-balancer: deletionProtection", want: "update load-balancer/fraud: deletionProtection\n", hand: func(s *scene) {
			s.balancerAttribute("deletion_protection.enabled", "true")
		}},
		{fields: "load-balancer: securityGroups", want: "update load-balancer/fraud: securityGroups\n", hand: func(s *scene) {
			_, err := s.platform.ELB.SetSecurityGroups(s.T.Context(), &elb.SetSecurityGroupsInput{
				LoadBalancerArn: s.id("load-balancer/fraud"), SecurityGroups: []string{s.defaultGroup(s.platform, platformVPC)},
			})
			s.must(err)
		}},
		{fields: "load-balancer: enforceOnPrivateLink", want: "update load-balancer/fraud: enforceOnPrivateLink\n", hand: func(s *scene) {
			_, err := s.platform.ELB.SetSecurityGroups(s.T.Context(), &elb.SetSecurityGroupsInput{
				LoadBalancerArn: s.id("load-balancer/fraud"), SecurityGroups: []string{s.one("security-group/fraud").ID},
				EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: "off",
			})
			s.must(err)
		}},
		{fields: "load-balancer: ipAddressType", code: "InvalidSubnet", refused: func(s *scene) error { // subnets without IPv6
			_, err := s.platform.ELB.SetIpAddressType(s.T.Context(), &elb.SetIpAddressTypeInput{
				LoadBalancerArn: s.id("load-balancer/fraud"), IpAddressType: elbtypes.IpAddressTypeDualstack,
			})
			return err
		}},
	}
}

// zoneDrifts are of what AWS does not let go while endpoints are connected.
func zoneDrifts() []drift {
	all := []string{"subnet-0f0000000000000a1", "subnet-0f0000000000000a2", "subnet-0f0000000000000a3"}
	return []drift{
		{fields: "load-balancer: subnets", want: "update load-balancer/fraud: subnets\nupdate endpoint-service/fraud: zones\n", hand: func(s *scene) {
			s.setSubnets(all[:2]...)
		}},
		{fields: "endpoint-service: zones", want: "update endpoint-service/fraud: zones\n", hand: func(s *scene) {
			s.setSubnets(all[:2]...)
			s.modifyService(&ec2.ModifyVpcEndpointServiceConfigurationInput{})
			s.setSubnets(all...)
		}},
		{fields: "endpoint-service: loadBalancers", want: "update endpoint-service/fraud: loadBalancers\n", hand: func(s *scene) {
			s.modifyService(&ec2.ModifyVpcEndpointServiceConfigurationInput{AddNetworkLoadBalancerArns: []string{s.makeBalancer("second", all...)}})
		}},
	}
}

func (s *scene) makeBalancer(name string, subnets ...string) string {
	s.T.Helper()
	out, err := s.platform.ELB.CreateLoadBalancer(s.T.Context(), &elb.CreateLoadBalancerInput{
		Name: &name, Type: elbtypes.LoadBalancerTypeEnumNetwork, Scheme: elbtypes.LoadBalancerSchemeEnumInternal, Subnets: subnets,
	})
	s.must(err)
	s.settle()
	return aws.ToString(out.LoadBalancers[0].LoadBalancerArn)
}

func (s *scene) modifyTargetGroup(in *elb.ModifyTargetGroupInput) {
	s.T.Helper()
	in.TargetGroupArn = s.id("target-group/fraud/https")
	_, err := s.platform.ELB.ModifyTargetGroup(s.T.Context(), in)
	s.must(err)
}

func (s *scene) targetGroupAttribute(key, value string) {
	s.T.Helper()
	_, err := s.platform.ELB.ModifyTargetGroupAttributes(s.T.Context(), &elb.ModifyTargetGroupAttributesInput{
		TargetGroupArn: s.id("target-group/fraud/https"),
		Attributes:     []elbtypes.TargetGroupAttribute{{Key: &key, Value: &value}},
	})
	s.must(err)
}

func targetGroupDrifts() []drift {
	check := func(field string, in elb.ModifyTargetGroupInput) drift {
		return drift{
			fields: "target-group: healthCheck." + field, want: "update target-group/fraud/https: healthCheck." + field + "\n",
			hand: func(s *scene) { s.modifyTargetGroup(&in) },
		}
	}
	attribute := func(field, key, value string) drift {
		return drift{
			fields: "target-group: " + field, want: "update target-group/fraud/https: " + field + "\n",
			hand: func(s *scene) { s.targetGroupAttribute(key, value) },
		}
	}
	target := []elbtypes.TargetDescription{{Id: aws.String("10.20.1.10"), Port: aws.Int32(8443)}}
	stray := []elbtypes.TargetDescription{{Id: aws.String("10.20.1.99"), Port: aws.Int32(9999)}}
	return []drift{
		check("port", elb.ModifyTargetGroupInput{HealthCheckPort: aws.String("9000")}),
		check("interval", elb.ModifyTargetGroupInput{HealthCheckIntervalSeconds: aws.Int32(60)}),
		check("timeout", elb.ModifyTargetGroupInput{HealthCheckTimeoutSeconds: aws.Int32(5)}),
		check("healthyThreshold", elb.ModifyTargetGroupInput{HealthyThresholdCount: aws.Int32(9)}),
		check("unhealthyThreshold", elb.ModifyTargetGroupInput{UnhealthyThresholdCount: aws.Int32(9)}),
		{fields: "target-group: healthCheck.protocol, target-group: healthCheck.path", want: "update target-group/fraud/https: healthCheck.protocol, healthCheck.path\n", hand: func(s *scene) {
			s.modifyTargetGroup(&elb.ModifyTargetGroupInput{HealthCheckProtocol: elbtypes.ProtocolEnumHttp, HealthCheckPath: aws.String("/ready")})
		}},
		attribute("deregistrationDelay", "deregistration_delay.timeout_seconds", "20"),
		attribute("preserveClientIP", "preserve_client_ip.enabled", "true"),
		attribute("proxyProtocolV2", "proxy_protocol_v2.enabled", "true"),
		{fields: "target-group: targets", name: "missing", want: "update target-group/fraud/https: targets\n", hand: func(s *scene) {
			_, err := s.platform.ELB.DeregisterTargets(s.T.Context(), &elb.DeregisterTargetsInput{TargetGroupArn: s.id("target-group/fraud/https"), Targets: target})
			s.must(err)
		}},
		{fields: "target-group: targets", name: "stray", want: "update target-group/fraud/https: targets\n", hand: func(s *scene) {
			_, err := s.platform.ELB.RegisterTargets(s.T.Context(), &elb.RegisterTargetsInput{TargetGroupArn: s.id("target-group/fraud/https"), Targets: stray})
			s.must(err)
		}},
	}
}

func (s *scene) modifyListener(in *elb.ModifyListenerInput) {
	s.T.Helper()
	in.ListenerArn = s.id("listener/fraud/https")
	_, err := s.platform.ELB.ModifyListener(s.T.Context(), in)
	s.must(err)
}

func listenerDrifts() []drift {
	return []drift{
		{fields: "listener: port", want: "update listener/fraud/https: port\n", hand: func(s *scene) {
			s.modifyListener(&elb.ModifyListenerInput{Port: aws.Int32(9443)})
		}},
		{fields: "listener: idleTimeout", want: "update listener/fraud/https: idleTimeout\n", hand: func(s *scene) {
			_, err := s.platform.ELB.ModifyListenerAttributes(s.T.Context(), &elb.ModifyListenerAttributesInput{
				ListenerArn: s.id("listener/fraud/https"),
				Attributes:  []elbtypes.ListenerAttribute{{Key: aws.String("tcp.idle_timeout.seconds"), Value: aws.String("61")}},
			})
			s.must(err)
		}},
		{fields: "listener: targetGroup", name: "another", want: "update listener/fraud/https: targetGroup\n", hand: func(s *scene) {
			s.modifyListener(&elb.ModifyListenerInput{DefaultActions: []elbtypes.Action{
				{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: aws.String(s.makeTargetGroup("another"))},
			}})
		}},
		{fields: "listener: targetGroup", name: "one more", want: "update listener/fraud/https: targetGroup\n", hand: func(s *scene) {
			s.modifyListener(&elb.ModifyListenerInput{DefaultActions: []elbtypes.Action{
				{Type: elbtypes.ActionTypeEnumForward, ForwardConfig: &elbtypes.ForwardActionConfig{TargetGroups: []elbtypes.TargetGroupTuple{
					{TargetGroupArn: s.id("target-group/fraud/https")}, {TargetGroupArn: aws.String(s.makeTargetGroup("more"))},
				}}},
			}})
		}},
		{
			fields: "listener: protocol, listener: certificate, listener: sslPolicy, listener: idleTimeout", name: "TLS by hand",
			want: "update listener/fraud/https: protocol, certificate, sslPolicy, idleTimeout\n", hand: func(s *scene) {
				s.modifyListener(&elb.ModifyListenerInput{
					Protocol: elbtypes.ProtocolEnumTls, Certificates: []elbtypes.Certificate{{CertificateArn: aws.String(certificate)}},
				})
			},
		},
	}
}

func (s *scene) makeTargetGroup(name string) string {
	s.T.Helper()
	out, err := s.platform.ELB.CreateTargetGroup(s.T.Context(), &elb.CreateTargetGroupInput{
		Name: &name, Protocol: elbtypes.ProtocolEnumTcp, Port: aws.Int32(8443), VpcId: aws.String(platformVPC), TargetType: elbtypes.TargetTypeEnumIp,
	})
	s.must(err)
	return aws.ToString(out.TargetGroups[0].TargetGroupArn)
}

func tlsDrifts() []drift {
	return []drift{
		{fields: "listener: certificate", want: "update listener/fraud/https: certificate\n", hand: func(s *scene) {
			s.modifyListener(&elb.ModifyListenerInput{Certificates: []elbtypes.Certificate{{CertificateArn: aws.String(certificate + "-old")}}})
		}},
		{fields: "listener: sslPolicy", want: "update listener/fraud/https: sslPolicy\n", hand: func(s *scene) {
			s.modifyListener(&elb.ModifyListenerInput{SslPolicy: aws.String("ELBSecurityPolicy-2016-08")})
		}},
		{fields: "listener: protocol", want: "update listener/fraud/https: protocol, certificate, sslPolicy, idleTimeout\n", hand: func(s *scene) {
			s.modifyListener(&elb.ModifyListenerInput{Protocol: elbtypes.ProtocolEnumTcp})
		}},
	}
}

func serviceDrifts() []drift {
	const nobody = "arn:aws:iam::101010101010:role/nobody"
	permit := func(in ec2.ModifyVpcEndpointServicePermissionsInput) func(*scene) {
		return func(s *scene) {
			in.ServiceId = s.id("endpoint-service/fraud")
			_, err := s.platform.EC2.ModifyVpcEndpointServicePermissions(s.T.Context(), &in)
			s.must(err)
		}
	}
	return []drift{
		{fields: "endpoint-service: acceptanceRequired", want: "update endpoint-service/fraud: acceptanceRequired\n", hand: func(s *scene) {
			s.modifyService(&ec2.ModifyVpcEndpointServiceConfigurationInput{AcceptanceRequired: aws.Bool(false)})
		}},
		{fields: "endpoint-service: terms.preventDestroy", want: "update endpoint-service/fraud: terms.preventDestroy\n", hand: func(s *scene) {
			s.tagService(kinds.TagPreventDestroy, "true")
		}},
		{fields: "endpoint-service: terms.onRevoke", want: "update endpoint-service/fraud: terms.onRevoke\n", hand: func(s *scene) {
			s.tagService(kinds.TagOnRevoke, partnerID+"=keep")
		}},
		{fields: "endpoint-service: terms.onRevoke", name: "left over", want: "update endpoint-service/fraud: terms.onRevoke\n", hand: func(s *scene) {
			s.tagService(kinds.TagOnRevoke+"-2", partnerID+"=keep")
		}},
		{fields: "endpoint-service: ipAddressTypes", code: "InvalidParameter", refused: func(s *scene) error { // balancers without IPv6
			_, err := s.platform.EC2.ModifyVpcEndpointServiceConfiguration(s.T.Context(), &ec2.ModifyVpcEndpointServiceConfigurationInput{
				ServiceId: s.id("endpoint-service/fraud"), AddSupportedIpAddressTypes: []string{"ipv6"},
			})
			return err
		}},
		{
			fields: "service-permissions: principals", name: "one too many", want: "update service-permissions/fraud: principals\n",
			hand: permit(ec2.ModifyVpcEndpointServicePermissionsInput{AddAllowedPrincipals: []string{nobody}}),
		},
		{
			fields: "service-permissions: principals", name: "one missing", want: "update service-permissions/fraud: principals\n",
			hand: permit(ec2.ModifyVpcEndpointServicePermissionsInput{RemoveAllowedPrincipals: []string{"arn:aws:iam::333333333333:role/fraud-client-prod"}}),
		},
		{fields: "connection: state", want: "update connection/fraud/risk: state\ncreate endpoint-private-dns/fraud/risk\n", hand: func(s *scene) {
			s.decide(false, s.one("endpoint/fraud/risk").ID)
		}},
	}
}

func endpointDrifts() []drift {
	return []drift{
		{fields: "endpoint: subnets", name: "missing", want: "update endpoint/fraud/risk: subnets\n", hand: func(s *scene) {
			s.modifyEndpoint(&ec2.ModifyVpcEndpointInput{RemoveSubnetIds: []string{"subnet-0a0000000000000b3"}})
		}},
		{fields: "endpoint: securityGroups", want: "update endpoint/fraud/risk: securityGroups\n", hand: func(s *scene) {
			s.modifyEndpoint(&ec2.ModifyVpcEndpointInput{
				AddSecurityGroupIds:    []string{s.defaultGroup(s.risk, riskVPC)},
				RemoveSecurityGroupIds: []string{s.one("security-group/fraud/risk").ID},
			})
		}},
		// AWS's endpoint services are IPv4 here.
		{fields: "endpoint: ipAddressType", code: "InvalidParameter", refused: func(s *scene) error {
			_, err := s.risk.EC2.ModifyVpcEndpoint(s.T.Context(), &ec2.ModifyVpcEndpointInput{
				VpcEndpointId: s.id("endpoint/fraud/risk"), IpAddressType: ec2types.IpAddressTypeDualstack,
			})
			return err
		}},
	}
}

const topicARN = "arn:aws:sns:us-east-1:111111111111:privatelink-events"

// editPolicy changes the statements of the topic's policy.
func (s *scene) editPolicy(edit func([]map[string]any) []map[string]any) {
	s.T.Helper()
	out, err := s.platform.SNS.GetTopicAttributes(s.T.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(topicARN)})
	s.must(err)
	var policy struct {
		Version   string
		Statement []map[string]any
	}
	s.must(json.Unmarshal([]byte(out.Attributes["Policy"]), &policy))
	policy.Statement = edit(policy.Statement)
	s.setPolicy(policy)
}

func (s *scene) setPolicy(policy any) {
	s.T.Helper()
	doc, err := json.Marshal(policy)
	s.must(err)
	_, err = s.platform.SNS.SetTopicAttributes(s.T.Context(), &sns.SetTopicAttributesInput{
		TopicArn: aws.String(topicARN), AttributeName: aws.String("Policy"), AttributeValue: aws.String(string(doc)),
	})
	s.must(err)
}

func topicDrifts() []drift {
	without := func(sid string) func(*scene) {
		return func(s *scene) {
			s.editPolicy(func(all []map[string]any) []map[string]any {
				return slices.DeleteFunc(all, func(st map[string]any) bool { return st["Sid"] == sid })
			})
		}
	}
	modify := func(s *scene, in *ec2.ModifyVpcEndpointConnectionNotificationInput) {
		in.ConnectionNotificationId = s.id("connection-notification/fraud")
		_, err := s.platform.EC2.ModifyVpcEndpointConnectionNotification(s.T.Context(), in)
		s.must(err)
	}
	return []drift{
		{fields: "topic: publishers", want: "update topic/privatelink-events: publishers\n", hand: without("LinkfleetConnectionNotifications")},
		{fields: "topic: ownerAccess", want: "update topic/privatelink-events: ownerAccess\n", hand: without("__default_statement_ID")},
		{fields: "topic: otherStatements", want: "update topic/privatelink-events: otherStatements\n", hand: func(s *scene) {
			s.editPolicy(func(all []map[string]any) []map[string]any {
				return append(all, map[string]any{
					"Effect": "Allow", "Principal": map[string]any{"AWS": "*"}, "Action": "SNS:Subscribe", "Resource": topicARN,
				})
			})
		}},
		{fields: "connection-notification: events", want: "update connection-notification/fraud: events\n", hand: func(s *scene) {
			modify(s, &ec2.ModifyVpcEndpointConnectionNotificationInput{ConnectionEvents: []string{"Delete"}})
		}},
		{fields: "connection-notification: topic", want: "update connection-notification/fraud: topic\n", hand: func(s *scene) {
			out, err := s.platform.SNS.CreateTopic(s.T.Context(), &sns.CreateTopicInput{Name: aws.String("elsewhere")})
			s.must(err)
			modify(s, &ec2.ModifyVpcEndpointConnectionNotificationInput{ConnectionNotificationArn: out.TopicArn})
		}},
		{
			// AWS turns a notification off that it cannot deliver.
			fields: "connection-notification: enabled, topic: publishers",
			want:   "update topic/privatelink-events: publishers\nupdate connection-notification/fraud: enabled\n",
			hand: func(s *scene) {
				without("LinkfleetConnectionNotifications")(s)
				risk := s.one("endpoint/fraud/risk").ID
				s.decide(false, risk)
				s.decide(true, risk)
			},
		},
	}
}

func nameDrifts() []drift {
	return []drift{
		{
			fields: "verification-record: value, domain-verification: record", name: "token gone",
			want: "update verification-record/fraud: value\nupdate domain-verification/fraud: record\n",
			hand: func(s *scene) {
				set, token := s.proof(), s.one("verification-record/fraud").Outputs["value"]
				set.ResourceRecords = slices.DeleteFunc(set.ResourceRecords, func(r dnstypes.ResourceRecord) bool {
					return aws.ToString(r.Value) == `"`+token+`"`
				})
				s.changeRecord(dnstypes.ChangeActionUpsert, set)
			},
		},
		{fields: "domain-verification: state", name: "proof lost for a day", want: "update domain-verification/fraud: state\n", hand: func(s *scene) {
			set := s.proof()
			s.changeRecord(dnstypes.ChangeActionDelete, set)
			time.Sleep(25 * time.Hour)
			s.changeRecord(dnstypes.ChangeActionCreate, set)
		}},
		{
			fields: "private-dns-name: name", name: "another name",
			want: "update private-dns-name/fraud: name\ncreate verification-record/fraud: name, value\n" +
				"update domain-verification/fraud: record, state\ndelete verification-record/fraud: name, value\n",
			hand: func(s *scene) {
				s.modifyService(&ec2.ModifyVpcEndpointServiceConfigurationInput{PrivateDnsName: aws.String("risk.internal.payments.example.com")})
			},
		},
		{
			fields: "endpoint-private-dns: name", name: "answers to another name",
			want: "update private-dns-name/fraud: name\ncreate verification-record/fraud: name, value\nupdate domain-verification/fraud: record\n" +
				"delete verification-record/fraud: name, value\nupdate endpoint-private-dns/fraud/risk: name\n",
			hand: func(s *scene) {
				s.modifyService(&ec2.ModifyVpcEndpointServiceConfigurationInput{PrivateDnsName: aws.String("other.internal.payments.example.com")})
				s.prove("other.internal.payments.example.com")
				s.modifyEndpoint(&ec2.ModifyVpcEndpointInput{PrivateDnsEnabled: aws.Bool(false)})
				s.modifyEndpoint(&ec2.ModifyVpcEndpointInput{PrivateDnsEnabled: aws.Bool(true)})
			},
		},
	}
}

// prove publishes the service's present token for a name, and has AWS look.
func (s *scene) tagService(key, value string) {
	s.T.Helper()
	_, err := s.platform.EC2.CreateTags(s.T.Context(), &ec2.CreateTagsInput{
		Resources: []string{s.one("endpoint-service/fraud").ID}, Tags: []ec2types.Tag{{Key: &key, Value: &value}},
	})
	s.must(err)
}

func (s *scene) prove(name string) {
	s.T.Helper()
	service := s.one("endpoint-service/fraud").ID
	out, err := s.platform.EC2.DescribeVpcEndpointServiceConfigurations(s.T.Context(), &ec2.DescribeVpcEndpointServiceConfigurationsInput{ServiceIds: []string{service}})
	s.must(err)
	conf := out.ServiceConfigurations[0].PrivateDnsNameConfiguration
	s.changeRecord(dnstypes.ChangeActionCreate, dnstypes.ResourceRecordSet{
		Name: aws.String(aws.ToString(conf.Name) + "." + name), Type: dnstypes.RRTypeTxt, TTL: aws.Int64(60),
		ResourceRecords: []dnstypes.ResourceRecord{{Value: aws.String(`"` + aws.ToString(conf.Value) + `"`)}},
	})
	_, err = s.platform.EC2.StartVpcEndpointServicePrivateDnsVerification(s.T.Context(), &ec2.StartVpcEndpointServicePrivateDnsVerificationInput{ServiceId: &service})
	s.must(err)
	s.settle()
}
