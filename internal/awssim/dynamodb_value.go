package awssim

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// An itemValue is a value of an item.
type itemValue struct {
	Type string               // S, N, B, BOOL, NULL, SS, NS, BS, L, M
	Text string               `json:",omitempty"` // S; N in canonical form; B in base64
	Flag bool                 `json:",omitempty"`
	Set  []string             `json:",omitempty"` // sorted
	List []itemValue          `json:",omitempty"`
	Map  map[string]itemValue `json:",omitempty"`
}

// itemValues are an item, or a part of one: values by name.
type itemValues map[string]itemValue

// readAttributes reads a map of values of a request.
func readAttributes(in M) (itemValues, error) {
	out := make(itemValues)
	for _, name := range sortedKeys(in) {
		raw, _ := in[name].(M)
		value, err := readAttribute(raw)
		if err != nil {
			return nil, err
		}
		out[name] = value
	}
	return out, nil
}

// readAttribute reads a value, which names exactly one type.
func readAttribute(in M) (itemValue, error) {
	switch len(in) {
	case 0:
		return itemValue{}, refuse("ValidationException", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case 1:
	default:
		return itemValue{}, refuse("ValidationException", "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	a := itemValue{Type: sortedKeys(in)[0]}
	var err error
	switch a.Type {
	case "S":
		a.Text = in.str("S")
	case "N", "B":
		a.Text, err = readScalar(a.Type, in.str(a.Type))
	case "SS", "NS", "BS":
		a.Set, err = readSet(a.Type[:1], in.strs(a.Type))
	case "L":
		a.List, err = readList(in.list("L"))
	case "M":
		a.Map, err = readAttributes(in.sub("M"))
	case "BOOL", "NULL":
		a.Flag = in.flag(a.Type)
	}
	return a, err
}

func readScalar(kind, text string) (string, error) {
	switch kind {
	case "N":
		return readNumber(text)
	case "B":
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return "", refuse("SerializationException", "Invalid Base64 in a binary value")
		}
	}
	return text, nil
}

func readSet(kind string, texts []string) ([]string, error) {
	if len(texts) == 0 {
		return nil, refuse("ValidationException", "One or more parameter values were invalid: An %s set may not be empty", map[string]string{"S": "string", "N": "number", "B": "binary"}[kind])
	}
	var set []string
	for _, text := range texts {
		member, err := readScalar(kind, text)
		if err != nil {
			return nil, err
		}
		set = append(set, member)
	}
	slices.Sort(set)
	if len(slices.Compact(slices.Clone(set))) < len(set) {
		return nil, refuse("ValidationException", "One or more parameter values were invalid: Input collection %v contains duplicates.", texts)
	}
	return set, nil
}

func readList(in []M) ([]itemValue, error) {
	var out []itemValue
	for _, raw := range in {
		value, err := readAttribute(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
	return out, nil
}

// A number has 38 significant digits at most, and a magnitude below 1E126
// (DynamoDB guide, "Data types").
var numberForm = regexp.MustCompile(`^[+-]?([0-9]{1,130}(\.[0-9]{0,130})?|\.[0-9]{1,130})([eE][+-]?[0-9]{1,3})?$`)

func readNumber(text string) (string, error) {
	if !numberForm.MatchString(text) {
		return "", refuse("ValidationException", "The parameter cannot be converted to a numeric value: %s", text)
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", refuse("ValidationException", "The parameter cannot be converted to a numeric value: %s", text)
	}
	return canonicalNumber(n)
}

// canonicalNumber is a number without an exponent or superfluous digits.
func canonicalNumber(n *big.Rat) (string, error) {
	text := n.FloatString(130)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	whole, _, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if len(whole) > 126 {
		return "", refuse("ValidationException", "Number overflow. Attempting to store a number with magnitude larger than supported range")
	}
	if digits := strings.Trim(strings.NewReplacer(".", "", "-", "").Replace(text), "0"); len(digits) > 38 {
		return "", refuse("ValidationException", "Attempting to store more than 38 significant digits in a Number")
	}
	if text == "-0" || text == "" {
		return "0", nil
	}
	return text, nil
}

// number is the value of an N.
func (a itemValue) number() *big.Rat {
	n, ok := new(big.Rat).SetString(a.Text)
	if !ok {
		return new(big.Rat)
	}
	return n
}

// wire is the value as replies show it.
func (a itemValue) wire() M {
	switch a.Type {
	case "S", "N", "B":
		return M{a.Type: a.Text}
	case "SS", "NS", "BS":
		return M{a.Type: list(a.Set)}
	case "L":
		return M{"L": listBy(a.List, itemValue.wire)}
	case "M":
		return M{"M": itemValues(a.Map).wire()}
	default:
		return M{a.Type: a.Flag}
	}
}

func (as itemValues) wire() M {
	out := make(M)
	for name, a := range as {
		out[name] = a.wire()
	}
	return out
}

// size is what the values count for of the 400 KB of an item, nearly.
func (as itemValues) size() int {
	n := 0
	for name, a := range as {
		n += len(name) + a.size()
	}
	return n
}

func (a itemValue) size() int {
	n := 1 + len(a.Text) + itemValues(a.Map).size()
	for _, member := range a.Set {
		n += len(member)
	}
	for _, item := range a.List {
		n += item.size()
	}
	return n
}

// equal compares as the operator = does: values of different types differ.
func (a itemValue) equal(b itemValue) bool {
	return a.Type == b.Type && a.Text == b.Text && a.Flag == b.Flag && slices.Equal(a.Set, b.Set) &&
		slices.EqualFunc(a.List, b.List, itemValue.equal) && maps.EqualFunc(a.Map, b.Map, itemValue.equal)
}

// compare orders values of one type; ok is false for those without an order.
func (a itemValue) compare(b itemValue) (order int, ok bool) {
	if a.Type != b.Type {
		return 0, false
	}
	switch a.Type {
	case "N":
		return a.number().Cmp(b.number()), true
	case "S":
		return cmp.Compare(a.Text, b.Text), true
	case "B":
		x, _ := base64.StdEncoding.DecodeString(a.Text) // was decoded when it came
		y, _ := base64.StdEncoding.DecodeString(b.Text)
		return slices.Compare(x, y), true
	}
	return 0, false
}

// String is the value in messages and in the keys of a table's items.
func (a itemValue) String() string { return fmt.Sprintf("{%s:%s}", a.Type, a.Text) }
