// Command gen cuts GitHub's description of its REST API down to what linkfleet
// speaks with. The description is the file generated/api.github.com.json of
// the npm package @octokit/openapi (npm pack @octokit/openapi):
//
//	go run ./internal/forge/forgetest/gen package/generated/api.github.com.json >internal/forge/forgetest/api/github.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// operations are kept, by path.
var operations = map[string][]string{
	"/app": {"get"},
	"/app/installations/{installation_id}/access_tokens": {"post"},
	"/user":                       {"get"},
	"/repos/{owner}/{repo}/pulls": {"get"},
	"/repos/{owner}/{repo}/pulls/{pull_number}":            {"get"},
	"/repos/{owner}/{repo}/issues/{issue_number}/comments": {"get", "post"},
	"/repos/{owner}/{repo}/issues/comments/{comment_id}":   {"patch", "delete"},
	"/repos/{owner}/{repo}/statuses/{sha}":                 {"post"},
	"/repos/{owner}/{repo}/check-runs":                     {"post"},
	"/repos/{owner}/{repo}/check-runs/{check_run_id}":      {"patch"},
	"/repos/{owner}/{repo}/commits/{ref}/check-runs":       {"get"},
}

// prose is dropped, and extensions are: checks need none of it.
var prose = []string{"summary", "description", "externalDocs", "examples", "example", "tags", "deprecated", "contact", "termsOfService", "servers"}

type object = map[string]any

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen api.github.com.json >github.json")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var whole object
	if err := json.Unmarshal(text, &whole); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	small, err := cut(whole)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	return out.Encode(small)
}

// cut keeps the operations and what they refer to.
func cut(whole object) (object, error) {
	small := object{"openapi": whole["openapi"], "info": bare(whole["info"], false), "paths": object{}, "components": object{}}
	for path, methods := range operations {
		item, ok := get(whole, "paths", path).(object)
		if !ok {
			return nil, fmt.Errorf("there is no path %s", path)
		}
		kept := object{}
		for _, method := range methods {
			if item[method] == nil {
				return nil, fmt.Errorf("%s has no %s", path, method)
			}
			kept[method] = bare(item[method], false)
		}
		small["paths"].(object)[path] = kept
	}
	if err := follow(whole, small, small["paths"]); err != nil {
		return nil, err
	}
	return small, amend(small)
}

// amend says what the description leaves out: a pull request's head has no
// repository when the fork is deleted that it came from.
func amend(small object) error {
	for _, name := range []string{"pull-request", "pull-request-simple"} {
		head, _ := get(small, "components", "schemas", name, "properties", "head", "properties").(object)
		if head["repo"] == nil {
			return fmt.Errorf("schema %s has no head.repo", name)
		}
		head["repo"] = object{"allOf": []any{head["repo"]}, "nullable": true}
	}
	return nil
}

// follow brings over every component that v refers to, and those that they do.
func follow(whole, small object, v any) error {
	for _, ref := range refs(v) {
		kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
		if get(small, "components", kind, name) != nil {
			continue
		}
		component := get(whole, "components", kind, name)
		if component == nil {
			return fmt.Errorf("there is no %s", ref)
		}
		kinds := small["components"].(object)
		if kinds[kind] == nil {
			kinds[kind] = object{}
		}
		component = bare(component, false)
		kinds[kind].(object)[name] = component
		if err := follow(whole, small, component); err != nil {
			return err
		}
	}
	return nil
}

func get(v any, path ...string) any {
	for _, name := range path {
		o, _ := v.(object)
		v = o[name]
	}
	return v
}

// refs are all references in v.
func refs(v any) []string {
	var found []string
	switch v := v.(type) {
	case object:
		for name, inner := range v {
			if ref, ok := inner.(string); ok && name == "$ref" {
				found = append(found, ref)
			}
			found = append(found, refs(inner)...)
		}
	case []any:
		for _, inner := range v {
			found = append(found, refs(inner)...)
		}
	}
	return found
}

// bare is v without prose. Under "properties" and its like stand names of the
// API's own, which may be called like prose.
func bare(v any, names bool) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for name, inner := range v {
			if names || !slices.Contains(prose, name) && !strings.HasPrefix(name, "x-") {
				out[name] = bare(inner, name == "properties" || name == "responses" || name == "headers")
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = bare(v[i], false)
		}
		return out
	}
	return v
}
