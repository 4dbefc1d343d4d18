package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// schemaMark begins the schema's file in a fleet repository.
const schemaMark = "// Written by linkfleet init; do not edit."

// schemaSum begins the line of the schema's file that has the sum of all else
// in it: by that a schema of another version is told from one that was edited.
const schemaSum = "// Sum: "

// summed cuts the sum out of a schema's text; ok is false if it has none. The
// rest is what is summed.
func summed(text []byte) (sum string, rest []byte, ok bool) {
	before, after, ok := bytes.Cut(text, []byte("\n"+schemaSum))
	line, after, more := bytes.Cut(after, []byte("\n"))
	if !ok || !more {
		return "", text, false
	}
	return string(line), bytes.Join([][]byte{before, after}, []byte("\n")), true
}

// sumOf is the sum of a schema's text without the line that has it.
func sumOf(rest []byte) string {
	sum := sha256.Sum256(rest)
	return hex.EncodeToString(sum[:])
}

// asWritten tells whether a schema is as some linkfleet wrote it.
func asWritten(text []byte) bool {
	sum, rest, ok := summed(text)
	return ok && bytes.HasPrefix(text, []byte(schemaMark)) && sum == sumOf(rest)
}

// isSchema says whether a file is, or was meant to be, the schema.
func isSchema(name string, text []byte) bool {
	return name == schemaFile || bytes.HasPrefix(text, []byte(schemaMark))
}

// checkSchema compares the repository's schema with the one in the program.
// What stands in it is never evaluated, so that of another version only makes
// cue vet and linkfleet disagree: a warning, or an upgrade of linkfleet would
// keep every fleet from being kept up until its repository is changed too. One
// that was edited says what does not hold, and that its author must know.
func (r *repository) checkSchema(f *faults) {
	const mend = "linkfleet init --schema writes it anew and touches nothing else"
	found := false
	for _, file := range r.schema {
		pos, text := Pos{file.name, 1, 1}, unixLines(file.text)
		found = found || file.name == schemaFile
		switch {
		case file.name != schemaFile:
			f.add(pos, "", "this is another copy of the schema", "delete it: "+schemaFile+" at the top of the fleet holds for all folders")
		case bytes.Equal(text, schemaText):
		case asWritten(text):
			f.warn(pos, "", "the schema is of another version of linkfleet, so cue vet may not agree with this one", mend)
		default:
			f.add(pos, "", "the schema is not this linkfleet's, nor by its sum as any other wrote it: it was edited", mend)
		}
	}
	if !found {
		f.warn(Pos{}, "", schemaFile+" is missing, so cue vet checks nothing here", mend)
	}
}

// unixLines undoes what Git on Windows does to line ends.
func unixLines(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
}
