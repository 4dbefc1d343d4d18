package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// A reason is why CUE refuses one value.
type reason struct {
	message  string
	authors  []Pos // positions in the author's files
	schema   bool  // the schema has a part in it
	conflict bool  // two values contradict each other
	deeper   bool  // the value could not be worked out at all
}

// reasonOf reads the first of CUE's errors. CUE's messages have no codes, so
// they are told apart by how they begin; one that is not known here is
// passed on in CUE's own words.
func reasonOf(err error) reason {
	all := cueerrors.Errors(err)
	if len(all) == 0 {
		return reason{}
	}
	format, _ := all[0].Msg()
	r := reason{message: messageOf(all[0])}
	_, r.authors = authorsPositions(all[0])
	r.schema = slices.ContainsFunc(all[0].InputPositions(), func(p token.Pos) bool { return p.Filename() == schemaFile })
	r.conflict = strings.HasPrefix(format, "conflicting values")
	for _, begin := range []string{"undefined field", "reference", "invalid interpolation", "cannot reference", "invalid operand", "index out of range", "structural cycle", "error in call"} {
		r.deeper = r.deeper || strings.HasPrefix(format, begin)
	}
	return r
}

// explain says, for CUE's errors that nothing better is known of, what CUE
// has to say, at the author's positions. It leaves out errors at, above and
// below paths that are known to be at fault already.
func (f *faults) explain(err error, top *spot, known map[string]bool) {
	for _, e := range cueerrors.Errors(err) {
		path := pathText(e.Path())
		message := messageOf(e)
		if covered(known, path) || path == "" && strings.HasPrefix(message, "explicit error") {
			continue // the latter is the schema's own, for an unknown field at the top
		}
		pos, others := authorsPositions(e)
		if own := top.walk(e.Path()).pos(); own.File != "" {
			pos = own
		}
		if pos.File == "" && len(others) > 0 {
			pos = others[0]
		}
		f.add(pos, path, message, "")
	}
}

// messageOf is what CUE says, with its causes, without path and positions.
func messageOf(e cueerrors.Error) string {
	var parts []string
	for err := error(e); err != nil; err = errors.Unwrap(err) {
		if e, ok := err.(cueerrors.Error); ok {
			format, args := e.Msg()
			if text := strings.TrimSuffix(fmt.Sprintf(format, args...), ":"); text != "" && !slices.Contains(parts, text) {
				parts = append(parts, text)
			}
		}
	}
	return strings.Join(parts, ": ")
}

// authorsPositions are an error's positions without those in the schema.
func authorsPositions(e cueerrors.Error) (first Pos, all []Pos) {
	for _, p := range append([]token.Pos{e.Position()}, e.InputPositions()...) {
		pos := place(p)
		if pos.File == "" || pos.File == schemaFile || slices.Contains(all, pos) {
			continue
		}
		all = append(all, pos)
	}
	if len(all) > 0 {
		first = all[0]
	}
	return first, all
}

// covered says whether a path, one above it or one below it is known.
func covered(known map[string]bool, path string) bool {
	for k := range known {
		if k == path || within(k, path) || within(path, k) {
			return true
		}
	}
	return false
}

// within says whether a path lies below another.
func within(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// walk is the spot at a path, or the nearest above it.
func (s *spot) walk(path []string) *spot {
	for _, name := range path {
		next := s.child(strings.Trim(name, `"`))
		if next == nil {
			break
		}
		s = next
	}
	return s
}

// pathText writes CUE's path as we write paths: list elements in brackets.
func pathText(path []string) string {
	var b strings.Builder
	for i, name := range path {
		switch {
		case name != "" && strings.Trim(name, "0123456789") == "":
			fmt.Fprintf(&b, "[%s]", name)
			continue
		case i > 0:
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	return b.String()
}
