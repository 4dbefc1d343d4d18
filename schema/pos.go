package schema

import "fmt"

// A Pos is a place in the author's files.
type Pos struct {
	File   string // relative to the fleet's folder, with slashes
	Line   int    // from 1
	Column int    // from 1
}

// String is file:line:column, or "" for the zero Pos.
func (p Pos) String() string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Short is file:line, or "" for the zero Pos.
func (p Pos) Short() string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}
