package cron

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the test needs zones wherever it runs
)

// rules are schedules together with what they mean.
var rules = []struct {
	text string
	due  func(time.Time) bool
}{
	{"* * * * *", func(t time.Time) bool { return true }},
	{"*/5 * * * *", func(t time.Time) bool { return t.Minute()%5 == 0 }},
	{"7-59/15 */7 * * *", func(t time.Time) bool { return t.Minute() >= 7 && (t.Minute()-7)%15 == 0 && t.Hour()%7 == 0 }},
	{"0 0 * * *", midnight},
	{"@daily", midnight},
	{"@midnight", midnight},
	{"@hourly", func(t time.Time) bool { return t.Minute() == 0 }},
	{"@weekly", func(t time.Time) bool { return midnight(t) && t.Weekday() == time.Sunday }},
	{"@monthly", func(t time.Time) bool { return midnight(t) && t.Day() == 1 }},
	{"@YEARLY", func(t time.Time) bool { return midnight(t) && t.YearDay() == 1 }},
	{"@annually", func(t time.Time) bool { return midnight(t) && t.YearDay() == 1 }},
	{"30 1 * * *", func(t time.Time) bool { return t.Minute() == 30 && t.Hour() == 1 }},
	{"15,45 1,2,3 * * *", func(t time.Time) bool {
		return (t.Minute() == 15 || t.Minute() == 45) && t.Hour() >= 1 && t.Hour() <= 3
	}},
	{"10 2 * 3,4,OCT-Nov Sun", func(t time.Time) bool {
		return t.Minute() == 10 && t.Hour() == 2 && t.Weekday() == time.Sunday && slices.Contains([]time.Month{3, 4, 10, 11}, t.Month())
	}},
	{"0 9-17 * * mon-fri", func(t time.Time) bool {
		return t.Minute() == 0 && t.Hour() >= 9 && t.Hour() <= 17 && t.Weekday() >= 1 && t.Weekday() <= 5
	}},
	{"5 4 * * fri-sun", func(t time.Time) bool {
		return t.Minute() == 5 && t.Hour() == 4 && (t.Weekday() == 0 || t.Weekday() >= 5)
	}},
	{"5 4 * * 5-7", func(t time.Time) bool {
		return t.Minute() == 5 && t.Hour() == 4 && (t.Weekday() == 0 || t.Weekday() >= 5)
	}},
	{"0 12 13 * 5", func(t time.Time) bool { return noon(t) && (t.Day() == 13 || t.Weekday() == 5) }},
	{"0 12 */13 * 5", func(t time.Time) bool { return noon(t) && (t.Day()-1)%13 == 0 && t.Weekday() == 5 }},
	{"0 12 13 * */5", func(t time.Time) bool { return noon(t) && t.Day() == 13 && t.Weekday()%5 == 0 }},
	{"0 12 13 * *", func(t time.Time) bool { return noon(t) && t.Day() == 13 }},
	{"0 12 1-7 * 1,7", func(t time.Time) bool { return noon(t) && (t.Day() <= 7 || t.Weekday() <= 1) }},
	{"59 23 31 * *", func(t time.Time) bool { return t.Minute() == 59 && t.Hour() == 23 && t.Day() == 31 }},
	{"0 12 31 2 0", func(t time.Time) bool { return noon(t) && t.Month() == 2 && t.Weekday() == 0 }},
	{" 00\t08  * jan * ", func(t time.Time) bool { return t.Minute() == 0 && t.Hour() == 8 && t.Month() == 1 }},
}

func midnight(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 }
func noon(t time.Time) bool     { return t.Hour() == 12 && t.Minute() == 0 }

var places = []struct {
	zone string
	year int
}{
	{"America/New_York", 2026}, {"Europe/Berlin", 2026}, {"Australia/Lord_Howe", 2026}, {"Asia/Kolkata", 2026},
	{"Europe/Berlin", 2024},     // a leap year
	{"America/Asuncion", 2024},  // midnight changes
	{"America/Havana", 2025},    // midnight comes twice
	{"Pacific/Apia", 2011},      // a day is missing
	{"Africa/Casablanca", 2026}, // four changes, for Ramadan
	{"UTC", 2026},
}

// slow goes through a year minute by minute and returns, for each rule, when it is due.
func slow(zone *time.Location, year int) [][]time.Time {
	due := make([][]time.Time, len(rules))
	var latest string // what the clock has shown; it is repeated until it shows more
	begin, end := time.Date(year, 1, 1, 0, 0, 0, 0, zone), time.Date(year+1, 1, 1, 0, 0, 0, 0, zone)
	for at := begin; at.Before(end); at = at.Add(time.Minute) {
		shown := at.Format("2006-01-02 15:04")
		if shown <= latest {
			continue
		}
		latest = shown
		for i, rule := range rules {
			if rule.due(at) {
				due[i] = append(due[i], at)
			}
		}
	}
	return due
}

func TestWholeYears(t *testing.T) {
	for _, place := range places {
		t.Run(fmt.Sprint(place.zone, " ", place.year), func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(place.zone)
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Date(place.year, 1, 1, 0, 0, 0, 0, zone)
			for i, due := range slow(zone, place.year) {
				s, err := Parse(rules[i].text)
				if err != nil {
					t.Error(err)
					continue
				}
				checkYear(t, rules[i].text, s, begin, due)
			}
		})
	}
}

// checkYear compares one schedule with the times at which it is due in a year.
func checkYear(t *testing.T, text string, s Schedule, begin time.Time, due []time.Time) {
	zone := begin.Location()
	at := begin.Add(-time.Second)
	for n, want := range due {
		at = s.Next(at, zone)
		if !at.Equal(want) || at.Location() != zone {
			t.Errorf("%s, time %d: got %v, want %v", text, n, at, want)
			return
		}
	}
	if at = s.Next(at, zone); at.Before(begin.AddDate(1, 0, 0)) {
		t.Errorf("%s: %v comes after all", text, at)
	}
	// From any time, not only from one at which it was due.
	random := rand.New(rand.NewPCG(1, 2))
	year := begin.AddDate(1, 0, 0).Sub(begin)
	for range 300 {
		after := begin.Add(time.Duration(random.Int64N(int64(year))))
		n, _ := slices.BinarySearchFunc(due, after, func(at, after time.Time) int {
			if at.After(after) {
				return 1
			}
			return -1
		})
		if n == len(due) {
			continue
		}
		if got := s.Next(after.UTC(), zone); !got.Equal(due[n]) {
			t.Errorf("%s after %v: got %v, want %v", text, after, got, due[n])
			return
		}
	}
}

func TestClockChanges(t *testing.T) {
	for _, test := range []struct{ zone, text, after, want string }{
		{"Europe/Berlin", "30 2 * * *", "2026-03-28T03:00:00+01:00", "2026-03-30T02:30:00+02:00"}, // skipped on the 29th
		{"Europe/Berlin", "30 2 * * *", "2026-10-25T00:00:00+02:00", "2026-10-25T02:30:00+02:00"}, // the first one
		{"Europe/Berlin", "30 2 * * *", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		{"Europe/Berlin", "30 2 * * *", "2026-10-25T02:15:00+01:00", "2026-10-26T02:30:00+01:00"},
		{"Europe/Berlin", "*/15 * * * *", "2026-10-25T02:45:00+02:00", "2026-10-25T03:00:00+01:00"},
		{"Europe/Berlin", "*/15 * * * *", "2026-03-29T01:45:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"America/New_York", "0 2 8 3 *", "2026-01-01T00:00:00Z", "2027-03-08T02:00:00-05:00"},
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T03:00:00+10:30", "2026-10-05T02:15:00+11:00"}, // half an hour is skipped
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00:00+11:00", "2026-04-05T01:45:00+11:00"},
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"},
		{"UTC", "0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"UTC", "0 0 29 2 */7", "2026-03-01T00:00:00Z", "2032-02-29T00:00:00Z"},
		{"UTC", "59 23 31 12 *", "2026-12-31T23:58:59.999999999Z", "2026-12-31T23:59:00Z"},
		{"UTC", "59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"},
		{"UTC", "@reboot", "2026-01-01T00:00:00Z", ""},
		{"America/New_York", "30 2 8-14 3 */7", "2026-01-01T00:00:00Z", ""}, // always the hour that is skipped
	} {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(test.text)
		if err != nil {
			t.Fatal(err)
		}
		after, err := time.Parse(time.RFC3339Nano, test.after)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Next(after, zone)
		switch {
		case test.want == "" && !got.IsZero():
			t.Errorf("%s in %s: got %v, want never", test.text, test.zone, got)
		case test.want != "" && got.Format(time.RFC3339) != test.want:
			t.Errorf("%s in %s after %s: got %s, want %s", test.text, test.zone, test.after, got.Format(time.RFC3339), test.want)
		}
	}
	if at := (Schedule{}).Next(time.Now(), time.UTC); !at.IsZero() {
		t.Errorf("the zero schedule is due at %v", at)
	}
}

func TestAtStart(t *testing.T) {
	for text, want := range map[string]bool{"@reboot": true, "@Reboot": true, "@hourly": false, "* * * * *": false} {
		if s, err := Parse(text); err != nil || s.AtStart() != want {
			t.Errorf("%s: %v, %v", text, s.AtStart(), err)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"@daily", "0 0 * * *", true},
		{"0 0 * * 7", "@weekly", true},
		{"0 0 * * mon-fri", "00 0 * * 1,2,3,4,5", true},
		{"0 0 1 * 1-7", "0 0 1 * *", false}, // one of both against both
		{"* * * * *", "@reboot", false},
	} {
		a, err := Parse(test.a)
		b, err2 := Parse(test.b)
		if err != nil || err2 != nil || (a == b) != test.want {
			t.Errorf("%s and %s: %v, %v, %v", test.a, test.b, a == b, err, err2)
		}
	}
}

func TestErrors(t *testing.T) {
	const begin = "schedule "
	for _, test := range []struct{ text, want string }{
		{"", "there is no schedule: " + usage},
		{" \t", "there is no schedule: " + usage},
		{"@dayly", `"@dayly" is not known: ` + usage},
		{"@every 5m", `"@every 5m" is not known: ` + usage},
		{"5 * * *", `"5 * * *" has 4 of 5 fields: ` + usage},
		{"0 5 * * * *", `"0 5 * * * *" has 6 fields, there are no seconds and no years: ` + usage},
		{"60 * * * *", `field 1 (minute): "60" is wrong: write ` + fields[minute].examples},
		{"* 24 * * *", `field 2 (hour): "24" is wrong: write ` + fields[hour].examples},
		{"* * 0 * *", `field 3 (day of the month): "0" is wrong: write ` + fields[day].examples},
		{"* * 1,32 * *", `field 3 (day of the month): "32" is wrong: write ` + fields[day].examples},
		{"* * * 13 *", `field 4 (month): "13" is wrong: write ` + fields[month].examples},
		{"* * * january *", `field 4 (month): "january" is wrong: write ` + fields[month].examples},
		{"* * * * 8", `field 5 (weekday): "8" is wrong: write ` + fields[weekday].examples},
		{"* * * mon *", `field 4 (month): "mon" is wrong: write ` + fields[month].examples},
		{"* * ? * *", `field 3 (day of the month): "?" is wrong: write `},
		{"* * L * *", `field 3 (day of the month): "L" is wrong: write `},
		{"-1 * * * *", `field 1 (minute): "-1" is wrong: write `},
		{"+1 * * * *", `field 1 (minute): "+1" is wrong: write `},
		{"1- * * * *", `field 1 (minute): "1-" is wrong: write `},
		{"1,,2 * * * *", `field 1 (minute): "" is wrong: write `},
		{"1-2-3 * * * *", `field 1 (minute): "1-2-3" is wrong: write `},
		{"*/ * * * *", `field 1 (minute): "*/" is wrong: write `},
		{"*/+5 * * * *", `field 1 (minute): "*/+5" is wrong: write `},
		{"*5 * * * *", `field 1 (minute): "*5" is wrong: write `},
		{"*/0 * * * *", `field 1 (minute): "*/0" is wrong: write a step from 1 to 59`},
		{"*/90 * * * *", `field 1 (minute): "*/90" is wrong: write a step from 1 to 59`},
		{"5/10 * * * *", `field 1 (minute): "5/10" is wrong, a step needs * or a range: write 5-59/10`},
		{"* 22-6 * * *", `field 2 (hour): "22-6" is wrong, it ends before it begins: write 22-23,0-6`},
		{"* * * nov-feb *", `field 4 (month): "nov-feb" is wrong, it ends before it begins: write nov-12,1-feb`},
		{"* * * * 5-0", `field 5 (weekday): "5-0" is wrong, it ends before it begins: write 5-7,0-0`},
		{"0 0 31 2 *", `"0 0 31 2 *" is never due, its months have no day 31: write a day that there is, or *`},
		{"0 0 31 feb,apr-apr,jun,9,11 *", `is never due`},
		{"0 0 30-31 2 */2", `is never due`},
	} {
		_, err := Parse(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v\nwant %s", test.text, err, test.want)
		}
		if err != nil && strings.TrimSpace(test.text) != "" && !strings.HasPrefix(err.Error(), begin) {
			t.Errorf("%q: %v", test.text, err)
		}
	}
	for _, text := range []string{"0 0 29 2 *", "0 0 31 2 1", "0 0 31 1,2 *", "0 0 */30 3 *"} {
		if _, err := Parse(text); err != nil {
			t.Error(err)
		}
	}
}

// FuzzParse: what can be parsed is due at some time in UTC, at a full minute that its
// fields have, and what an error suggests for a range or a step can be parsed.
func FuzzParse(f *testing.F) {
	for _, rule := range rules {
		f.Add(rule.text, int64(1767225600))
	}
	f.Add("5/10 22-6 31 feb */2", int64(0))
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		s, err := Parse(text)
		if err != nil {
			if s != (Schedule{}) {
				t.Fatal("an error and a schedule")
			}
			return
		}
		after := time.Unix(unix%4e9, 0).UTC()
		at := s.Next(after, time.UTC)
		switch {
		case s.AtStart() && at.IsZero():
		case s.AtStart() || !at.After(after):
			t.Fatalf("%q after %v: %v", text, after, at)
		case at.Second() != 0 || at.Nanosecond() != 0 || !s.has(minute, at.Minute()) || !s.has(hour, at.Hour()) || !s.has(month, int(at.Month())):
			t.Fatalf("%q after %v: %v", text, after, at)
		case !s.has(day, at.Day()) && !s.has(weekday, int(at.Weekday())):
			t.Fatalf("%q after %v: %v", text, after, at)
		}
		if bits.OnesCount64(s.fields[weekday]) > 7 {
			t.Fatalf("%q has eight weekdays", text)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	after := time.Date(2026, 3, 1, 12, 0, 0, 0, zone)
	for _, text := range []string{"*/5 * * * *", "0 4 * * mon", "0 0 29 2 *"} {
		s, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Next(after, zone)
			}
		})
	}
}
