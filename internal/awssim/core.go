package awssim

import (
	"fmt"
	"time"
)

// M is a structure of a request or a reply. Its members carry the names of
// AWS's model (botocore's member names, such as "VpcEndpointIds"), whatever
// they are called on the wire. A value is a string, bool, int64, float64,
// time.Time, M (a structure, or a map of AWS's model) or []any (a list).
//
// A request has been validated before a handler sees it: required members are
// there, enums hold known values, and members are of the model's type. A reply
// is checked in the same way: a member the model does not know is a bug and
// answers 500 InternalFailure, naming the member. Members whose value is nil
// are left out; a nil or empty list is sent as an empty list.
type M map[string]any

// str returns the string under name, "" when it is absent.
func (m M) str(name string) string { v, _ := m[name].(string); return v }

// num returns the number under name, 0 when it is absent.
func (m M) num(name string) int64 { v, _ := m[name].(int64); return v }

// flag returns the truth under name, false when it is absent.
func (m M) flag(name string) bool { v, _ := m[name].(bool); return v }

// flagOr returns the truth under name, and otherwise when it is absent.
func (m M) flagOr(name string, otherwise bool) bool {
	if v, ok := m[name].(bool); ok {
		return v
	}
	return otherwise
}

// has tells whether the member was sent at all.
func (m M) has(name string) bool { return m[name] != nil }

// strs returns the list of strings under name.
func (m M) strs(name string) []string { return listOf[string](m, name) }

// list returns the list of structures under name.
func (m M) list(name string) []M { return listOf[M](m, name) }

// sub returns the structure under name; a nil M, on which every accessor
// answers "absent", when there is none.
func (m M) sub(name string) M { v, _ := m[name].(M); return v }

// strMap returns a map of AWS's model whose values are strings (SNS Attributes).
func (m M) strMap(name string) map[string]string {
	out := make(map[string]string)
	for k, v := range m.sub(name) {
		if text, ok := v.(string); ok {
			out[k] = text
		}
	}
	return out
}

func listOf[T any](m M, name string) []T {
	items, _ := m[name].([]any)
	out := make([]T, 0, len(items))
	for _, item := range items {
		if v, ok := item.(T); ok {
			out = append(out, v)
		}
	}
	return out
}

// list turns typed items into the list of a reply. It never returns nil, so
// that an empty list is sent as one.
func list[T any](items []T) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

// listBy maps rows to the items of a reply's list.
func listBy[T any](rows []T, item func(T) M) []any {
	out := make([]any, len(rows))
	for i, row := range rows {
		out[i] = item(row)
	}
	return out
}

// An Error is AWS's refusal of a request, in AWS's words. Status 0 means 400.
type Error struct {
	Code    string
	Message string
	Status  int
	With    map[string]any // JSON: what the error tells besides, as on the wire
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// refuse makes an Error with status 400. Set Status on it for another.
func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// An operation serves one operation of one service. It runs under the
// simulator's lock, so it is plain sequential code. It must refuse before it
// changes anything: nothing is rolled back.
type operation func(c *call) (M, error)

// A call is one request being served.
type call struct {
	sim     *Sim
	service string // AWS's signing name: dynamodb, ec2, elasticloadbalancing, route53, sns, sqs, sts, tagging
	op      string
	account string // whose resources the call acts on
	region  string
	now     time.Time // the simulator's time
	in      M         // validated input

	// principal is the caller as allow-lists see it: the role's ARN for an
	// assumed role (never the assumed-role ARN), else a user's ARN.
	principal string
	caller    caller        // everything else known of who calls
	actor     bool          // made by an outside party of the world file
	slow      int           // a fault: what this call begins takes so many times longer; 0 is 1
	stale     time.Duration // a fault: at least so much list lag
	twice     bool          // a fault: what this call hands out is handed out once more

	origin string    // the address that was called: https://sqs.us-east-1.amazonaws.com
	began  time.Time // when the call came, which is before now where it had to wait
	until  time.Time // a handler's: there may be a better answer until then; see pending.go
	look   time.Time // with until: when to look again at the latest; zero: at until
	idle   bool      // a handler's: the call changed nothing, whatever its name says
}

// cell returns the state of the call's account and region.
func (c *call) cell() *cell { return c.sim.cellOf(c.account, c.region) }

// cellOf returns the state of another place; it is created on first use.
func (c *call) cellOf(account, region string) *cell { return c.sim.cellOf(account, region) }

// newID returns an id of AWS's form: prefix, "-0" and 16 hexadecimal digits
// (newID("vpce") is like "vpce-0c1d2e3f4a5b6c7d8"). The same seed and the same
// requests give the same ids.
func (c *call) newID(prefix string) string { return c.sim.newID(prefix) }

// newHex returns n hexadecimal digits (n ≤ 64), for the odd forms of id.
func (c *call) newHex(n int) string { return c.sim.newHex(n) }

// at schedules an event d from now; see Sim.at. A "slow" fault stretches d.
func (c *call) at(d time.Duration, kind, account, region, id string) {
	c.sim.at(c.now.Add(d*time.Duration(max(1, c.slow))), kind, account, region, id)
}

// latency returns the knob of that name: how long AWS takes for something.
// Names and defaults stand in knobs.go.
func (c *call) latency(name string) time.Duration { return c.sim.latency(name) }

// quota returns the quota of that name; names and defaults stand in knobs.go.
func (c *call) quota(name string) int { return c.sim.quota(name) }

// choice returns how the simulator resolves something AWS does not document;
// names and defaults stand in knobs.go.
func (c *call) choice(name string) bool { return c.sim.choice(name) }

// visible tells whether a list shows something made at created and deleted at
// deleted (zero: not deleted), given the world's listLag. Handlers that keep
// deleted rows for a while use it; others pass a zero deleted.
func (c *call) visible(created, deleted time.Time) bool {
	lag := max(c.latency("listLag"), c.stale)
	if lag > 0 && c.now.Sub(created) < lag {
		return false
	}
	return deleted.IsZero() || c.now.Sub(deleted) < lag
}

// arn returns an ARN in the call's place: arn:aws:service:region:account:resource.
func (c *call) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + c.region + ":" + c.account + ":" + resource
}

// A place is an account and region.
type place struct{ Account, Region string }

// MarshalText makes a place the key of a JSON object.
func (p place) MarshalText() ([]byte, error) { return []byte(p.Account + "/" + p.Region), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *place) UnmarshalText(text []byte) error {
	for i, b := range text {
		if b == '/' {
			p.Account, p.Region = string(text[:i]), string(text[i+1:])
			return nil
		}
	}
	return fmt.Errorf("place %q is not account/region", text)
}

// tags are a resource's tags. A resource's map is never nil, also when empty,
// because CreateTags writes into it; no `omitempty` on such a field.
type tags map[string]string

// A taggedResource is what one subject contributes to tagging: CreateTags,
// DeleteTags, DescribeTags (by ID) and GetResources (by ARN).
type taggedResource struct {
	ID      string // "vpce-…"; for services with ARNs only, the ARN
	ARN     string
	Service string // as in ResourceTypeFilters before the colon: ec2, elasticloadbalancing, sns, route53
	Type    string // as in EC2's resource-type and after that colon: vpc-endpoint, loadbalancer/net
	Tags    tags   // the resource's own map
}

// A cell is the state of one account in one region. It is plain data that
// encoding/json round-trips; that is what a state file holds.
type cell struct {
	Account, Region string

	Network     network      // ec2_network.go
	PrivateLink privateLink  // ec2_service.go
	Balancing   balancing    // elb_*.go
	Topics      topics       // sns.go
	Queues      queues       // sqs.go
	Dynamo      dynamoTables // dynamodb.go
	TagIndex    tagIndex     // tagging.go

	Buckets map[string]*bucket    // buckets.go
	Tokens  map[string]remembered // tokens.go
	Shadows map[string][]shadow   // shadow.go, by the ids of what has them
}

// tagged lists everything in the cell that takes tags, in a fixed order.
func (l *cell) tagged() []taggedResource {
	var all []taggedResource
	all = append(all, l.Network.tagged(l)...)
	all = append(all, l.PrivateLink.tagged(l)...)
	all = append(all, l.Balancing.tagged(l)...)
	all = append(all, l.Topics.tagged(l)...)
	all = append(all, l.Queues.tagged()...)
	return all
}

// An account is what an account has whatever the region.
type account struct {
	ID    string
	Name  string
	Roles map[string]*role // by name without path
	// ZoneIDs maps zone names to zone IDs where the world file says so.
	ZoneIDs map[string]string
	DNS     hostedZones // route53.go
}

// A table keeps rows by id in the order they were made, which is also the
// order lists show them in. Its zero value is empty and ready for use.
type table[T any] struct {
	Order []string
	Rows  map[string]T
}

// put adds a row, or replaces it in its place.
func (t *table[T]) put(id string, row T) {
	if t.Rows == nil {
		t.Rows = make(map[string]T)
	}
	if _, known := t.Rows[id]; !known {
		t.Order = append(t.Order, id)
	}
	t.Rows[id] = row
}

// get returns the row of id; the zero T (a nil pointer) when there is none.
func (t *table[T]) get(id string) T { return t.Rows[id] }

// has tells whether there is a row of id.
func (t *table[T]) has(id string) bool { _, ok := t.Rows[id]; return ok }

// drop removes a row; one that is not there is no matter.
func (t *table[T]) drop(id string) {
	if _, known := t.Rows[id]; !known {
		return
	}
	delete(t.Rows, id)
	for i, have := range t.Order {
		if have == id {
			t.Order = append(t.Order[:i], t.Order[i+1:]...)
			return
		}
	}
}

// all returns the rows in order, in a slice of its own.
func (t *table[T]) all() []T {
	rows := make([]T, len(t.Order))
	for i, id := range t.Order {
		rows[i] = t.Rows[id]
	}
	return rows
}

// An event is something that will happen at a time. It is data, so that a
// state file can hold it.
type event struct {
	At                        time.Time
	Seq                       int64 // orders events of one instant: first scheduled, first run
	Kind, Account, Region, ID string
}

// An eventHandler makes an event happen. The simulator's clock stands at e.At
// meanwhile (s.now() is e.At). What the event was about may be gone by then.
type eventHandler func(s *Sim, e event)
