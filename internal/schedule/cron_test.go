package schedule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func mustCron(t *testing.T, text string) Cron {
	t.Helper()
	c, err := ParseCron(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNext(t *testing.T) {
	for _, tt := range []struct{ cron, after, want string }{
		{"0 6 * * *", "2026-11-22T05:59:59Z", "2026-11-22T06:00:00Z"},
		{"0 6 * * *", "2026-11-22T06:00:00Z", "2026-11-23T06:00:00Z"},
		{"*/15 * * * *", "2026-11-22T06:15:00.5Z", "2026-11-22T06:30:00Z"},
		{"0 6 * * mon-fri", "2026-11-20T12:00:00Z", "2026-11-23T06:00:00Z"},
		{"0 6 * * fri,sat,sun", "2026-11-21T12:00:00Z", "2026-11-22T06:00:00Z"},
		{"0 6 * * SUN", "2026-11-21T12:00:00Z", "2026-11-22T06:00:00Z"},
		{"0 0 13 * fri", "2026-11-14T00:00:00Z", "2026-11-20T00:00:00Z"},
		{"0 0 29 feb *", "2026-02-28T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"30 4 1,15 jan-mar *", "2026-03-15T05:00:00Z", "2027-01-01T04:30:00Z"},
		{"@daily", "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z"},
		{"@weekly America/New_York", "2026-11-22T12:00:00Z", "2026-11-29T00:00:00-05:00"},

		// Zurich puts its clock forward at 02:00 on 29 March 2026.
		{"0 9 * * * Europe/Zurich", "2026-03-28T12:00:00Z", "2026-03-29T09:00:00+02:00"},
		{"30 2 * * * Europe/Zurich", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00"},
		{"30 2 * * * Europe/Zurich", "2026-03-29T01:00:00Z", "2026-03-30T02:30:00+02:00"},
		{"30 * * * * Europe/Zurich", "2026-03-29T00:30:00Z", "2026-03-29T03:30:00+02:00"},
		// And back at 03:00 on 25 October.
		{"30 2 * * * Europe/Zurich", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00+02:00"},
		{"30 2 * * * Europe/Zurich", "2026-10-25T00:30:00Z", "2026-10-26T02:30:00+01:00"},
		{"30 2 * * * Europe/Zurich", "2026-10-25T01:15:00Z", "2026-10-26T02:30:00+01:00"},
		{"30 * * * * Europe/Zurich", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00+01:00"},
		// Lord Howe Island moves by half an hour, São Paulo once did at midnight.
		{"15 2 * * * Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-04T02:30:00+11:00"},
		{"0 0 * * * America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T01:00:00-02:00"},
	} {
		got := mustCron(t, tt.cron).Next(instant(t, tt.after)).Format(time.RFC3339)
		if got != tt.want {
			t.Errorf("%q after %s strikes at %s, want %s", tt.cron, tt.after, got, tt.want)
		}
	}
}

// The same question answered the slow way, minute by minute, over the weeks in
// which clocks are put forward and back.
func TestNextAgreesWithEveryMinute(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Zurich", "Australia/Lord_Howe", "America/New_York"} {
		rng := rand.New(rand.NewPCG(7, 7))
		for n := range 6 {
			c := mustCron(t, randomCron(rng)+" "+zone)
			begin := time.Date(2026, []time.Month{time.March, time.October}[n%2], 7-4*(n%2), 0, 0, 0, 0, time.UTC)
			next := c.Next(begin.Add(-1))
			for strike := range everyMinute(c, begin, begin.AddDate(0, 0, 31)) {
				if !next.Equal(strike) {
					t.Fatalf("%s: the next strike is %v, want %v", c.text, next, strike)
				}
				next = c.Next(next)
			}
		}
	}
}

func randomCron(rng *rand.Rand) string {
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	return strings.Join([]string{
		pick("0", "30", "*/7", "15,45", "59", "*/30"),
		pick("*", "2", "1-3", "*/2", "0,2,23", "0"),
		pick("*", "*", "25-31", "1", "*/9"),
		pick("*", "*", "3,10,4,11", "mar-apr"),
		pick("*", "*", "sun", "sat,sun", "1-5"),
	}, " ")
}

func everyMinute(c Cron, begin, end time.Time) func(func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		// The last minute the clock has shown, as if it were UTC.
		wall := func(t time.Time) time.Time {
			t = t.In(c.zone)
			return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
		}
		shown := wall(begin.Add(-time.Minute))
		for at := begin; at.Before(end); at = at.Add(time.Minute) {
			now, strike := wall(at), false
			if c.interval {
				strike = strikes(c, now)
			} else {
				for ; shown.Before(now); strike = strike || strikes(c, shown) {
					shown = shown.Add(time.Minute)
				}
			}
			if strike && !yield(at) {
				return
			}
		}
	}
}

// strikes tells whether the expression names a minute.
func strikes(c Cron, wall time.Time) bool { return c.on.Next(wall.Add(-1)).Equal(wall) }

func TestSpread(t *testing.T) {
	c := mustCron(t, "0 6 * * *")
	after := instant(t, "2026-11-22T00:00:00Z")
	seen := map[time.Time]bool{}
	for n := range 1000 {
		spread := c.Spread(fmt.Sprintf("fleet-%d", n), 30*time.Minute)
		at := spread.Next(after)
		if at.Before(c.Next(after)) || !at.Before(c.Next(after).Add(30*time.Minute)) {
			t.Fatalf("fleet-%d strikes at %v", n, at)
		}
		if !c.Spread(fmt.Sprintf("fleet-%d", n), 30*time.Minute).Next(after).Equal(at) {
			t.Fatalf("fleet-%d does not keep its time", n)
		}
		if again := spread.Next(at); again.Sub(at) != 24*time.Hour {
			t.Fatalf("fleet-%d strikes again after %v", n, again.Sub(at))
		}
		if before := spread.Next(at.Add(-1)); !before.Equal(at) {
			t.Fatalf("just before %v, fleet-%d strikes next at %v", at, n, before)
		}
		seen[at.Truncate(time.Minute)] = true
	}
	if len(seen) < 30 {
		t.Errorf("1000 fleets strike in %d of 30 minutes", len(seen))
	}
	if got := c.Spread("payments", 0).Next(after); !got.Equal(c.Next(after)) {
		t.Errorf("spread over nothing, it strikes at %v", got)
	}
	if got := (Cron{}).Next(after); !got.IsZero() {
		t.Errorf("the zero Cron strikes at %v", got)
	}
}

// Every error says how an expression is written.
func TestParseCronErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "it has 0 fields; write minute, hour",
		"0 6 * *":                 "it has 4 fields; write",
		"0 0 0 1 1 * 2027":        "it has 7 fields; write",
		"@fortnightly":            "@fortnightly; write",
		"@every 5m":               "write",
		"TZ=UTC 0 0 * *":          "write",
		"60 * * * *":              "above maximum (59): 60; write",
		"0 -1 * * *":              "; write",
		"10-5 * * * *":            "beyond end of range (5): 10-5; write",
		"0 0 * * fri-sun":         "beyond end of range (0): fri-sun; write",
		"0 0 * juno *":            "juno",
		"*/0 * * * *":             "step of range should be a positive number: */0; write",
		"0 0 30 feb *":            "it would never strike",
		"0 0 * * * Mars/Olympus":  `"Mars/Olympus" is no time zone; write one of the IANA database, such as UTC or Europe/Zurich`,
		"0 0 * * * Local":         `"Local" is no time zone`,
		"0 0 * * * ../etc/passwd": `"../etc/passwd" is no time zone`,
		"99999999999999 * * * *":  "99999999999999; write",
	} {
		_, err := ParseCron(text)
		if begin := fmt.Sprintf("cron schedule %q: ", text); err == nil || !strings.HasPrefix(err.Error(), begin) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want one with %s", text, err, want)
		}
	}
}

func FuzzParseCron(f *testing.F) {
	for _, text := range []string{"0 6 * * mon-fri Europe/Zurich", "@daily", "10-5 * * * *", "*/7 1-3/2 L feb 5#3"} {
		f.Add(text)
	}
	after := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCron(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the error is no single clean line: %q", err)
			}
			return
		}
		if next := c.Next(after); !next.After(after) {
			t.Errorf("%q after %v strikes at %v", text, after, next)
		}
	})
}
