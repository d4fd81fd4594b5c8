package tz

import (
	"os/exec"
	"strconv"
	"testing"
	"time"
)

func TestRules(t *testing.T) {
	for value, want := range map[string][2]string{ // in January and in July
		"CST-8":                            {"CST +0800", "CST +0800"},
		"<+03>-3":                          {"+03 +0300", "+03 +0300"},
		"<-0330>3:30":                      {"-0330 -0330", "-0330 -0330"},
		"CET-1CEST,M3.5.0,M10.5.0/3":       {"CET +0100", "CEST +0200"},
		"EST5EDT,M3.2.0,M11.1.0":           {"EST -0500", "EDT -0400"},
		"AEST-10AEDT,M10.1.0,M4.1.0/3":     {"AEDT +1100", "AEST +1000"},
		"LHST-10:30LHDT-11,M10.1.0,M4.1.0": {"LHDT +1100", "LHST +1030"},
		"XXX3YYY,J60/0,J300":               {"XXX -0300", "YYY -0200"},
		"XXX3YYY,59/-1,299/25":             {"XXX -0300", "YYY -0200"},
		"IST-2IDT,M3.4.4/26,M10.5.0":       {"IST +0200", "IDT +0300"},
	} {
		zone, err := Load(value)
		if err != nil || zone == nil {
			t.Errorf("%s: %v, %v", value, zone, err)
			continue
		}
		for i, month := range []time.Month{time.January, time.July} {
			if got := time.Date(2026, month, 15, 12, 0, 0, 0, time.UTC).In(zone).Format("MST -0700"); got != want[i] {
				t.Errorf("%s in %v: got %s, want %s", value, month, got, want[i])
			}
		}
	}
	// The moment of the change, in the last minute before and after.
	zone, err := Load("CET-1CEST,M3.5.0,M10.5.0/3")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-03-29T00:59:59Z": "01:59:59 CET", "2026-03-29T01:00:00Z": "03:00:00 CEST",
		"2026-10-25T00:59:59Z": "02:59:59 CEST", "2026-10-25T01:00:00Z": "02:00:00 CET",
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.In(zone).Format("15:04:05 MST"); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// TestDate compares with the C library, by way of date.
func TestDate(t *testing.T) {
	if _, err := exec.LookPath("date"); err != nil {
		t.Skip("needs date")
	}
	for _, value := range []string{"CST-8", "<+03>-3", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0/2,M11.1.0", "NZST-12NZDT,M9.5.0,M4.1.0/3", "AAA1BBB,J1,J365", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"} {
		zone, err := Load(value)
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		for _, at := range []int64{0, 1767225600, 1774746000, 1775000000, 1785000000, 1795000000} {
			cmd := exec.Command("date", "-d", "@"+strconv.FormatInt(at, 10), "+%F %T %Z %z")
			cmd.Env = []string{"TZ=" + value, "LC_ALL=C"}
			out, err := cmd.Output()
			if err != nil {
				t.Skip("this date knows no -d @N:", err)
			}
			if got, want := time.Unix(at, 0).In(zone).Format("2006-01-02 15:04:05 MST -0700")+"\n", string(out); got != want {
				t.Errorf("%s at %d: got %s, date says %s", value, at, got, want)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, value := range []string{"", "UTC", "/etc/localtime", ":UTC"} {
		if zone, err := Load(value); zone != nil || err != nil {
			t.Errorf("%q: %v, %v", value, zone, err)
		}
	}
	for _, value := range []string{"Mars/Phobos", "X", "CST-", "CST-8x", "CET-1CEST,M13.1.0,M1.1.0", ":CST-8", "A"} {
		if zone, err := Load(value); zone != nil || err == nil {
			t.Errorf("%q: %v, %v", value, zone, err)
		}
	}
}
