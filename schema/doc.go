// Package schema is the fleet language: the CUE schema that every fleet
// repository carries, and [Load], which turns a folder of CUE files into a
// typed [Fleet] or into every fault of the author's text at once, each with
// file:line:column and how to mend it.
//
// What a fleet may say stands in schema.cue; what CUE has no words for is
// checked here. Plain cue vet refuses nothing that Load accepts.
//
// Load evaluates services a few at a time, with what they name elsewhere,
// instead of all at once: that takes a fraction of the memory, uses all
// processors, and gives the same answers, because services do not see one
// another. Where they do, it evaluates the whole.
//
// The package knows CUE and nothing of AWS's API: what only live AWS can
// tell is checked elsewhere. It fetches nothing.
package schema
