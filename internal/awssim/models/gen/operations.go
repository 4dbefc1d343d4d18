package main

// A service is one of AWS's, with the operations that awssim serves.
type service struct {
	signing    string // the name in signatures, and the name of the file
	folder     string // botocore's
	version    string
	operations []string
}

func services() []service {
	return []service{
		{"dynamodb", "dynamodb", "2012-08-10", []string{
			"CreateTable", "DescribeTable", "GetItem", "PutItem", "UpdateItem", "DeleteItem",
		}},
		{"ec2", "ec2", "2016-11-15", ec2Operations()},
		{"elasticloadbalancing", "elbv2", "2015-12-01", balancingOperations()},
		{"route53", "route53", "2013-04-01", []string{
			"ListHostedZones", "ListHostedZonesByName", "GetHostedZone", "CreateHostedZone", "DeleteHostedZone",
			"ListResourceRecordSets", "ChangeResourceRecordSets", "GetChange",
			"ListTagsForResource", "ChangeTagsForResource",
		}},
		{"servicequotas", "service-quotas", "2019-06-24", []string{"GetServiceQuota", "GetAWSDefaultServiceQuota"}},
		{"sns", "sns", "2010-03-31", []string{
			"CreateTopic", "DeleteTopic", "ListTopics", "GetTopicAttributes", "SetTopicAttributes",
			"ListTagsForResource", "TagResource", "UntagResource",
			"Subscribe", "ConfirmSubscription", "Unsubscribe", "ListSubscriptionsByTopic",
			"GetSubscriptionAttributes", "SetSubscriptionAttributes", "Publish",
		}},
		{"sqs", "sqs", "2012-11-05", []string{
			"CreateQueue", "DeleteQueue", "GetQueueUrl", "ListQueues", "PurgeQueue",
			"GetQueueAttributes", "SetQueueAttributes", "TagQueue", "UntagQueue", "ListQueueTags",
			"SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch",
			"ChangeMessageVisibility", "ChangeMessageVisibilityBatch",
		}},
		{"sts", "sts", "2011-06-15", []string{"GetCallerIdentity", "AssumeRole"}},
		{"tagging", "resourcegroupstaggingapi", "2017-01-26", []string{"GetResources"}},
	}
}

func ec2Operations() []string {
	return []string{
		"DescribeVpcs", "CreateVpc", "DeleteVpc", "DescribeVpcAttribute", "ModifyVpcAttribute",
		"DescribeSubnets", "CreateSubnet", "DeleteSubnet", "DescribeAvailabilityZones",
		"CreateSecurityGroup", "DescribeSecurityGroups", "DeleteSecurityGroup",
		"AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress",
		"RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress",
		"DescribeSecurityGroupRules", "ModifySecurityGroupRules",
		"DescribeNetworkInterfaces",
		"CreateTags", "DeleteTags", "DescribeTags",

		"CreateVpcEndpointServiceConfiguration", "ModifyVpcEndpointServiceConfiguration",
		"DescribeVpcEndpointServiceConfigurations", "DeleteVpcEndpointServiceConfigurations",
		"ModifyVpcEndpointServicePermissions", "DescribeVpcEndpointServicePermissions",
		"ModifyVpcEndpointServicePayerResponsibility",
		"DescribeVpcEndpointConnections", "AcceptVpcEndpointConnections", "RejectVpcEndpointConnections",
		"StartVpcEndpointServicePrivateDnsVerification", "DescribeVpcEndpointServices",
		"CreateVpcEndpoint", "ModifyVpcEndpoint", "DescribeVpcEndpoints", "DeleteVpcEndpoints",
		"CreateVpcEndpointConnectionNotification", "DescribeVpcEndpointConnectionNotifications",
		"ModifyVpcEndpointConnectionNotification", "DeleteVpcEndpointConnectionNotifications",
	}
}

func balancingOperations() []string {
	return []string{
		"CreateLoadBalancer", "DescribeLoadBalancers", "DeleteLoadBalancer",
		"DescribeLoadBalancerAttributes", "ModifyLoadBalancerAttributes",
		"SetSubnets", "SetSecurityGroups", "SetIpAddressType",
		"CreateTargetGroup", "DescribeTargetGroups", "ModifyTargetGroup", "DeleteTargetGroup",
		"DescribeTargetGroupAttributes", "ModifyTargetGroupAttributes",
		"RegisterTargets", "DeregisterTargets", "DescribeTargetHealth",
		"CreateListener", "DescribeListeners", "ModifyListener", "DeleteListener",
		"DescribeListenerAttributes", "ModifyListenerAttributes",
		"AddTags", "RemoveTags", "DescribeTags", "DescribeAccountLimits",
	}
}
