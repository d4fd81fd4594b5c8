package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"supervisor/inifile"
)

// The references that exist here. Any other is to Python code.
const (
	standardInterface     = "supervisor.rpcinterface:make_main_rpcinterface"
	standardResultHandler = "supervisor.dispatchers:default_handler"
	// stdoutResultHandler is that of the package supervisor-stdout.
	stdoutResultHandler = "supervisor_stdout:event_handler"
)

// readInterfaces reads every [rpcinterface:x] and looks at every [ctlplugin:x].
func (r *reading) readInterfaces() {
	for _, section := range r.sections("rpcinterface:") {
		r.readInterface(section)
	}
	const key = "supervisor.ctl_factory"
	for _, section := range r.sections("ctlplugin:") {
		if factory, _, ok := section.Lookup(key); ok {
			r.note(section, key, "[%s] is ignored: its %s %s is Python code, which this supervisorctl cannot run", section.Name(), key, factory)
		}
	}
}

func (r *reading) readInterface(section *inifile.Section) {
	const key = "supervisor.rpcinterface_factory"
	s := section.Reader(r.global, "")
	factory := s.Required(key, fmt.Sprintf("section [%s] does not specify a %s", section.Name(), key))
	if !s.Has(key) {
		r.collect(s)
		return
	}
	standard, err := resolve(factory, standardInterface)
	if err != nil {
		s.Fail(key, fmt.Errorf("%s cannot be resolved within [%s]: %w", factory, section.Name(), err))
	}
	for _, extra := range section.Keys() {
		if extra != key {
			s.String(extra, "") // only to see whether it can be expanded
		}
	}
	if standard {
		r.config.RPCNamespaces = append(r.config.RPCNamespaces, afterColon(section))
	} else if err == nil {
		r.note(section, key, "[%s] is ignored: its %s %s is Python code, which this supervisord cannot run", section.Name(), key, factory)
	}
	r.collect(s)
}

// checkInterfaces refuses arguments for the standard factory, which takes none.
// Like Supervisor it does so only if there is a server to make the interface for.
func (r *reading) checkInterfaces() {
	if len(r.config.Servers) == 0 {
		return
	}
	for _, section := range r.sections("rpcinterface:") {
		if slices.Contains(r.config.RPCNamespaces, afterColon(section)) && len(section.Keys()) > 1 {
			r.fail(section.Error("", fmt.Errorf("Could not make %s rpc interface", afterColon(section))))
		}
	}
}

// ShowsResults reports whether what the listeners of a pool answer is written to our
// stdout.
func (g *Group) ShowsResults() bool {
	module, attribute, _ := strings.Cut(g.ResultHandler, ":")
	return inifile.TrimSpace(module)+":"+inifile.TrimSpace(attribute) == stdoutResultHandler
}

// resolve tells whether a reference to Python code is the standard one. It
// returns an error for what Python could not find either, as far as that can be
// known: Supervisor's own modules.
func resolve(reference, standard string) (isStandard bool, err error) {
	// Setuptools lets "[extra, ...]" follow, and so does a line "[include]" that was
	// indented by accident.
	reference = extras.ReplaceAllString(reference, "")
	module, attribute, ok := strings.Cut(reference, ":")
	module, attribute = inifile.TrimSpace(module), inifile.TrimSpace(attribute)
	if !ok || !isDotted(module) || !isDotted(attribute) {
		return false, fmt.Errorf("it is not of the form module:attribute")
	}
	if module+":"+attribute == standard {
		return true, nil
	}
	if standardModule, _, _ := strings.Cut(standard, ":"); module == standardModule {
		return false, fmt.Errorf("module %s has no attribute %s", inifile.PythonRepr(module), inifile.PythonRepr(attribute))
	}
	if name, ours := strings.CutPrefix(module, "supervisor."); ours && !slices.Contains(supervisorModules(), name) {
		return false, fmt.Errorf("No module named %s", inifile.PythonRepr(module))
	}
	return false, nil
}

var extras = regexp.MustCompile(`\s*\[[^\[\]]*\]\s*$`)

// isDotted reports whether text can be names of Python with dots between them.
func isDotted(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '.' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// supervisorModules are the modules in Supervisor's package.
func supervisorModules() []string {
	return []string{
		"childutils", "compat", "confecho", "datatypes", "dispatchers", "events", "http", "http_client",
		"loggers", "medusa", "options", "pidproxy", "poller", "process", "rpcinterface", "scripts", "skel", "socket_manager",
		"states", "supervisorctl", "supervisord", "templating", "tests", "version", "web", "xmlrpc",
	}
}
