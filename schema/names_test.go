package schema

import (
	"strings"
	"testing"
)

func TestCheckServiceName(t *testing.T) {
	for _, name := range []string{"fraud", "a", "a-1", strings.Repeat("a", 20)} {
		if err := CheckServiceName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "services/fraud", "Fraud", "-a", "internal-pay", "sg-pay", "a b", "fraud\n", strings.Repeat("a", 21)} {
		if err := CheckServiceName(name); err == nil || !strings.Contains(err.Error(), "at most 20") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
