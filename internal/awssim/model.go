package awssim

import (
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// The models are cut from botocore's by models/gen; see there to add an operation.
//
//go:embed models/*.json
var modelFiles embed.FS

// A model is what AWS publishes of a service: its operations, and the shapes
// of what they take and answer.
type model struct {
	Service    string // the name in signatures
	Protocol   string // ec2, query, rest-xml, json
	Version    string
	Namespace  string // of XML replies
	Target     string // json: the prefix of X-Amz-Target
	JSON       string // json: the protocol's version, 1.0 or 1.1
	Operations map[string]modelOperation
	Shapes     map[string]*shape
	Errors     map[string]int // HTTP status by error code, where the model says
}

type modelOperation struct {
	In, Out     string // shapes; "" for none
	Method, URI string // rest-xml
	Status      int    // rest-xml: of success, 0 for 200
	Wrapper     string // query: the element around the result
}

// A shape is a type of AWS's model.
type shape struct {
	Type     string // structure, list, map, string, integer, long, double, float, boolean, timestamp, blob
	Members  []member
	Item     *member // of a list; the values of a map
	Key      *member // of a map
	Enum     []string
	Min, Max *float64 // of a number; of the length of a string or list
	Pattern  string
	Flat     bool
	Payload  string // rest-xml: the member that is the body
	Format   string // of a timestamp

	pattern *regexp.Regexp
}

// A member is a use of a shape in another.
type member struct {
	Name     string // the model's, which M uses
	Shape    string
	Wire     string // the name on the wire, where it differs
	Query    string // EC2 requests: the name on the wire, before Wire
	In       string // rest-xml: uri, querystring, header
	Required bool
	Flat     bool
	Token    bool // an idempotency token
}

// loadModels reads the embedded models, once for all simulators: nobody writes
// to them.
var loadModels = sync.OnceValues(func() (map[string]*model, error) {
	files, err := modelFiles.ReadDir("models")
	if err != nil {
		return nil, fmt.Errorf("awssim: listing the service models: %w", err)
	}
	models := make(map[string]*model)
	for _, file := range files {
		m, err := loadModel(file.Name())
		if err != nil {
			return nil, fmt.Errorf("awssim: service model %s: %w", file.Name(), err)
		}
		models[m.Service] = m
	}
	return models, nil
})

func loadModel(name string) (*model, error) {
	raw, err := modelFiles.ReadFile("models/" + name)
	if err != nil {
		return nil, err
	}
	m := new(model)
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, err
	}
	for _, s := range m.Shapes {
		// AWS's patterns are Java's; the few that Go cannot read are not enforced.
		if s.Pattern != "" {
			s.pattern, _ = regexp.Compile(`^(?:` + strings.Trim(s.Pattern, "^$") + `)$`)
		}
	}
	return m, nil
}

// input returns the shape of an operation's request, nil if it takes nothing.
func (m *model) input(op string) *shape { return m.Shapes[m.Operations[op].In] }

// output returns the shape of an operation's reply, nil if it answers nothing.
func (m *model) output(op string) *shape { return m.Shapes[m.Operations[op].Out] }

// wire is a member's name in replies, and in requests other than EC2's.
func (b *member) wire() string {
	if b.Wire != "" {
		return b.Wire
	}
	return b.Name
}

// ec2 is a member's name in a request to EC2.
func (b *member) ec2() string {
	if b.Query != "" {
		return b.Query
	}
	name := b.wire()
	return strings.ToUpper(name[:1]) + name[1:]
}

// coral is a member's name in the messages of AWS's common request validation.
func (b *member) coral() string { return strings.ToLower(b.Name[:1]) + b.Name[1:] }
