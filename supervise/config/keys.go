package config

import (
	"slices"
	"strings"
	"sync"

	"supervisor/inifile"
)

// Key is one setting: a row of the table from which files are read, the sample is made,
// and --check knows what there is.
type Key struct {
	Name string
	In   Where

	// Default is what holds without the key, as it would be written; where no value says
	// it, it is empty and Unset says it in words. Required keys have neither.
	Default string
	Unset   string

	Since   string // the release of Supervisor that has it first, or Ours
	Text    string // what it is for: one sentence without a full stop
	Example string

	values []value // how it is read; nothing for what supervisorctl reads
}

// Ours is Key.Since of what Supervisor does not have: it ignores the key.
const Ours = "ours"

// Type says what a value of the key is, with its unit: "whole seconds".
func (k *Key) Type() string {
	if len(k.values) == 0 {
		return "text"
	}
	return k.values[0].kind
}

// Required reports whether there has to be a value.
func (k *Key) Required() bool { return k.Default == "" && k.Unset == "" }

// Where says in which kinds of sections a key stands, or is one of them.
type Where uint16

const (
	InUnixServer Where = 1 << iota
	InInetServer
	InSupervisord
	InRPCInterface
	InCtl
	InProgramDefault
	InProgram
	InListener
	InFastCGI
	InGroup
	InCtlPlugin
	InInclude
	InAPI
)

const (
	inServers  = InUnixServer | InInetServer
	inPrograms = InProgram | InProgramDefault | InListener | InFastCGI
)

// sectionKinds are the kinds of sections by what their names are or, with a colon,
// begin with.
func sectionKinds() []string {
	return []string{
		"unix_http_server", "inet_http_server", "supervisord", "rpcinterface:", "supervisorctl", "program-default",
		"program:", "eventlistener:", "fcgi-program:", "group:", "ctlplugin:", "include", "api",
	}
}

// whereIs returns the kind of a section by its name, 0 if there is none.
func whereIs(section string) Where {
	if i := slices.Index(sectionKinds(), sectionKind(section)); i >= 0 {
		return 1 << i
	}
	return 0
}

// sectionKind returns what a section's name begins with, or the whole name if
// it stands for itself.
func sectionKind(name string) string {
	for _, server := range []string{"unix_http_server", "inet_http_server"} {
		if strings.HasPrefix(name, server) {
			return server
		}
	}
	if i := strings.IndexByte(name, ':'); i >= 0 {
		return name[:i+1]
	}
	return name
}

// keys returns the table, in the order in which values are checked.
var keys = sync.OnceValue(keyTable)

// keyOf returns the row of a key in a kind of section, nil if there is none.
func keyOf(where Where, name string) *Key {
	table := keys()
	for i := range table {
		if table[i].In&where != 0 && table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

// keyNames returns the keys of a kind of section.
func keyNames(where Where) []string {
	var names []string
	for i := range keys() {
		if k := &keys()[i]; k.In&where != 0 {
			names = append(names, k.Name)
		}
	}
	return names
}

// stage is a pass over a section: into which struct values go, and so which names are
// known to them.
type stage int

const (
	ofDaemon  stage = iota // *Config
	ofServer               // *Server
	ofGroup                // *groupDraft
	ofSocket               // *FastCGISocket
	ofProgram              // *draft, once for all processes of a section
	ofProcess              // *draft, for each
	ofAPI                  // *Config, from [api]
)

// value is how a key is read at one stage.
type value struct {
	stage  stage
	kind   string // see Key.Type
	read   func(r *reading, s *inifile.Reader, key string, target any)
	preset func(text string, target any) error // puts the default there
	def    string                              // if it is another one than Key.Default
}

// or returns v with another default than the table shows.
func (v value) or(def string) value { v.def = def; return v }

// into reads a value into a field.
func into[S, T any](at stage, kind valueKind[T], field func(*S) *T) value {
	return value{
		stage: at,
		kind:  kind.name,
		read: func(_ *reading, s *inifile.Reader, key string, target any) {
			f := field(target.(*S))
			if !kind.raw {
				*f = inifile.Convert(s, key, *f, kind.parse)
			} else if s.Has(key) {
				v, err := kind.parse(s.Raw(key, ""))
				if err != nil {
					s.Fail(key, err)
					return
				}
				*f = v
			}
		},
		preset: func(text string, target any) (err error) {
			*field(target.(*S)), err = kind.parse(text)
			return err
		},
	}
}

// then adds what has to be looked at once v is read.
func then[S any](v value, after func(r *reading, s *inifile.Reader, key string, target *S)) value {
	read := v.read
	v.read = func(r *reading, s *inifile.Reader, key string, target any) {
		read(r, s, key, target)
		after(r, s, key, target.(*S))
	}
	return v
}

// special is a value that takes more than parsing its text.
func special[S any](at stage, kind string, read func(r *reading, s *inifile.Reader, key string, target *S)) value {
	return value{stage: at, kind: kind, read: func(r *reading, s *inifile.Reader, key string, target any) {
		read(r, s, key, target.(*S))
	}}
}

// step is a key at one stage.
type step struct {
	key string
	value
}

// steps are the rows that count for a kind of section at a stage, in their order.
var steps = sync.OnceValue(func() map[place][]step {
	all := map[place][]step{}
	for i := range sectionKinds() {
		where := Where(1) << i
		for _, k := range keys() {
			for _, v := range k.values {
				if k.In&where != 0 {
					if v.def == "" {
						v.def = k.Default
					}
					at := place{where, v.stage}
					all[at] = append(all[at], step{k.Name, v})
				}
			}
		}
	}
	return all
})

type place struct {
	where Where
	stage stage
}

// readKeys reads those keys of a section that belong to a stage. The target has the
// defaults already: see preset.
func (r *reading) readKeys(at stage, s *inifile.Reader, target any) {
	for _, step := range steps()[place{whereIs(s.Section().Name()), at}] {
		if step.read != nil {
			step.read(r, s, step.key, target)
		}
	}
}

// preset puts the defaults of a stage into target.
func preset[S any](where Where, at stage, target *S) *S {
	for _, step := range steps()[place{where, at}] {
		if step.preset == nil || step.def == "" {
			continue
		}
		if err := step.preset(step.def, target); err != nil {
			panic(step.key + ": " + err.Error()) // TestKeyDefaults reads each
		}
	}
	return target
}
