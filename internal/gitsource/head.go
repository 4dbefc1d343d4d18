package gitsource

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// A Checkout is a folder of files, and the commit that they are of.
type Checkout struct {
	Commit
	// Dirty is that the CUE files in the folder are not as the commit has
	// them: changed, added or taken away. Other files do not count, and
	// neither do folders beside it.
	Dirty bool
}

// Head is the commit that the repository around a folder is at. It is the
// zero Checkout where there is no repository around it, or one without a
// commit.
//
// Only the folder itself is compared with the commit, so that a small fleet
// in a large repository costs little.
func Head(dir string) (Checkout, error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return Checkout{}, nil
	}
	if err != nil {
		return Checkout{}, fmt.Errorf("opening the Git repository around %s: %w", dir, err)
	}
	head, err := repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return Checkout{}, nil
	}
	if err != nil {
		return Checkout{}, fmt.Errorf("reading the HEAD of the Git repository around %s: %w", dir, err)
	}
	commit, err := repo.CommitObject(head.Hash())
	if err != nil {
		return Checkout{}, fmt.Errorf("reading commit %s of the Git repository around %s: %w", head.Hash(), dir, err)
	}
	dirty, err := isDirty(repo, commit, dir)
	if err != nil {
		return Checkout{}, fmt.Errorf("comparing %s with commit %s: %w", dir, head.Hash(), err)
	}
	return Checkout{Commit: commitOf(commit), Dirty: dirty}, nil
}

func isDirty(repo *git.Repository, at *object.Commit, dir string) (bool, error) {
	inRepo, err := pathInRepository(repo, dir)
	if err != nil {
		return false, err
	}
	committed, err := committedFiles(at, inRepo)
	if err != nil {
		return false, err
	}
	return differs(dir, committed)
}

// pathInRepository is dir as the repository's trees name it; "." is the root.
func pathInRepository(repo *git.Repository, dir string) (string, error) {
	worktree, err := repo.Worktree()
	if err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(worktree.Filesystem.Root())
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	rel, err := filepath.Rel(root, dir)
	return filepath.ToSlash(rel), err
}

// committedFiles are the CUE files that a commit has in a folder, by their
// paths below it. A folder the commit does not have has none.
func committedFiles(at *object.Commit, folder string) (map[string]*object.File, error) {
	tree, err := at.Tree()
	if err == nil && folder != "." {
		tree, err = tree.Tree(folder)
	}
	if errors.Is(err, object.ErrDirectoryNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	files := map[string]*object.File{}
	err = tree.Files().ForEach(func(f *object.File) error {
		if isCUE(f.Name) {
			files[f.Name] = f
		}
		return nil
	})
	return files, err
}

// differs tells whether the CUE files in a folder are other than the
// committed ones.
func differs(dir string, committed map[string]*object.File) (bool, error) {
	same := 0
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.IsDir(), !isCUE(name):
			return nil
		}
		file := committed[name]
		if file == nil {
			return errDiffers
		}
		same++
		return compare(filepath.Join(dir, filepath.FromSlash(name)), file)
	})
	if errors.Is(err, errDiffers) {
		return true, nil
	}
	return same < len(committed), err
}

// errDiffers ends the comparison at the first difference.
var errDiffers = errors.New("the files differ")

// compare holds a file against the committed one. Line ends do not count:
// Git may be set to change them on checkout.
func compare(name string, committed *object.File) error {
	read := os.ReadFile
	if committed.Mode == filemode.Symlink {
		read = func(name string) ([]byte, error) {
			to, err := os.Readlink(name)
			return []byte(filepath.ToSlash(to)), err
		}
	}
	now, err := read(name)
	if err != nil {
		return err
	}
	then, err := contents(committed)
	if err != nil {
		return err
	}
	if !bytes.Equal(unixLines(now), unixLines(then)) {
		return errDiffers
	}
	return nil
}

func contents(f *object.File) ([]byte, error) {
	r, err := f.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close() // of an object that was read
	return io.ReadAll(r)
}

func unixLines(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

func isCUE(name string) bool { return strings.EqualFold(path.Ext(name), ".cue") }
