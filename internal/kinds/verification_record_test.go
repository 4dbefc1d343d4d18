package kinds

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/planner"
)

func txtSet(name string, ttl int64, vs ...string) *dnstypes.ResourceRecordSet {
	set := &dnstypes.ResourceRecordSet{Name: aws.String(name), Type: dnstypes.RRTypeTxt, TTL: aws.Int64(ttl)}
	for _, v := range vs {
		set.ResourceRecords = append(set.ResourceRecords, dnstypes.ResourceRecord{Value: aws.String(v)})
	}
	return set
}

var dnsPlace = &Place{Place: &awsapi.Place{Place: planner.Place{Account: "dns", Region: planner.Global}}, Fleet: "payments"}

func TestRecordItems(t *testing.T) {
	c := claim{"payments", "verification-record/fraud", "vpce:one"}
	for _, tc := range []struct {
		name  string
		set   *dnstypes.ResourceRecordSet
		value string
		none  bool
	}{
		{"ours alone", txtSet("_a.Example.com.", 60, `"vpce:one"`, quoteTXT(c.text())), "vpce:one", false},
		{"with a stranger's", txtSet("_a.example.com.", 60, spf, `"vpce:one"`, quoteTXT(c.text())), "vpce:one", false},
		{"token taken out", txtSet("_a.example.com.", 1800, quoteTXT(c.text())), "", false},
		{"token without claim", txtSet("_a.example.com.", 1800, `"vpce:one"`), "", true},
		{"another fleet's", txtSet("_a.example.com.", 1800, quoteTXT(claim{"else", c.address, "t"}.text())), "", true},
		{"another kind's", txtSet("_a.example.com.", 1800, quoteTXT(claim{"payments", "topic/x", "t"}.text())), "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			items := recordItems(dnsPlace, "Z1", *tc.set)
			if tc.none {
				if len(items) > 0 {
					t.Fatalf("taken for ours: %+v", items)
				}
				return
			}
			want := recordSpec{Zone: "Z1", Name: planner.Known("_a.example.com"), Value: planner.Known(tc.value)}
			if len(items) != 1 || !sameRecordSpec(items[0].Spec, want) {
				t.Fatalf("items are %+v, want one of %+v", items, want)
			}
			if got := items[0].Addr; got.Path() != c.address || got.Place != dnsPlace.Place.Place {
				t.Errorf("the address is %s", got)
			}
		})
	}
}

func sameRecordSpec(a, b recordSpec) bool {
	return a.Zone == b.Zone && a.Name.Known == b.Name.Known && a.Value.Known == b.Value.Known
}

func TestRecordChanges(t *testing.T) {
	c := claim{"payments", "verification-record/fraud", "vpce:one"}
	put := func(vs []string) []string { return assert(c, vs) }
	drop := func(vs []string) []string { return release("payments", c.address, vs) }
	ours := assert(c, nil)
	for _, tc := range []struct {
		name string
		old  *dnstypes.ResourceRecordSet
		edit func([]string) []string
		want *dnstypes.ResourceRecordSet // nil: no set is left
		none bool
	}{
		{"first of its name", nil, put, txtSet("n", 1800, ours...), false},
		{"beside a stranger's, whose TTL stays", txtSet("n", 300, spf), put, txtSet("n", 300, append([]string{spf}, ours...)...), false},
		{"as it is, in another order", txtSet("n", 1800, ours[1], ours[0]), put, nil, true},
		{"of another TTL", txtSet("n", 60, ours[0]), put, txtSet("n", 60, ours...), false},
		{"last of its name", txtSet("n", 1800, ours...), drop, nil, false},
		{"a stranger's stays", txtSet("n", 300, append([]string{spf}, ours...)...), drop, txtSet("n", 300, spf), false},
		{"nothing to drop", nil, drop, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			changes := recordChanges("n", tc.old, tc.edit)
			if tc.none {
				if len(changes) > 0 {
					t.Fatalf("changes are %+v", changes)
				}
				return
			}
			if tc.old != nil {
				if changes[0].Action != dnstypes.ChangeActionDelete || changes[0].ResourceRecordSet != tc.old {
					t.Fatalf("the first change is not the deletion of what was read: %+v", changes[0])
				}
				changes = changes[1:]
			}
			if tc.want == nil {
				if len(changes) > 0 {
					t.Fatalf("left is %+v", changes)
				}
				return
			}
			if len(changes) != 1 || changes[0].Action != dnstypes.ChangeActionCreate || !sameRecordSet(changes[0].ResourceRecordSet, tc.want) {
				t.Fatalf("changes are %+v, want the creation of %+v", changes, tc.want)
			}
		})
	}
}

func TestRecordName(t *testing.T) {
	for _, tc := range []struct{ label, name, want string }{
		{"_abc", "fraud.example.com", "_abc.fraud.example.com"},
		{"_ABC.", "Fraud.example.com.", "_abc.fraud.example.com"},
		{"_abc", "*.example.com", "_abc.example.com"},
		{"", "*.example.com", "example.com"},
		{"", "fraud.example.com", "fraud.example.com"},
		{"_abc.example.com", "example.com", "_abc.example.com"},
	} {
		if got := recordName(tc.label, tc.name); got != tc.want {
			t.Errorf("recordName(%q, %q) is %q, want %q", tc.label, tc.name, got, tc.want)
		}
	}
}

func TestServiceOfName(t *testing.T) {
	if got := serviceOfName(privateNameID("vpce-svc-1")); got != "vpce-svc-1" {
		t.Errorf("the service of its own name is %q", got)
	}
}

func TestClaimsComeFromAnyQuoting(t *testing.T) {
	c := claim{"payments", "verification-record/fraud", "vpce:one"}
	text := c.text()
	split := quoteTXT(text[:10]) + quoteTXT(text[10:])
	if got := claimsOf("payments", []string{split}); !slices.Equal(got, []claim{c}) {
		t.Errorf("claims are %+v", got)
	}
}
