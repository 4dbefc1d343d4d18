package kinds

import (
	"fmt"
	"slices"
	"strings"
)

// A TXT value travels in Route 53's form: one or more strings in quotation
// marks, of at most 255 characters each, that count as one text. What is not
// printable ASCII is \ and three octal digits.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html#TXTFormat

// stringLimit is the longest string of a TXT value (RFC 1035, section 3.3).
const stringLimit = 255

// quoteTXT puts a text into Route 53's form.
func quoteTXT(text string) string {
	var quoted []string
	for chunk := range slices.Chunk([]byte(text), stringLimit) {
		var b strings.Builder
		for _, c := range chunk {
			switch {
			case c == '"' || c == '\\':
				b.WriteByte('\\')
				b.WriteByte(c)
			case c < ' ' || c > '~':
				fmt.Fprintf(&b, `\%03o`, c)
			default:
				b.WriteByte(c)
			}
		}
		quoted = append(quoted, `"`+b.String()+`"`)
	}
	if quoted == nil {
		return `""`
	}
	return strings.Join(quoted, " ")
}

// unquoteTXT reads a value back into its text. What is outside quotation
// marks separates strings.
func unquoteTXT(value string) string {
	var b strings.Builder
	inside := false
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '"':
			inside = !inside
		case !inside:
		case c == '\\' && i+3 < len(value) && isOctal(value[i+1:i+4]):
			b.WriteByte((value[i+1]-'0')<<6 | (value[i+2]-'0')<<3 | (value[i+3] - '0'))
			i += 3
		case c == '\\' && i+1 < len(value):
			i++
			b.WriteByte(value[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isOctal tells whether three characters are a byte in octal.
func isOctal(s string) bool {
	return s[0] >= '0' && s[0] <= '3' && strings.Trim(s, "01234567") == ""
}

// A claim is what linkfleet writes beside a token into a TXT record: whose
// the token is. Records take no tags.
type claim struct{ fleet, address, token string }

// The words of a claim's text. The fleet and address are those of the tags.
const claimToken = "linkfleet:value"

func (c claim) text() string {
	return fmt.Sprintf("%s=%s,%s=%s,%s=%s", TagFleet, c.fleet, TagAddress, c.address, claimToken, c.token)
}

// parseClaim reads what text wrote. The token may hold any character.
func parseClaim(text string) (c claim, ok bool) {
	rest, ok := strings.CutPrefix(text, TagFleet+"=")
	if !ok {
		return claim{}, false
	}
	if c.fleet, rest, ok = strings.Cut(rest, ","+TagAddress+"="); !ok {
		return claim{}, false
	}
	c.address, c.token, ok = strings.Cut(rest, ","+claimToken+"=")
	return c, ok
}

// claimsOf are the claims of a fleet among TXT values.
func claimsOf(fleet string, vs []string) []claim {
	var cs []claim
	for _, v := range vs {
		if c, ok := parseClaim(unquoteTXT(v)); ok && c.fleet == fleet {
			cs = append(cs, c)
		}
	}
	return cs
}

// release takes an address's claims and their tokens out of TXT values. A
// token that another claim of the fleet covers stays.
func release(fleet, address string, vs []string) []string {
	gone, kept := map[string]bool{}, map[string]bool{}
	for _, c := range claimsOf(fleet, vs) {
		if c.address == address {
			gone[c.text()], gone[c.token] = true, true
		} else {
			kept[c.token] = true
		}
	}
	var rest []string
	for _, v := range vs {
		if text := unquoteTXT(v); kept[text] || !gone[text] {
			rest = append(rest, v)
		}
	}
	return rest
}

// disclaim takes an address's claims out of TXT values and leaves their tokens.
func disclaim(fleet, address string, vs []string) []string {
	return slices.DeleteFunc(slices.Clone(vs), func(v string) bool {
		c, ok := parseClaim(unquoteTXT(v))
		return ok && c.fleet == fleet && c.address == address
	})
}

// holds tells whether a text is among TXT values.
func holds(vs []string, text string) bool {
	return slices.ContainsFunc(vs, func(v string) bool { return unquoteTXT(v) == text })
}

// holder finds the claim of any fleet on a token.
func holder(token string, vs []string) (claim, bool) {
	for _, v := range vs {
		if c, ok := parseClaim(unquoteTXT(v)); ok && c.token == token {
			return c, true
		}
	}
	return claim{}, false
}

// assert has TXT values hold the claim's token and the claim, and no other
// claim of its address.
func assert(c claim, vs []string) []string {
	vs = slices.Clip(release(c.fleet, c.address, vs))
	for _, text := range []string{c.token, c.text()} {
		if !holds(vs, text) {
			vs = append(vs, quoteTXT(text))
		}
	}
	return vs
}
