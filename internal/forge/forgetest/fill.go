package forgetest

import (
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// facts are what a fake says; the rest of an answer is made up after the
// description.
type facts = map[string]any

// fill makes an answer of a schema: with what the fake says, and with something
// that fits for all else that the schema requires.
func fill(schema *openapi3.Schema, said any, isSaid bool) any {
	if isSaid && !isComposite(said) {
		return said
	}
	if !isSaid && schema.Nullable {
		return nil
	}
	for _, choice := range slices.Concat(schema.OneOf, schema.AnyOf) {
		if suits(choice.Value, said) {
			return fill(choice.Value, said, isSaid)
		}
	}
	switch {
	case schema.Type.Is(openapi3.TypeArray):
		items, _ := said.([]any)
		out := make([]any, 0, len(items))
		for _, item := range items {
			out = append(out, fill(schema.Items.Value, item, true))
		}
		return out
	case schema.Type.Is(openapi3.TypeObject), len(schema.AllOf) > 0, len(schema.Properties) > 0:
		return fillObject(schema, said)
	}
	return filler(schema)
}

func isComposite(v any) bool {
	switch v.(type) {
	case facts, []any:
		return true
	}
	return false
}

// suits tells whether a choice of a schema can be what was said.
func suits(choice *openapi3.Schema, said any) bool {
	switch said.(type) {
	case facts:
		return choice.Type.Is(openapi3.TypeObject) || len(choice.Properties) > 0 || len(choice.AllOf) > 0
	case []any:
		return choice.Type.Is(openapi3.TypeArray)
	}
	return true
}

func fillObject(schema *openapi3.Schema, said any) facts {
	given, _ := said.(facts)
	out := maps.Clone(given)
	if out == nil {
		out = facts{}
	}
	for _, part := range schema.AllOf {
		out = fillObject(part.Value, out)
	}
	for name, property := range schema.Properties {
		v, isSaid := out[name]
		if isSaid || slices.Contains(schema.Required, name) {
			out[name] = fill(property.Value, v, isSaid)
		}
	}
	return out
}

// filler is a value that fits where nothing is said.
func filler(schema *openapi3.Schema) any {
	switch {
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case schema.Type.Is(openapi3.TypeInteger), schema.Type.Is(openapi3.TypeNumber):
		return 0
	case schema.Type.Is(openapi3.TypeBoolean):
		return false
	}
	switch schema.Format {
	case "date-time":
		return "2026-01-02T03:04:05Z"
	case "uri":
		return "http://forge.invalid/"
	case "email":
		return "nobody@forge.invalid"
	}
	return "x"
}
