// Package tz reads the environment variable TZ as the C library does: as the name of a
// zone or of a file, or else as a rule of POSIX such as CET-1CEST,M3.5.0,M10.5.0/3. Go
// knows names and files only, and takes everything else for UTC without a word.
package tz

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Load returns the zone that TZ stands for if Go does not find it by itself, nil if it
// does. The error says that nobody can read the value.
func Load(value string) (*time.Location, error) {
	name := strings.TrimPrefix(value, ":")
	if name == "" || strings.HasPrefix(name, "/") {
		return nil, nil
	}
	if _, err := time.LoadLocation(name); err == nil {
		return nil, nil
	}
	if name != value { // only a rule without a colon is one
		return nil, fmt.Errorf("TZ=%s is not the name of a time zone", value)
	}
	return rule(value)
}

// noRule is what a zone is called in which Go could not read the rule. No rule can
// call its zone so.
const noRule = "?"

// rule makes a zone of a rule. A file of zone data ends with one, for the time after
// all that is in the file; so the zone is a file that has nothing else in it.
func rule(text string) (*time.Location, error) {
	header := func(version byte) []byte {
		b := append([]byte("TZif"), version)
		b = append(b, make([]byte, 15)...)
		for _, count := range []uint32{0, 0, 0, 0, 1, uint32(len(noRule) + 1)} { // one type of local time
			b = binary.BigEndian.AppendUint32(b, count)
		}
		return append(b, "\x00\x00\x00\x00\x00\x00"+noRule+"\x00"...)
	}
	data := append(header('2'), header('2')...) // for old readers and for new ones
	data = append(data, "\n"+text+"\n"...)
	zone, err := time.LoadLocationFromTZData(text, data)
	if err == nil {
		if name, _ := time.Unix(0, 0).In(zone).Zone(); name == noRule {
			err = fmt.Errorf("it is no rule")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("TZ=%s is neither the name of a time zone nor a rule such as CET-1CEST,M3.5.0,M10.5.0/3", text)
	}
	return zone, nil
}
