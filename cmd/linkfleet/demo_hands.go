package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Hands make single EC2 calls past linkfleet, as a person at the console
// would, and look at AWS without linkfleet's eyes.
type hands struct {
	client *http.Client
	region string
}

// A filter is one filter of a Describe call.
type filter struct{ name, value string }

// form is filters and other parameters as EC2's query protocol has them.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
func form(parameters map[string]string, filters ...filter) url.Values {
	v := url.Values{}
	for name, value := range parameters {
		v.Set(name, value)
	}
	for i, f := range filters {
		v.Set(fmt.Sprintf("Filter.%d.Name", i+1), f.name)
		v.Set(fmt.Sprintf("Filter.%d.Value.1", i+1), f.value)
	}
	return v
}

// call makes one call in an account and reads the answer into answer. A
// simulator takes an account's id for its administrator's access key, and
// looks at no signature.
func (h hands) call(ctx context.Context, accountID, action string, parameters url.Values, answer any) error {
	parameters.Set("Action", action)
	parameters.Set("Version", "2016-11-15")
	address := "https://ec2." + h.region + ".amazonaws.com/"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(parameters.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+accountID+"/20060102/"+h.region+"/ec2/aws4_request")
	response, err := h.client.Do(request)
	if err != nil {
		return fmt.Errorf("%s in account %s: %w", action, accountID, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s in account %s: %w", action, accountID, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s in account %s: %w", action, accountID, ec2Refusal(body))
	}
	return xml.Unmarshal(body, answer)
}

func ec2Refusal(body []byte) error {
	var refusal struct {
		Code    string `xml:"Errors>Error>Code"`
		Message string `xml:"Errors>Error>Message"`
	}
	if err := xml.Unmarshal(body, &refusal); err != nil {
		return err
	}
	return fmt.Errorf("%s: %s", refusal.Code, refusal.Message)
}

// change makes a call that answers no more than that it was done.
func (h hands) change(ctx context.Context, accountID, action string, parameters map[string]string) error {
	return h.call(ctx, accountID, action, form(parameters), &struct{}{})
}

// A describedService is an endpoint service as its provider sees it.
type describedService struct {
	ID         string `xml:"serviceId"`
	State      string `xml:"serviceState"`
	NameState  string `xml:"privateDnsNameConfiguration>state"`
	Principals []string
}

// service describes the endpoint service that carries an address, and who
// may connect to it.
func (h hands) service(ctx context.Context, accountID, address string) (describedService, error) {
	var found struct {
		Services []describedService `xml:"serviceConfigurationSet>item"`
	}
	err := h.call(ctx, accountID, "DescribeVpcEndpointServiceConfigurations", form(nil, filter{"tag:linkfleet:address", address}), &found)
	if err != nil {
		return describedService{}, err
	}
	service, err := only(found.Services, address)
	if err != nil {
		return service, err
	}
	var allowed struct {
		Principals []string `xml:"allowedPrincipals>item>principal"`
	}
	err = h.call(ctx, accountID, "DescribeVpcEndpointServicePermissions", form(map[string]string{"ServiceId": service.ID}), &allowed)
	service.Principals = allowed.Principals
	return service, err
}

// A describedConnection is a provider's side of an endpoint.
type describedConnection struct {
	Endpoint string `xml:"vpcEndpointId"`
	Owner    string `xml:"vpcEndpointOwner"`
	State    string `xml:"vpcEndpointState"`
}

// connections describes the connections of a service by their owners'
// account ids.
func (h hands) connections(ctx context.Context, accountID, serviceID string) (map[string]describedConnection, error) {
	var found struct {
		Connections []describedConnection `xml:"vpcEndpointConnectionSet>item"`
	}
	err := h.call(ctx, accountID, "DescribeVpcEndpointConnections", form(nil, filter{"service-id", serviceID}), &found)
	byOwner := map[string]describedConnection{}
	for _, c := range found.Connections {
		byOwner[c.Owner] = c
	}
	return byOwner, err
}

// A describedEndpoint is an interface endpoint as its owner sees it.
type describedEndpoint struct {
	ID         string `xml:"vpcEndpointId"`
	State      string `xml:"state"`
	PrivateDNS bool   `xml:"privateDnsEnabled"`
}

// endpoint describes the endpoint that carries an address.
func (h hands) endpoint(ctx context.Context, accountID, address string) (describedEndpoint, error) {
	var found struct {
		Endpoints []describedEndpoint `xml:"vpcEndpointSet>item"`
	}
	err := h.call(ctx, accountID, "DescribeVpcEndpoints", form(nil, filter{"tag:linkfleet:address", address}), &found)
	if err != nil {
		return describedEndpoint{}, err
	}
	return only(found.Endpoints, address)
}

// A describedGroup is a security group and the blocks that it lets in.
type describedGroup struct {
	ID     string   `xml:"groupId"`
	Blocks []string `xml:"ipPermissions>item>ipRanges>item>cidrIp"`
}

// group describes the security group that carries an address.
func (h hands) group(ctx context.Context, accountID, address string) (describedGroup, error) {
	var found struct {
		Groups []describedGroup `xml:"securityGroupInfo>item"`
	}
	err := h.call(ctx, accountID, "DescribeSecurityGroups", form(nil, filter{"tag:linkfleet:address", address}), &found)
	if err != nil {
		return describedGroup{}, err
	}
	return only(found.Groups, address)
}

// only is the one object that carries an address.
func only[T any](found []T, address string) (T, error) {
	if len(found) != 1 {
		var none T
		return none, fmt.Errorf("%s is there %d times in the simulated AWS, not once", address, len(found))
	}
	return found[0], nil
}
