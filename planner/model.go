package planner

// Outputs are the facts AWS chose about a resource, by name: "arn",
// "dnsName", "zones". The output "id" is always there and unique.
type Outputs map[string]string

// A Value is a string that is known now or, if From is set, output Out of
// another resource, known once that one stands. A Value that is not known
// yet is the dependency edge: no kind declares an order by hand.
type Value struct {
	Known string
	From  Addr
	Out   string
	// With names resources that must stand too before the value may be used:
	// a service's name is of no use to a consumer who is not yet permitted.
	// In a live spec, they are what the resource is reached through, and stay
	// until it has gone or moved.
	With []Addr
	// AsIs says that the other resource will do as it stands: an update of it
	// that does not change the output is not waited for. Nor does an update
	// of what uses the output already wait for those of With.
	AsIs bool
}

// Known is a Value that is known now.
func Known(s string) Value { return Value{Known: s} }

// Ref is output out of the resource at from, usable once with stand as well.
func Ref(from Addr, out string, with ...Addr) Value {
	return Value{From: from, Out: out, With: with}
}

// RefAsIs is output out of the resource at from, whatever else becomes of it.
func RefAsIs(from Addr, out string) Value { return Value{From: from, Out: out, AsIs: true} }

// IsRef tells whether v points to another resource.
func (v Value) IsRef() bool { return v.Out != "" }

// A Group is where a resource is shown: under its service and, for what
// concerns one consumer, that consumer. The zero Group is "shared".
type Group struct {
	Service  string `json:"service,omitempty"`
	Consumer string `json:"consumer,omitempty"`
}

// A Resource should exist, or does.
//
// Spec is the kind's own plain struct: canonical (lists sorted, AWS's
// defaults filled in) and total (what we manage is explicit, what we do not
// manage is not in it). Its fields are string, bool, int, []string, Value,
// []Value and structs of these; lists are sets. The json tag names a field;
// the plan tag says what a change of it means:
//
//	plan:"replace"         the resource must be replaced
//	plan:"changes=a+b"     the outputs a and b may change with it
//
// Equal specs mean nothing to do.
type Resource struct {
	Addr  Addr
	Group Group
	Spec  any

	// ID and Outputs are of live resources. ID is what AWS calls it.
	ID      string
	Outputs Outputs

	// Origin is file:line of the text that asks for a desired resource.
	Origin string
	// MayReplace is a desired resource's named permission to be replaced
	// although its kind is guarded.
	MayReplace bool
}

// A State is what was read. Two live resources may share an address: a crash
// after a create leaves that behind.
type State struct {
	Live map[Addr][]Resource
	// Unread says why a place could not be read. Unread is never absent.
	Unread map[Place]string
}

// A Trait is what the planner must know of a kind.
type Trait struct {
	// Fades: the resource goes when the resource it is part of goes; there
	// is no deleting it by itself.
	Fades bool
	// Alone: two at one address cannot stand side by side, so a replacement
	// deletes first: as late as it can.
	Alone bool
	// Guarded: consumers depend on its identity, so it is replaced only
	// where the desired resource says MayReplace.
	Guarded bool
	// Shared: its outputs are used from other places, so it is not deleted
	// while any place is unread.
	Shared bool
	// Rank orders kinds in what people read: the order of the way up.
	Rank int
	// Verbs are the words people use for an action where its own name would
	// mislead: a connection is accepted, not created.
	Verbs map[Action]string
	// Disarm, if not nil, gives the spec that a live resource must have
	// before AWS lets it be deleted; false if it has it. A step of its own
	// sees to that, just before the delete.
	Disarm func(live any) (spec any, needed bool)
}

// An Action is what a step does.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// A StepKey identifies a step in its plan. ID is of what goes: it tells apart
// deletes at one address, and is empty for other actions, save for an update
// that only readies a resource for its delete.
type StepKey struct {
	Action Action `json:"action"`
	Addr   Addr   `json:"addr"`
	ID     string `json:"id,omitempty"`
}

// A Step is one change of one resource.
type Step struct {
	StepKey
	// Verb is the word for people: the action, or what the kind's Trait
	// calls it.
	Verb   string
	Before Resource // zero for a create
	After  Resource // zero for a delete
	Fields []Field  // what an update or a replacement changes
	// Replaces is set on the create and the delete that together replace a
	// resource.
	Replaces bool
	// WaitsFor are the steps that must be done (their resource usable, or
	// gone) before this one starts, sorted.
	WaitsFor []StepKey
	// RestsOn are the addresses of the plan's Stands that must be usable
	// before this step starts, sorted.
	RestsOn []Addr
}

// A Field is one difference. Scalars have Before and After; sets have
// Removed and Added. A value not known before apply reads "(known after
// apply)".
type Field struct {
	Path    string   `json:"path"`
	Before  string   `json:"before,omitempty"`
	After   string   `json:"after,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Added   []string `json:"added,omitempty"`
	Replace bool     `json:"replace,omitempty"`
}

// A Cause is why something is blocked.
type Cause string

// The causes.
const (
	CauseUnread  Cause = "unread"  // a place could not be read
	CauseRefused Cause = "refused" // a rule refuses the step
	CauseCycle   Cause = "cycle"   // a replacement that cannot coexist with a surviving user
	CauseDepends Cause = "depends" // something it needs is blocked, or not there
)

// Blocked is a step that would be there but must not be taken, or (with an
// empty Action) a resource of which nothing can be said. A blocked
// replacement is one Blocked, under the key of its create.
type Blocked struct {
	StepKey
	// Verb is the word for people: "replace" for a replacement, else as in
	// [Step]. Empty when nothing can be said.
	Verb   string `json:"verb,omitempty"`
	Group  Group  `json:"group"`
	Cause  Cause  `json:"cause"`
	Reason string `json:"reason"`         // one sentence
	Mend   string `json:"mend,omitempty"` // the way out
}

// A Rule may refuse steps of a plan. It never adds any.
type Rule func(*Plan) []Blocked

// A Remark looks at a plan, all refusals known, and tells people what its
// steps mean.
type Remark func(*Plan) []Note

// A Note is a fact people should see beside the steps.
type Note struct {
	Kind  NoteKind `json:"kind"`
	Group Group    `json:"group"`
	Addr  Addr     `json:"addr"`
	Text  string   `json:"text"`
}

// NoteKind is what a note is about.
type NoteKind string

// The kinds of notes, most urgent first.
const (
	NoteOutage  NoteKind = "outage"  // a live connection will be cut
	NoteWarning NoteKind = "warning" // stands, but should not stay
	NoteUnknown NoteKind = "unknown" // a connection of nobody declared
	NoteWaiting NoteKind = "waiting" // somebody else's move
)

// A Plan is sorted, printable, serialisable and digestible.
type Plan struct {
	Fleet  string
	Commit string // the commit the fleet was read at; empty when unknown
	Steps  []Step // in an order in which they could be taken one by one
	// Blocked is sorted by address.
	Blocked []Blocked
	// Limits are those that the plan goes over.
	Limits []Exceeded
	// Targets, if any, are the only parts of the fleet that the plan is
	// about, besides what these need. Sorted.
	Targets []Group
	// Shard is the name of the shard that the plan is limited to, if any.
	Shard string
	Notes []Note
	// Unread places and why.
	Unread map[Place]string
	// Unchanged counts the resources that are as they should be.
	Unchanged int
	// Facts are the live resources the steps rest on besides their own.
	Facts []Fact
	// Stands are the live resources that no step changes and that steps rest
	// on, sorted by address. They may still be on their way to be usable.
	Stands []Resource
}

// A Fact is a live output that a step uses.
type Fact struct {
	Addr  Addr   `json:"addr"`
	Out   string `json:"out"`
	Value string `json:"value"`
}

// An Input is everything Diff looks at.
type Input struct {
	Fleet, Commit string
	Want          []Resource
	Live          State
	Traits        map[string]Trait // by kind
	Rules         []Rule
	Notes         []Note
	Remarks       []Remark
	Limits        []Limit
	// Targets limit the plan to parts of the fleet and what these need.
	Targets []Group
	// Shard, if set, limits the plan to some services. Limits are of what all
	// shards do.
	Shard *Shard
}
