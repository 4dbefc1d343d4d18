package forgetest

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed api/github.json api/gitlab.yaml api/gitea.yaml
var descriptions embed.FS

// An operation is one thing that a forge's description says can be asked of it.
type operation struct {
	doc    *openapi3.T
	path   string
	item   *openapi3.PathItem
	method string
	*openapi3.Operation
}

// described are the operations of each forge, read once: nothing changes them.
var described = map[Kind]func() ([]operation, error){
	GitHub: sync.OnceValues(func() ([]operation, error) { return describe("github.json") }),
	GitLab: sync.OnceValues(func() ([]operation, error) { return describe("gitlab.yaml") }),
	Gitea:  sync.OnceValues(func() ([]operation, error) { return describe("gitea.yaml") }),
}

// describe reads a forge's description.
func describe(file string) ([]operation, error) {
	text, err := descriptions.ReadFile("api/" + file)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var all []operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all = append(all, operation{doc, path, item, method, op})
		}
	}
	return all, nil
}

// input is a request as the library checks it.
func (op operation) input(r *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	params := map[string]string{}
	for _, p := range append(op.item.Parameters, op.Parameters...) {
		if p.Value.In == openapi3.ParameterInPath {
			params[p.Value.Name] = r.PathValue(p.Value.Name)
		}
	}
	r = r.Clone(r.Context())
	r.Body = http.NoBody
	if len(body) > 0 {
		r.Body = readCloser(body)
	}
	options := &openapi3filter.Options{
		MultiError:            true,
		IncludeResponseStatus: true,
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
	}
	options.WithCustomSchemaErrorFunc(func(e *openapi3.SchemaError) string {
		return fmt.Sprintf("%q: %s", e.JSONPointer(), e.Reason)
	})
	return &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: params,
		Route:      &routers.Route{Spec: op.doc, Path: op.path, PathItem: op.item, Method: op.method, Operation: op.Operation},
		Options:    options,
	}
}

// checkRequest tells how a request differs from what the description allows.
// What it does not name is not allowed.
func (op operation) checkRequest(in *openapi3filter.RequestValidationInput) error {
	for name := range in.Request.URL.Query() {
		if op.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return fmt.Errorf("the description has no query parameter %s", name)
		}
	}
	return openapi3filter.ValidateRequest(context.WithoutCancel(in.Request.Context()), in)
}

// checkAnswer tells how an answer differs from what the description promises.
func (op operation) checkAnswer(in *openapi3filter.RequestValidationInput, status int, h http.Header, body []byte) error {
	return openapi3filter.ValidateResponse(context.WithoutCancel(in.Request.Context()), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: status, Header: h, Body: readCloser(body), Options: in.Options,
	})
}

// schema is what the description says of the answer with that status; nil if
// it has no body.
func (op operation) schema(status int) *openapi3.Schema {
	response := op.Responses.Status(status)
	if response == nil {
		return nil
	}
	media := response.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		return nil
	}
	return media.Schema.Value
}

// fields are a request's body.
func fields(body []byte) (map[string]any, error) {
	out := map[string]any{}
	if len(body) == 0 {
		return out, nil
	}
	return out, json.Unmarshal(body, &out)
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

func readCloser(body []byte) nopCloser { return nopCloser{bytes.NewReader(body)} }
