package config

import (
	"fmt"
	"strings"
	"testing"
)

// kindRow is a text and what it is read as, or "error: " and the beginning of a message.
type kindRow struct{ text, want string }

func checkKind[T any](t *testing.T, parse func(string) (T, error), rows []kindRow) {
	t.Helper()
	for _, row := range rows {
		v, err := parse(row.text)
		got := fmt.Sprintf("%v", v)
		if err != nil {
			got = "error: " + err.Error()
		}
		if want, isError := strings.CutPrefix(row.want, "error: "); got != row.want && !(isError && strings.HasPrefix(got, "error: "+want)) {
			t.Errorf("%q: %s, want %s", row.text, got, row.want)
		}
	}
}

func TestKinds(t *testing.T) {
	choice := choiceKind[Kind]("raw", "text", "json")
	if choice.name != "raw, text or json" {
		t.Errorf("called %s", choice.name)
	}
	checkKind(t, choice.parse, []kindRow{{"raw", "0"}, {" JSON ", "2"}, {"xml", "error: 'xml' is not known: write raw, text or json"}, {"", "error: '' is not known"}})
	checkKind(t, parseDependencies, []kindRow{
		{"", "[]"}, {"cache", "[{cache 0}]"}, {"db:ready, migrate:done,cache", "[{db 1} {migrate 2} {cache 0}]"},
		{"'web:*', \"g:a:started\"", "[{web:* 0} {g:a 0}]"}, {"g:ready2", "[{g:ready2 0}]"}, {"g:a:ready", "[{g:a 1}]"},
		{"a,", "error: '' is not the name"}, {":ready", "error: ':ready' is not the name"}, {"a b", "error: 'a b' is not the name"}, {"'a", "error: \"'a\" is not the name"},
	})
	checkKind(t, parseStopSequence, []kindRow{
		{"TERM 10s", "[{terminated 10s}]"}, {"TERM 500ms, SIGINT 5,3 1m", "[{terminated 500ms} {interrupt 5s} {quit 1m0s}]"},
		{"", "error: a signal and a time are missing"}, {"TERM", "error: 'TERM' is not a signal and a time"}, {"TERM 1s 2", "error: 'TERM 1s 2' is not"},
		{"NOPE 1", "error: value 'NOPE' is not a valid signal name"}, {"TERM soon", "error: 'soon' is not a time"}, {"TERM 1,", "error: '' is not a signal and a time"},
	})
	checkKind(t, parseRate, []kindRow{
		{"5/60s", "{5 1m0s}"}, {"1/0.5", "{1 500ms}"}, {"0/1s", "error: '0/1s' is not a number and a time"}, {"5", "error: '5' is not"},
		{"x/1", "error: 'x/1' is not"}, {"5/x", "error: 'x' is not a time"}, {"5/0", "error: '5/0': the time has to be more than 0"},
	})
}
