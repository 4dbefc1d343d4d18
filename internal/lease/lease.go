// Package lease lets one applier at a time act on a fleet.
//
// A lease is kept in a file by those who share a machine ([File]), and in
// records that all can reach by those who do not ([Shared]). Planning needs
// none.
package lease

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// A Lease is the right to act on one fleet.
type Lease interface {
	// Acquire takes the lease for h, whose Since it sets. While another
	// holds it the error is a [HeldError].
	Acquire(ctx context.Context, h Holder) (*Held, error)
}

// A Holder is who acts, as others are told.
type Holder struct {
	Who     string    `json:"who"`     // a person's or a machine's user
	Host    string    `json:"host"`    // the machine's name
	Process int       `json:"process"` // its id on that machine; 0: unknown
	Commit  string    `json:"commit"`  // the commit that is applied; empty: unknown
	Since   time.Time `json:"since"`   // by the holder's own clock: to be shown, and nothing else
}

// String is the holder in one line. What a holder says of itself comes from
// elsewhere, so nothing in it can reach a terminal.
func (h Holder) String() string {
	var b strings.Builder
	b.WriteString(or(printable(h.Who), "somebody"))
	if h.Host != "" {
		b.WriteString(" on " + printable(h.Host))
	}
	if h.Process != 0 {
		fmt.Fprintf(&b, " (process %d)", h.Process)
	}
	if !h.Since.IsZero() {
		b.WriteString(" since " + h.Since.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if h.Commit != "" {
		b.WriteString(" with commit " + cut(printable(h.Commit), 12))
	}
	return b.String()
}

// printable is text without what moves a cursor or hides, and not long.
func printable(text string) string {
	const longest = 100
	return cut(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text), longest)
}

// cut is the first n characters of text.
func cut(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n])
	}
	return text
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// A HeldError is that somebody else holds the lease.
type HeldError struct {
	Fleet  string
	Holder Holder
	Way    string // what can be done
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("fleet %s is being applied by %s, and only one may at a time; %s", e.Fleet, e.Holder, e.Way)
}

// A LostError is that a lease was lost before it was released.
type LostError struct {
	Fleet string
	By    *Holder // who holds it now; nil: nobody that is known of
	Err   error   // why it could not be kept; nil if somebody took it
}

func (e *LostError) Error() string {
	text := "the lease of fleet " + e.Fleet + " was lost, so no further step was started"
	switch {
	case e.By != nil:
		text += ": it is now held by " + e.By.String()
	case e.Err != nil:
		text += ": " + e.Err.Error()
	}
	return text + "; run again to go on"
}

// Unwrap is why the lease could not be kept.
func (e *LostError) Unwrap() error { return e.Err }
