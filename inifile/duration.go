package inifile

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a time as our own keys have it: a number of seconds, or a number
// with one of the units ms, s, m and h, such as 500ms, 1.5, 2m. It is not negative.
func ParseDuration(text string) (time.Duration, error) {
	number, unit := TrimSpace(text), time.Second
	for _, u := range [...]struct {
		suffix string
		unit   time.Duration
	}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}} {
		if trimmed, found := strings.CutSuffix(number, u.suffix); found {
			number, unit = trimmed, u.unit
			break
		}
	}
	bad := errors.New(PythonRepr(text) + " is not a time: write a number of seconds, or one with ms, s, m or h")
	if number == "" || strings.Trim(number, "0123456789.") != "" {
		return 0, bad
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n > float64(math.MaxInt64/2)/float64(unit) {
		return 0, bad
	}
	return time.Duration(n * float64(unit)), nil
}
