package schema

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	cueerrors "cuelang.org/go/cue/errors"
)

// checkSpread finds what linkfleet sees and cue does not. All files of a
// fleet are one to linkfleet; cue vet ./... takes each folder by itself, with
// those above it. What belongs together must not lie in folders side by side
// if cue would miss a part of it. Only such folders are evaluated again, as
// cue does.
func (l *loading) checkSpread(ctx context.Context, outlines []*outline) error {
	var folders []folder
	for _, name := range folderNames(outlines) {
		f := folder{name: name, visible: visible(outlines, name)}
		if u, ok := f.unit(outlines); ok {
			f.evaluated = u
			folders = append(folders, f)
		}
	}
	results := make([]faults, len(folders))
	err := sideBySide(ctx, len(folders), func(i int) { results[i] = l.vetFolder(folders[i]) })
	for _, r := range results {
		l.join(r)
	}
	return err
}

// A folder is one that holds files of the fleet.
type folder struct {
	name      string
	visible   []*outline // the files that cue sees from it
	evaluated unit
}

func folderNames(outlines []*outline) []string {
	names := map[string]bool{}
	for _, o := range outlines {
		names[path.Dir(o.file.name)] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// visible are the files in a folder and in those above it.
func visible(outlines []*outline, name string) []*outline {
	var out []*outline
	for _, o := range outlines {
		dir := path.Dir(o.file.name)
		if dir == "." || dir == name || strings.HasPrefix(name, dir+"/") {
			out = append(out, o)
		}
	}
	return out
}

// unit is what to evaluate to know what cue makes of the folder; ok is false
// if that is nothing else than what the whole fleet makes of it.
func (f folder) unit(outlines []*outline) (u unit, ok bool) {
	if len(f.visible) == len(outlines) {
		return unit{}, false
	}
	all, here := newDivision(outlines), newDivision(f.visible)
	if all.whole != "" {
		return wholeUnit(f.visible), true
	}
	keep := map[*piece]bool{}
	services := false
	for _, o := range f.visible {
		if path.Dir(o.file.name) != f.name {
			continue
		}
		for _, p := range o.pieces {
			switch p.kind {
			case service:
				services = true
				ok = ok || len(here.own[p.name]) != len(all.own[p.name])
				here.need(keep, here.own[p.name])
			case shared:
				ok = ok || len(here.named[p.name]) != len(all.named[p.name])
				here.need(keep, here.named[p.name])
			case template:
				services = true
				for _, own := range here.own {
					here.need(keep, own)
				}
			}
		}
	}
	if services {
		here.need(keep, here.templates)
		ok = ok || len(here.templates) != len(all.templates)
	}
	for p := range keep {
		for name := range p.names {
			ok = ok || len(here.named[name]) != len(all.named[name])
		}
	}
	return unit{services: true, outlines: f.visible, keep: keep}, ok
}

// vetFolder says what cue vet would refuse in a folder.
func (l *loading) vetFolder(f folder) faults {
	in := &reading{known: map[string]bool{}}
	refused := func(err error) {
		for _, e := range cueerrors.Errors(err) {
			pos, _ := authorsPositions(e)
			in.add(pos, pathText(e.Path()), "cue vet, which sees the folder "+f.name+" and those above it, misses a part of this: "+missed(e),
				"write what belongs together in one folder, or in one above")
		}
	}
	v, top, err := l.repo.evaluate(f.evaluated, refused)
	if err == nil {
		err = vet(v)
	}
	refused(err)
	for _, fault := range in.errs {
		if p := top.walk(strings.Split(fault.Path, ".")).pos(); fault.Pos.File == "" {
			fault.Pos = p
		}
	}
	return in.faults
}

// missed is what CUE says of a value that lacks a part.
func missed(e cueerrors.Error) string {
	message := messageOf(e)
	if strings.HasPrefix(message, "incomplete value") {
		return "the value is left open"
	}
	return message
}
