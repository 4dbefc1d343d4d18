package awsapi_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/planner"
)

const recordsAccount = "111111111111"

// onRecords runs a test on the records of table in a simulated AWS, in
// virtual time.
func onRecords(t *testing.T, table string, test func(t *testing.T, sim *awssim.Sim, r *awsapi.Records)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim, err := awssim.New(awssim.Options{World: awssim.World{Accounts: map[string]awssim.WorldAccount{
			recordsAccount: {Regions: map[string]awssim.WorldRegion{"us-east-1": {Tables: map[string]awssim.WorldTable{
				"leases": {HashKey: awsapi.RecordKey}, "other": {HashKey: "pk"},
			}}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		api, err := awsapi.New(t.Context(), awsapi.Options{
			Accounts:    map[string]awsapi.Account{"home": {ID: recordsAccount}},
			Credentials: &awsapi.Credentials{AccessKeyID: recordsAccount, SecretAccessKey: "x"},
			Transport:   sim.Client().Transport,
		})
		if err != nil {
			t.Fatal(err)
		}
		place, err := api.Place(t.Context(), planner.Place{Account: "home", Region: "us-east-1"})
		if err != nil {
			t.Fatal(err)
		}
		test(t, sim, place.Records(table))
	})
}

func TestRecords(t *testing.T) {
	onRecords(t, "leases", func(t *testing.T, _ *awssim.Sim, r *awsapi.Records) {
		put := func(want bool, next, was map[string]string) {
			t.Helper()
			if ok, err := r.PutIf(t.Context(), "payments", next, was); err != nil || ok != want {
				t.Errorf("PutIf: %v, %v, want %v", ok, err, want)
			}
		}
		get := func(want map[string]string) {
			t.Helper()
			got, err := r.Get(t.Context(), "payments")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		first := map[string]string{"version": "1", "who": "alice", "empty": ""}
		second := map[string]string{"version": "2"}
		get(nil)
		put(false, first, map[string]string{})
		put(true, first, nil)
		put(false, second, nil)
		get(first)
		put(false, second, map[string]string{"version": "1", "who": "bob"})
		put(false, second, map[string]string{"ghost": ""})
		put(true, second, map[string]string{"version": "1", "who": "alice", "empty": ""})
		get(second)
		put(true, map[string]string{}, map[string]string{})
		get(map[string]string{})
	})
}

// A write whose answer was lost is sent again, and says that it found another
// record: its own.
func TestRecordsLostAnswer(t *testing.T) {
	onRecords(t, "leases", func(t *testing.T, sim *awssim.Sim, r *awsapi.Records) {
		if err := sim.Inject(awssim.Fault{Service: "dynamodb", Operation: "PutItem", Nth: 1, Effect: awssim.FaultLost}); err != nil {
			t.Fatal(err)
		}
		if ok, err := r.PutIf(t.Context(), "payments", map[string]string{"version": "1"}, nil); ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
		if got, err := r.Get(t.Context(), "payments"); err != nil || got["version"] != "1" {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestRecordsExplainTheTable(t *testing.T) {
	for table, want := range map[string]string{
		"ghost": "there is no DynamoDB table ghost; make it with a partition key fleet of type String: ",
		"other": "the DynamoDB table other cannot keep the record; it needs a partition key fleet of type String, and no sort key: ",
	} {
		t.Run(table, func(t *testing.T) {
			onRecords(t, table, func(t *testing.T, _ *awssim.Sim, r *awsapi.Records) {
				if _, err := r.Get(t.Context(), "payments"); err == nil || !strings.HasPrefix(awsapi.Explain(err), want) {
					t.Errorf("Get: %s", awsapi.Explain(err))
				}
				if _, err := r.PutIf(t.Context(), "payments", nil, nil); err == nil || !strings.HasPrefix(awsapi.Explain(err), want) {
					t.Errorf("PutIf: %s", awsapi.Explain(err))
				}
			})
		})
	}
}
