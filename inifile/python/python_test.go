package python

import (
	"math"
	"testing"
)

// Package inifile asks Python itself about Repr, ASCII, Int, TrimSpace and Lower.

func TestBytesRepr(t *testing.T) {
	for in, want := range map[string]string{
		"":             `b''`,
		"a\tb\r\n\\":   `b'a\tb\r\n\\'`,
		"it's":         `b"it's"`,
		`'"`:           `b'\'"'`,
		"\x00\x7f\xff": `b'\x00\x7f\xff'`,
	} {
		if got := string(AppendBytesRepr(nil, []byte(in))); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"日": "日", "a\xff\n": `Undecodable: b'a\xff\n'`} {
		if got := Decoded([]byte(in)); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestInt(t *testing.T) {
	tests := []struct {
		text string
		base int
		want int
		ok   bool
	}{
		{"12", 10, 12, true}, {" -1_2\n", 10, -12, true}, {"+١٢", 10, 12, true}, {"0o17", 8, 15, true}, {"0o_17", 8, 15, true}, {"17", 8, 15, true},
		{"99999999999999999999", 10, math.MaxInt, true}, {"-99999999999999999999", 10, -math.MaxInt, true}, {"\u20035", 10, 5, true},
		{"", 10, 0, false}, {"_1", 10, 0, false}, {"1_", 10, 0, false}, {"1__2", 10, 0, false}, {"8", 8, 0, false}, {"0x1", 10, 0, false},
		{"\x1c5", 10, 0, false}, {"+-5", 10, 0, false}, {"5.0", 10, 0, false},
	}
	for _, tt := range tests {
		if got, ok := Int(tt.text, tt.base); got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %d, %v", tt.text, got, ok)
		}
	}
	if negative, digits, ok := Digits("-00123456789012345678901234567890", 10); !negative || digits != "00123456789012345678901234567890" || !ok {
		t.Errorf("got %v, %q, %v", negative, digits, ok)
	}
}

// TestBase64 has what Python's decoder says to the same.
func TestBase64(t *testing.T) {
	for _, row := range []struct {
		in, want string
		ok       bool
	}{
		{"", "", true},
		{"YQ==", "a", true},
		{"YWI=", "ab", true},
		{"YWJj", "abc", true},
		{"Y\nW!J*j", "abc", true},
		{"YQ==YWJj", "a", true},
		{"YQ=", "a", false},
		{"YQ", "a", false},
		{"Y", "", false},
		{"Y===", "", false},
		{"=", "", true},
		{"YQ=Q=", "a\x04", true}, // the first = is forgotten
		{"+/+/", "\xfb\xff\xbf", true},
	} {
		got, ok := Base64(row.in)
		if ok != row.ok || ok && string(got) != row.want {
			t.Errorf("%q: got %q, %v, want %q, %v", row.in, got, ok, row.want, row.ok)
		}
	}
}
