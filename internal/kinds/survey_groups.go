package kinds

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ownGroup reads a security group, and says why it cannot be the own one of
// the endpoint of that id, or of the load balancer of that ARN.
func (s *sighting) ownGroup(ctx context.Context, id, owner string) (spec securityGroupSpec, why []string, err error) {
	found := false
	err = s.eachSecurityGroup(ctx, []ec2types.Filter{{Name: aws.String("group-id"), Values: []string{id}}}, func(g ec2types.SecurityGroup) {
		found, spec = true, groupAsItIs(g)
		if aws.ToString(g.GroupName) == "default" {
			why = append(why, "it is its VPC's default security group, which everything may be in")
		}
	})
	if err != nil {
		return spec, nil, err
	}
	if !found {
		return spec, append(why, "it does not exist any more"), nil
	}
	others, err := s.othersIn(ctx, id, owner)
	if len(others) > 0 {
		why = append(why, fmt.Sprintf("others are in it too (%s), and linkfleet keeps one security group for each endpoint and load balancer", aFew(others)))
	}
	return spec, why, err
}

// othersIn are the endpoints and network interfaces in a security group that
// are not its owner's. Whatever is in a group shows by its interfaces, but for
// endpoints that wait for acceptance, which have none yet.
func (s *sighting) othersIn(ctx context.Context, group, owner string) ([]string, error) {
	var others []string
	known := map[string]bool{} // interfaces of endpoints
	for _, e := range s.endpoints {
		isIn := slices.ContainsFunc(e.Groups, func(g ec2types.SecurityGroupIdentifier) bool { return aws.ToString(g.GroupId) == group })
		if !isIn {
			continue
		}
		for _, id := range e.NetworkInterfaceIds {
			known[id] = true
		}
		if id := aws.ToString(e.VpcEndpointId); id != owner {
			others = append(others, id)
		}
	}
	err := s.eachInterface(ctx, group, func(i ec2types.NetworkInterface) {
		if id := aws.ToString(i.NetworkInterfaceId); !known[id] && aws.ToString(i.Description) != balancerInterface(owner) {
			others = append(others, id)
		}
	})
	slices.Sort(others)
	return others, err
}

// balancerInterface is the description of the network interfaces of the load
// balancer of an ARN.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html
func balancerInterface(arn string) string {
	_, path, _ := strings.Cut(arn, ":loadbalancer/")
	return "ELB " + path
}

// eachInterface goes through the network interfaces in a security group.
func (s *sighting) eachInterface(ctx context.Context, group string, do func(ec2types.NetworkInterface)) error {
	pages := ec2.NewDescribeNetworkInterfacesPaginator(s.EC2, &ec2.DescribeNetworkInterfacesInput{
		Filters: []ec2types.Filter{{Name: aws.String("group-id"), Values: []string{group}}}, MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, i := range page.NetworkInterfaces {
			do(i)
		}
	}
	return nil
}

// aFew names some of what may be many.
func aFew(ids []string) string {
	const some = 5
	if len(ids) <= some {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:some], ", "), len(ids)-some)
}
