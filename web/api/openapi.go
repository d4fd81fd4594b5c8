package api

import (
	"strconv"
	"strings"

	"supervisor/web/jsonenc"
)

// appendDescription appends the description of the API, of OpenAPI 3.1.
func appendDescription(dst []byte) []byte {
	dst = append(dst, `{"openapi":"3.1.0","info":{"title":"Supervisor","version":"1"},"servers":[{"url":"`+Root+`"}],"paths":{`...)
	table := operations()
	for i := 0; i < len(table); {
		path := table[i].path
		dst = append(jsonenc.Key(dst, "/"+strings.TrimPrefix(path, "/")), '{')
		for ; i < len(table) && table[i].path == path; i++ {
			dst = table[i].append(jsonenc.Key(dst, strings.ToLower(table[i].method)))
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `},"components":{"schemas":{`...)
	dst = appendSchema(dst, "Overview", overviewFields)
	dst = appendSchema(dst, "Program", programFields)
	dst = append(jsonenc.Key(dst, "Programs"), `{"type":"object","properties":{"programs":{"type":"array","items":{"$ref":"#/components/schemas/Program"}}},"required":["programs"],"additionalProperties":false}`...)
	dst = appendSchema(dst, "Result", resultFields)
	dst = append(jsonenc.Key(dst, "Results"), `{"type":"object","properties":{"ok":{"type":"boolean","description":"all results are"},"results":{"type":"array","items":{"$ref":"#/components/schemas/Result"}}},"required":["ok","results"],"additionalProperties":false}`...)
	dst = append(jsonenc.Key(dst, "Done"), `{"type":"object","properties":{"ok":{"const":true}},"required":["ok"],"additionalProperties":false}`...)
	dst = appendSchema(dst, "Reason", reasonFields)
	dst = append(jsonenc.Key(dst, "Health"), `{"type":"object","properties":{"healthy":{"type":"boolean"},"reasons":{"type":"array","items":{"$ref":"#/components/schemas/Reason"}}},"required":["healthy","reasons"],"additionalProperties":false}`...)
	dst = append(jsonenc.Key(dst, "Description"), `{"type":"object"}`...)
	dst = append(jsonenc.Key(dst, "Problem"), `{"type":"object","properties":{"type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},"code":{"type":"integer","description":"of a fault"},"name":{"type":"string","description":"of a fault"}},"required":["type","title","status","detail"],"additionalProperties":false}`...)
	return append(dst, "}}}"...)
}

// append appends what there is to say of an operation.
func (op *operation) append(dst []byte) []byte {
	dst = jsonenc.String(jsonenc.Key(append(dst, '{'), "summary"), op.summary)
	dst = append(jsonenc.Key(dst, "parameters"), '[')
	if strings.Contains(op.path, "{namespec}") {
		dst = append(dst, `{"name":"namespec","in":"path","required":true,"schema":{"type":"string"}}`...)
	}
	for i := range op.query {
		p := &op.query[i]
		dst = jsonenc.String(jsonenc.Key(append(jsonenc.Comma(dst), '{'), "name"), p.name)
		dst = append(dst, `,"in":"query","description":`...)
		dst = jsonenc.String(dst, p.text)
		dst = append(dst, `,"schema":{"type":"array","items":{"type":"string"}}}`...)
	}
	dst = append(dst, ']')
	if len(op.body) > 0 {
		dst = op.appendBody(jsonenc.Key(dst, "requestBody"))
	}
	dst = append(jsonenc.Key(dst, "responses"), '{')
	dst = appendResponse(jsonenc.Key(dst, "200"), JSON, op.answer)
	if op.answer == "Health" {
		dst = appendResponse(jsonenc.Key(dst, "503"), JSON, op.answer)
	}
	dst = appendResponse(jsonenc.Key(dst, "default"), Problem, "Problem")
	return append(dst, "}}"...)
}

// appendBody appends what the keys of a body are.
func (op *operation) appendBody(dst []byte) []byte {
	required := false
	for i := range op.body {
		required = required || op.body[i].required
	}
	dst = strconv.AppendBool(append(dst, `{"required":`...), required)
	dst = append(dst, `,"content":{"`+JSON+`":{"schema":{"type":"object","properties":{`...)
	for i := range op.body {
		p := &op.body[i]
		kind := map[kind]string{aText: textSchema, aFlag: flagSchema, aTime: `"type":"number","minimum":0`}[p.kind]
		dst = append(append(jsonenc.Key(dst, p.name), '{'), kind...)
		dst = append(jsonenc.String(jsonenc.Key(dst, "description"), p.text), '}')
	}
	dst = append(dst, `},"required":[`...)
	for i := range op.body {
		if op.body[i].required {
			dst = jsonenc.String(jsonenc.Comma(dst), op.body[i].name)
		}
	}
	return append(dst, `],"additionalProperties":false}}}}`...)
}

func appendResponse(dst []byte, kind, schema string) []byte {
	dst = append(dst, `{"description":"`+schema+`","content":{"`+kind+`":{"schema":{"$ref":"#/components/schemas/`+schema+`"}}}}`...)
	return dst
}

// appendSchema appends what the members of an object are.
func appendSchema[T any](dst []byte, name string, fields []field[T]) []byte {
	dst = append(jsonenc.Key(dst, name), `{"type":"object","properties":{`...)
	for i := range fields {
		f := &fields[i]
		dst = append(append(jsonenc.Key(dst, f.name), '{'), f.schema...)
		if f.text != "" {
			dst = jsonenc.String(jsonenc.Key(dst, "description"), f.text)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `},"required":[`...)
	for i := range fields {
		dst = jsonenc.String(jsonenc.Comma(dst), fields[i].name)
	}
	return append(dst, `],"additionalProperties":false}`...)
}
