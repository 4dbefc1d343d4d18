package kinds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
)

// A Place is an open place and what has been read there so far, so that
// kinds which share one of AWS's lists cause it to be read once.
type Place struct {
	*awsapi.Place
	Fleet string   // the fleet's name
	Zones []string // ids of the fleet's hosted zones in the account
	// assumed are addresses of objects here without marks of ours, by id.
	assumed map[string]planner.Addr
	stint   *stint
	speed   float64 // of AWS's clock, see Places

	services  memo[[]ourService]
	endpoints memo[[]ourEndpoint]
	networks  memo[[]elbtypes.LoadBalancer]
	balancers memo[[]balancer]
}

// A balancer is a load balancer of ours and its address.
type balancer struct {
	elbtypes.LoadBalancer
	Addr planner.Addr
}

// A memo keeps the first answer. Failures are kept too: a place that could
// not be read is unread as a whole. Who comes second waits on a channel and
// not on the lock, so that waiting ends with its context.
type memo[T any] struct {
	mu   sync.Mutex
	done chan struct{}
	v    T
	err  error
}

func (m *memo[T]) get(ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	m.mu.Lock()
	first := m.done == nil
	if first {
		m.done = make(chan struct{})
	}
	m.mu.Unlock()
	if first {
		m.v, m.err = read(ctx)
		close(m.done)
	}
	select {
	case <-m.done:
		return m.v, m.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// The tags that say whose an object is. There is no other state.
const (
	TagFleet   = "linkfleet:fleet"
	TagAddress = "linkfleet:address"
)

// tags are what an object gets at its creation, in the order of keys. Name
// is for people in the console and is not looked at again.
func (p *Place) tags(addr planner.Addr) [][2]string {
	return [][2]string{{"Name", addr.Name}, {TagAddress, addr.Path()}, {TagFleet, p.Fleet}}
}

// ec2Tags are the tags of addr as EC2 takes them when it creates a typ.
func (p *Place) ec2Tags(typ ec2types.ResourceType, addr planner.Addr) []ec2types.TagSpecification {
	spec := ec2types.TagSpecification{ResourceType: typ}
	for _, kv := range p.tags(addr) {
		spec.Tags = append(spec.Tags, ec2types.Tag{Key: aws.String(kv[0]), Value: aws.String(kv[1])})
	}
	return []ec2types.TagSpecification{spec}
}

// elbTags are the tags of addr as Elastic Load Balancing takes them.
func (p *Place) elbTags(addr planner.Addr) []elbtypes.Tag {
	var tags []elbtypes.Tag
	for _, kv := range p.tags(addr) {
		tags = append(tags, elbtypes.Tag{Key: aws.String(kv[0]), Value: aws.String(kv[1])})
	}
	return tags
}

// ours is the EC2 filter for what carries the fleet's tags.
func (p *Place) ours() []ec2types.Filter {
	return []ec2types.Filter{{Name: aws.String("tag:" + TagFleet), Values: []string{p.Fleet}}}
}

// addrOf reads an object's address from its tags; ok is false for what is
// not of this fleet and this kind.
func (p *Place) addrOf(kind string, tag func(key string) string) (addr planner.Addr, ok bool) {
	if tag(TagFleet) != p.Fleet {
		return planner.Addr{}, false
	}
	addr, err := planner.ParsePath(tag(TagAddress), p.Place.Place)
	return addr, err == nil && addr.Kind == kind
}

// ec2Tag looks a tag up in an EC2 tag list.
func ec2Tag(tags []ec2types.Tag) func(string) string {
	return func(key string) string {
		for _, t := range tags {
			if aws.ToString(t.Key) == key {
				return aws.ToString(t.Value)
			}
		}
		return ""
	}
}

// elbTag looks a tag up in a load balancing tag list.
func elbTag(tags []elbtypes.Tag) func(string) string {
	return func(key string) string {
		for _, t := range tags {
			if aws.ToString(t.Key) == key {
				return aws.ToString(t.Value)
			}
		}
		return ""
	}
}

// awsName is a name for an object of AWS that has to be unique: readable at
// its beginning, and ending in a hash over the fleet, the address and the
// fields that cannot be changed, so that a replacement can stand beside what
// it replaces. It is at most 32 characters long, the limit of load balancers
// and target groups, of letters, digits and inner hyphens.
func (p *Place) awsName(addr planner.Addr, immutable ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{p.Fleet, addr.Path()}, immutable...), "\x00")))
	name := strings.ReplaceAll(addr.Name, "/", "-")
	if len(name) > 23 {
		name = strings.TrimRight(name[:23], "-")
	}
	return name + "-" + hex.EncodeToString(sum[:4])
}

// token is the idempotency token of a create: the same for the same wish, so
// that a create sent twice is one create. AWS takes at most 64 ASCII
// characters; a token is kept per Region.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func (p *Place) token(addr planner.Addr, wish ...string) *string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{p.Fleet, addr.String()}, wish...), "\x00")))
	return aws.String(hex.EncodeToString(sum[:16]))
}

// perObject is how many calls run side by side where AWS offers a fact only
// object by object. The token buckets set the pace; this bounds memory.
const perObject = 16
