package schedule

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustWindows(t *testing.T, rules ...string) Windows {
	t.Helper()
	w, err := ParseWindows(rules...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestOpen(t *testing.T) {
	office := []string{"allow mon-fri 09:00-17:00 Europe/Zurich", "deny 2026-12-20..2027-01-03", "deny fri 12:00-24:00 UTC"}
	night := []string{"allow mon,wed 22:00-06:00"}
	for _, tt := range []struct {
		rules      []string
		now, until string
		why        string // empty: open
	}{
		{nil, "2026-11-23T10:00:00Z", "", ""},
		{office, "2026-11-23T10:00:00Z", "2026-11-23T17:00:00+01:00", ""},
		{office, "2026-11-23T07:59:59Z", "2026-11-23T09:00:00+01:00", `it is outside what "allow mon-fri 09:00-17:00 Europe/Zurich" allows`},
		{office, "2026-11-23T16:00:00Z", "2026-11-24T09:00:00+01:00", `it is outside what "allow mon-fri 09:00-17:00 Europe/Zurich" allows`},
		{office, "2026-11-27T10:00:00Z", "2026-11-27T12:00:00Z", ""},
		{office, "2026-11-27T12:00:00Z", "2026-11-30T09:00:00+01:00", `the rule "deny fri 12:00-24:00 UTC" denies it`},
		{office, "2026-12-22T10:00:00Z", "2027-01-04T09:00:00+01:00", `the rule "deny 2026-12-20..2027-01-03" denies it`},
		// The night belongs to the day it begins on.
		{night, "2026-11-23T21:59:00Z", "2026-11-23T22:00:00Z", `it is outside what "allow mon,wed 22:00-06:00" allows`},
		{night, "2026-11-24T00:00:00Z", "2026-11-24T06:00:00Z", ""},
		{night, "2026-11-24T22:30:00Z", "2026-11-25T22:00:00Z", `it is outside what "allow mon,wed 22:00-06:00" allows`},
		// The days of a weekend hang together.
		{[]string{"deny fri-mon"}, "2026-11-20T00:00:00Z", "2026-11-24T00:00:00Z", `the rule "deny fri-mon" denies it`},
		// Zurich, 29 March 2026: there is no 02:30, and 02:00-03:00 has no length.
		{[]string{"allow 02:30-04:00 Europe/Zurich"}, "2026-03-29T00:00:00Z", "2026-03-29T03:00:00+02:00", `it is outside what "allow 02:30-04:00 Europe/Zurich" allows`},
		{[]string{"allow 02:00-03:00 Europe/Zurich"}, "2026-03-29T00:30:00Z", "2026-03-30T02:00:00+02:00", `it is outside what "allow 02:00-03:00 Europe/Zurich" allows`},
		// And 25 October: 02:00 to 02:59 comes twice.
		{[]string{"deny 02:00-03:00 Europe/Zurich"}, "2026-10-25T00:00:00Z", "2026-10-25T03:00:00+01:00", `the rule "deny 02:00-03:00 Europe/Zurich" denies it`},
		{[]string{"deny 01:00-02:30 Europe/Zurich"}, "2026-10-25T00:30:00Z", "2026-10-25T02:00:00+01:00", ""},
		// What is too far away, or never comes.
		{[]string{"deny 2031-01-01"}, "2026-11-23T10:00:00Z", "", ""},
		{[]string{"allow 2020-01-01", "allow mon 10:00-11:00"}, "2026-11-23T10:30:00Z", "2026-11-23T11:00:00Z", ""},
		{[]string{"allow 2020-01-01"}, "2026-11-23T10:30:00Z", "", `it is outside what "allow 2020-01-01" allows`},
		{[]string{"allow 2020-01-01", "allow mon", "allow tue"}, "2026-11-25T10:30:00Z", "2026-11-30T00:00:00Z", `it is outside what "allow 2020-01-01" or one of 2 other rules allows`},
	} {
		open, until, why := mustWindows(t, tt.rules...).Open(instant(t, tt.now))
		var want time.Time
		if tt.until != "" {
			want = instant(t, tt.until)
		}
		if open != (tt.why == "") || why != tt.why || !until.Equal(want) {
			t.Errorf("%q at %s: open %v until %v, %q; want until %v, %q", tt.rules, tt.now, open, until, why, want, tt.why)
		}
	}
}

// Random rules, asked at random times: the state stays until the time it is
// said to, minute by minute, and is another then.
func TestOpenAgreesWithEveryMinute(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		rules := randomRules(rng)
		w := mustWindows(t, rules...)
		now := randomTime(rng)
		slow := slowRules(rules)
		open, until, _ := w.Open(now)
		end := until
		if until.IsZero() || until.Sub(now) > 4*day {
			end = now.Add(4 * day)
		}
		for at := now.Truncate(time.Minute).Add(time.Minute); at.Before(end); at = at.Add(time.Minute) {
			if slow(at) != open {
				t.Fatalf("seed %d: %q at %v: open %v until %v, but not at %v", seed, rules, now, open, until, at)
			}
		}
		if slow(now) != open {
			t.Fatalf("seed %d: %q at %v: open is %v", seed, rules, now, open)
		}
		if until.IsZero() {
			continue
		}
		if then, _, _ := w.Open(until); then == open {
			t.Fatalf("seed %d: %q at %v: still open=%v at %v", seed, rules, now, open, until)
		}
		if before, _, _ := w.Open(until.Add(-1)); before != open {
			t.Fatalf("seed %d: %q at %v: no longer open=%v just before %v", seed, rules, now, open, until)
		}
	}
}

func randomTime(rng *rand.Rand) time.Time {
	near := []string{"2026-03-27T00:00:00Z", "2026-10-23T00:00:00Z", "2026-12-20T00:00:00Z"}[rng.IntN(3)]
	begin, err := time.Parse(time.RFC3339, near)
	if err != nil {
		panic(err)
	}
	return begin.Add(time.Duration(rng.Int64N(int64(5 * day))))
}

func randomRules(rng *rand.Rand) []string {
	var rules []string
	for range 1 + rng.IntN(4) {
		words := []string{[]string{"allow", "deny"}[rng.IntN(2)],
			[]string{"", "2026-10-20..2026-11-02", "2026-03-29", "2026-12-24..2027-01-02"}[rng.IntN(4)],
			[]string{"", "mon-fri", "sat-sun", "fri-mon", "mon,wed"}[rng.IntN(5)],
			[]string{"00:00-24:00", "09:00-17:00", "22:00-06:00", "02:30-04:00", "01:15-02:15", "23:59-00:01", "12:00-24:00"}[rng.IntN(7)],
			[]string{"", "UTC", "Europe/Zurich", "Australia/Lord_Howe", "America/New_York"}[rng.IntN(5)]}
		rules = append(rules, strings.Join(words, " "))
	}
	return rules
}

// slowRules reads the rules' words anew, to ask the calendar by them.
func slowRules(rules []string) func(at time.Time) bool {
	var allow, deny []func(time.Time) bool
	for _, text := range rules {
		word := strings.Split(text, " ")
		zone, err := time.LoadLocation(word[4])
		if err != nil {
			panic(err)
		}
		holds := func(at time.Time) bool { return slowRule(word[1], word[2], word[3], at.In(zone)) }
		if word[0] == "deny" {
			deny = append(deny, holds)
		} else {
			allow = append(allow, holds)
		}
	}
	return func(at time.Time) bool {
		does := func(holds func(time.Time) bool) bool { return holds(at) }
		return !slices.ContainsFunc(deny, does) && (len(allow) == 0 || slices.ContainsFunc(allow, does))
	}
}

func slowRule(dates, days, hours string, local time.Time) bool {
	clock, from, to := local.Format("15:04"), hours[:5], hours[6:]
	if from < to {
		return from <= clock && clock < to && slowDay(dates, days, local)
	}
	y, m, d := local.Date()
	yesterday := time.Date(y, m, d-1, 12, 0, 0, 0, local.Location())
	return clock >= from && slowDay(dates, days, local) || clock < to && slowDay(dates, days, yesterday)
}

func slowDay(dates, days string, local time.Time) bool {
	if dates != "" {
		date := local.Format(time.DateOnly)
		if date < dates[:10] || date > dates[len(dates)-10:] {
			return false
		}
	}
	in := map[string]string{"mon-fri": "Mon Tue Wed Thu Fri", "sat-sun": "Sat Sun", "fri-mon": "Fri Sat Sun Mon", "mon,wed": "Mon Wed"}[days]
	return days == "" || strings.Contains(in, local.Format("Mon"))
}

func TestParseWindowsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                            `window rule 1 "": it begins neither with "allow" nor with "deny"`,
		"forbid mon":                  `window rule 1 "forbid mon": it begins neither with "allow" nor with "deny"`,
		"deny":                        `window rule 1 "deny": it does not say when; write days, hours or dates, such as "deny mon-fri 09:00-17:00 Europe/Zurich"`,
		"deny UTC":                    `window rule 1 "deny UTC": it does not say when; write days, hours or dates before "UTC"`,
		"deny fri 12:00-25:00":        `window rule 1 "deny fri 12:00-25:00": "25:00" is no time of day; write 00:00 to 24:00`,
		"deny 9:00-10:00":             `window rule 1 "deny 9:00-10:00": "9:00" is no time of day; write 00:00 to 24:00`,
		"deny 09:00":                  `window rule 1 "deny 09:00": "09:00" is one time; write a range such as 09:00-17:00`,
		"deny 09:00-09:00":            `window rule 1 "deny 09:00-09:00": "09:00-09:00" has no length; for the whole day, leave the hours out`,
		"deny 24:00-06:00":            `window rule 1 "deny 24:00-06:00": "24:00-06:00" has no length; for the whole day, leave the hours out`,
		"deny mon tue":                `window rule 1 "deny mon tue": both "mon" and "tue" are its days; write two rules`,
		"deny mon-":                   `window rule 1 "deny mon-": "mon-" is no day or range of days; write mon, mon-fri or mon,wed`,
		"deny mon,funday":             `window rule 1 "deny mon,funday": "funday" is no day or range of days; write mon, mon-fri or mon,wed`,
		"deny funday":                 `window rule 1 "deny funday": "funday" is neither days (mon-fri), hours (09:00-17:00), dates (2026-12-20..2027-01-03) nor a time zone (Europe/Zurich)`,
		"deny mon Europe/Zuerich":     `window rule 1 "deny mon Europe/Zuerich": "Europe/Zuerich" is no time zone; write one of the IANA database, such as UTC or Europe/Zurich`,
		"deny 2026-12-20-2027-01-03":  `window rule 1 "deny 2026-12-20-2027-01-03": "2026-12-20-2027-01-03" is no date; write 2026-12-25, or 2026-12-20..2027-01-03 for several days`,
		"deny 2026-02-30":             `window rule 1 "deny 2026-02-30": "2026-02-30" is no date; write 2026-12-25, or 2026-12-20..2027-01-03 for several days`,
		"deny 2027-01-03..2026-12-20": `window rule 1 "deny 2027-01-03..2026-12-20": "2027-01-03..2026-12-20" runs backwards; write the earlier date first`,
		"deny 2026-12-20..":           `window rule 1 "deny 2026-12-20..": "" is no date; write 2026-12-25, or 2026-12-20..2027-01-03 for several days`,
	} {
		if _, err := ParseWindows(text); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
	_, err := ParseWindows("deny mon", "deny x", "allow sun", "deny y")
	if err == nil || !strings.Contains(err.Error(), `rule 2 "deny x"`) || !strings.Contains(err.Error(), `rule 4 "deny y"`) {
		t.Errorf("both bad rules should be named: %v", err)
	}
}

func FuzzParseWindows(f *testing.F) {
	for _, text := range []string{"allow mon-fri 09:00-17:00 Europe/Zurich", "deny 2026-12-20..2027-01-03", "deny ,-:"} {
		f.Add(text)
	}
	now := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWindows(text)
		if err != nil {
			return
		}
		open, until, why := w.Open(now)
		if open != (why == "") || !until.IsZero() && !until.After(now) {
			t.Errorf("%q: open %v until %v, %q", text, open, until, why)
		}
	})
}
