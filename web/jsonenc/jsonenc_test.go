package jsonenc

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// standard is what encoding/json makes of a string.
func standard(t *testing.T, text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestString(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `""`,
		"web:api_1":              `"web:api_1"`,
		"a\"b\\c/":               `"a\"b\\c/"`,
		"\b\f\n\r\t\x00\x1f\x7f": `"\b\f\n\r\t\u0000\u001f` + "\x7f" + `"`,
		"<a href='x'>&":          `"<a href='x'>&"`,
		"Grüße 日本 😀":             `"Grüße 日本 😀"`,
		"\u2028\u2029":           `"\u2028\u2029"`,
		"\xff\xc3\xe6\x97":       `"\ufffd\ufffd\ufffd\ufffd"`,
		"\ufffd":                 "\"\ufffd\"",
		"\xed\xa0\x80":           `"\ufffd\ufffd\ufffd"`,
	} {
		got, gotBytes := string(String(nil, text)), string(String(nil, []byte(text)))
		if got != want || gotBytes != want || standard(t, text) != want {
			t.Errorf("%q: got %s, %s, want %s, encoding/json has %s", text, got, gotBytes, want, standard(t, text))
		}
	}
	if got := string(String([]byte("x"), "y")); got != `x"y"` {
		t.Errorf("behind others: %s", got)
	}
}

func TestTime(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{time.Time{}, "null"},
		{time.Unix(0, 0), `"1970-01-01T00:00:00.000Z"`},
		{time.Date(2026, 3, 1, 0, 30, 5, 999_999_999, zone), `"2026-02-28T23:30:05.999Z"`},
		{time.Date(2026, 3, 1, 0, 30, 5, 1_000_000, time.UTC), `"2026-03-01T00:30:05.001Z"`},
		{time.Date(9999, 12, 31, 23, 30, 0, 0, time.UTC), `"9999-12-31T23:30:00.000Z"`},
		{time.Date(9999, 12, 31, 23, 30, 0, 0, time.FixedZone("", -3600)), "null"},
		{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), "null"},
	} {
		if got := string(Time(nil, test.at)); got != test.want {
			t.Errorf("%v: got %s, want %s", test.at, got, test.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", time.Second: "1", 1500 * time.Millisecond: "1.5", 90 * time.Minute: "5400",
		time.Nanosecond: "0.000000001", -time.Millisecond: "-0.001", 10*time.Second + 50*time.Millisecond: "10.05",
		math.MaxInt64: "9223372036.854775807", math.MinInt64: "-9223372036.854775808",
	} {
		if got := string(Seconds(nil, d)); got != want {
			t.Errorf("%d ns: got %s, want %s", d, got, want)
		}
	}
}

func TestCommas(t *testing.T) {
	b := []byte("[")
	for _, name := range []string{"a{", "b["} {
		b = append(Comma(b), '{')
		b = String(Key(b, name), "{")
		b = append(append(Key(b, "list"), '['), ']')
		b = append(b, '}')
	}
	b = append(Comma(b), "[]"...)
	b = append(Comma(b), "1]"...)
	if want := `[{"a{":"{","list":[]},{"b[":"{","list":[]},[],1]`; string(b) != want || !json.Valid(b) {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

func FuzzString(f *testing.F) {
	for _, text := range []string{"", "a\"\\\n", "\xff\u2028é😀", "\x00\x1f\x7f<>&"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := standard(t, text)
		if got := string(String(nil, text)); got != want {
			t.Fatalf("%q: got %s, want %s", text, got, want)
		}
		if got := string(String(nil, []byte(text))); got != want {
			t.Fatalf("bytes %q: got %s, want %s", text, got, want)
		}
	})
}

func FuzzNumbers(f *testing.F) {
	f.Add(int64(0), int64(0))
	f.Add(int64(-1), int64(1500000000))
	f.Add(int64(math.MinInt64), int64(253402300800))
	f.Fuzz(func(t *testing.T, n, unix int64) {
		seconds := string(Seconds(nil, time.Duration(n)))
		got, err := strconv.ParseFloat(seconds, 64)
		if err != nil || !json.Valid([]byte(seconds)) || math.Abs(got-float64(n)/1e9) > 1e-9*math.Max(1, math.Abs(got)*1e-5) {
			t.Fatalf("%d ns: %s", n, seconds)
		}
		at := time.Unix(unix%(1<<40), n%1e9)
		text := Time(nil, at)
		var back time.Time
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%v: %s: %v", at, text, err)
		}
		if string(text) != "null" && (back.After(at) || at.Sub(back) >= time.Millisecond) {
			t.Fatalf("%v: %s", at, text)
		}
	})
}

// What a listing of a thousand programs costs.
func BenchmarkThousand(b *testing.B) {
	b.ReportAllocs()
	var dst []byte
	at := time.Date(2026, 3, 1, 0, 30, 5, 1e6, time.UTC)
	for b.Loop() {
		dst = append(dst[:0], '[')
		for i := range 1000 {
			dst = append(Comma(dst), '{')
			dst = String(Key(dst, "name"), "web:worker_17")
			dst = String(Key(dst, "description"), "pid 12345, uptime 3 days, 10:11:12")
			dst = Time(Key(dst, "start"), at)
			dst = Seconds(Key(dst, "uptime"), 12345678*time.Millisecond)
			dst = strconv.AppendInt(Key(dst, "pid"), int64(i), 10)
			dst = append(dst, '}')
		}
		dst = append(dst, ']')
	}
	b.SetBytes(int64(len(dst)))
}
