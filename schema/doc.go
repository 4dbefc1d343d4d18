// Package schema is the fleet language: the CUE schema and Load, which turns
// a folder of CUE files into a typed [Fleet] or into every fault of the
// author's text at once, each with file:line:column and how to mend it.
//
// It knows CUE and nothing of AWS's API: what only live AWS can tell is
// checked elsewhere.
package schema
