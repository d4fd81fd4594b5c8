package stories

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// apiDescription is what the test needs of openapi.json.
type apiDescription struct {
	Paths map[string]map[string]struct {
		RequestBody *struct {
			Content map[string]struct {
				Schema struct {
					Properties map[string]struct{ Type string }
					Required   []string
				}
			}
		}
		Responses map[string]struct {
			Content map[string]struct {
				Schema struct {
					Ref string `json:"$ref"`
				}
			}
		}
	}
	Components struct{ Schemas map[string]apiSchema }
}

// apiSchema is as much of JSON Schema as the description has.
type apiSchema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Properties           map[string]apiSchema
	Required             []string
	Items                *apiSchema
	AdditionalProperties any
}

// fits reports what of a value a schema does not allow; empty if it allows all.
func (d *apiDescription) fits(v any, s apiSchema) string {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	kind := map[bool]string{true: "null"}[v == nil]
	switch v := v.(type) {
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case float64:
		kind = "number"
	case []any:
		kind = "array"
		for i := range v {
			if s.Items != nil {
				if bad := d.fits(v[i], *s.Items); bad != "" {
					return bad
				}
			}
		}
	case map[string]any:
		kind = "object"
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				return name + " is missing"
			}
		}
		for name, value := range v {
			member, ok := s.Properties[name]
			if !ok && s.AdditionalProperties == false {
				return name + " is not described"
			}
			if bad := d.fits(value, member); bad != "" {
				return name + ": " + bad
			}
		}
	}
	allowed := fmt.Sprint(s.Type)
	if kind == "number" && strings.Contains(allowed, "integer") {
		return ""
	}
	if s.Type != nil && !strings.Contains(allowed, kind) {
		return kind + " is not " + allowed
	}
	return ""
}

// TestEveryOperation plays every operation of openapi.json with a real daemon, which has a
// password: with it the answer is as described, without it there is none, and nothing
// happens.
func TestEveryOperation(t *testing.T) {
	dir := t.TempDir()
	address := freeAddress(t)
	file := reloadConf(t, dir, address+"\nusername=joe\npassword=secret", "stdout_logfile="+filepath.Join(dir, "out")+"\n")
	client := startDaemon(t, file, filepath.Join(dir, "s"))
	pid := runningPID(t, client, "cat")
	send := func(method, path, body, user string) (int, string, []byte) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+"/api/v1"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			request.SetBasicAuth(user, "secret")
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("Content-Type"), answer
	}
	var d apiDescription
	if status, _, text := send("GET", "/openapi.json", "", "joe"); status != 200 || json.Unmarshal(text, &d) != nil {
		t.Fatalf("openapi.json: %d %s", status, text)
	}
	var paths []string
	for path := range d.Paths {
		paths = append(paths, path)
	}
	last := func(path string) int { return slices.Index([]string{"/reload", "/shutdown"}, path) }
	slices.SortFunc(paths, func(x, y string) int {
		if last(x) != last(y) {
			return last(x) - last(y)
		}
		return strings.Compare(x, y)
	})
	operations := 0
	each := func(do func(method, path, body string, responses map[string]string)) {
		for _, path := range paths {
			for method, op := range d.Paths[path] {
				body := map[string]any{}
				if op.RequestBody != nil {
					for _, key := range op.RequestBody.Content["application/json"].Schema.Required {
						body[key] = map[string]string{"signal": "CONT", "data": "x\n"}[key]
					}
				}
				text, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				schemas := map[string]string{}
				for status, r := range op.Responses {
					for _, content := range r.Content {
						schemas[status] = content.Schema.Ref
					}
				}
				do(strings.ToUpper(method), strings.ReplaceAll(path, "{namespec}", "cat"), string(text), schemas)
			}
		}
	}
	each(func(method, path, body string, _ map[string]string) {
		if status, kind, _ := send(method, path, body, ""); status != 401 {
			t.Errorf("%s %s without a login: %d %s", method, path, status, kind)
		}
	})
	if status, _, _ := send("POST", "/programs/all/restart", "", "mallory"); status != 401 { // once, since the next one has to wait
		t.Errorf("a wrong login: %d", status)
	}
	if now := runningPID(t, client, "cat"); now != pid {
		t.Errorf("somebody without a login has restarted cat: %d is %d", pid, now)
	}
	each(func(method, path, body string, schemas map[string]string) {
		operations++
		if path == "/shutdown" { // the reload before it may go on
			awaitStarts(t, filepath.Join(dir, "log"), 2)
			runningPID(t, client, "cat")
		}
		status, kind, answer := send(method, path, body, "joe")
		var v any
		if status != 200 || kind != "application/json" || json.Unmarshal(answer, &v) != nil {
			t.Errorf("%s %s %s: %d %s %s", method, path, body, status, kind, answer)
			return
		}
		if bad := d.fits(v, apiSchema{Ref: schemas["200"]}); bad != "" {
			t.Errorf("%s %s: %s in %s", method, path, bad, answer)
		}
		if strings.HasPrefix(path, "/programs/cat/") && !strings.HasPrefix(string(answer), `{"ok":true,`) && !strings.HasSuffix(path, "/stdin") && !strings.HasSuffix(path, "/signal") {
			t.Errorf("%s: %s", path, answer)
		}
	})
	if operations < 13 {
		t.Errorf("only %d operations are described", operations)
	}
}

// TestAPIOff: with [api] enabled=false there is none, and XML-RPC is there.
func TestAPIOff(t *testing.T) {
	dir := t.TempDir()
	address := freeAddress(t)
	file := reloadConf(t, dir, address, "[api]\nenabled=false\n")
	client := startDaemon(t, file, filepath.Join(dir, "s"))
	runningPID(t, client, "cat")
	for _, path := range []string{"/api/v1", "/api/v1/programs", "/api/v1/health"} {
		response, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 404 {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
	exit, stdout, stderr := call(t, "supervisorctl", "-s", "unix://"+filepath.Join(dir, "s"), "health")
	if want := "ERROR (unix://" + filepath.Join(dir, "s") + " is Supervisor "; exit != 1 || !strings.HasPrefix(stdout, want) {
		t.Errorf("health: status %d, %q, %s", exit, stdout, stderr)
	}
}
