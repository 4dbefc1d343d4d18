package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Saved plan is what telling it from another takes of a plan that [JSON]
// wrote. It is no recipe: who reads it plans anew, and goes on only if the
// same plan comes out.
type Saved struct {
	Fleet  string
	Commit string // empty if unknown
	Digest string // in full
	Steps  []StepKey
}

// A FormatError is a saved plan in a form that this program does not read.
type FormatError struct{ Format string }

func (e *FormatError) Error() string {
	return fmt.Sprintf("it is of the form %.40q, and this linkfleet reads %s", e.Format, Format)
}

// ParseSaved reads what [JSON] wrote. It is strict, because the file may have
// been through other hands since: one object, each field once and spelled as
// it was written, a whole digest, and only steps that a plan can have. Fields
// it does not know may have come since and are passed over.
func ParseSaved(text []byte) (*Saved, error) {
	fields, err := members(text)
	if err != nil {
		return nil, err
	}
	var s Saved
	var format string
	if err := fields.read("format", &format); err != nil {
		return nil, err
	}
	if format != Format {
		return nil, &FormatError{format}
	}
	err = errors.Join(fields.read("fleet", &s.Fleet), fields.read("digest", &s.Digest), fields.read("steps", &s.Steps))
	if fields["commit"] != nil {
		err = errors.Join(err, fields.read("commit", &s.Commit))
	}
	if err != nil {
		return nil, err
	}
	return &s, s.check()
}

// check refuses what no plan has.
func (s *Saved) check() error {
	const whole = 64
	if len(s.Digest) != whole || strings.Trim(s.Digest, "0123456789abcdef") != "" {
		return fmt.Errorf("its digest is not %d hexadecimal digits", whole)
	}
	for i, key := range s.Steps {
		if err := key.check(); err != nil {
			return fmt.Errorf("its step %d: %w", i+1, err)
		}
	}
	return nil
}

func (k StepKey) check() error {
	switch k.Action {
	case Create, Update, Delete:
	default:
		return fmt.Errorf("there is no action %.40q", string(k.Action))
	}
	if parsed, err := ParsePath(k.Addr.Path(), k.Addr.Place); err != nil || parsed != k.Addr {
		return fmt.Errorf("%.80q is no address", k.Addr.String())
	}
	return nil
}

// jsonFields are a JSON object's members, each once.
type jsonFields map[string]json.RawMessage

// members takes a JSON object apart. The standard decoder would take the last
// of repeated members, and those spelled in other cases.
func members(text []byte) (jsonFields, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	all := jsonFields{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errors.New("it is no JSON object")
		}
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("it has the field %.40q twice", name)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("its field %.40q is no JSON", name)
		}
		all[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("it breaks off")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the plan")
	}
	return all, nil
}

// read reads a member that must be there.
func (o jsonFields) read(name string, into any) error {
	value, ok := o[name]
	if !ok || string(value) == "null" {
		return fmt.Errorf("it has no field %s", name)
	}
	if err := json.Unmarshal(value, into); err != nil {
		return fmt.Errorf("its field %s is not what a plan has there", name)
	}
	return nil
}

// Difference is the most telling way in which p is another plan than the
// saved one.
func (s *Saved) Difference(p *Plan) string {
	if s.Fleet != p.Fleet {
		return fmt.Sprintf("that was of fleet %s, this is of %s", Clean(s.Fleet), Clean(p.Fleet))
	}
	if s.Commit != p.Commit {
		return fmt.Sprintf("it was of %s, this is of %s", commitText(s.Commit), commitText(p.Commit))
	}
	then, now := map[StepKey]bool{}, map[StepKey]bool{}
	for _, key := range s.Steps {
		then[key] = true
	}
	for _, step := range p.Steps {
		now[step.StepKey] = true
		if !then[step.StepKey] {
			return fmt.Sprintf("to %s was not in it", Clean(step.StepKey.String()))
		}
	}
	for _, key := range s.Steps {
		if !now[key] {
			return fmt.Sprintf("to %s is not called for any more", Clean(key.String()))
		}
	}
	return "the steps are the same, but what they would do, whom they cut off, or what they rest on, has changed"
}

func commitText(commit string) string {
	if commit == "" {
		return "no commit"
	}
	return "commit " + Clean(commit[:min(len(commit), 12)])
}
