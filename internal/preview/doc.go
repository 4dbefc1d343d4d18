// Package preview writes what is posted on a pull request: the comment, the
// commit status beside it, and the annotations of lines.
//
// It is pure: no AWS, no forge, no Git, no clock. The same input gives the
// same bytes. Whatever comes from the fleet's authors or from AWS is shown
// and never obeyed: it is no markup, mentions nobody, and refers to nothing.
package preview
