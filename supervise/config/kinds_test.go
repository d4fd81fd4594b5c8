package config

import (
	"fmt"
	"strings"
	"testing"

	"supervisor/supervise/lines"
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

// Those of our own additions.
func TestAdditionKinds(t *testing.T) {
	checkKind(t, parseReadiness, []kindRow{
		{"startsecs", "{0 0 <nil>}"}, {" Notify ", "{1 0 <nil>}"}, {"health", "{4 0 <nil>}"}, {"fd:3", "{2 3 <nil>}"}, {"log:^listening on [0-9]+", "{3 0 ^listening on [0-9]+}"},
		{"", "error: '' is not known: write startsecs, notify, fd:N, log:REGEX or health"}, {"notify:1", "error: 'notify:1' is not known"},
		{"fd:2", "error: '2' is no descriptor for readiness: write fd:N"}, {"fd:x", "error: 'x' is no descriptor"}, {"fd", "error: '' is no descriptor"},
		{"log:(", "error: '(' is not a regular expression (RE2): "}, {"log:", "error: '' is not a regular expression"},
	})
	checkKind(t, parseCount, []kindRow{{"1", "1"}, {"0", "error: '0' is not a number of at least 1"}, {"x", "error: "}})
	checkKind(t, parsePause, []kindRow{{"500ms", "500ms"}, {"0", "error: '0': the time has to be more than 0"}, {"-1", "error: "}})
	checkKind(t, parseCheckURL, []kindRow{
		{"http://localhost:80/x?y", "http://localhost:80/x?y"}, {"unix:///run/a.sock:/health", "unix:///run/a.sock:/health"},
		{"https://x/", "error: 'https://x/' is not an address to check: write http://HOST[:PORT]/PATH or unix:///SOCKET:/PATH"}, {"http:///x", "error: "}, {"http://a b/", "error: "},
		{"unix://run:/x", "error: "}, {"unix:///run", "error: "}, {"", "error: "},
		// What the checks could not do either.
		{"http://localhost:99999/", "error: 'http://localhost:99999/' is not an address: write http://HOST:PORT/PATH"}, {"http://[::1/", "error: "}, {"http://::1/", "error: "},
		{"http://u:secret@localhost/", "error: a user and a password cannot be given here"},
	})
	checkKind(t, parseCheckCommand, []kindRow{
		{"check -x 'a b'", "check -x 'a b'"}, {"", "error: the command is empty"}, {"check 'a", "error: can't parse command \"check 'a\": No closing quotation"},
	})
	checkKind(t, parseHostPort, []kindRow{{"localhost:5432", "localhost:5432"}, {"[::1]:1", "[::1]:1"}, {"x", "error: 'x' is not an address: write HOST:PORT, such as localhost:5432 or [::1]:5432"}, {":1", "error: "}, {"::1:80", "error: "}, {"x:0", "error: "}, {"x:65536", "error: "}})
}

func TestKinds(t *testing.T) {
	choice := choiceKind[Kind]("raw", "text", "json")
	if choice.name != "raw, text or json" {
		t.Errorf("called %s", choice.name)
	}
	checkKind(t, choice.parse, []kindRow{{"raw", "0"}, {" JSON ", "2"}, {"xml", "error: 'xml' is not known: write raw, text or json"}, {"", "error: '' is not known"}})
	for _, f := range []lines.Format{lines.Raw, lines.Text, lines.JSON} {
		checkKind(t, formatKind.parse, []kindRow{{f.String(), f.String()}})
	}
	for _, stamps := range []lines.Timestamps{lines.None, lines.ISO8601, lines.Unix} {
		checkKind(t, timestampsKind.parse, []kindRow{{stamps.String(), stamps.String()}})
	}
	checkKind(t, parseStopSequence, []kindRow{
		{"TERM 10s", "[{terminated 10s}]"}, {"TERM 500ms, SIGINT 5,3 1m", "[{terminated 500ms} {interrupt 5s} {quit 1m0s}]"},
		{"", "error: a signal and a time are missing"}, {"TERM", "error: 'TERM' is not a signal and a time"}, {"TERM 1s 2", "error: 'TERM 1s 2' is not"},
		{"NOPE 1", "error: value 'NOPE' is not a valid signal name"}, {"TERM soon", "error: 'soon' is not a time"}, {"TERM 1,", "error: '' is not a signal and a time"},
	})
}
