package gitsource

import (
	"bytes"
	"io"
	"io/fs"
)

// An openFile is a file of a tree, being read.
type openFile struct {
	node
	*bytes.Reader
}

func newOpenFile(n node, text []byte) *openFile {
	n.size = int64(len(text))
	return &openFile{node: n, Reader: bytes.NewReader(text)}
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFile) Close() error               { return nil }

// Size is the file's, as both parts of it say.
func (f *openFile) Size() int64 { return f.node.size }

// An openFolder is a folder of a tree, being listed.
type openFolder struct {
	node
	rest []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFolder) Close() error               { return nil }

func (f *openFolder) Read([]byte) (int, error) {
	_, err := f.read("read", f.name)
	return 0, err
}

func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.rest)
	} else if len(f.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.rest))
	some := f.rest[:n:n]
	f.rest = f.rest[n:]
	return some, nil
}

// An openLink is a symbolic link itself. There is nothing to read in it.
type openLink struct{ node }

func (f *openLink) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openLink) Close() error               { return nil }

func (f *openLink) Read([]byte) (int, error) {
	_, err := f.read("read", f.name)
	return 0, err
}
