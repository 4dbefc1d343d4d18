package schema

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds are how much a fleet's files may be. They are far above any fleet,
// cost next to nothing to hold, and end what is no fleet in one clear fault.
// They do not bound what CUE makes of the files, memory above all: for files
// from strangers evaluate in a process of its own. Of a zero field the one of
// [DefaultBounds] counts.
type Bounds struct {
	Files    int           // .cue files
	Entries  int           // files and folders of any kind that are passed on the way
	Depth    int           // folders within folders
	FileSize int64         // bytes of one file
	Size     int64         // bytes of all files
	Nesting  int           // brackets within brackets, in one file
	Chain    int           // operators, colons and brackets in one expression
	Time     time.Duration // reading and evaluating together
}

// DefaultBounds hold for [Load] and [LoadFS].
func DefaultBounds() Bounds {
	return Bounds{
		Files:    20_000,
		Entries:  200_000,
		Depth:    32,
		FileSize: 8 << 20,
		Size:     64 << 20,
		Nesting:  200,
		Chain:    10_000,
		Time:     10 * time.Minute,
	}
}

// orDefault fills in the zero fields.
func (b Bounds) orDefault() Bounds {
	d := DefaultBounds()
	return Bounds{
		Files:    cmp.Or(b.Files, d.Files),
		Entries:  cmp.Or(b.Entries, d.Entries),
		Depth:    cmp.Or(b.Depth, d.Depth),
		FileSize: cmp.Or(b.FileSize, d.FileSize),
		Size:     cmp.Or(b.Size, d.Size),
		Nesting:  cmp.Or(b.Nesting, d.Nesting),
		Chain:    cmp.Or(b.Chain, d.Chain),
		Time:     cmp.Or(b.Time, d.Time),
	}
}

// FS is fsys with what goes over the bounds left out: whoever reads that gets
// an [*Error] instead. Only regular files are opened, so that nothing waits
// for a pipe or reads a device, and no .cue file is read through a symbolic
// link. A folder of the fleet may be neither a submodule nor a link: what is in
// it would be missing. One FS is for one loading, because it counts.
func (b Bounds) FS(fsys fs.FS) fs.FS {
	return &boundedFS{fsys: fsys, bounds: b.orDefault(), read: map[string]bool{}}
}

// FolderFS is a fleet's folder on a disk. Nothing outside of it is read; of a
// symbolic link that leads there it is told all the same what it leads to,
// since a link to a folder is a fault.
func FolderFS(root *os.Root) fs.FS {
	files, ok := root.FS().(fs.ReadLinkFS)
	if !ok { // of another Go than the one that this is written for
		return root.FS()
	}
	return folderFS{files, root.Name()}
}

type folderFS struct {
	fs.ReadLinkFS
	dir string
}

func (f folderFS) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(f.ReadLinkFS, name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return info, err
	}
	if link, failed := f.Lstat(name); failed != nil || link.Mode()&fs.ModeSymlink == 0 {
		return nil, err
	}
	return os.Stat(filepath.Join(f.dir, filepath.FromSlash(name)))
}

// A boundedFS holds its readers to bounds.
type boundedFS struct {
	fsys   fs.FS
	bounds Bounds

	mu      sync.Mutex // imports are read side by side
	entries int
	size    int64
	read    map[string]bool // files, each counted once
}

// Open is there because every file system has it.
func (b *boundedFS) Open(name string) (fs.File, error) { return b.fsys.Open(name) }

// Stat opens nothing, which may be a pipe.
func (b *boundedFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(b.fsys, name) }

// ReadFile reads a regular file within the bounds.
func (b *boundedFS) ReadFile(name string) ([]byte, error) {
	info, err := fs.Lstat(b.fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, irregular(name, info.Mode())
	}
	if info.Size() > b.bounds.FileSize { // to open it may be to hold all of it
		return nil, b.count(name, info.Size())
	}
	file, err := b.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, b.bounds.FileSize+1))
	if err != nil {
		return nil, err
	}
	return text, cmp.Or(b.count(name, int64(len(text))), b.shallow(name, text))
}

// count counts a file that was read.
func (b *boundedFS) count(name string, size int64) error {
	if size > b.bounds.FileSize {
		return oversized(Pos{name, 1, 1}, "the file has more than %s", bytesText(b.bounds.FileSize), "split it, or take out what is no part of the fleet")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.read[name] {
		return nil
	}
	b.read[name] = true
	b.size += size
	switch {
	case len(b.read) > b.bounds.Files:
		return oversized(Pos{}, "the folder holds more than %s .cue files", fmt.Sprint(b.bounds.Files), "give the fleet's own folder")
	case b.size > b.bounds.Size:
		return oversized(Pos{}, "the .cue files have more than %s together", bytesText(b.bounds.Size), "give the fleet's own folder")
	}
	return nil
}

// ReadDir reads a folder within the bounds, a part at a time.
func (b *boundedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	const part = 1024
	if strings.Count(name, "/")+1 > b.bounds.Depth {
		return nil, oversized(Pos{}, "the folders are nested more than %s deep", fmt.Sprint(b.bounds.Depth), "give the fleet's own folder")
	}
	file, err := b.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	dir, ok := file.(fs.ReadDirFile)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.ErrUnsupported}
	}
	var all []fs.DirEntry
	for err == nil {
		var some []fs.DirEntry
		some, err = dir.ReadDir(part)
		all = append(all, some...)
		if full := b.pass(name, some); full != nil {
			return nil, full
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.SortFunc(all, func(x, y fs.DirEntry) int { return cmp.Compare(x.Name(), y.Name()) })
	return all, nil
}

// pass counts entries, and finds .cue files that are no files, and what stands
// for a folder and is none. To leave them out in silence could look as if
// services had been removed.
func (b *boundedFS) pass(dir string, entries []fs.DirEntry) error {
	for _, e := range entries {
		mode := e.Type()
		if mode.IsRegular() || mode.IsDir() {
			continue
		}
		name := path.Join(dir, e.Name())
		if isSourceName(e.Name()) {
			return irregular(name, mode)
		}
		if b.standsForFolder(name, mode) && !b.leftOut(name) {
			return noFolder(name, mode)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries += len(entries); b.entries > b.bounds.Entries {
		return oversized(Pos{}, "the folder holds more than %s files and folders", fmt.Sprint(b.bounds.Entries), "give the fleet's own folder")
	}
	return nil
}

// standsForFolder tells of a submodule, and of a symbolic link that leads to a
// folder, or to where nobody can tell: such a link is listed as irregular too.
func (b *boundedFS) standsForFolder(name string, mode fs.FileMode) bool {
	switch {
	case mode&fs.ModeIrregular != 0:
		return true
	case mode&fs.ModeSymlink == 0:
		return false
	}
	at, err := fs.Stat(b.fsys, name)
	return err == nil && at.IsDir()
}

// leftOut tells whether a folder of that name would be no part of the fleet.
func (b *boundedFS) leftOut(name string) bool {
	for at := name; at != "."; at = path.Dir(at) {
		if skipFolder(b.fsys, at) {
			return true
		}
	}
	return false
}

// shallow refuses a text on which CUE's parser would run out of stack. It
// looks at bytes, not at tokens: brackets in strings count too, and there are
// never that many.
func (b *boundedFS) shallow(name string, text []byte) error {
	pos := Pos{name, 1, 0}
	depth, chain, joined := 0, 0, false
	for _, c := range text {
		pos.Column++
		switch c {
		case '\n':
			if pos.Line, pos.Column = pos.Line+1, 0; !joined {
				chain = 0
			}
			continue
		case ' ', '\t', '\r':
			continue
		case ',':
			chain = 0
		case '(', '[', '{':
			depth++
			chain++
		case ')', ']', '}':
			depth = max(depth-1, 0)
		case ':', '&', '|', '+', '-', '*', '/', '!', '<', '>', '=', '.', '?':
			chain++
		}
		joined = strings.IndexByte(":&|+-*/!<>=.?", c) >= 0
		switch {
		case depth > b.bounds.Nesting:
			return oversized(pos, "brackets are nested more than %s deep here", fmt.Sprint(b.bounds.Nesting), "write the value in several fields")
		case chain > b.bounds.Chain:
			return oversized(pos, "one expression goes on for more than %s parts here", fmt.Sprint(b.bounds.Chain), "write it in several fields")
		}
	}
	return nil
}

// tooSlow is that the time ran out.
func tooSlow(after time.Duration) error {
	return &Error{
		Message: fmt.Sprintf("the fleet's files take longer than %s to evaluate", after),
		Mend:    "look for definitions that refer to each other many times over",
	}
}

func oversized(pos Pos, format, bound, mend string) error {
	return &Error{Pos: pos, Message: fmt.Sprintf(format, bound), Mend: mend}
}

func irregular(name string, mode fs.FileMode) error {
	what := "no regular file"
	if mode&fs.ModeSymlink != 0 {
		what = "a symbolic link"
	}
	return &Error{
		Pos:     Pos{name, 1, 1},
		Message: "this is " + what + ", and linkfleet reads only the files themselves",
		Mend:    "put the file itself here",
	}
}

// noFolder is that a folder's files are not here.
func noFolder(name string, mode fs.FileMode) error {
	message := "this is a submodule, which is not fetched"
	if mode&fs.ModeSymlink != 0 {
		message = "this is a symbolic link to a folder, and linkfleet reads only the files themselves"
	}
	return &Error{Pos: Pos{name, 1, 1}, Message: message, Mend: "put the folder itself here"}
}

// bytesText is a size as people say it.
func bytesText(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
