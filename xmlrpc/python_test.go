package xmlrpc

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// askPython runs a program of Python that answers each line with a line, and
// returns what asks it. The test is skipped where there is no Python.
func askPython(t *testing.T, program string) (ask func(line string) string) {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to compare with")
	}
	cmd := exec.Command(path, "-c", "import sys, base64, json\n"+program+`
for line in sys.stdin:
    print(answer(base64.b64decode(line)), flush=True)
`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait() // its answers are what counts
	})
	lines := bufio.NewReader(out)
	return func(line string) string {
		io.WriteString(in, base64.StdEncoding.EncodeToString([]byte(line))+"\n")
		answer, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("python3 does not answer: %v", err)
		}
		return strings.TrimSuffix(answer, "\n")
	}
}

// Our documents are byte for byte those of Python's encoder, which is
// Supervisor's too.
func TestSameAsPythonDumps(t *testing.T) {
	ask := askPython(t, `
import xmlrpc.client
def answer(line):
    v = json.loads(line)
    response = xmlrpc.client.dumps((v,), methodresponse=True, allow_none=True)
    call = xmlrpc.client.dumps((v, v), 'a.b', allow_none=True)
    return json.dumps([response, call])
`)
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		v := randomValue(r, 3)
		var want []string
		if err := json.Unmarshal([]byte(ask(asJSON(v))), &want); err != nil {
			t.Fatal(err)
		}
		if got := string(appendResponse(nil, v)); got != want[0] {
			t.Fatalf("%#v\ngot  %q\nwant %q", v, got, want[0])
		}
		if got := string(AppendCall(nil, "a.b", v, v)); got != want[1] {
			t.Fatalf("%#v\ngot  %q\nwant %q", v, got, want[1])
		}
	}
}

func randomValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(8); {
	case n == 0:
		return int(int32(r.Uint32()))
	case n == 1:
		return r.IntN(2) == 0
	case n == 2:
		return nil
	case n == 3:
		return float64(r.IntN(2000)-1000) / 8
	case n == 4 && depth > 0:
		array := []any{}
		for range r.IntN(4) {
			array = append(array, randomValue(r, depth-1))
		}
		return array
	case n == 5 && depth > 0:
		s := Struct{}
		for i := range r.IntN(4) {
			s = append(s, Member{fmt.Sprint(randomText(r), i), randomValue(r, depth-1)})
		}
		return s
	}
	return randomText(r)
}

func randomText(r *rand.Rand) string {
	text := ""
	for range r.IntN(6) {
		text += []string{"a", "<", "&amp;", "]]>", "\"'", "\n\t", "ü", "😀", "value", "  "}[r.IntN(10)]
	}
	return text
}

// asJSON writes v with the members of structs in order.
func asJSON(v any) string {
	switch v := v.(type) {
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, asJSON(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case Struct:
		var parts []string
		for _, m := range v {
			parts = append(parts, asJSON(m.Name)+":"+asJSON(m.Value))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case float64: // with a fraction, so that Python takes it for a float
		return string(appendFloat(nil, v))
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// The scanner takes for XML what expat takes, in the way Supervisor uses it
// (text first made from UTF-8, namespaces known), and sees the same elements
// and texts. Documents are put together from fragments that parsers trip over.
func TestSameAsExpat(t *testing.T) {
	ask := askPython(t, `
import io, xml.etree.ElementTree as E
def answer(line):
    out = []
    try:
        for _, e in E.iterparse(io.StringIO(line.decode())):
            out.append([e.tag if '}' not in e.tag else '', e.text or ''])
    except (E.ParseError, UnicodeError, ValueError):
        return 'null'
    return json.dumps(out)
`)
	fragments := []string{
		"<a>", "</a>", "<a>", "</a>", "<a/>", "<a>x</a>", "<b ", ">", "/>", "<a", "</a", " c='1'", " c=\"&lt;\"", " d = '>'", "c='2'", " e=f",
		" xmlns='u'", " xmlns=''", " xmlns:p='u'", "<p:a>", "</p:a>", "<p:a/>", " p:c='1'", "<xml:a/>", " xml:lang='x'", ":",
		"text", " ", "\n", "\r\n", "\t", "&amp;", "&#65;", "&#x41;", "&#0;", "&x;", "&", ";", "]]>", "]]", "<![CDATA[", "<![CDATA[x<&]]>", "]]>",
		"<!--", "-->", "<!-- x -->", "--", "<?pi", "<?pi x?>", "?>", "<?xml version='1.0'?>", "<?xml version='1.1' encoding='latin-1'?>",
		"<?xml", " version='1.0'", " encoding='x'", " standalone='yes'", "<", "'", "\"", "=", "ü", "<ü/>", "\x01", "\xff", "\ufffe", "\ufeff", "-", ".", "1",
	}
	r := rand.New(rand.NewPCG(3, 4))
	accepted := 0
	const documents = 20000
	for range documents {
		doc := ""
		if r.IntN(2) == 0 {
			doc = "<a>"
		}
		for range r.IntN(7) {
			doc += fragments[r.IntN(len(fragments))]
		}
		if strings.HasPrefix(doc, "<a>") && r.IntN(4) > 0 {
			doc += "</a>"
		}
		var want [][]string
		answer := ask(doc)
		if err := json.Unmarshal([]byte(answer), &want); err != nil {
			t.Fatal(err)
		}
		got, err := elements(doc)
		if err != nil {
			got = nil
		} else {
			accepted++
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("%q: got %q, %v; expat %s", doc, got, err, answer)
		}
	}
	if accepted < documents/50 {
		t.Errorf("only %d documents were XML", accepted)
	}
}

// elements returns the names and texts of all elements, in the order of their
// ends. The text is what stands before the first child.
func elements(doc string) ([][]string, error) {
	var s scanner
	if err := s.begin(doc, false); err != nil {
		return nil, err
	}
	var open, ended [][]string
	fresh := false
	for {
		token, err := s.next()
		switch {
		case err != nil:
			return nil, err
		case token == tokenStart:
			open, fresh = append(open, []string{s.name, ""}), true
		case token == tokenText && fresh:
			open[len(open)-1][1] += s.text
		case token == tokenEnd:
			ended, fresh = append(ended, open[len(open)-1]), false
			open = open[:len(open)-1]
		case token == tokenNone:
			return ended, nil
		}
	}
}
