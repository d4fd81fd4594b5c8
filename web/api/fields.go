package api

import (
	"strconv"
	"time"

	"supervisor/web/jsonenc"
	"supervisor/xmlrpc"
)

// field is a member of an object of an answer: how it is written, and what is said of it.
type field[T any] struct {
	name   string
	schema string // JSON Schema
	text   string
	value  func(dst []byte, of *T) []byte
}

// JSON Schema of the values.
const (
	textSchema    = `"type":"string"`
	orNullSchema  = `"type":["string","null"]`
	wholeSchema   = `"type":"integer"`
	flagSchema    = `"type":"boolean"`
	momentSchema  = `"type":["string","null"],"format":"date-time"`
	secondsSchema = `"type":["number","null"],"minimum":0`
)

// appendObject appends an object.
func appendObject[T any](dst []byte, fields []field[T], of *T) []byte {
	dst = append(dst, '{')
	for i := range fields {
		dst = fields[i].value(jsonenc.Key(dst, fields[i].name), of)
	}
	return append(dst, '}')
}

// textOrNull appends a text, or null for none.
func textOrNull(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "null"...)
	}
	return jsonenc.String(dst, text)
}

func whole[N int | int64](dst []byte, n N) []byte { return strconv.AppendInt(dst, int64(n), 10) }

// text, moment and flag are the usual kinds of fields.
func text[T any](name, about string, of func(*T) string) field[T] {
	return field[T]{name, textSchema, about, func(dst []byte, v *T) []byte { return jsonenc.String(dst, of(v)) }}
}

func maybe[T any](name, about string, of func(*T) string) field[T] {
	return field[T]{name, orNullSchema, about, func(dst []byte, v *T) []byte { return textOrNull(dst, of(v)) }}
}

func moment[T any](name, about string, of func(*T) time.Time) field[T] {
	return field[T]{name, momentSchema, about, func(dst []byte, v *T) []byte { return jsonenc.Time(dst, of(v)) }}
}

func flag[T any](name, about string, of func(*T) bool) field[T] {
	return field[T]{name, flagSchema, about, func(dst []byte, v *T) []byte { return strconv.AppendBool(dst, of(v)) }}
}

func number[T any](name, about string, of func(*T) int) field[T] {
	return field[T]{name, wholeSchema, about, func(dst []byte, v *T) []byte { return whole(dst, of(v)) }}
}

// features are what a client may ask a server for before it relies on it.
var features = []string{"health", "no_deps", "openapi", "programs", "stdin"}

var overviewFields = []field[Overview]{
	text("version", "the version of Supervisor whose behaviour it has, and its own", func(o *Overview) string { return o.Version }),
	text("identifier", "identifier= of the configuration", func(o *Overview) string { return o.Identifier }),
	number("pid", "", func(o *Overview) int { return o.PID }),
	text("state", "always RUNNING: in other states there is no answer", func(*Overview) string { return "RUNNING" }),
	moment("started", "when it began with its present configuration, at its start or the last reload", func(o *Overview) time.Time { return o.Started }),
	{"programs", `"type":"object","additionalProperties":{"type":"integer"}`, "how many programs are in each state; all states are there", appendStates},
	{"features", `"type":"array","items":{"type":"string"}`, "what it can do", func(dst []byte, _ *Overview) []byte {
		dst = append(dst, '[')
		for _, name := range features {
			dst = jsonenc.String(jsonenc.Comma(dst), name)
		}
		return append(dst, ']')
	}},
}

func appendStates(dst []byte, o *Overview) []byte {
	dst = append(dst, '{')
	for _, s := range xmlrpc.States() {
		dst = whole(jsonenc.Key(dst, s.String()), o.States[s])
	}
	return append(dst, '}')
}

var programFields = []field[Program]{
	text("namespec", "how it is named to people, and in paths: name, or group:name", (*Program).Namespec),
	text("group", "", func(p *Program) string { return p.Group }),
	text("name", "within its group", func(p *Program) string { return p.Name }),
	text("state", "", func(p *Program) string { return p.State.String() }),
	text("description", "as the third column of supervisorctl status", func(p *Program) string { return p.Description }),
	{"pid", `"type":["integer","null"]`, "null without a process", func(dst []byte, p *Program) []byte {
		if p.PID == 0 {
			return append(dst, "null"...)
		}
		return whole(dst, p.PID)
	}},
	moment("start", "the last attempt to start it", func(p *Program) time.Time { return p.Start }),
	moment("stop", "when it was last seen to have ended", func(p *Program) time.Time { return p.Stop }),
	{"uptime", secondsSchema, "of its present process, in seconds", func(dst []byte, p *Program) []byte {
		if p.PID == 0 {
			return append(dst, "null"...)
		}
		return jsonenc.Seconds(dst, max(p.Uptime, 0))
	}},
	number("restarts", "how often it was started again", func(p *Program) int { return p.Restarts }),
	{"exit_status", `"type":["integer","null"]`, "of its last process; null without one, and after death by a signal", func(dst []byte, p *Program) []byte {
		if p.Ended == "" || p.ExitStatus < 0 {
			return append(dst, "null"...)
		}
		return whole(dst, p.ExitStatus)
	}},
	maybe("exit_reason", "how its last process ended", func(p *Program) string { return p.Ended }),
	maybe("spawnerr", "why the last start failed, or what was wrong with the last exit", func(p *Program) string { return p.SpawnErr }),
	flag("ready", "RUNNING, and healthy if its health is checked", func(p *Program) bool { return p.Ready }),
	{"healthy", `"type":["boolean","null"]`, "null if nobody checks, or knows yet", func(dst []byte, p *Program) []byte {
		if !p.Checked || !p.Well && p.Ill == "" {
			return append(dst, "null"...)
		}
		return strconv.AppendBool(dst, p.Ill == "")
	}},
	maybe("health_reason", "why it is not healthy", func(p *Program) string { return p.Ill }),
	maybe("status", "what it says of itself, with ready=notify", func(p *Program) string { return p.Status }),
	{"depends_on", `"type":"array","items":{"type":"object","properties":{"namespec":{"type":"string"},"condition":{"type":"string"},"met":{"type":"boolean"}},"required":["namespec","condition","met"],"additionalProperties":false}`, "", appendDependencies},
	maybe("waiting_for", "what keeps it from being started", func(p *Program) string { return p.WaitingFor }),
	moment("next_start", "when it is started again by itself", func(p *Program) time.Time { return p.NextStart }),
	{"logs", `"type":"object","additionalProperties":{"type":"object","properties":{"path":{"type":["string","null"]},"size":{"type":["integer","null"]}},"required":["path","size"],"additionalProperties":false}`, "log files of stdout and stderr; the size, in bytes, is null where it is no file", appendLogs},
}

func appendDependencies(dst []byte, p *Program) []byte {
	dst = append(dst, '[')
	for i := range p.DependsOn {
		d := &p.DependsOn[i]
		dst = jsonenc.String(jsonenc.Key(append(jsonenc.Comma(dst), '{'), "namespec"), d.Name)
		dst = jsonenc.String(jsonenc.Key(dst, "condition"), d.Conditions)
		dst = append(strconv.AppendBool(jsonenc.Key(dst, "met"), d.Met), '}')
	}
	return append(dst, ']')
}

func appendLogs(dst []byte, p *Program) []byte {
	dst = append(dst, '{')
	for i, name := range []string{"stdout", "stderr"} {
		l := &p.Logs[i]
		dst = textOrNull(jsonenc.Key(append(jsonenc.Key(dst, name), '{'), "path"), l.Path)
		dst = jsonenc.Key(dst, "size")
		if l.Path == "" || l.Size < 0 {
			dst = append(dst, "null}"...)
			continue
		}
		dst = append(whole(dst, l.Size), '}')
	}
	return append(dst, '}')
}

var resultFields = []field[Result]{
	text("namespec", "", (*Result).Namespec),
	text("group", "", func(r *Result) string { return r.Group }),
	text("name", "within its group", func(r *Result) string { return r.Name }),
	flag("ok", "it is as was asked for; so it is where that was the case before", func(r *Result) bool { return r.OK }),
	{"code", `"type":["integer","null"]`, "80 for success, or the code of a fault; null if the time was over before", func(dst []byte, r *Result) []byte {
		if r.Code == 0 {
			return append(dst, "null"...)
		}
		return whole(dst, int(r.Code))
	}},
	maybe("fault", "the name of the fault", func(r *Result) string {
		if r.Code == 0 || r.Code == xmlrpc.Success {
			return ""
		}
		return r.Code.String()
	}),
	text("detail", "", func(r *Result) string { return r.Detail }),
}

var reasonFields = []field[Reason]{
	text("namespec", "", func(r *Reason) string { return r.Name }),
	text("state", "", func(r *Reason) string { return r.State.String() }),
	text("reason", "", func(r *Reason) string { return r.Text }),
}
