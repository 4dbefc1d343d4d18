package deploy_test

import (
	"maps"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func TestGitLabPipeline(t *testing.T) {
	f, err := os.Open("testdata/gitlab-ci.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	const id = "https://gitlab.com/.gitlab-ci.yml"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(id, text); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files(t, "gitlab/.gitlab-ci.yml") {
		var pipeline map[string]any
		if err := yaml.Unmarshal([]byte(text), &pipeline); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		extend(pipeline)
		if err := schema.Validate(pipeline); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		onlyOneJobChanges(t, pipeline)
	}
}

// extend makes the jobs what GitLab makes of them: of what a job extends,
// maps are merged and all else is replaced. The schema looks into no job whose
// name begins with a dot.
func extend(pipeline map[string]any) {
	var whole func(job map[string]any) map[string]any
	whole = func(job map[string]any) map[string]any {
		parent, _ := job["extends"].(string)
		if parent == "" {
			return job
		}
		under, _ := pipeline[parent].(map[string]any)
		return merged(whole(under), job)
	}
	for name, job := range pipeline {
		if job, ok := job.(map[string]any); ok && job["script"] != nil {
			pipeline[name] = whole(job)
		}
	}
}

func merged(under, over map[string]any) map[string]any {
	all := maps.Clone(under)
	for key, value := range over {
		below, isMap := all[key].(map[string]any)
		above, alsoMap := value.(map[string]any)
		if isMap && alsoMap {
			value = merged(below, above)
		}
		all[key] = value
	}
	return all
}

// onlyOneJobChanges wants the jobs that change the fleet in one resource
// group, and with the state folder.
func onlyOneJobChanges(t *testing.T, pipeline map[string]any) {
	t.Helper()
	for _, name := range []string{"apply", "drift"} {
		job, _ := pipeline[name].(map[string]any)
		if job["resource_group"] != "linkfleet" || job["cache"] == nil {
			t.Errorf("job %s may run beside the other, or forgets what was applied", name)
		}
	}
}
