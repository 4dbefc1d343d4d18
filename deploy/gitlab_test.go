package deploy_test

import (
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
		if err := schema.Validate(pipeline); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		delete(pipeline, "stages")
		pipeline["preview"].(map[string]any)["resource-group"] = "misspelt"
		if schema.Validate(pipeline) == nil {
			t.Error("the schema lets a job have a key that there is not")
		}
		onlyOneJobChanges(t, pipeline)
	}
}

// onlyOneJobChanges wants the jobs that change the fleet in one resource
// group.
func onlyOneJobChanges(t *testing.T, pipeline map[string]any) {
	t.Helper()
	for _, name := range []string{"apply", "drift"} {
		if job, _ := pipeline[name].(map[string]any); job["extends"] != ".change" {
			t.Errorf("job %s is not one of those that take turns", name)
		}
	}
	if change, _ := pipeline[".change"].(map[string]any); change["resource_group"] == nil {
		t.Error("jobs that change the fleet may run side by side")
	}
}
