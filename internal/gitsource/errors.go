package gitsource

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// What a repository can be asked in vain for. Every error of this package
// that is of one of these kinds matches it with [errors.Is], and reads as a
// sentence that says what to do.
var (
	ErrEmpty        = errors.New("the repository is empty")
	ErrUnknownRef   = errors.New("the repository has no such branch, tag or commit")
	ErrDenied       = errors.New("the credentials are not accepted")
	ErrUnreachable  = errors.New("the repository's host cannot be reached")
	ErrHostKey      = errors.New("the host's key is not the known one")
	ErrNoRepository = errors.New("there is no repository")
	ErrShallow      = errors.New("the repository lacks history")
)

// A faultError says in one sentence what is wrong. Its text is all ours, so
// that nothing of a URL, a header or a server's answer slips into it; the
// cause is there for errors.Is and errors.As alone.
type faultError struct {
	text        string
	kind, cause error
}

func (e *faultError) Error() string { return e.text }

func (e *faultError) Unwrap() []error {
	var of []error
	for _, err := range []error{e.kind, e.cause} {
		if err != nil {
			of = append(of, err)
		}
	}
	return of
}

func fault(kind, cause error, format string, args ...any) error {
	return &faultError{text: fmt.Sprintf(format, args...), kind: kind, cause: cause}
}

// A ConflictError is that two lines of development cannot be merged without a
// decision.
type ConflictError struct {
	Base, Head string   // as they were given to Merge
	Paths      []string // where both changed the same, sorted
}

func (e *ConflictError) Error() string {
	const most = 5
	paths := strings.Join(e.Paths[:min(len(e.Paths), most)], ", ")
	if n := len(e.Paths) - most; n > 0 {
		paths += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("%s conflicts with %s in %s: merge %s into it and push again", e.Head, e.Base, paths, e.Base)
}

// An UnrelatedError is that two commits have no common ancestor, so that
// there is nothing to merge them over.
type UnrelatedError struct{ Base, Head string }

func (e *UnrelatedError) Error() string {
	return fmt.Sprintf("%s and %s have no common history: begin the branch again from %s", e.Head, e.Base, e.Base)
}

// plain is a text from elsewhere that may stand in a sentence: one short line
// without control characters.
func plain(text string) string {
	const most = 200
	text = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}
