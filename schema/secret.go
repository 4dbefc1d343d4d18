package schema

import (
	"regexp"
	"strings"
)

// External ids stand in a fleet's files, and are nobody's business beyond
// them: faults go into logs and comments.

// revealing is what a value could stand in, in a message.
var revealing = regexp.MustCompile("[\"'#0-9_{]")

// quoted is an external id in a message that quotes the struct around it.
var quoted = regexp.MustCompile(`(externalId"?[?!]?:\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,}]+)`)

// discreet is a message about a path without the external ids in it.
func discreet(path, message string) string {
	if path == "externalId" || strings.HasSuffix(path, ".externalId") {
		if revealing.MatchString(message) {
			return "does not fit"
		}
		return message
	}
	return quoted.ReplaceAllString(message, "$1(hidden)")
}
