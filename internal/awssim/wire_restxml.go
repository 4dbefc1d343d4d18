package awssim

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// restCodec is AWS's REST protocol with XML bodies, of Route 53.
type restCodec struct{}

func (restCodec) operation(m *model, r *http.Request, _ []byte) (string, error) {
	for _, name := range sortedKeys(m.Operations) {
		op := m.Operations[name]
		if _, ok := matchURI(op.URI, r.URL); ok && op.Method == r.Method {
			return name, nil
		}
	}
	return r.Method + " " + r.URL.Path, &Error{
		Code: "UnknownOperationException", Message: "", Status: http.StatusNotFound,
	}
}

// matchURI holds a path against a pattern such as /2013-04-01/hostedzone/{Id}
// and returns the labels.
func matchURI(pattern string, u *url.URL) (map[string]string, bool) {
	want := strings.Split(strings.Trim(pattern, "/"), "/")
	have := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	if len(want) != len(have) {
		return nil, false
	}
	labels := make(map[string]string)
	for i, part := range want {
		text, err := url.PathUnescape(have[i])
		if err != nil {
			return nil, false
		}
		if strings.HasPrefix(part, "{") {
			labels[strings.Trim(part, "{}")] = text
		} else if part != text {
			return nil, false
		}
	}
	return labels, true
}

func (restCodec) names() naming {
	return naming{
		member: (*member).wire,
		item: func(s *shape, _ *member, i int) string {
			return fmt.Sprintf(".%d.%s", i, nonEmpty(s.Item.Wire, "member"))
		},
	}
}

func (restCodec) decode(m *model, op string, r *http.Request, body []byte) (M, []flaw, error) {
	s := m.input(op)
	labels, _ := matchURI(m.Operations[op].URI, r.URL)
	query := r.URL.Query()
	in, reader := make(M), &elementReader{model: m}
	if len(bytes.TrimSpace(body)) > 0 {
		root, err := parseElement(body)
		if err != nil {
			return nil, nil, refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
		in = reader.structure(s, root, "")
	}
	for i := range s.Members {
		b := &s.Members[i]
		switch b.In {
		case "uri":
			reader.scalar(in, b, labels[b.wire()])
		case "querystring":
			if query.Has(b.wire()) {
				reader.scalar(in, b, query.Get(b.wire()))
			}
		}
		query.Del(b.wire())
	}
	for _, name := range sortedKeys(query) {
		reader.flaws = append(reader.flaws, flaw{kind: unknownParameter, wire: name, path: name})
	}
	return in, reader.flaws, nil
}

// An element is a node of a request's XML.
type element struct {
	name  string
	text  string
	under []*element
}

func parseElement(body []byte) (*element, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	top := &element{}
	stack := []*element{top}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		at := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			next := &element{name: token.Name.Local}
			at.under = append(at.under, next)
			stack = append(stack, next)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			at.text += string(token)
		}
	}
	if len(top.under) != 1 {
		return nil, errors.New("not one root element")
	}
	return top.under[0], nil
}

// An elementReader turns XML into an M by the shapes of the model.
type elementReader struct {
	model *model
	flaws []flaw
}

func (r *elementReader) scalar(in M, b *member, text string) {
	s := r.model.Shapes[b.Shape]
	v, err := scalar(s, text)
	if err != nil {
		r.flaws = append(r.flaws, flaw{kind: wrongType, wire: b.wire(), path: b.coral(), value: text, shape: s})
		return
	}
	in[b.Name] = v
}

func (r *elementReader) structure(s *shape, from *element, path string) M {
	byWire := make(map[string]*member)
	for i := range s.Members {
		if b := &s.Members[i]; b.In == "" {
			byWire[b.wire()] = b
		}
	}
	out := make(M)
	for _, e := range from.under {
		b := byWire[e.name]
		if b == nil {
			r.flaws = append(r.flaws, flaw{kind: unknownParameter, wire: e.name, path: join2(path, e.name)})
			continue
		}
		if v := r.value(r.model.Shapes[b.Shape], e, join2(path, b.coral())); v != nil {
			out[b.Name] = v
		}
	}
	return out
}

func (r *elementReader) value(s *shape, e *element, path string) any {
	switch s.Type {
	case "structure":
		return r.structure(s, e, path)
	case "list":
		out := make([]any, 0, len(e.under))
		for i, item := range e.under {
			at := fmt.Sprintf("%s.%d.member", path, i+1)
			if want := nonEmpty(s.Item.Wire, "member"); item.name != want {
				r.flaws = append(r.flaws, flaw{kind: unknownParameter, wire: item.name, path: at})
				continue
			}
			if v := r.value(r.model.Shapes[s.Item.Shape], item, at); v != nil {
				out = append(out, v)
			}
		}
		return out
	}
	text := e.text
	if s.Type != "string" {
		text = strings.TrimSpace(text)
	}
	v, err := scalar(s, text)
	if err != nil {
		r.flaws = append(r.flaws, flaw{kind: wrongType, wire: path, path: path, value: text, shape: s})
		return nil
	}
	return v
}

func (restCodec) complain(flaws []flaw) *Error {
	if f := flaws[0]; f.kind == unknownParameter {
		return refuse("InvalidInput", "Invalid XML ; cvc-complex-type.2.4.a: Invalid content was found starting with element '%s'.", f.wire)
	}
	return refuse("InvalidInput", "%s", coralMessage(flaws))
}

func (restCodec) encode(m *model, op string, out M, _ string) (reply, error) {
	s := m.output(op)
	w := &xmlWriter{model: m, item: "member"}
	fmt.Fprintf(w, "<%sResponse xmlns=\"%s\">", op, m.Namespace)
	if err := w.structure(s, out); err != nil {
		return reply{}, err
	}
	w.close(op + "Response")
	answer := xmlReply(http.StatusOK, w.String())
	if status := m.Operations[op].Status; status != 0 {
		answer.Status = status
	}
	answer.Header = make(map[string]string)
	for _, b := range s.Members {
		if text := out.str(b.Name); b.In == "header" && text != "" {
			answer.Header[b.Wire] = text
		}
	}
	return answer, nil
}

func (restCodec) refusal(m *model, err *Error, id string) reply {
	return xmlReply(m.status(err), errorResponse(m, err, id))
}
