package page

import (
	"cmp"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Text is legible on what is behind it, in light and dark: 4.5 to 1, as WCAG
// 2.2 asks for in success criterion 1.4.3.
func TestContrast(t *testing.T) {
	light, dark, found := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("there are no colours for dark")
	}
	dark, _, _ = strings.Cut(dark, "* {")
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]string{}
		for _, v := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]+);`).FindAllStringSubmatch(css, -1) {
			colour[v[1]] = v[2]
		}
		pairs := [][2]string{{"ink", "paper"}, {"dim", "paper"}, {"link", "paper"}, {"ink", "card"}, {"dim", "card"}, {"link", "card"}, {"blocked", "card"}, {"ok", "card"}}
		for _, s := range []string{"ok", "waiting", "drifted", "blocked", "unknown"} {
			pairs = append(pairs, [2]string{s, s + "-bg"})
		}
		for _, p := range pairs {
			a, b := luminance(t, colour[p[0]]), luminance(t, colour[p[1]])
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f", scheme, p[0], p[1], ratio)
			}
		}
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	digits := strings.TrimPrefix(hex, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(cmp.Or(digits, "?"), 16, 24)
	if err != nil {
		t.Fatalf("colour %q: %v", hex, err)
	}
	channel := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

// Nothing comes from elsewhere: no address, no import, no font.
func TestStyleStandsAlone(t *testing.T) {
	for _, word := range []string{"url(", "@import", "@font-face", "//", "</"} {
		if strings.Contains(style, word) {
			t.Errorf("the style has %q", word)
		}
	}
}
