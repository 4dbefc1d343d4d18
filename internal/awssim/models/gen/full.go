package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// A fullModel is what is read of botocore's service-2.json.
type fullModel struct {
	Metadata struct {
		Protocol     string `json:"protocol"`
		APIVersion   string `json:"apiVersion"`
		XMLNamespace string `json:"xmlNamespace"`
		TargetPrefix string `json:"targetPrefix"`
		JSONVersion  string `json:"jsonVersion"`
	} `json:"metadata"`
	Operations map[string]fullOperation `json:"operations"`
	Shapes     map[string]fullShape     `json:"shapes"`
}

type fullOperation struct {
	HTTP struct {
		Method string `json:"method"`
		URI    string `json:"requestUri"`
		Status int    `json:"responseCode"`
	} `json:"http"`
	Input  *fullRef  `json:"input"`
	Output *fullRef  `json:"output"`
	Errors []fullRef `json:"errors"`
}

type fullShape struct {
	Type            string      `json:"type"`
	Required        []string    `json:"required"`
	Members         orderedRefs `json:"members"`
	Member          *fullRef    `json:"member"`
	Key             *fullRef    `json:"key"`
	Value           *fullRef    `json:"value"`
	Enum            []string    `json:"enum"`
	Min             *float64    `json:"min"`
	Max             *float64    `json:"max"`
	Pattern         string      `json:"pattern"`
	Flattened       bool        `json:"flattened"`
	Payload         string      `json:"payload"`
	TimestampFormat string      `json:"timestampFormat"`
	Error           struct {
		Code   string `json:"code"`
		Status int    `json:"httpStatusCode"`
	} `json:"error"`
}

type fullRef struct {
	Shape         string `json:"shape"`
	LocationName  string `json:"locationName"`
	QueryName     string `json:"queryName"`
	Location      string `json:"location"`
	Flattened     bool   `json:"flattened"`
	Token         bool   `json:"idempotencyToken"`
	ResultWrapper string `json:"resultWrapper"`
	XMLNamespace  struct {
		URI string `json:"uri"`
	} `json:"xmlNamespace"`
}

// orderedRefs are the members of a structure in the model's order, which
// replies keep.
type orderedRefs []namedRef

type namedRef struct {
	name string
	fullRef
}

func (o *orderedRefs) UnmarshalJSON(raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		member := namedRef{name: fmt.Sprint(name)}
		if err := decoder.Decode(&member.fullRef); err != nil {
			return fmt.Errorf("member %v: %w", name, err)
		}
		*o = append(*o, member)
	}
	return nil
}
