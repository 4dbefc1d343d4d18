package gitsource

import (
	"fmt"
	"io"
)

// A Secret is a text that is not shown: however it is printed or marshalled,
// it comes out as three asterisks.
type Secret string

const hidden = "***"

// Format makes every verb of package fmt print asterisks.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText makes encoders write asterisks.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
