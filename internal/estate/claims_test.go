package estate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linkfleet/linkfleet/internal/estate"
)

// claims writes files of claims into a fleet's folder.
func claims(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "adopt"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, "adopt", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadClaims(t *testing.T) {
	got, err := estate.ReadClaims(claims(t, map[string]string{
		"a.json":    `{"endpoint-service/a@platform/us-east-1": "vpce-svc-1", "topic/both@platform/us-east-1": "arn:aws:sns:us-east-1:1:both"}`,
		"b.json":    `{"endpoint-service/b@platform/us-east-1": "vpce-svc-2", "topic/both@platform/us-east-1": "arn:aws:sns:us-east-1:1:both"}`,
		"none.json": "{}\n",
		"notes.txt": "not read",
	}))
	if err != nil || len(got) != 3 {
		t.Errorf("claims are %v, %v; want three", got, err)
	}
}

// Whatever leaves open which object is meant is refused.
func TestClaimsAreReadStrictly(t *testing.T) {
	const one = `"endpoint-service/a@platform/us-east-1": "vpce-svc-1"`
	for _, tc := range []struct{ name, text, want string }{
		{"a key twice", `{` + one + `, "endpoint-service/a@platform/us-east-1": "vpce-svc-2"}`, `a.json says twice what "endpoint-service/a@platform/us-east-1" is`},
		{"a key twice, written otherwise", `{` + one + `, "endpoint-service/\u0061@platform/us-east-1": "vpce-svc-1"}`, `a.json says twice what "endpoint-service/a@platform/us-east-1" is`},
		{"an id twice", `{` + one + `, "endpoint-service/b@platform/us-east-1": "vpce-svc-1"}`, "cannot be both"},
		{"no address", `{"endpoint-service": "vpce-svc-1"}`, "is no address"},
		{"no id", `{"endpoint-service/a@platform/us-east-1": 7}`, "is not a JSON object of ids by address"},
		{"null", `{"endpoint-service/a@platform/us-east-1": null}`, "says no id of endpoint-service/a@platform/us-east-1"},
		{"an empty id", `{"endpoint-service/a@platform/us-east-1": ""}`, "says no id of endpoint-service/a@platform/us-east-1"},
		{"a list", `["vpce-svc-1"]`, "is not a JSON object of ids by address"},
		{"two objects", `{} {` + one + `}`, "is not a JSON object of ids by address"},
		{"an end too early", `{` + one, "is not a JSON object of ids by address"},
		{"nothing", ``, "is not a JSON object of ids by address"},
	} {
		_, err := estate.ReadClaims(claims(t, map[string]string{"a.json": tc.text}))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: the error is %v, want %q", tc.name, err, tc.want)
		}
	}
}
