package story

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// This client is small and knows nothing of package xmlrpc on purpose: a mistake
// made in the codec must not be made again here.

// fault is an XML-RPC fault.
type fault struct {
	code int
	text string
}

func (f *fault) Error() string { return fmt.Sprintf("fault %d: %s", f.code, f.text) }

// call calls a method over the unix socket. Params are JSON values.
func call(socket, method string, params ...any) (any, error) {
	var body bytes.Buffer
	fmt.Fprintf(&body, "<?xml version='1.0'?><methodCall><methodName>%s</methodName><params>", method)
	for _, p := range params {
		body.WriteString("<param>")
		encode(&body, p)
		body.WriteString("</param>")
	}
	body.WriteString("</params></methodCall>")

	client := http.Client{Timeout: deadline, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	resp, err := client.Post("http://story/RPC2", "text/xml", &body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: HTTP %s", method, resp.Status)
	}
	return decode(resp.Body)
}

func encode(w *bytes.Buffer, v any) {
	w.WriteString("<value>")
	defer w.WriteString("</value>")
	switch v := v.(type) {
	case nil:
		w.WriteString("<nil/>")
	case bool:
		n := 0
		if v {
			n = 1
		}
		fmt.Fprintf(w, "<boolean>%d</boolean>", n)
	case string:
		w.WriteString("<string>")
		xml.EscapeText(w, []byte(v)) // a bytes.Buffer takes everything
		w.WriteString("</string>")
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			fmt.Fprintf(w, "<double>%s</double>", v)
		} else {
			fmt.Fprintf(w, "<int>%s</int>", v)
		}
	case []any:
		w.WriteString("<array><data>")
		for _, e := range v {
			encode(w, e)
		}
		w.WriteString("</data></array>")
	case map[string]any:
		w.WriteString("<struct>")
		for k, e := range v {
			w.WriteString("<member><name>")
			xml.EscapeText(w, []byte(k))
			w.WriteString("</name>")
			encode(w, e)
			w.WriteString("</member>")
		}
		w.WriteString("</struct>")
	}
}

// node is one element with all that is below it.
type node struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []node `xml:",any"`
}

// decode reads a method response. The result has strings, bools, json.Numbers,
// slices and maps.
func decode(r io.Reader) (any, error) {
	var top node
	if err := xml.NewDecoder(r).Decode(&top); err != nil {
		return nil, err
	}
	if top.XMLName.Local != "methodResponse" || len(top.Children) != 1 {
		return nil, fmt.Errorf("not a method response: <%s>", top.XMLName.Local)
	}
	body := top.Children[0]
	if body.XMLName.Local == "fault" && len(body.Children) == 1 {
		members, _ := body.Children[0].value().(map[string]any)
		code, _ := members["faultCode"].(json.Number)
		n, err := code.Int64()
		text, ok := members["faultString"].(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("a malformed fault: %v", members)
		}
		return nil, &fault{int(n), text}
	}
	if len(body.Children) != 1 || len(body.Children[0].Children) != 1 {
		return nil, fmt.Errorf("a response without its one value")
	}
	return body.Children[0].Children[0].value(), nil
}

// value is the value in a <value> element.
func (n node) value() any {
	if len(n.Children) == 0 {
		return n.Text
	}
	typed := n.Children[0]
	switch typed.XMLName.Local {
	case "int", "i4", "i8", "double":
		return json.Number(strings.TrimSpace(typed.Text))
	case "boolean":
		return strings.TrimSpace(typed.Text) == "1"
	case "nil":
		return nil
	case "array":
		list := []any{}
		for _, data := range typed.Children {
			for _, e := range data.Children {
				list = append(list, e.value())
			}
		}
		return list
	case "struct":
		members := map[string]any{}
		for _, m := range typed.Children {
			var name string
			for _, part := range m.Children {
				if part.XMLName.Local == "name" {
					name = part.Text
				} else {
					members[name] = part.value()
				}
			}
		}
		return members
	default:
		return typed.Text
	}
}

// jsonArgs reads each word as a JSON value, or else as a plain string.
func jsonArgs(words []string) []any {
	args := make([]any, len(words))
	for i, w := range words {
		d := json.NewDecoder(strings.NewReader(w))
		d.UseNumber()
		if err := d.Decode(&args[i]); err != nil || d.More() {
			args[i] = w
		}
	}
	return args
}

// deadline is how long any condition may take. It is long because a busy machine
// must not fail a test; nothing waits for it when all is well.
const deadline = 30 * time.Second
