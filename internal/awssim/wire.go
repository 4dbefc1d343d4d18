package awssim

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A codec speaks one of AWS's protocols.
type codec interface {
	// operation finds the operation a request names; a refusal if it is none
	// of the service's.
	operation(m *model, r *http.Request, body []byte) (string, error)
	// decode reads a request. Everything that is wrong with it is in flaws;
	// err is for a body that cannot be read at all.
	decode(m *model, op string, r *http.Request, body []byte) (in M, flaws []flaw, err error)
	// names is how the protocol's requests spell members and list items.
	names() naming
	// complain words what is wrong with a request.
	complain(flaws []flaw) *Error
	// encode writes a reply. An error is a bug of a handler.
	encode(m *model, op string, out M, id string) (reply, error)
	// refusal writes an error.
	refusal(m *model, err *Error, id string) reply
}

// A reply is an HTTP answer.
type reply struct {
	Status int
	Type   string
	Header map[string]string
	Body   []byte

	request string    // the request's id, for the header that SDKs log
	date    time.Time // the simulator's, by which clients reckon AWS's clock
	pending *pending  // instead of all else: the answer is to come
}

func codecOf(m *model) codec {
	switch m.Protocol {
	case "ec2":
		return ec2Codec{}
	case "query":
		return queryCodec{}
	case "rest-xml":
		return restCodec{}
	default:
		return jsonCodec{version: m.JSON, compatible: m.Service == "sqs"}
	}
}

// status is the HTTP status of a refusal.
func (m *model) status(err *Error) int {
	if err.Status != 0 {
		return err.Status
	}
	if status := m.Errors[err.Code]; status != 0 {
		return status
	}
	return http.StatusBadRequest
}

// scalar reads text as a shape's type.
func scalar(s *shape, text string) (any, error) {
	switch s.Type {
	case "boolean":
		return strconv.ParseBool(strings.ToLower(text))
	case "integer", "long":
		return strconv.ParseInt(text, 10, 64)
	case "double", "float":
		return strconv.ParseFloat(text, 64)
	case "timestamp":
		return time.Parse(time.RFC3339, text)
	default:
		return text, nil
	}
}

// xmlText writes a scalar of a reply as XML and query protocols do.
func xmlText(s *shape, v any) (string, error) {
	switch v := v.(type) {
	case string:
		if s.Type == "string" || s.Type == "blob" {
			return v, nil
		}
	case bool:
		if s.Type == "boolean" {
			return strconv.FormatBool(v), nil
		}
	case int64:
		if s.Type == "integer" || s.Type == "long" {
			return strconv.FormatInt(v, 10), nil
		}
	case float64:
		if s.Type == "double" || s.Type == "float" {
			return strconv.FormatFloat(v, 'g', -1, 64), nil
		}
	case time.Time:
		if s.Type == "timestamp" {
			return v.UTC().Format("2006-01-02T15:04:05.000Z"), nil
		}
	}
	return "", fmt.Errorf("a %T where the model has a %s", v, s.Type)
}

// An xmlWriter writes replies by their shapes.
type xmlWriter struct {
	strings.Builder
	model *model
	item  string // the default name of list items
}

func (w *xmlWriter) open(name string)  { w.WriteString("<" + name + ">") }
func (w *xmlWriter) close(name string) { w.WriteString("</" + name + ">") }

// text writes an element that holds text.
func (w *xmlWriter) text(name, text string) {
	w.open(name)
	_ = xml.EscapeText(w, []byte(text)) // a Builder does not fail
	w.close(name)
}

// structure writes the members of a structure, without an element around them.
func (w *xmlWriter) structure(s *shape, in M) error {
	if err := knownMembers(s, in); err != nil {
		return err
	}
	for i := range s.Members {
		b := &s.Members[i]
		if in[b.Name] == nil || b.In != "" {
			continue
		}
		if err := w.value(b.wire(), w.model.Shapes[b.Shape], b.Flat, in[b.Name]); err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
	}
	return nil
}

// value writes one member of whatever type.
func (w *xmlWriter) value(name string, s *shape, flat bool, v any) error {
	switch s.Type {
	case "structure":
		in, ok := v.(M)
		if !ok {
			return fmt.Errorf("a %T where the model has a structure", v)
		}
		w.open(name)
		defer w.close(name)
		return w.structure(s, in)
	case "list":
		return w.list(name, s, flat || s.Flat, v)
	case "map":
		return w.mapping(name, s, v)
	}
	text, err := xmlText(s, v)
	if err != nil {
		return err
	}
	w.text(name, text)
	return nil
}

func (w *xmlWriter) list(name string, s *shape, flat bool, v any) error {
	items, ok := v.([]any)
	if !ok {
		return fmt.Errorf("a %T where the model has a list", v)
	}
	itemName := name
	if !flat {
		w.open(name)
		defer w.close(name)
		if itemName = s.Item.Wire; itemName == "" {
			itemName = w.item
		}
	}
	for i, item := range items {
		if err := w.value(itemName, w.model.Shapes[s.Item.Shape], false, item); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

func (w *xmlWriter) mapping(name string, s *shape, v any) error {
	in, ok := v.(M)
	if !ok {
		return fmt.Errorf("a %T where the model has a map", v)
	}
	w.open(name)
	defer w.close(name)
	for _, key := range sortedKeys(in) {
		w.open("entry")
		w.text(nonEmpty(s.Key.Wire, "key"), key)
		if err := w.value(nonEmpty(s.Item.Wire, "value"), w.model.Shapes[s.Item.Shape], false, in[key]); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		w.close("entry")
	}
	return nil
}

// knownMembers refuses a reply with a member that the model does not have.
func knownMembers(s *shape, in M) error {
	known := make(map[string]bool, len(s.Members))
	for _, b := range s.Members {
		known[b.Name] = true
	}
	for _, name := range sortedKeys(in) {
		if !known[name] {
			return fmt.Errorf("the model has no member %s", name)
		}
	}
	return nil
}
