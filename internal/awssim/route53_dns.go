package awssim

import "strings"

// publicTXT answers a TXT query of the public DNS: each value with its strings
// joined and unquoted. Of all public zones in the world the one with the
// longest matching name answers, the oldest of several. It is nil where there
// is nothing.
func (s *Sim) publicTXT(name string) []string {
	asked, err := domainName(name)
	if err != nil {
		return nil
	}
	// Eight is what resolvers commonly follow of CNAMEs before they give up.
	for range 8 {
		zone := s.publicZone(asked)
		if zone == nil {
			return nil
		}
		record := zone.answer(asked, "TXT")
		if record == nil {
			return nil
		}
		if record.Type == "TXT" {
			return record.texts()
		}
		if len(record.Values) == 0 {
			return nil
		}
		if asked, err = domainName(record.Values[0]); err != nil {
			return nil
		}
	}
	return nil
}

// publicZone finds the public zone that a name is answered from.
func (s *Sim) publicZone(name string) *hostedZone {
	var best *hostedZone
	for _, a := range s.accounts() {
		for _, z := range a.DNS.Zones.all() {
			if !z.Private && inZone(name, z.Name) && (best == nil || len(z.Name) > len(best.Name)) {
				best = z
			}
		}
	}
	return best
}

// answer finds the served record set of a type, or the CNAME, for a name; a
// wildcard answers only for names that do not exist (RFC 4592).
func (z *hostedZone) answer(name, kind string) *recordSet {
	if z.exists(name) {
		return z.served(name, kind)
	}
	for parent := name; parent != z.Name; {
		_, parent, _ = strings.Cut(parent, ".")
		wildcard := `\052.` + parent
		if z.exists(wildcard) {
			return z.served(wildcard, kind)
		}
		if z.exists(parent) || parent == "" {
			return nil
		}
	}
	return nil
}

func (z *hostedZone) served(name, kind string) *recordSet {
	var alias *recordSet
	for _, r := range z.Served {
		if r.Name == name && r.Type == kind {
			return r
		}
		if r.Name == name && r.Type == "CNAME" {
			alias = r
		}
	}
	return alias
}

// exists tells whether a name has records or has names below it.
func (z *hostedZone) exists(name string) bool {
	for _, r := range z.Served {
		if inZone(r.Name, name) {
			return true
		}
	}
	return false
}

// texts gives a TXT record set's values as clients see them.
func (r *recordSet) texts() []string {
	out := make([]string, 0, len(r.Values))
	for _, value := range r.Values {
		if parts, ok := quotedStrings(value); ok {
			out = append(out, strings.Join(parts, ""))
		}
	}
	return out
}

// quotedStrings splits `"a" "b"` into its strings. A backslash keeps the next
// character from ending a string.
func quotedStrings(value string) (parts []string, ok bool) {
	rest := strings.TrimSpace(value)
	for rest != "" {
		if rest[0] != '"' {
			return nil, false
		}
		part, after, closed := cutQuoted(rest[1:])
		if !closed {
			return nil, false
		}
		parts, rest = append(parts, part), strings.TrimLeft(after, " \t")
	}
	return parts, len(parts) > 0
}

// cutQuoted reads up to the closing quotation mark.
func cutQuoted(text string) (part, after string, closed bool) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return out.String(), text[i+1:], true
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		out.WriteByte(text[i])
	}
	return "", "", false
}
