package reconcile_test

import (
	"maps"
	"testing"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/schema"
)

// Who only reads does so as a role that may do nothing else, where there is
// one.
func TestRolesOfAccounts(t *testing.T) {
	f := &schema.Fleet{Accounts: map[string]*schema.Account{
		"platform": {ID: "111111111111", Role: "linkfleet", ReadOnlyRole: "team/linkfleet-read", ExternalID: "x"},
		"risk":     {ID: "222222222222", Role: "linkfleet"},
		"partner":  {ID: "333333333333", External: true},
	}}
	for _, tc := range []struct {
		readOnly bool
		platform string
	}{
		{false, "linkfleet"},
		{true, "team/linkfleet-read"},
	} {
		want := map[string]awsapi.Account{
			"platform": {ID: "111111111111", RoleARN: "arn:aws:iam::111111111111:role/" + tc.platform, ExternalID: "x"},
			"risk":     {ID: "222222222222", RoleARN: "arn:aws:iam::222222222222:role/linkfleet"},
		}
		if got := reconcile.Accounts(f, tc.readOnly); !maps.Equal(got, want) {
			t.Errorf("Accounts(%v) are %v, want %v", tc.readOnly, got, want)
		}
	}
}
