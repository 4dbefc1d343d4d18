package kinds

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"golang.org/x/sync/errgroup"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A Found is an endpoint service that stands in AWS, in the fleet's words.
type Found struct {
	ID string // vpce-svc-…
	// Service is what stands, as far as the language can say it; it has no
	// positions.
	Service *schema.Service
	// Objects are the ids of what the service is made of, by the addresses
	// that they would have in the fleet. Kinds that show no mark are left out.
	Objects map[planner.Addr]string
	// Accounts are of consumers that the fleet does not declare yet.
	Accounts []*schema.Account
	// Zone holds the private DNS name; nil if there is none.
	Zone *schema.Zone
	// Topic is the ARN of the topic of the notifications; empty if none.
	Topic string
	// Keeper says whose the service is already; empty if nobody keeps it.
	Keeper string
	// Faults are what the language cannot say, or would not leave as it is.
	// A service with faults must not be taken over.
	Faults []Remark
	// Remarks are what stays with others.
	Remarks []Remark
}

// A Remark is a sentence about an object of AWS's.
type Remark struct{ Object, Text string }

func (r Remark) String() string { return r.Object + ": " + r.Text }

func (f *Found) fault(object, format string, args ...any) {
	f.Faults = append(f.Faults, Remark{object, fmt.Sprintf(format, args...)})
}

func (f *Found) remark(object, format string, args ...any) {
	f.Remarks = append(f.Remarks, Remark{object, fmt.Sprintf(format, args...)})
}

// claim notes that the object of that id is addr.
func (f *Found) claim(addr planner.Addr, id string) { f.Objects[addr] = id }

// LeaveTopic has the notifications go to the topic by its ARN, so that it
// stays with whose it is.
func (f *Found) LeaveTopic() {
	if f.Topic == "" {
		return
	}
	f.Service.Notifications.Topic = f.Topic
	for addr := range f.Objects {
		if addr.Kind == topic().Name {
			delete(f.Objects, addr)
		}
	}
}

// SurveyActions are the IAM actions that Survey needs in every account, and
// that it takes to plan with what it found, sorted. Policy cannot tell them:
// before the survey there is no fleet with services.
func SurveyActions() []string {
	actions := []string{"ec2:DescribeNetworkInterfaces", "route53:ListHostedZones", "tag:GetResources"}
	for _, k := range All() {
		actions = append(actions, k.Reads...)
		if k.marks != nil {
			actions = append(actions, k.marks.Reads...)
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// Survey reads the endpoint services in the accounts where f has a role and
// in f's regions, with all that belongs to them there, and says them in the
// fleet's words. Only those named by id, service name or Name tag are read if
// any are named. Zones are f's or, if it has none, the public hosted zones of
// its accounts. It changes nothing, neither in AWS nor in f.
func Survey(ctx context.Context, places *Places, f *schema.Fleet, only []string) ([]*Found, error) {
	v := &survey{places: places, fleet: f, accounts: map[string]*schema.Account{}, names: map[string]bool{}}
	for a := range sorted(f.Accounts) {
		v.accounts[a.ID] = a
	}
	for s := range services(f) {
		v.names[s.Name] = true
	}
	for _, r := range f.Removed {
		v.names[r.Service] = true
	}
	if err := v.look(ctx); err != nil {
		return nil, err
	}
	all, err := v.tell(ctx, only)
	if err != nil {
		return nil, err
	}
	if err := v.topics(ctx, all); err != nil {
		return nil, err
	}
	return all, v.keepers(ctx, all)
}

// A survey is one run of Survey.
type survey struct {
	places    *Places
	fleet     *schema.Fleet
	accounts  map[string]*schema.Account // by id; those of strangers are added
	names     map[string]bool            // of services, those in fleet.removed too
	sightings []*sighting
	zones     []*schema.Zone
}

// A sighting is what stands in a place.
type sighting struct {
	*Place
	services      []ec2types.ServiceConfiguration
	connections   []ec2types.VpcEndpointConnection
	notifications []ec2types.ConnectionNotification
	endpoints     []ec2types.VpcEndpoint
}

// look reads all places side by side.
func (v *survey) look(ctx context.Context) error {
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(placesAtOnce)
	for a := range sorted(v.fleet.Accounts) {
		if a.External {
			continue
		}
		for _, region := range v.fleet.Regions {
			s := &sighting{}
			v.sightings = append(v.sightings, s)
			g.Go(func() error {
				err := s.look(each, v.places, planner.Place{Account: a.Name, Region: region})
				return wrapPlace(err, a.Name+"/"+region)
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return v.lookForZones(ctx)
}

func wrapPlace(err error, place string) error {
	if err != nil {
		return fmt.Errorf("looking at what stands in %s: %w", place, err)
	}
	return nil
}

func (s *sighting) look(ctx context.Context, places *Places, at planner.Place) (err error) {
	if s.Place, err = places.Open(ctx, at); err != nil {
		return err
	}
	err = s.eachEndpoint(ctx, nil, func(e ec2types.VpcEndpoint) {
		if endpointGone(e.State) {
			return
		}
		s.endpoints = append(s.endpoints, e)
	})
	if err != nil {
		return err
	}
	err = s.eachService(ctx, nil, func(c ec2types.ServiceConfiguration) {
		if !serviceGone(c.ServiceState) {
			s.services = append(s.services, c)
		}
	})
	if err != nil || len(s.services) == 0 {
		return err
	}
	if err := s.eachConnection(ctx, nil, func(c ec2types.VpcEndpointConnection) { s.connections = append(s.connections, c) }); err != nil {
		return err
	}
	return s.eachNotification(ctx, func(n ec2types.ConnectionNotification) { s.notifications = append(s.notifications, n) })
}

// eachNotification goes through all pages of the place's notifications.
func (p *Place) eachNotification(ctx context.Context, do func(ec2types.ConnectionNotification)) error {
	pages := ec2.NewDescribeVpcEndpointConnectionNotificationsPaginator(p.EC2, &ec2.DescribeVpcEndpointConnectionNotificationsInput{
		MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, n := range page.ConnectionNotificationSet {
			do(n)
		}
	}
	return nil
}

// lookForZones finds the public zones of the accounts, unless the fleet names
// its zones or no service has a private name.
func (v *survey) lookForZones(ctx context.Context) error {
	for z := range sorted(v.fleet.Zones) {
		v.zones = append(v.zones, z)
	}
	named := slices.ContainsFunc(v.sightings, func(s *sighting) bool {
		return slices.ContainsFunc(s.services, func(c ec2types.ServiceConfiguration) bool { return aws.ToString(c.PrivateDnsName) != "" })
	})
	if len(v.zones) > 0 || !named {
		return nil
	}
	for a := range sorted(v.fleet.Accounts) {
		if a.External {
			continue
		}
		at := planner.Place{Account: a.Name, Region: planner.Global}
		p, err := v.places.Open(ctx, at)
		if err != nil {
			return wrapPlace(err, at.String())
		}
		pages := route53.NewListHostedZonesPaginator(p.Route53, &route53.ListHostedZonesInput{})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return wrapPlace(err, at.String())
			}
			for _, z := range page.HostedZones {
				if z.Config == nil || !z.Config.PrivateZone {
					id := strings.TrimPrefix(aws.ToString(z.Id), "/hostedzone/")
					v.zones = append(v.zones, &schema.Zone{Domain: canonicalName(aws.ToString(z.Name)), Account: a.Name, ID: id})
				}
			}
		}
	}
	return nil
}

// tell puts the services that are asked for into the fleet's words.
func (v *survey) tell(ctx context.Context, only []string) ([]*Found, error) {
	var all []*Found
	asked := map[string]bool{}
	for _, s := range v.sightings {
		for _, c := range s.services {
			name, ok := askedFor(c, only)
			if !ok {
				continue
			}
			asked[name] = true
			f, err := v.service(ctx, s, c)
			if err != nil {
				return nil, fmt.Errorf("reading %s in %s: %w", aws.ToString(c.ServiceId), s.Place.Place.Place, err)
			}
			all = append(all, f)
		}
	}
	for _, name := range only {
		if !asked[name] {
			return nil, fmt.Errorf("no endpoint service has the id, the service name or the Name tag %q in the accounts and regions looked at; name the account it stands in, and its region", name)
		}
	}
	return all, nil
}

func askedFor(c ec2types.ServiceConfiguration, only []string) (name string, ok bool) {
	for _, name := range only {
		if name == aws.ToString(c.ServiceId) || name == aws.ToString(c.ServiceName) || name == ec2Tag(c.Tags)("Name") {
			return name, true
		}
	}
	return "", len(only) == 0
}

// service says one service in the fleet's words.
func (v *survey) service(ctx context.Context, at *sighting, c ec2types.ServiceConfiguration) (*Found, error) {
	s := &schema.Service{
		Account: at.Account, Region: at.Region,
		AcceptanceRequired: aws.ToBool(c.AcceptanceRequired),
		UnknownConnections: schema.Leave, OnRevoke: schema.Reject,
		Listeners: map[string]*schema.Listener{}, Consumers: map[string]*schema.Consumer{},
	}
	f := &Found{ID: aws.ToString(c.ServiceId), Service: s, Objects: map[planner.Addr]string{}}
	s.Name = v.nameFor(c)
	if keeper := ec2Tag(c.Tags)(TagFleet); keeper != "" {
		f.Keeper = fmt.Sprintf("%s of fleet %s", ec2Tag(c.Tags)(TagAddress), keeper)
		return f, nil
	}
	f.claim(addrService(s), f.ID)
	for _, part := range []func(context.Context, *sighting, ec2types.ServiceConfiguration, *Found) error{
		v.balancer, v.privateName, v.notifications, v.consumers,
	} {
		if err := part(ctx, at, c, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// nameFor is the fleet's name for a service: its Name tag, else its load
// balancer's name, else its id.
func (v *survey) nameFor(c ec2types.ServiceConfiguration) string {
	id := aws.ToString(c.ServiceId)
	names := []string{ec2Tag(c.Tags)("Name")}
	for _, arn := range c.NetworkLoadBalancerArns {
		if parts := strings.Split(arn, "/"); len(parts) > 2 {
			names = append(names, parts[2])
		}
	}
	names = append(names, strings.TrimPrefix(id, "vpce-"))
	for _, name := range names {
		name = slug(name, 20)
		if name != "" && !v.names[name] {
			v.names[name] = true
			return name
		}
	}
	return slug(id[max(0, len(id)-12):], 20) // ids differ in their last digits
}

// slug makes a name of the fleet language from a name of AWS's: at most limit
// lower-case letters, digits and inner hyphens.
func slug(name string, limit int) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	for len(words) > 1 && (words[0] == "internal" || words[0] == "sg") {
		words = words[1:] // AWS keeps these beginnings for itself
	}
	name = strings.Join(words, "-")
	return strings.TrimRight(name[:min(len(name), limit)], "-")
}

// keepers finds parts of services that a fleet keeps already.
func (v *survey) keepers(ctx context.Context, all []*Found) error {
	for _, f := range all {
		shown, err := v.places.Marks(ctx, f.Objects)
		if err != nil {
			return err
		}
		for addr, m := range shown {
			f.fault(f.Objects[addr], "it is %s of fleet %s already; let go of it there first (linkfleet release)", m.Path, m.Fleet)
		}
		slices.SortFunc(f.Faults, func(a, b Remark) int { return strings.Compare(a.String(), b.String()) })
	}
	return nil
}
