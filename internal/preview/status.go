package preview

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A State is a commit status's.
type State string

// The states, in the words that GitHub and Gitea have for them.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure"
)

// longestDescription is how many characters GitHub takes.
// https://docs.github.com/en/rest/commits/statuses
const longestDescription = 140

// Status is the commit status beside the comment, and its description of at
// most 140 characters of plain text. It is pending while nothing is known,
// and a failure if there is no plan, or one that does not see everything. What
// is blocked or over a limit does not make it one: the plan shows it, and the
// apply does the rest or refuses.
func Status(in Input) (State, string) {
	state, text := Success, in.outcome()
	switch err := in.firstError(); {
	case len(in.Conflicts) > 0:
		state = Failure
	case err != nil:
		state, text = Failure, firstSentence(err.Error())
	case in.Plan == nil && in.Is == nil:
		state = Pending
	}
	return state, clip(capital(planner.Clean(text)), longestDescription)
}

// firstSentence ends at a full stop before a space, or with the line.
func firstSentence(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text, _, _ = strings.Cut(text, ". ")
	return strings.TrimSuffix(text, ".")
}

// capital makes the beginning of a sentence, where that is a word and no name
// of a file.
func capital(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if word == "" || strings.ContainsAny(word, "./:") {
		return text
	}
	first, size := utf8.DecodeRuneInString(text)
	return strings.ToUpper(string(first)) + text[size:]
}

// An Annotation is a remark on a line of a file.
type Annotation struct {
	Path         string // in the repository, with slashes
	Line, Column int    // from 1
	Level        Level
	Message      string // plain text, one line
}

// A Level is how grave an annotation is.
type Level string

// The levels, in GitHub's words.
const (
	LevelFailure Level = "failure"
	LevelWarning Level = "warning"
)

// Annotations are the faults and the warnings that have a place in the files.
func Annotations(in Input) []Annotation {
	var all []Annotation
	add := func(pos schema.Pos, level Level, parts ...string) {
		if pos.File == "" {
			return
		}
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		all = append(all, Annotation{
			Path: in.inRepository(pos.File), Line: pos.Line, Column: pos.Column,
			Level: level, Message: planner.Clean(strings.Join(parts, "; ")),
		})
	}
	for _, f := range schema.Faults(in.Invalid) {
		add(f.Pos, LevelFailure, f.Message, f.Mend)
	}
	for _, w := range in.Warnings {
		add(w.Pos, LevelWarning, w.Message, w.Mend)
	}
	return all
}
