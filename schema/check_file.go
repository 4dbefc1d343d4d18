package schema

import (
	"slices"
	"strconv"

	"cuelang.org/go/cue/ast"
)

// checkFile finds what a file by itself shows.
func (l *loading) checkFile(file *ast.File, o *outline, defs map[string]bool) {
	l.checkAttributes(file)
	l.checkImports(o)
	used := map[*piece]bool{}
	for _, p := range o.pieces {
		for q := range p.uses {
			used[q] = true
		}
	}
	for _, p := range o.pieces {
		if p.kind == shared {
			l.names = append(l.names, p.name)
		}
		switch {
		case p.kind == binding && !used[p]:
			p.kind = useless
			l.add(p.pos, "", p.name+" is never used", "delete it")
		case p.kind == shared && defs[p.name]:
			p.kind = useless
			l.add(p.pos, p.name, "the schema defines "+p.name+", and nobody else may add to it", "give your definition another name")
		case p.kind == shared && !isHidden(p.name) && l.shape.fields[p.name] == nil:
			p.kind = unknown
			l.unknown[p.name] = true
			l.add(p.pos, p.name, "unknown field", l.shape.instead(p.name)+"; helpers of your own take a hidden name, _"+p.name)
		}
	}
}

// checkAttributes refuses what would make a file mean different things to
// different readers.
func (l *loading) checkAttributes(file *ast.File) {
	for _, d := range file.Decls {
		a, ok := d.(*ast.Attribute)
		if !ok {
			continue
		}
		if key, _ := a.Split(); slices.Contains([]string{"if", "ignore", "extern"}, key) {
			l.add(place(a.Pos()), "", "a fleet's file takes no @"+key, "delete it; a file that is no part of the fleet may be of another package")
		}
	}
}

func (l *loading) checkImports(o *outline) {
	for _, spec := range o.imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil || isStandard(importPath) {
			continue
		}
		if _, _, ok := l.repo.inModule(importPath); !ok {
			l.add(place(spec.Pos()), "", foreignImport(importPath), "copy the package into a folder of the fleet's repository")
		}
	}
}

func (l *loading) checkSpread(outlines []*outline) {}
