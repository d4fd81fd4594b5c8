// Package cron reads schedules as cron has them and says when they are due.
//
// A schedule is five fields, or a word:
//
//	minute 0-59   hour 0-23   day 1-31   month 1-12 or jan-dec   weekday 0-7 or sun-sat
//	@hourly @daily @weekly @monthly @yearly @reboot
//
// 0 and 7 are Sunday. A field is *, or a list of numbers, names and ranges; * and ranges
// may have a step: 0,30  8-18/2  */5  mon-fri. If both day and weekday are restricted, a
// date has to match one of them only, as in Vixie's cron. A field counts as restricted
// there if it does not begin with *, so that */2 does not count.
//
// A schedule means what the clock on the wall shows. When clocks change, a time that does
// not exist is skipped, and one that comes twice counts the first time only. That is so
// for */5 as well: in the hour that is repeated it is never due. In UTC there is no such
// hour.
//
// The package has no clock and no timer, and runs nothing. Zones are the caller's, and so
// is where their data come from. To embed them (time/tzdata, or the build tag timetzdata)
// makes the program 404 KiB larger (5 %; measured with Go 1.26 for linux/amd64); without
// them a system that has no /usr/share/zoneinfo, as an empty container, knows UTC only.
//
// Begin reading at Schedule.
package cron

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schedule says when something is due. Schedules that compare equal are due at the same
// times. The zero value is never due.
type Schedule struct {
	fields [fieldCount]uint64 // a bit for each number
	either bool               // a date has to match day or weekday, and not both
	reboot bool
}

// AtStart reports whether the schedule is @reboot: due once when the supervisor starts,
// and at no time that a clock shows.
func (s Schedule) AtStart() bool { return s.reboot }

type field int

const (
	minute field = iota
	hour
	day
	month
	weekday
	fieldCount
)

// fields is what may be written in each field.
var fields = [fieldCount]struct {
	name     string
	low      int
	high     int
	names    []string // of low and those after it
	examples string
}{
	minute: {name: "minute", high: 59, examples: "*, 0-59, a range such as 0-30, a step such as */5, or a list of these such as 0,30"},
	hour:   {name: "hour", high: 23, examples: "*, 0-23, a range such as 8-18, a step such as */2, or a list of these such as 6,18"},
	day:    {name: "day of the month", low: 1, high: 31, examples: "*, 1-31, a range such as 1-7, a step such as */2, or a list of these such as 1,15"},
	month: {name: "month", low: 1, high: 12,
		names:    []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
		examples: "*, 1-12 or jan-dec, a range such as apr-sep, a step such as */3, or a list of these such as 1,7"},
	weekday: {name: "weekday", high: 7,
		names:    []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"},
		examples: "*, 0-7 or sun-sat (0 and 7 are Sunday), a range such as mon-fri, or a list of these such as sat,sun"},
}

// words is what may be written for five fields.
var words = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

const usage = "write five fields, minute hour day month weekday, such as 30 4 * * mon-fri, or @hourly, @daily, @weekly, @monthly, @yearly or @reboot"

// Parse reads a schedule. An error says which field is wrong and what to write instead. A
// schedule whose date is in no calendar, such as 31 February, is an error.
func Parse(text string) (Schedule, error) {
	word := strings.ToLower(strings.TrimSpace(text))
	if word == "@reboot" {
		return Schedule{reboot: true}, nil
	}
	plain, known := words[word]
	if !known {
		plain = text
	}
	parts := strings.Fields(plain)
	switch {
	case len(parts) == 0:
		return Schedule{}, fmt.Errorf("there is no schedule: %s", usage)
	case strings.HasPrefix(parts[0], "@"):
		return Schedule{}, fmt.Errorf("schedule %q is not known: %s", text, usage)
	case len(parts) == int(fieldCount)+1:
		return Schedule{}, fmt.Errorf("schedule %q has 6 fields, there are no seconds and no years: %s", text, usage)
	case len(parts) != int(fieldCount):
		return Schedule{}, fmt.Errorf("schedule %q has %d of 5 fields: %s", text, len(parts), usage)
	}
	var s Schedule
	for f, part := range parts {
		bits, err := parseField(field(f), part)
		if err != nil {
			return Schedule{}, fmt.Errorf("schedule %q, field %d (%s): %w", text, f+1, fields[f].name, err)
		}
		s.fields[f] = bits
	}
	if s.has(weekday, 7) {
		s.fields[weekday] = s.fields[weekday]&^(1<<7) | 1
	}
	s.either = parts[day][0] != '*' && parts[weekday][0] != '*'
	if !s.possible() {
		return Schedule{}, fmt.Errorf("schedule %q is never due, its months have no day %s: write a day that there is, or *", text, parts[day])
	}
	return s, nil
}

// possible reports whether there is a date that s has. Whatever the weekday, each date
// falls on it in some year.
func (s Schedule) possible() bool {
	if s.either {
		return true
	}
	for m := 1; m <= 12; m++ {
		last := time.Date(2000, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day() // of a leap year
		if s.has(month, m) && s.fields[day]&(1<<(last+1)-1) != 0 {
			return true
		}
	}
	return false
}

func (s Schedule) has(f field, n int) bool { return s.fields[f]&(1<<n) != 0 }

// parseField returns a bit for each number that text has.
func parseField(f field, text string) (bits uint64, err error) {
	for item := range strings.SplitSeq(text, ",") {
		low, high, step, err := parseItem(f, item)
		if err != nil {
			return 0, err
		}
		for n := low; n <= high; n += step {
			bits |= 1 << n
		}
	}
	return bits, nil
}

// parseItem reads one element of a list.
func parseItem(f field, text string) (low, high, step int, err error) {
	bad := fmt.Errorf("%q is wrong: write %s", text, fields[f].examples)
	span, stepText, stepped := strings.Cut(text, "/")
	step = 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || strings.TrimLeft(stepText, "0123456789") != "" {
			return 0, 0, 0, bad
		}
		if step < 1 || step > fields[f].high {
			return 0, 0, 0, fmt.Errorf("%q is wrong: write a step from 1 to %d", text, fields[f].high)
		}
	}
	if span == "*" {
		return fields[f].low, fields[f].high, step, nil
	}
	from, to, ranged := strings.Cut(span, "-")
	low, ok := parseNumber(f, from)
	if !ok {
		return 0, 0, 0, bad
	}
	if !ranged {
		if stepped {
			return 0, 0, 0, fmt.Errorf("%q is wrong, a step needs * or a range: write %s-%d/%d", text, from, fields[f].high, step)
		}
		return low, low, 1, nil
	}
	if high, ok = parseNumber(f, to); !ok {
		return 0, 0, 0, bad
	}
	if f == weekday && high == 0 && low > 0 && to != "0" {
		high = 7 // sat-sun
	}
	if low > high {
		return 0, 0, 0, fmt.Errorf("%q is wrong, it ends before it begins: write %s-%d,%d-%s", text, from, fields[f].high, fields[f].low, to)
	}
	return low, high, step, nil
}

// parseNumber reads a number or a name.
func parseNumber(f field, text string) (n int, ok bool) {
	if at := slices.Index(fields[f].names, strings.ToLower(text)); at >= 0 {
		return fields[f].low + at, true
	}
	if text == "" || len(text) > 2 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= fields[f].low && n <= fields[f].high
}
