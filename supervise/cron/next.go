package cron

import (
	"math/bits"
	"time"
)

// mostYears is how far Next looks: 29 February may be 40 years from falling on the same
// weekday again.
const mostYears = 50

// Next returns the first full minute after the given time that s is due at, in zone. It
// returns the zero time if s is due at none: s is @reboot or the zero value, or the only
// times it has are ones that do not exist in zone.
func (s Schedule) Next(after time.Time, zone *time.Location) time.Time {
	local := after.In(zone)
	// A date is written as its midnight in UTC, where every date has one.
	date := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	end := date.AddDate(mostYears, 0, 0)
	from := local.Hour()*60 + local.Minute() + 1 // the first minute of that date to look at
	for date.Before(end) && s.fields[month] != 0 {
		switch {
		case !s.has(month, int(date.Month())):
			date = time.Date(date.Year(), date.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case !s.onDate(date):
			date = date.AddDate(0, 0, 1)
		default:
			if at := s.inDate(date, from, after, zone); !at.IsZero() {
				return at
			}
			date = date.AddDate(0, 0, 1)
		}
		from = 0
	}
	return time.Time{}
}

// onDate reports whether s is due on a date whose month it has.
func (s Schedule) onDate(date time.Time) bool {
	onDay, onWeekday := s.has(day, date.Day()), s.has(weekday, int(date.Weekday()))
	if s.either {
		return onDay || onWeekday
	}
	return onDay && onWeekday
}

// inDate returns the first time of a date that s is due at and that comes after the given
// one, beginning with minute from of the date; the zero time if there is none.
func (s Schedule) inDate(date time.Time, from int, after time.Time, zone *time.Location) time.Time {
	for hours := s.fields[hour] >> (from / 60) << (from / 60); hours != 0; hours &= hours - 1 {
		h := bits.TrailingZeros64(hours)
		for minutes := s.fields[minute]; minutes != 0; minutes &= minutes - 1 {
			m := h*60 + bits.TrailingZeros64(minutes)
			if m < from {
				continue
			}
			// What comes twice may have come already.
			if at := first(date.Add(time.Duration(m)*time.Minute), zone); at.After(after) {
				return at
			}
		}
	}
	return time.Time{}
}

// first returns when the clocks of zone show for the first time what those of UTC show at
// wall. It returns the zero time if they never do.
func first(wall time.Time, zone *time.Location) time.Time {
	// No zone is a day away from UTC, so one of these is what is in force then.
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, behind := wall.Add(24 * time.Hour).In(zone).Zone()
	for _, offset := range [...]int{max(before, behind), min(before, behind)} { // the earlier time first
		at := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, have := at.Zone(); have == offset {
			return at
		}
	}
	return time.Time{}
}
