package gitsource

import (
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/object"
)

// A Commit is what files are of. The zero Commit is that they are of none.
type Commit struct {
	Hash    string    // in hex
	Subject string    // the first line of the message, without control characters
	Author  string    // name, without control characters; whoever wrote it may say any
	Time    time.Time // when it was committed, in UTC
}

func commitOf(c *object.Commit) Commit {
	subject, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	return Commit{
		Hash:    c.Hash.String(),
		Subject: plain(subject),
		Author:  plain(c.Author.Name),
		Time:    c.Committer.When.UTC(),
	}
}
