package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The compact form; awssim's model.go reads it and documents it.
type smallModel struct {
	Service    string                    `json:"service"`
	Protocol   string                    `json:"protocol"`
	Version    string                    `json:"version"`
	Namespace  string                    `json:"namespace,omitempty"`
	Target     string                    `json:"target,omitempty"`
	JSON       string                    `json:"json,omitempty"`
	Operations map[string]smallOperation `json:"operations"`
	Shapes     map[string]smallShape     `json:"shapes"`
	Errors     map[string]int            `json:"errors,omitempty"`
}

type smallOperation struct {
	In      string `json:"in,omitempty"`
	Out     string `json:"out,omitempty"`
	Method  string `json:"method,omitempty"`
	URI     string `json:"uri,omitempty"`
	Status  int    `json:"status,omitempty"`
	Wrapper string `json:"wrapper,omitempty"`
}

type smallShape struct {
	Type    string        `json:"type"`
	Members []smallMember `json:"members,omitempty"`
	Item    *smallMember  `json:"item,omitempty"`
	Key     *smallMember  `json:"key,omitempty"`
	Enum    []string      `json:"enum,omitempty"`
	Min     *float64      `json:"min,omitempty"`
	Max     *float64      `json:"max,omitempty"`
	Pattern string        `json:"pattern,omitempty"`
	Flat    bool          `json:"flat,omitempty"`
	Payload string        `json:"payload,omitempty"`
	Format  string        `json:"format,omitempty"`
}

type smallMember struct {
	Name     string `json:"name,omitempty"`
	Shape    string `json:"shape"`
	Wire     string `json:"wire,omitempty"`
	Query    string `json:"query,omitempty"`
	In       string `json:"in,omitempty"`
	Required bool   `json:"required,omitempty"`
	Flat     bool   `json:"flat,omitempty"`
	Token    bool   `json:"token,omitempty"`
}

// compact keeps a service's operations and what they reach.
func (full *fullModel) compact(service service) (*smallModel, error) {
	small := &smallModel{
		Service:    service.signing,
		Protocol:   full.Metadata.Protocol,
		Version:    full.Metadata.APIVersion,
		Namespace:  full.Metadata.XMLNamespace,
		Target:     full.Metadata.TargetPrefix,
		JSON:       full.Metadata.JSONVersion,
		Operations: make(map[string]smallOperation),
		Shapes:     make(map[string]smallShape),
		Errors:     make(map[string]int),
	}
	for _, name := range service.operations {
		op, ok := full.Operations[name]
		if !ok {
			return nil, fmt.Errorf("the model has no operation %s", name)
		}
		small.Operations[name] = full.operation(small, op)
	}
	if small.Namespace != "" { // the services end it in a slash, the models not always
		small.Namespace = strings.TrimSuffix(small.Namespace, "/") + "/"
	}
	return small, nil
}

func (full *fullModel) operation(small *smallModel, op fullOperation) smallOperation {
	out := smallOperation{Method: op.HTTP.Method, URI: op.HTTP.URI, Status: op.HTTP.Status}
	if op.Input != nil {
		out.In = full.reach(small, op.Input.Shape)
		small.Namespace = cmp.Or(small.Namespace, op.Input.XMLNamespace.URI) // REST services say it here
	}
	if op.Output != nil {
		out.Out, out.Wrapper = full.reach(small, op.Output.Shape), op.Output.ResultWrapper
	}
	for _, ref := range op.Errors {
		refusal := full.Shapes[ref.Shape].Error
		if refusal.Code == "" {
			refusal.Code = ref.Shape
		}
		if refusal.Status != 0 {
			small.Errors[refusal.Code] = refusal.Status
		}
	}
	return out
}

// reach copies a shape and all that it refers to, and returns its name.
func (full *fullModel) reach(small *smallModel, name string) string {
	if _, done := small.Shapes[name]; done {
		return name
	}
	shape := full.Shapes[name]
	small.Shapes[name] = smallShape{} // a shape may contain itself
	out := smallShape{
		Type: shape.Type, Enum: shape.Enum, Min: shape.Min, Max: shape.Max, Pattern: shape.Pattern,
		Flat: shape.Flattened, Payload: shape.Payload, Format: shape.TimestampFormat,
	}
	for _, member := range shape.Members {
		item := full.member(small, member.fullRef)
		item.Name, item.Required = member.name, slices.Contains(shape.Required, member.name)
		out.Members = append(out.Members, item)
	}
	if shape.Member != nil {
		item := full.member(small, *shape.Member)
		out.Item = &item
	}
	if shape.Key != nil && shape.Value != nil {
		key, value := full.member(small, *shape.Key), full.member(small, *shape.Value)
		out.Key, out.Item = &key, &value
	}
	small.Shapes[name] = out
	return name
}

func (full *fullModel) member(small *smallModel, ref fullRef) smallMember {
	return smallMember{
		Shape: full.reach(small, ref.Shape), Wire: ref.LocationName, Query: ref.QueryName,
		In: ref.Location, Flat: ref.Flattened, Token: ref.Token,
	}
}
