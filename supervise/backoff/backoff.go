// Package backoff is the restart policy: whether, and after how long, a program that has
// ended, or has failed to start, is started again without anybody asking.
//
// It is data and a pure function. It reads no clock, draws no random number and waits for
// nothing: who keeps the life cycle of a program gives it what has happened and does what
// it says. Which ends are followed by a start at all (autorestart) is decided before.
//
// Begin reading at Next.
package backoff

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"supervisor/inifile"
)

// Policy is what the configuration says. It is compared with reflect.DeepEqual or ==.
type Policy struct {
	// Delay is the pause before the first restart; negative for none configured: then
	// the pauses are Supervisor's. 0 is never a pause. Key restart_delay.
	Delay time.Duration
	// Factor is by how much each further pause is longer, at least 1. Key restart_factor.
	Factor float64
	// Max is the longest pause, before Jitter. Key restart_delay_max.
	Max time.Duration
	// Jitter is by which part of itself a pause is longer or shorter at most, 0 to 1.
	// Key restart_jitter.
	Jitter float64
	// Limit is how many restarts are too many. Key restart_limit.
	Limit Limit
	// Retries is how many failed starts in a row are followed by another one. Key
	// startretries.
	Retries int
	// Forever says that failed starts are always followed by another one. Key
	// restart_forever.
	Forever bool
	// FatalRetry is after how long a program that was given up is tried again, 0 for
	// never. Key fatal_retry.
	FatalRetry time.Duration
	// Reset is how long a program has to be up for the next pause to be the first again.
	// Key restart_reset.
	Reset time.Duration
}

// Default is the policy of a program that says nothing about it.
func Default() Policy {
	return Policy{Delay: -1, Factor: 1, Max: time.Minute, Retries: 3, Reset: time.Minute}
}

// Limit is a number of restarts within a time. The zero value is no limit.
type Limit struct {
	Count  int
	Within time.Duration
}

// State is what is remembered of a program. The zero value is that of one that was never
// started. What it points to is never changed, so it may be copied; all of it is plain data.
type State struct {
	Pauses int         // how many there were in a row
	Failed int         // failed starts in a row
	Brief  int         // lives in a row of less than a second
	Recent []time.Time // restarts within the time of the limit, oldest first
}

// Asked is the state after somebody has asked for a start of a program that was down. Only
// the failed starts go on being counted, as with Supervisor.
func (s State) Asked() State { return State{Failed: s.Failed} }

// End is what has happened to a program.
type End struct {
	// Up says that it was RUNNING; else it is a failed start.
	Up bool
	// Running is for how long it was.
	Running time.Duration
	// Life is how long ago its start was begun.
	Life time.Duration
}

// Verdict is what becomes of the program.
type Verdict struct {
	// Fatal says that it is given up.
	Fatal bool
	// Delay is how long to wait before the next start. With Fatal, it is how long until
	// that is tried once more, 0 for never.
	Delay time.Duration
	// Reason is, with Fatal, why, if it is the limit: "6 exits within 60s". Else the
	// reason is what was wrong with the last start.
	Reason string
}

const (
	// After briefLives lives in a row of less than briefLife the next start waits until
	// that is over: a program that cannot work would else fill its log with the same
	// lines a thousand times a second.
	briefLives = 10
	briefLife  = time.Second
)

// Next says what becomes of a program that has ended at now, or failed to start, and would
// be started again. The random number is from 0 to less than 1, used for the jitter.
//
// A program that was given up begins from nothing when it is tried again.
func Next(p *Policy, s State, end End, now time.Time, random float64) (State, Verdict) {
	if end.Up {
		s.Failed = 0
		if end.Running >= p.Reset {
			s.Pauses = 0
		}
	} else {
		s.Failed++
	}
	if end.Up && end.Life < briefLife {
		s.Brief++
	} else if end.Up {
		s.Brief = 0
	}
	if !end.Up && s.Failed > p.Retries && !p.Forever {
		return State{}, Verdict{Fatal: true, Delay: p.FatalRetry}
	}
	if s.Recent = p.Limit.add(s.Recent, now); len(s.Recent) > p.Limit.Count {
		return State{}, Verdict{Fatal: true, Delay: p.FatalRetry, Reason: p.Limit.exceeded(len(s.Recent))}
	}
	s.Pauses++
	return s, Verdict{Delay: p.delay(s, end, random)}
}

// delay is how long to wait after end.
func (p *Policy) delay(s State, end End, random float64) time.Duration {
	switch {
	case p.Delay >= 0:
		return p.pause(s.Pauses, random)
	case !end.Up && p.Forever: // without an end to it, the pauses must have one
		return min(time.Duration(min(s.Failed, 1<<30))*time.Second, p.Max)
	case !end.Up:
		return time.Duration(min(s.Failed, 1<<30)) * time.Second
	case s.Brief >= briefLives && end.Life < briefLife:
		return briefLife - end.Life
	}
	return 0
}

// pause is the n-th pause in a row, n being at least 1, where Delay is configured.
func (p *Policy) pause(n int, random float64) time.Duration {
	if p.Delay <= 0 {
		return 0 // also however large the power is
	}
	pause := min(float64(p.Delay)*math.Pow(p.Factor, float64(n-1)), float64(p.Max))
	pause *= 1 + p.Jitter*(2*random-1)
	return time.Duration(max(0, min(pause, math.MaxInt64/2)))
}

// add returns recent with now, without what is too long ago. Without a limit nothing is
// remembered.
func (l Limit) add(recent []time.Time, now time.Time) []time.Time {
	if l == (Limit{}) {
		return nil
	}
	for len(recent) > 0 && now.Sub(recent[0]) >= l.Within {
		recent = recent[1:]
	}
	return append(append(make([]time.Time, 0, len(recent)+1), recent...), now)
}

func (l Limit) exceeded(n int) string {
	exits := " exits within "
	if n == 1 {
		exits = " exit within "
	}
	return strconv.Itoa(n) + exits + FormatTime(l.Within)
}

// String returns the limit as it is written, "" for none.
func (l Limit) String() string {
	if l == (Limit{}) {
		return ""
	}
	return strconv.Itoa(l.Count) + "/" + FormatTime(l.Within)
}

// FormatTime writes seconds as seconds, however many.
func FormatTime(d time.Duration) string {
	if d < time.Second || d%time.Millisecond != 0 {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + "ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}

// ParseLimit reads a number of restarts and a time, as in 5/60s. A number of 0 allows no
// restart at all. The time is more than 0, as inifile.ParseDuration has it.
func ParseLimit(text string) (Limit, error) {
	bad := fmt.Errorf("%s is not a limit: write a number of restarts and a time, such as 5/60s", inifile.PythonRepr(text))
	number, within, found := strings.Cut(text, "/")
	number = inifile.TrimSpace(number)
	if !found || strings.Trim(number, "0123456789") != "" {
		return Limit{}, bad
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return Limit{}, bad
	}
	if n > maxCount {
		return Limit{}, fmt.Errorf("%s is not a limit: the number of restarts can be %d at most", inifile.PythonRepr(text), maxCount)
	}
	d, err := inifile.ParseDuration(within)
	if err != nil || d <= 0 {
		return Limit{}, bad
	}
	return Limit{n, d}, nil
}

// maxCount is the largest number of restarts that a Limit can have: so many times are
// remembered.
const maxCount = 1000

// ParsePart reads a part of a whole in per cent, from 0% to 100%. The sign may be missing.
func ParsePart(text string) (float64, error) {
	f, err := parseNumber(strings.TrimSuffix(inifile.TrimSpace(text), "%"))
	if err != nil || f > 100 {
		return 0, errors.New(inifile.PythonRepr(text) + " is not a percentage from 0% to 100%")
	}
	return f / 100, nil
}

// ParseFactor reads a number of at least 1.
func ParseFactor(text string) (float64, error) {
	f, err := parseNumber(text)
	if err != nil || f < 1 {
		return 1, errors.New(inifile.PythonRepr(text) + " is not a number of at least 1")
	}
	return f, nil
}

// parseNumber reads a number as people write it, without signs, exponents or names.
func parseNumber(text string) (float64, error) {
	text = inifile.TrimSpace(text)
	if strings.Trim(text, "0123456789.") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}
