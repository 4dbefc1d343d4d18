package awssim

// A serviceQuota is a knob's quota as Service Quotas knows it.
// https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
type serviceQuota struct{ service, serviceName, code, name, knob string }

func serviceQuotas() []serviceQuota {
	return []serviceQuota{
		{"elasticloadbalancing", "Elastic Load Balancing (ELB)", "L-69A177A2", "Network Load Balancers per Region", "loadBalancersPerRegion"},
		{"vpc", "Amazon Virtual Private Cloud (Amazon VPC)", "L-29B6F2EB", "Interface VPC endpoints per VPC", "endpointsPerVpc"},
	}
}

func quotaOperations() map[string]operation {
	return map[string]operation{
		"GetServiceQuota":           getServiceQuota,
		"GetAWSDefaultServiceQuota": getDefaultServiceQuota,
	}
}

// getServiceQuota tells the quota that holds. Of one that was never changed AWS
// may have only the default, which is another operation's.
func getServiceQuota(c *call) (M, error) {
	q, err := c.askedQuota()
	if err != nil {
		return nil, err
	}
	if _, changed := c.sim.options.World.Knobs.Quotas[q.knob]; !changed && !c.choice("quotaOfDefault") {
		return nil, noSuchQuota()
	}
	return q.item(c, c.quota(q.knob)), nil
}

func getDefaultServiceQuota(c *call) (M, error) {
	q, err := c.askedQuota()
	if err != nil {
		return nil, err
	}
	return q.item(c, c.sim.defaults.quotas[q.knob]), nil
}

func (c *call) askedQuota() (serviceQuota, error) {
	for _, q := range serviceQuotas() {
		if q.service == c.in.str("ServiceCode") && q.code == c.in.str("QuotaCode") {
			return q, nil
		}
	}
	return serviceQuota{}, noSuchQuota()
}

func noSuchQuota() *Error {
	return refuse("NoSuchResourceException", "The request failed because the specified service quota does not exist.")
}

func (q serviceQuota) item(c *call, value int) M {
	return M{"Quota": M{
		"ServiceCode": q.service, "ServiceName": q.serviceName, "QuotaCode": q.code, "QuotaName": q.name,
		"QuotaArn": "arn:aws:servicequotas:" + c.region + ":" + c.account + ":" + q.service + "/" + q.code,
		"Value":    float64(value), "Unit": "None", "Adjustable": true, "GlobalQuota": false, "QuotaAppliedAtLevel": "ACCOUNT",
	}}
}
