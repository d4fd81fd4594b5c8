package inifile

import (
	"fmt"
	"testing"
)

func TestSplitCommand(t *testing.T) {
	quoted := func(text string) (string, error) {
		words, err := SplitCommand(text)
		return fmt.Sprintf("%q", words), err
	}
	checkConversions(t, quoted, []conversion{
		{"", `[]`}, {" \t\r\n", `[]`}, {`a 'b c' "d \" e"`, `["a" "b c" "d \" e"]`}, {`a b\ c b\\c`, `["a" "b c" "b\\c"]`},
		{`a "b\nc"`, `["a" "b\\nc"]`}, {`a 'b\'`, `["a" "b\\"]`}, {`a'b'c`, `["abc"]`}, {`a ''`, `["a" ""]`}, {`""`, `[""]`},
		{"a # b", `["a" "#" "b"]`}, {"$HOME", `["$HOME"]`}, {"x;y|z>w", `["x;y|z>w"]`}, {"a\tb\nc", `["a" "b" "c"]`},
		{"a\u00a0b\v", `["a\u00a0b\v"]`}, {`"   "`, `["   "]`}, {"\\é", `["é"]`}, {"\xff'\xfe'", `["\xff\xfe"]`},
		{`a "unclosed`, "error: No closing quotation"}, {`no'such"`, "error: No closing quotation"},
		{`a b\`, "error: No escaped character"}, {`"a\`, "error: No escaped character"},
	})
}

func TestParseKeyValues(t *testing.T) {
	quoted := func(text string) (string, error) {
		pairs, err := ParseKeyValues(text)
		return fmt.Sprintf("%q", pairs), err
	}
	rows := []conversion{
		{"", `map[]`}, {"A=1,B=2", `map["A":"1" "B":"2"]`}, {"A = 1 , B = 2", `map["A":"1" "B":"2"]`},
		{"A=1,\n B=2", `map["A":"1" "B":"2"]`}, {"A=1,", `map["A":"1"]`}, {"A=1;B=2", `map["A":"1" "B":"2"]`},
		{"A=1&B=2,C=3", `map["A":"1" "B":"2" "C":"3"]`}, {`A="",B=1`, `map["A":"" "B":"1"]`}, {`A="x=y"`, `map["A":"x=y"]`},
		{"A=x@", `map["A":"x"]`}, {"A=$HOME", `map["A":"$"]`}, {"A=~/x", `map["A":"~"]`}, {"A==y", `map["A":"="]`},
		{"A=x#y,B=2", `map["A":"x"]`}, {`A="x#y",B=2`, `map["A":"x#y" "B":"2"]`}, {`A="a b"c`, `map["A":"a bc"]`},
		{`A=a"b c"d`, `map["A":"ab cd"]`}, {`A="a\"b"`, `map["A":"a\"b"]`}, {`A='a\nb'`, `map["A":"a\\nb"]`},
		{`A="a\\b"`, `map["A":"a\\b"]`}, {`A=a\ b`, `map["A":"a b"]`}, {`"A B"=1`, `map["A B":"1"]`},
		{"A.B-C/D:E(F)+=1", `map["A.B-C/D:E(F)+":"1"]`}, {"A=\"a\n b\"", `map["A":"a\n b"]`}, {`A="it"s`, `map["A":"its"]`},
		{"A=1,A=2", `map["A":"2"]`}, {"A=1#x\n,B=2", `map["A":"1" "B":"2"]`}, {"A=é", `map["A":"é"]`},
		{`A="1`, "error: No closing quotation"}, {`A=\`, "error: No escaped character"},
	}
	for _, bad := range []string{"A=1,,B=2", ",A=1", "A=1 B=2", "A=1\n B=2", "A=", "A=,B=1", "A", "A=x=y", "A=x@y", "A=x*y", "A=x@y,B=1"} {
		rows = append(rows, conversion{bad, "error: Unexpected end of key/value pairs"})
	}
	checkConversions(t, quoted, rows)
}

func TestPythonRepr(t *testing.T) {
	for text, want := range map[string]string{
		"": "''", "a": "'a'", "it's": `"it's"`, `"`: `'"'`, `'"`: `'\'"'`, "\\\n\r\t": `'\\\n\r\t'`, "\x00\x7f\u00a0": `'\x00\x7f\xa0'`,
		"é日\U0001f600": "'é日\U0001f600'", "\u200b\ufeff\U000e0001": `'\u200b\ufeff\U000e0001'`, "\xff\ufffd": "'\\udcff\ufffd'",
	} {
		if got := PythonRepr(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}
