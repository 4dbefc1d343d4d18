package awssim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A flaw is one thing that is wrong with a request.
type flaw struct {
	kind  flawKind
	wire  string // where, as it was sent: Filter.1.Name
	path  string // where, as AWS's common validation says: filters.1.member.name
	value string // what was sent
	shape *shape // what was wanted; nil for an unknown parameter
}

type flawKind int

const (
	unknownParameter flawKind = iota
	missingParameter
	wrongType
	notInEnum
	tooShort // a string or list
	tooLong
	tooSmall // a number
	tooLarge
	wrongPattern
)

// A naming is how a protocol spells the way to a member.
type naming struct {
	member func(b *member) string
	item   func(s *shape, b *member, i int) string // what follows a list's name
}

// A checker holds a request against its shape.
type checker struct {
	model *model
	naming
	flaws []flaw
}

// check returns what is wrong with a decoded request: absent members, values
// outside enums, and so on. Limits of EC2's MaxResults are left to paging,
// because some operations clip where others refuse.
func check(m *model, names naming, s *shape, in M) []flaw {
	k := &checker{model: m, naming: names}
	if s != nil {
		k.structure(s, in, "", "")
	}
	return k.flaws
}

func (k *checker) structure(s *shape, in M, wire, path string) {
	for i := range s.Members {
		b := &s.Members[i]
		at, dotted := join2(wire, k.member(b)), join2(path, b.coral())
		switch v := in[b.Name]; {
		case v != nil:
			k.value(k.model.Shapes[b.Shape], b, v, at, dotted)
		case b.Required:
			k.flaws = append(k.flaws, flaw{kind: missingParameter, wire: at, path: dotted, shape: k.model.Shapes[b.Shape]})
		}
	}
}

func (k *checker) value(s *shape, b *member, v any, wire, path string) {
	switch v := v.(type) {
	case M:
		k.inner(s, v, wire, path)
	case []any:
		k.size(s, len(v), fmt.Sprintf("%v", v), wire, path)
		for i, item := range v {
			k.value(k.model.Shapes[s.Item.Shape], s.Item, item,
				wire+k.item(s, b, i+1), path+"."+strconv.Itoa(i+1)+".member")
		}
	case string:
		k.text(s, v, wire, path)
	case int64:
		k.number(s, b, v, wire, path)
	}
}

func (k *checker) inner(s *shape, v M, wire, path string) {
	if s.Type == "structure" {
		k.structure(s, v, wire, path)
	}
}

func (k *checker) text(s *shape, v, wire, path string) {
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		k.add(notInEnum, s, v, wire, path)
		return
	}
	k.size(s, utf8.RuneCountInString(v), v, wire, path)
	if s.pattern != nil && !s.pattern.MatchString(v) {
		k.add(wrongPattern, s, v, wire, path)
	}
}

func (k *checker) size(s *shape, n int, v, wire, path string) {
	if s.Min != nil && float64(n) < *s.Min {
		k.add(tooShort, s, v, wire, path)
	}
	if s.Max != nil && float64(n) > *s.Max {
		k.add(tooLong, s, v, wire, path)
	}
}

func (k *checker) number(s *shape, b *member, v int64, wire, path string) {
	if k.model.Protocol == "ec2" && b.Name == "MaxResults" {
		return
	}
	if s.Min != nil && float64(v) < *s.Min {
		k.add(tooSmall, s, strconv.FormatInt(v, 10), wire, path)
	}
	if s.Max != nil && float64(v) > *s.Max {
		k.add(tooLarge, s, strconv.FormatInt(v, 10), wire, path)
	}
}

func (k *checker) add(kind flawKind, s *shape, v, wire, path string) {
	k.flaws = append(k.flaws, flaw{kind: kind, wire: wire, path: path, value: v, shape: s})
}

// coralMessage words flaws as AWS's common request validation does.
func coralMessage(flaws []flaw) string {
	noun := "errors"
	if len(flaws) == 1 {
		noun = "error"
	}
	parts := make([]string, len(flaws))
	for i, f := range flaws {
		parts[i] = f.coral()
	}
	return fmt.Sprintf("%d validation %s detected: %s", len(flaws), noun, strings.Join(parts, "; "))
}

func (f flaw) coral() string {
	if f.kind == missingParameter {
		return fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", f.path)
	}
	return fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", f.value, f.path, f.constraint())
}

func (f flaw) constraint() string {
	switch f.kind {
	case notInEnum:
		return "Member must satisfy enum value set: [" + strings.Join(f.shape.Enum, ", ") + "]"
	case tooShort:
		return fmt.Sprintf("Member must have length greater than or equal to %.0f", *f.shape.Min)
	case tooLong:
		return fmt.Sprintf("Member must have length less than or equal to %.0f", *f.shape.Max)
	case tooSmall:
		return fmt.Sprintf("Member must have value greater than or equal to %.0f", *f.shape.Min)
	case tooLarge:
		return fmt.Sprintf("Member must have value less than or equal to %.0f", *f.shape.Max)
	case wrongPattern:
		return "Member must satisfy regular expression pattern: " + f.shape.Pattern
	case wrongType:
		return "Member must be a " + f.shape.Type
	default:
		return "Member is not known"
	}
}

// join2 joins the parts of a dotted path.
func join2(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
