package python

import "testing"

func TestDecoded(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"plain é\n":               "plain é\n",
		"\xff\xfe\n":              `Undecodable: b'\xff\xfe\n'`,
		"it's \xff":               `Undecodable: b"it's \xff"`,
		`'"` + "\xff":             `Undecodable: b'\'"\xff'`,
		`"` + "\x80":              `Undecodable: b'"\x80'`,
		"\\\r\t\x00\x1f\x7f~\xe9": `Undecodable: b'\\\r\t\x00\x1f\x7f~\xe9'`,
		"\xed\xa0\x80":            `Undecodable: b'\xed\xa0\x80'`, // half of a surrogate pair
	} {
		if got := Decoded([]byte(in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := string(AppendBytesRepr([]byte("x"), []byte("READY\n"))); got != `xb'READY\n'` {
		t.Errorf("got %s", got)
	}
}
