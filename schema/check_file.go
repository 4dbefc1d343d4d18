package schema

import (
	"slices"
	"strconv"

	"cuelang.org/go/cue/ast"
)

// A fileReading is what comes of one file by itself.
type fileReading struct {
	faults
	repo    *repository
	shape   *shape
	defs    map[string]bool // what the schema defines
	outline *outline        // nil if the file does not parse
}

func (r *fileReading) read(source *sourceFile) {
	file, err := r.repo.parse(source.name, source.text)
	if err != nil {
		r.addCUE(err, source.name, "")
		return
	}
	r.outline = newOutline(source, file)
	r.checkAttributes(file)
	r.checkImports()
	r.checkPieces()
}

// checkPieces finds pieces that no fleet can use, and marks them.
func (r *fileReading) checkPieces() {
	used := map[*piece]bool{}
	for _, p := range r.outline.pieces {
		for q := range p.uses {
			used[q] = true
		}
	}
	for _, p := range r.outline.pieces {
		switch {
		case p.kind == binding && !used[p] && r.outline.whole == "": // else it may be used by what is no piece
			p.kind = useless
			r.add(p.pos, "", p.name+" is never used", "delete it")
		case p.kind == shared && r.defs[p.name]:
			p.kind = useless
			r.add(p.pos, p.name, "the schema defines "+p.name+", and nobody else may add to it", "give your definition another name")
		case p.kind == shared && !isHidden(p.name) && r.shape.fields[p.name] == nil:
			p.kind = unknown
			r.add(p.pos, p.name, "unknown field", r.shape.instead(p.name)+"; helpers of your own take a hidden name, _"+p.name)
		}
	}
}

// checkAttributes refuses what would make a file mean different things to
// different readers.
func (r *fileReading) checkAttributes(file *ast.File) {
	for _, d := range file.Decls {
		a, ok := d.(*ast.Attribute)
		if !ok {
			continue
		}
		if key, _ := a.Split(); slices.Contains([]string{"if", "ignore", "extern"}, key) {
			r.add(place(a.Pos()), "", "a fleet's file takes no @"+key, "delete it; a file that is no part of the fleet may be of another package")
		}
	}
}

func (r *fileReading) checkImports() {
	for _, spec := range r.outline.imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil || isStandard(importPath) {
			continue
		}
		if _, _, ok := r.repo.inModule(importPath); !ok {
			r.add(place(spec.Pos()), "", foreignImport(importPath), "copy the package into a folder of the fleet's repository")
		}
	}
}
