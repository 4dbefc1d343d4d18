package kinds

import (
	"slices"
	"strings"
	"testing"
)

func TestQuoteTXT(t *testing.T) {
	for _, tc := range []struct{ text, quoted string }{
		{"", `""`},
		{"vpce:abc", `"vpce:abc"`},
		{`say "hi" \ bye`, `"say \"hi\" \\ bye"`},
		{"é", `"\303\251"`},
		{strings.Repeat("x", 256), `"` + strings.Repeat("x", 255) + `" "x"`},
	} {
		if got := quoteTXT(tc.text); got != tc.quoted {
			t.Errorf("quoteTXT(%q) is %s, want %s", tc.text, got, tc.quoted)
		}
		if got := unquoteTXT(tc.quoted); got != tc.text {
			t.Errorf("unquoteTXT(%s) is %q, want %q", tc.quoted, got, tc.text)
		}
	}
}

func FuzzQuoteTXT(f *testing.F) {
	f.Add(`"\001`)
	f.Fuzz(func(t *testing.T, text string) {
		if got := unquoteTXT(quoteTXT(text)); got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
	})
}

func TestUnquoteTXTOfStrangers(t *testing.T) {
	for value, text := range map[string]string{
		`plain`: "", `"open`: "open", `"a""b"`: "ab", `"\"`: `"`, `"\7"`: "7", `"\777"`: "777",
	} {
		if got := unquoteTXT(value); got != text {
			t.Errorf("unquoteTXT(%s) is %q, want %q", value, got, text)
		}
	}
}

func TestClaimReadsBack(t *testing.T) {
	c := claim{"payments", "verification-record/fraud", "vpce:a,b=c"}
	got, ok := parseClaim(c.text())
	if !ok || got != c {
		t.Errorf("%q reads as %+v, %v", c.text(), got, ok)
	}
	for _, text := range []string{"", "v=spf1 -all", "linkfleet:fleet=payments", "linkfleet:fleet=a,linkfleet:address=b"} {
		if c, ok := parseClaim(text); ok {
			t.Errorf("%q reads as the claim %+v", text, c)
		}
	}
}

const spf = `"v=spf1 -all"`

func TestAssertAndRelease(t *testing.T) {
	fraud := claim{"payments", "verification-record/fraud", "vpce:one"}
	other := claim{"payments", "verification-record/other", "vpce:two"}
	theirs := claim{"elsewhere", "verification-record/fraud", "vpce:three"}

	vs := assert(fraud, []string{spf})
	vs = assert(other, vs)
	vs = assert(theirs, vs)
	want := []string{spf, `"vpce:one"`, quoteTXT(fraud.text()), `"vpce:two"`, quoteTXT(other.text()), `"vpce:three"`, quoteTXT(theirs.text())}
	if !slices.Equal(vs, want) {
		t.Fatalf("values are %v, want %v", vs, want)
	}
	if again := assert(fraud, vs); !sameTexts(again, vs) {
		t.Errorf("asserting twice gives %v", again)
	}
	renewed := fraud
	renewed.token = "vpce:new"
	if got := assert(renewed, vs); slices.Contains(got, `"vpce:one"`) || !slices.Contains(got, `"vpce:new"`) {
		t.Errorf("a new token beside the old: %v", got)
	}
	got := release("payments", fraud.address, vs)
	if want := without(want, []string{`"vpce:one"`, quoteTXT(fraud.text())}); !slices.Equal(got, want) {
		t.Errorf("released are %v, want %v", got, want)
	}
}

func TestReleaseKeepsASharedToken(t *testing.T) {
	a := claim{"payments", "verification-record/a", "vpce:one"}
	b := claim{"payments", "verification-record/b", "vpce:one"}
	got := release("payments", a.address, assert(b, assert(a, nil)))
	if !sameTexts(got, []string{`"vpce:one"`, quoteTXT(b.text())}) {
		t.Errorf("left are %v", got)
	}
}
