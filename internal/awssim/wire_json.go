package awssim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

// jsonCodec is AWS's JSON protocol: 1.1 of the tagging API, 1.0 of DynamoDB
// and SQS.
type jsonCodec struct {
	version    string
	compatible bool // with the query protocol that the service had before: SQS
}

// mediaType is what requests and replies are sent as.
func (j jsonCodec) mediaType() string { return "application/x-amz-json-" + j.version }

func (jsonCodec) operation(m *model, r *http.Request, _ []byte) (string, error) {
	prefix, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if _, ok := m.Operations[op]; !ok || prefix != m.Target {
		return op, &Error{Code: "UnknownOperationException", Message: "Unknown operation " + op}
	}
	return op, nil
}

func (jsonCodec) names() naming {
	return naming{
		member: (*member).wire,
		item:   func(_ *shape, _ *member, i int) string { return fmt.Sprintf("[%d]", i) },
	}
}

func (jsonCodec) decode(m *model, op string, _ *http.Request, body []byte) (M, []flaw, error) {
	var raw any = map[string]any{}
	if len(bytes.TrimSpace(body)) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		if err := decoder.Decode(&raw); err != nil {
			return nil, nil, refuse("SerializationException", "")
		}
	}
	reader := &jsonReader{model: m}
	in, _ := reader.value(m.input(op), raw, "").(M)
	return in, reader.flaws, nil
}

// A jsonReader turns JSON into an M by the shapes of the model.
type jsonReader struct {
	model *model
	flaws []flaw
}

func (r *jsonReader) value(s *shape, raw any, path string) any {
	switch raw := raw.(type) {
	case nil:
		return nil
	case map[string]any:
		switch s.Type {
		case "structure":
			return r.structure(s, raw, path)
		case "map":
			return r.mapping(s, raw, path)
		}
	case []any:
		if s.Type == "list" {
			out := make([]any, 0, len(raw))
			for i, item := range raw {
				out = append(out, r.value(r.model.Shapes[s.Item.Shape], item, fmt.Sprintf("%s.%d.member", path, i+1)))
			}
			return out
		}
	case string:
		if s.Type == "string" || s.Type == "blob" {
			return raw
		}
	case bool:
		if s.Type == "boolean" {
			return raw
		}
	case json.Number:
		if n, err := raw.Int64(); err == nil && (s.Type == "integer" || s.Type == "long") {
			return n
		}
	}
	r.flaws = append(r.flaws, flaw{kind: wrongType, wire: path, path: path, value: fmt.Sprint(raw), shape: s})
	return nil
}

func (r *jsonReader) structure(s *shape, raw map[string]any, path string) M {
	byName := make(map[string]*member)
	for i := range s.Members {
		byName[s.Members[i].wire()] = &s.Members[i]
	}
	out := make(M)
	for _, name := range sortedKeys(raw) {
		b := byName[name]
		if b == nil {
			r.flaws = append(r.flaws, flaw{kind: unknownParameter, wire: name, path: join2(path, name)})
			continue
		}
		if v := r.value(r.model.Shapes[b.Shape], raw[name], join2(path, b.coral())); v != nil {
			out[b.Name] = v
		}
	}
	return out
}

func (r *jsonReader) mapping(s *shape, raw map[string]any, path string) M {
	out := make(M)
	for _, key := range sortedKeys(raw) {
		if v := r.value(r.model.Shapes[s.Item.Shape], raw[key], join2(path, key)); v != nil {
			out[key] = v
		}
	}
	return out
}

func (j jsonCodec) complain(flaws []flaw) *Error {
	switch f := flaws[0]; f.kind {
	case missingParameter:
		if j.compatible {
			return refuse("MissingRequiredParameterException", "The request must contain the parameter %s.", f.wire)
		}
		return refuse(j.invalid(), "%s", coralMessage(flaws))
	case unknownParameter, wrongType:
		return refuse("SerializationException", "Unexpected value at %s", f.path)
	default:
		return refuse(j.invalid(), "%s", coralMessage(flaws))
	}
}

// invalid is the code for what common request validation refuses.
func (j jsonCodec) invalid() string {
	switch {
	case j.compatible:
		return "InvalidParameterValueException"
	case j.version == "1.0":
		return "ValidationException"
	default:
		return "InvalidParameterException"
	}
}

func (j jsonCodec) encode(m *model, op string, out M, _ string) (reply, error) {
	if m.output(op) == nil { // "an HTTP 200 response with an empty HTTP body", says SQS's API reference
		return reply{Status: http.StatusOK, Type: j.mediaType()}, nil
	}
	plain, err := jsonValue(m, m.output(op), out)
	if err != nil {
		return reply{}, err
	}
	body, err := json.Marshal(plain)
	if err != nil {
		return reply{}, err
	}
	return reply{Status: http.StatusOK, Type: j.mediaType(), Body: body}, nil
}

// jsonValue checks a reply against its shape and makes it ready for encoding/json.
func jsonValue(m *model, s *shape, v any) (any, error) {
	switch v := v.(type) {
	case M:
		return jsonObject(m, s, v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = jsonValue(m, m.Shapes[s.Item.Shape], item); err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return out, nil
	case time.Time:
		return float64(v.UnixMilli()) / 1000, nil
	default:
		_, err := xmlText(s, v)
		return v, err
	}
}

func jsonObject(m *model, s *shape, v M) (any, error) {
	if s.Type == "map" {
		return jsonMap(m, s, v)
	}
	if s.Type != "structure" {
		return nil, fmt.Errorf("a structure where the model has a %s", s.Type)
	}
	if err := knownMembers(s, v); err != nil {
		return nil, err
	}
	out := make(map[string]any)
	for _, b := range s.Members {
		if v[b.Name] == nil {
			continue
		}
		plain, err := jsonValue(m, m.Shapes[b.Shape], v[b.Name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name, err)
		}
		out[b.wire()] = plain
	}
	return out, nil
}

func jsonMap(m *model, s *shape, v M) (any, error) {
	out := make(map[string]any)
	for key, item := range v {
		plain, err := jsonValue(m, m.Shapes[s.Item.Shape], item)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out[key] = plain
	}
	return out, nil
}

func (j jsonCodec) refusal(m *model, err *Error, _ string) reply {
	told := map[string]any{"__type": err.Code, "message": err.Message}
	answer := reply{Status: m.status(err), Type: j.mediaType()}
	if j.version == "1.0" {
		told["__type"] = errorNamespace(m, err.Code) + "#" + err.Code
		if j.compatible {
			answer.Header = map[string]string{"X-Amzn-Query-Error": queryCode(err.Code) + ";" + faultOf(answer.Status)}
		}
	} else {
		answer.Header = map[string]string{"X-Amzn-ErrorType": err.Code}
	}
	maps.Copy(told, err.With)
	answer.Body, _ = json.Marshal(told) // plain data always marshals
	return answer
}

// faultOf tells whose fault an error is, in the query protocol's words.
func faultOf(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// errorNamespace is what stands before the code of an error of JSON 1.0: the
// service's own errors are told from those that all services have.
func errorNamespace(m *model, code string) string {
	switch code {
	case "ValidationException":
		return "com.amazon.coral.validate"
	case "SerializationException", "UnknownOperationException", "UnrecognizedClientException", "AccessDeniedException",
		"ExpiredTokenException", "MissingAuthenticationToken":
		return "com.amazon.coral.service"
	}
	if m.Service == "sqs" {
		return "com.amazonaws.sqs"
	}
	return "com.amazonaws." + m.Service + ".v" + strings.ReplaceAll(m.Version, "-", "")
}
