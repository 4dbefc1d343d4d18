package schema

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// An Error is one fault of the author's text: where it is, what is wrong,
// and how to mend it.
type Error struct {
	Pos     Pos    // zero where no place in the text is to blame
	Path    string // "services.fraud.region"; may be empty
	Message string // what is wrong, without a full stop
	Mend    string // how to mend it; may be empty
}

// Error is "file:line:column: path: what is wrong; how to mend it".
func (e *Error) Error() string { return sentence(e.Pos, e.Path, e.Message, e.Mend) }

// A Warning is something in the author's text that works, and should
// perhaps be otherwise.
type Warning struct {
	Pos     Pos
	Path    string
	Message string
	Mend    string
}

// String has the form of [Error.Error].
func (w Warning) String() string { return sentence(w.Pos, w.Path, w.Message, w.Mend) }

func sentence(pos Pos, path, message, mend string) string {
	var b strings.Builder
	for _, part := range []string{pos.String(), path} {
		if part != "" {
			b.WriteString(part)
			b.WriteString(": ")
		}
	}
	b.WriteString(message)
	if mend != "" {
		b.WriteString("; ")
		b.WriteString(mend)
	}
	return b.String()
}

// Errors are the faults of a fleet.
type Errors []*Error

// Faults returns the faults in an error that [Load] returned: in the order
// of their positions, each once. It is nil for an error of another kind,
// such as a folder that cannot be read.
func Faults(err error) Errors {
	if all, ok := errors.AsType[*multierror.Error](err); ok {
		var faults Errors
		for _, e := range all.Errors {
			if fault, ok := errors.AsType[*Error](e); ok {
				faults = append(faults, fault)
			}
		}
		return faults
	}
	if one, ok := errors.AsType[*Error](err); ok {
		return Errors{one}
	}
	return nil
}

// sorted returns the faults by position, each once. One place in a template
// may be at fault at many paths: that is one fault. What CUE says of a place
// gives way to what is better known of it.
func (es Errors) sorted() Errors {
	all := slices.Clone(es)
	slices.SortStableFunc(all, func(a, b *Error) int {
		return cmp.Or(comparePos(a.Pos, b.Pos), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Mend, b.Mend), cmp.Compare(a.Path, b.Path))
	})
	all = slices.CompactFunc(all, func(a, b *Error) bool { return *a == *b })
	mended := map[Pos]bool{}
	for _, e := range all {
		mended[e.Pos] = mended[e.Pos] || e.Mend != ""
	}
	var out Errors
	for i := 0; i < len(all); {
		first, n := *all[i], 1
		for i+n < len(all) && first.Pos.File != "" && sameButPath(all[i], all[i+n]) {
			n++
		}
		i += n
		switch {
		case n == 2:
			first.Message += ", here and at " + all[i-1].Path
		case n > 2:
			first.Message += fmt.Sprintf(", here and at %d other paths", n-1)
		}
		if first.Mend != "" || first.Pos.File == "" || !mended[first.Pos] {
			out = append(out, &first)
		}
	}
	return out
}

func sameButPath(a, b *Error) bool {
	return a.Pos == b.Pos && a.Message == b.Message && a.Mend == b.Mend
}

// Err is one error of all faults, by position, or nil when there are none.
// Its text has a line for each; [Faults] gives them back.
func (es Errors) Err() error {
	all := &multierror.Error{ErrorFormat: lines}
	for _, e := range es.sorted() {
		all.Errors = append(all.Errors, e)
	}
	return all.ErrorOrNil()
}

func lines(errs []error) string {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "\n")
}

func comparePos(a, b Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// faults gathers what is wrong while a fleet is read.
type faults struct {
	errs     Errors
	warnings []Warning
}

func (f *faults) add(pos Pos, path, message, mend string) {
	f.errs = append(f.errs, &Error{Pos: pos, Path: path, Message: discreet(path, message), Mend: mend})
}

func (f *faults) warn(pos Pos, path, message, mend string) {
	f.warnings = append(f.warnings, Warning{Pos: pos, Path: path, Message: discreet(path, message), Mend: mend})
}

func (f *faults) join(other faults) {
	f.errs = append(f.errs, other.errs...)
	f.warnings = append(f.warnings, other.warnings...)
}
