package awssim

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A params node is a query request's parameters as the tree that their dotted
// names describe.
type params struct {
	value string
	under map[string]*params
}

// parseParams reads a form. The first of repeated parameters counts.
func parseParams(body []byte) (*params, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse("MalformedQueryString", "The query string contains a syntax error")
	}
	root := &params{under: make(map[string]*params)}
	for name, values := range form {
		at := root
		for part := range strings.SplitSeq(name, ".") {
			next := at.under[part]
			if next == nil {
				next = &params{under: make(map[string]*params)}
				at.under[part] = next
			}
			at = next
		}
		at.value = values[0]
	}
	return root, nil
}

// A queryReader turns parameters into an M by the shapes of the model. The
// EC2 and the query protocols differ in names and in how lists are numbered.
type queryReader struct {
	model *model
	naming
	ec2   bool
	flaws []flaw
}

func (q *queryReader) structure(s *shape, in *params, wire string) M {
	out := make(M)
	left := maps.Clone(in.under)
	for i := range s.Members {
		b := &s.Members[i]
		name := q.member(b)
		from, ok := in.under[name]
		if !ok {
			continue
		}
		delete(left, name)
		if v := q.value(q.model.Shapes[b.Shape], b, from, join2(wire, name)); v != nil {
			out[b.Name] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		q.unknown(join2(wire, name), left[name])
	}
	return out
}

// unknown notes a parameter the model does not have, by its full name.
func (q *queryReader) unknown(wire string, in *params) {
	for len(in.under) > 0 {
		first := slices.Min(slices.Collect(maps.Keys(in.under)))
		wire, in = wire+"."+first, in.under[first]
	}
	q.flaws = append(q.flaws, flaw{kind: unknownParameter, wire: wire, path: wire, value: in.value})
}

func (q *queryReader) value(s *shape, b *member, in *params, wire string) any {
	switch s.Type {
	case "structure":
		return q.structure(s, in, wire)
	case "list":
		return q.list(s, b, in, wire)
	case "map":
		return q.mapping(s, b, in, wire)
	}
	if len(in.under) > 0 {
		q.unknown(wire, in)
		return nil
	}
	v, err := scalar(s, in.value)
	if err != nil {
		q.flaws = append(q.flaws, flaw{kind: wrongType, wire: wire, path: wire, value: in.value, shape: s})
		return nil
	}
	return v
}

// numbered returns what stands under 1, 2, 3…; gaps are allowed, as on AWS.
func (q *queryReader) numbered(in *params, wire string) (items []*params, names []string) {
	numbers := make(map[int]string)
	for name, item := range in.under {
		n, err := strconv.Atoi(name)
		if err != nil || n < 1 {
			q.unknown(wire+"."+name, item)
			continue
		}
		numbers[n] = name
	}
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		items = append(items, in.under[numbers[n]])
		names = append(names, wire+"."+numbers[n])
	}
	return items, names
}

func (q *queryReader) list(s *shape, b *member, in *params, wire string) any {
	if !q.ec2 && !b.Flat && !s.Flat {
		name := nonEmpty(s.Item.Wire, "member")
		if in.under[name] == nil {
			if len(in.under) > 0 {
				q.unknown(wire, in)
			}
			return []any{} // "Subnets=" is an empty list
		}
		in, wire = in.under[name], wire+"."+name
	}
	items, names := q.numbered(in, wire)
	out := make([]any, 0, len(items))
	for i, item := range items {
		if v := q.value(q.model.Shapes[s.Item.Shape], s.Item, item, names[i]); v != nil {
			out = append(out, v)
		}
	}
	return out
}

func (q *queryReader) mapping(s *shape, b *member, in *params, wire string) any {
	if !b.Flat && !s.Flat {
		entries := in.under["entry"]
		if entries == nil {
			return M{}
		}
		in, wire = entries, wire+".entry"
	}
	out := make(M)
	items, names := q.numbered(in, wire)
	keyName, valueName := nonEmpty(s.Key.Wire, "key"), nonEmpty(s.Item.Wire, "value")
	for i, item := range items {
		key, value := item.under[keyName], item.under[valueName]
		if key == nil || value == nil {
			q.flaws = append(q.flaws, flaw{kind: missingParameter, wire: names[i], path: names[i]})
			continue
		}
		out[key.value] = q.value(q.model.Shapes[s.Item.Shape], s.Item, value, names[i]+"."+valueName)
	}
	return out
}

// action is the operation a form names.
func action(m *model, body []byte) (string, error) {
	form, err := parseParams(body)
	if err != nil {
		return "", err
	}
	named, version := form.under["Action"], form.under["Version"]
	if named == nil || named.value == "" {
		return "", &Error{Code: "MissingAction", Message: "The request must contain the parameter Action", Status: http.StatusBadRequest}
	}
	if version == nil || version.value != m.Version {
		return named.value, refuse("NoSuchVersion", "The requested version (%s) of service %s does not exist", form.text("Version"), m.Service)
	}
	if _, ok := m.Operations[named.value]; !ok {
		return named.value, invalidAction(m, named.value)
	}
	return named.value, nil
}

func (p *params) text(name string) string {
	if v := p.under[name]; v != nil {
		return v.value
	}
	return ""
}

func invalidAction(m *model, op string) *Error {
	if m.Protocol == "ec2" {
		return refuse("InvalidAction", "The action %s is not valid for this web service.", op)
	}
	return refuse("InvalidAction", "Could not find operation %s for version %s", op, m.Version)
}

func decodeForm(q *queryReader, op string, body []byte) (M, []flaw, error) {
	form, err := parseParams(body)
	if err != nil {
		return nil, nil, err
	}
	delete(form.under, "Action")
	delete(form.under, "Version")
	s := q.model.input(op)
	if s == nil {
		s = &shape{Type: "structure"}
	}
	return q.structure(s, form, ""), q.flaws, nil
}

// queryCodec is AWS's query protocol, of Elastic Load Balancing, SNS and STS.
type queryCodec struct{}

func (queryCodec) operation(m *model, _ *http.Request, body []byte) (string, error) {
	return action(m, body)
}

func (queryCodec) names() naming {
	return naming{
		member: (*member).wire,
		item: func(s *shape, b *member, i int) string {
			if b.Flat || s.Flat {
				return "." + strconv.Itoa(i)
			}
			return "." + nonEmpty(s.Item.Wire, "member") + "." + strconv.Itoa(i)
		},
	}
}

func (k queryCodec) decode(m *model, op string, _ *http.Request, body []byte) (M, []flaw, error) {
	return decodeForm(&queryReader{model: m, naming: k.names()}, op, body)
}

func (queryCodec) complain(flaws []flaw) *Error {
	if f := flaws[0]; f.kind == unknownParameter {
		return refuse("ValidationError", "The parameter %s is not recognized", f.wire)
	}
	return refuse("ValidationError", "%s", coralMessage(flaws))
}

func (queryCodec) encode(m *model, op string, out M, id string) (reply, error) {
	w := &xmlWriter{model: m, item: "member"}
	fmt.Fprintf(w, "<%sResponse xmlns=\"%s\">", op, m.Namespace)
	if s := m.output(op); s != nil {
		wrapper := nonEmpty(m.Operations[op].Wrapper, op+"Result")
		w.open(wrapper)
		if err := w.structure(s, out); err != nil {
			return reply{}, err
		}
		w.close(wrapper)
	} else if len(out) > 0 {
		return reply{}, fmt.Errorf("the model has no reply for %s", op)
	}
	w.WriteString("<ResponseMetadata>")
	w.text("RequestId", id)
	w.WriteString("</ResponseMetadata>")
	w.close(op + "Response")
	return xmlReply(http.StatusOK, w.String()), nil
}

func (queryCodec) refusal(m *model, err *Error, id string) reply {
	return xmlReply(m.status(err), errorResponse(m, err, id))
}

// errorResponse is how query and REST services say no.
func errorResponse(m *model, err *Error, id string) string {
	w := &xmlWriter{model: m}
	fmt.Fprintf(w, "<ErrorResponse xmlns=\"%s\"><Error>", m.Namespace)
	if m.status(err) >= 500 {
		w.text("Type", "Receiver")
	} else {
		w.text("Type", "Sender")
	}
	w.text("Code", err.Code)
	w.text("Message", err.Message)
	w.WriteString("</Error>")
	w.text("RequestId", id)
	w.WriteString("</ErrorResponse>")
	return w.String()
}

func xmlReply(status int, body string) reply {
	return reply{
		Status: status,
		Type:   "text/xml;charset=UTF-8",
		Body:   []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + body),
	}
}
