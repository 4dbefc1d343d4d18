package awssim

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
)

// A quota that was changed is told; of one that was not there is only the
// default, which stays what it was.
func TestServiceQuotas(t *testing.T) {
	const endpoints, balancers = "vpc L-29B6F2EB", "elasticloadbalancing L-69A177A2"
	for _, test := range []struct {
		name                     string
		knobs                    Knobs
		of                       string
		holds, usual             float64
		holdsRefused, badRefused string
	}{
		{"never changed", Knobs{}, endpoints, 0, 50, "NoSuchResourceException", ""},
		{"never changed, and told all the same", Knobs{Choices: map[string]bool{"quotaOfDefault": true}}, balancers, 50, 50, "", ""},
		{"raised", Knobs{Quotas: map[string]int{"endpointsPerVpc": 120}}, endpoints, 120, 50, "", ""},
		{"unknown", Knobs{}, "vpc L-00000000", 0, 0, "NoSuchResourceException", "NoSuchResourceException"},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStage(t, func(w *World) { w.Knobs = test.knobs }, func(s *stage) {
				client := servicequotas.NewFromConfig(s.config(provider, "us-east-1"))
				var service, code string
				if _, err := fmt.Sscan(test.of, &service, &code); err != nil {
					t.Fatal(err)
				}
				holds, err := client.GetServiceQuota(s.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
				if test.holdsRefused != "" {
					s.refused(err, test.holdsRefused, "does not exist")
				} else if got := *must(s, holds, err).Quota.Value; got != test.holds {
					t.Errorf("it is %v, want %v", got, test.holds)
				}
				usual, err := client.GetAWSDefaultServiceQuota(s.Context(), &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
				if test.badRefused != "" {
					s.refused(err, test.badRefused, "does not exist")
				} else if got := *must(s, usual, err).Quota.Value; got != test.usual {
					t.Errorf("by default it is %v, want %v", got, test.usual)
				}
			})
		})
	}
}
