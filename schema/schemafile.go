package schema

import (
	"bytes"
)

// schemaMark begins the schema's file in a fleet repository.
const schemaMark = "// Written by linkfleet init; do not edit."

// isSchema says whether a file is, or was meant to be, the schema.
func isSchema(name string, text []byte) bool {
	return name == schemaFile || bytes.HasPrefix(text, []byte(schemaMark))
}

// checkSchema compares the repository's schema with the one in the program:
// another would make cue vet and linkfleet disagree.
func (r *repository) checkSchema(f *faults) {
	const mend = "linkfleet init --schema writes it anew and touches nothing else"
	found := false
	for _, file := range r.schema {
		pos := Pos{file.name, 1, 1}
		switch {
		case file.name != schemaFile:
			f.add(pos, "", "this is another copy of the schema", "delete it: "+schemaFile+" at the top of the fleet holds for all folders")
		case !bytes.Equal(unixLines(file.text), schemaText):
			found = true
			f.add(pos, "", "the schema is not the one of this linkfleet: it was edited, or written by another version", mend)
		default:
			found = true
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
