package schema

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// TestExternalIDsStayHidden is wrong about an external id in every way there
// is.
func TestExternalIDsStayHidden(t *testing.T) {
	const planted = "PLANTED"
	for i, text := range []string{
		`accounts: risk: externalId: "PLANTED with spaces"`,
		`accounts: risk: externalId: "PLANTED1" & "PLANTED2"`,
		"accounts: risk: externalId: \"PLANTED1\"\naccounts: risk: externalId: \"PLANTED2\"",
		`accounts: risk: externalId: ["PLANTED"]`,
		`accounts: risk: externalId: {a: "PLANTED"}`,
		`accounts: risk: externalId: "PLANTED \(_nothing)"`,
		`accounts: risk: externalId: "PLANTED" + 5`,
		`accounts: risk: externalId: 'PLANTED'`,
		`accounts: risk: externalId: #"PLANTED!"#`,
		`accounts: risk: externalID: "PLANTED"`,
		`accounts: risk: {id: 5, externalId: "PLANTED"} | 7`,
		`accounts: risk: 5 & {externalId: "PLANTED"}`,
		`accounts: {risk: 5} & {risk: {"externalId": "PLANTED"}}`,
		`accounts: partner: externalId: "PLANTED"`,
		`accounts: other: {id: "444444444444", external: true, externalId: "PLANTED"}`,
		`services: pay: {externalId: "PLANTED"}`,
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			files := baseFleet(t)
			files["a.cue"] = &fstest.MapFile{Data: []byte("package fleet\n\n" + text + "\n")}
			_, warnings, err := LoadFS(t.Context(), files, testDay)
			if err == nil {
				t.Error("no fault")
			}
			if told := fmt.Sprint(err, warnings); strings.Contains(told, planted) {
				t.Errorf("%s\ntells:\n%s", text, told)
			}
		})
	}
}
