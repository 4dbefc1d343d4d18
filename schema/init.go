package schema

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// starter is what a new fleet begins with.
//
//go:embed starter
var starter embed.FS

// languageVersion is the oldest version of CUE's language that the schema
// holds for: the first whose evaluator is the one of today.
const languageVersion = "v0.13.0"

// Files are the files of a new fleet repository by their paths, with
// slashes: CUE's module file, the schema, and a small fleet to change.
func Files(name string) (map[string][]byte, error) {
	shape, err := readShape()
	if err != nil {
		return nil, err
	}
	if wants := shape.fields["fleet"].fields["name"]; !wants.allows(name) {
		return nil, fmt.Errorf("%q cannot be a fleet's name; use %s", name, wants.wants)
	}
	files := map[string][]byte{
		schemaFile:           schemaText,
		"cue.mod/module.cue": fmt.Appendf(nil, "module: \"fleet.example/%s@v0\"\nlanguage: version: %q\n", name, languageVersion),
	}
	root, err := fs.Sub(starter, "starter")
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		files[path] = bytes.ReplaceAll(text, []byte("NAME"), []byte(name))
		return err
	})
	return files, err
}

// Init writes a new fleet repository into a folder, which it makes if there
// is none, and returns the paths of the files below it. If one of the files
// exists already, Init writes nothing.
func Init(dir, name string) ([]string, error) {
	files, err := Files(name)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(files)), WriteNew(dir, files)
}

// WriteNew writes files by their paths below a folder, with slashes, and makes
// the folders they need. If one of the files exists already, it writes none.
func WriteNew(dir string, files map[string][]byte) error {
	paths := slices.Sorted(maps.Keys(files))
	for _, path := range paths {
		full := filepath.Join(dir, filepath.FromSlash(path))
		if _, err := os.Lstat(full); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists already, and linkfleet overwrites nothing; choose a new folder, or move it away", full)
		}
	}
	for _, path := range paths {
		if err := writeNew(filepath.Join(dir, filepath.FromSlash(path)), files[path]); err != nil {
			return fmt.Errorf("writing a new file of the fleet: %w", err)
		}
	}
	return nil
}

func writeNew(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// WriteSchema brings the schema in a fleet's folder to the one of this
// program, and touches nothing else. It reports whether there was anything
// to change. A schema.cue that linkfleet never wrote it leaves alone.
func WriteSchema(dir string) (changed bool, err error) {
	name := filepath.Join(dir, schemaFile)
	old, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(dir); err != nil {
			return false, fmt.Errorf("renewing the schema: %w", err)
		}
	case err != nil:
		return false, fmt.Errorf("renewing the schema: %w", err)
	case bytes.Equal(unixLines(old), schemaText):
		return false, nil
	case !bytes.HasPrefix(old, []byte(schemaMark)):
		return false, fmt.Errorf("%s is not the schema that linkfleet wrote: its first line is another; rename it if it is yours", name)
	}
	if err := os.WriteFile(name, schemaText, 0o666); err != nil {
		return false, fmt.Errorf("renewing the schema: %w", err)
	}
	return true, nil
}
