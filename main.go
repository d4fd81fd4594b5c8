// Command supervisor is supervisord, supervisorctl, echo_supervisord_conf and
// pidproxy in one binary. The role is the name it is called by, else its first
// argument.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kong"

	"supervisor/ctl"
	"supervisor/inifile"
	"supervisor/inifile/near"
	"supervisor/supervise"
	"supervisor/supervise/config"
	"supervisor/supervise/getopt"
	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
	"supervisor/supervise/pidproxy"
	"supervisor/supervise/spawn"
	"supervisor/supervise/tz"
)

// version is the release of Supervisor whose behaviour this is, then our own.
const version = "4.3.0+go0.1.0"

// exitUsage is the status after an error of the command line or configuration.
const exitUsage = 2

func main() {
	// A child that could not be started the fast way starts as this program: see
	// spawn.RunChild. Nothing may come before it.
	if exit, isChild := spawn.RunChild(os.Args); isChild {
		os.Exit(exit)
	}
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// program is one call of one role.
type program struct {
	argv0          string   // as Supervisor's messages show it, and where the search for its file begins
	words          []string // the command line after it
	env            map[string]string
	stdin          *os.File
	stdout, stderr io.Writer
}

// run plays the role that argv asks for and returns its exit status.
func run(argv []string, stdin *os.File, stdout, stderr io.Writer) int {
	p := program{env: supervise.Environ(os.Environ()), stdin: stdin, stdout: stdout, stderr: stderr}
	p.argv0 = supervise.LookArgv0(argv[0], p.env["PATH"])
	p.words = argv[1:]
	if zone, err := tz.Load(p.env["TZ"]); err == nil && zone != nil {
		time.Local = zone // once, before anything looks at it
	}
	role := filepath.Base(argv[0])
	if p.anotherRole(role) { // the only file of a container, under the name of one role
		if exit, ok := p.playNext(); ok {
			return exit
		}
	}
	if exit, ok := p.play(role); ok {
		return exit
	}
	if len(p.words) > 0 {
		if exit, ok := p.playNext(); ok {
			return exit
		}
	}
	fmt.Fprint(stderr, help)
	return exitUsage
}

// playNext plays the role that the first word names; false if it names none.
func (p program) playNext() (exit int, ok bool) {
	role := p.words[0]
	p.argv0 += " " + role
	p.words = p.words[1:]
	if role == "link" {
		return p.link(), true
	}
	return p.play(role)
}

const help = `supervisor -- start programs, keep them running and control them.

Usage: supervisor supervisord [options]
       supervisor supervisorctl [options] [action [arguments]]
       supervisor echo_supervisord_conf
       supervisor pidproxy <pidfile name> <command> [<cmdarg1> ...]
       supervisor link [--copy] <directory> -- make links with these four names there,
                  with --copy to a copy of this program that is put there, too

Called by such a link it does not need the first word. supervisord -h and
supervisorctl -h say more.
`

// roles are the names that link makes.
func roles() []string {
	return []string{"supervisord", "supervisorctl", "echo_supervisord_conf", "pidproxy"}
}

// anotherRole reports whether a program called by the name of one role is asked to
// play another one: its first word would mean nothing to that role. To pidproxy it is the
// name of a file.
func (p program) anotherRole(role string) bool {
	return len(p.words) > 0 && role != "pidproxy" && slices.Contains(roles(), role) &&
		(slices.Contains(roles(), p.words[0]) || p.words[0] == "link" && role != "supervisorctl")
}

// play returns false if there is no such role.
func (p program) play(role string) (exit int, ok bool) {
	switch role {
	case "supervisord":
		return p.supervisord(), true
	case "supervisorctl":
		return p.supervisorctl(), true
	case "echo_supervisord_conf":
		fmt.Fprint(p.stdout, config.Sample())
		return 0, true
	case "pidproxy":
		return pidproxy.Run(context.Background(), append([]string{p.argv0}, p.words...), p.stdout), true
	}
	return 0, false
}

// link makes a link to this program for each role.
func (p program) link() int {
	words := slices.DeleteFunc(slices.Clone(p.words), func(w string) bool { return w == "--copy" })
	if slices.Contains(words, "-h") || slices.Contains(words, "--help") {
		fmt.Fprint(p.stdout, help)
		return 0
	}
	if len(words) != 1 || strings.HasPrefix(words[0], "-") {
		return p.refuse(errors.New("link needs the directory where the links go, and knows no option but --copy"))
	}
	target, err := os.Executable()
	if err == nil && len(words) < len(p.words) {
		target, err = copyTo(words[0], target)
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "Error: %v\n", err)
		return 1
	}
	for _, role := range roles() {
		name := filepath.Join(words[0], role)
		if there, err := os.Readlink(name); err == nil && there == target {
			continue
		}
		if err := os.Symlink(target, name); err != nil {
			fmt.Fprintf(p.stderr, "Error: %v\n", err)
			return 1
		}
	}
	return 0
}

// copyTo puts a copy of the program into a directory, in the place of an earlier one,
// and returns what links beside it lead to.
func copyTo(dir, program string) (target string, err error) {
	const name = "supervisor"
	from, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.CreateTemp(dir, name)
	if err != nil {
		return "", err
	}
	defer os.Remove(to.Name()) // unless it has got its name, and this fails
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Chmod(0o755)
	}
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(to.Name(), filepath.Join(dir, name)) // whoever runs the old one goes on
	}
	return name, err
}

// refuse reports an error of the command line or of the configuration.
func (p program) refuse(err error) int {
	fmt.Fprintf(p.stderr, "Error: %v\nFor help, use %s -h\n", err, p.argv0)
	return exitUsage
}

// daemonFlags is the command line of supervisord. A nil field was not given.
type daemonFlags struct {
	Configuration  *string     `name:"configuration" short:"c" placeholder:"FILENAME" help:"read this file instead of searching for one"`
	NoDaemon       bool        `name:"nodaemon" short:"n" help:"stay in the foreground (nodaemon=true in the file)"`
	Silent         bool        `name:"silent" short:"s" help:"do not show the log in the foreground (silent=true in the file)"`
	Help           bool        `name:"help" short:"h" help:"show this text and exit"`
	Version        bool        `name:"version" short:"v" help:"show the version number and exit"`
	User           *string     `name:"user" short:"u" placeholder:"USER" help:"become this user, by name or by number"`
	Umask          *int        `name:"umask" short:"m" type:"octal" placeholder:"UMASK" help:"file creation mask in the background (default 022)"`
	Directory      *string     `name:"directory" short:"d" type:"directory" placeholder:"DIRECTORY" help:"go there when going into the background"`
	Logfile        *string     `name:"logfile" short:"l" type:"filename" placeholder:"FILENAME" help:"use FILENAME as the log of supervisord"`
	MaxBytes       *int64      `name:"logfile_maxbytes" short:"y" type:"bytes" placeholder:"BYTES" help:"rotate that log when it would exceed BYTES"`
	Backups        *int        `name:"logfile_backups" short:"z" type:"number" placeholder:"NUM" help:"keep NUM old logs"`
	LogLevel       *logs.Level `name:"loglevel" short:"e" type:"level" placeholder:"LEVEL" help:"log what is at least this important (critical,error,warn,info,debug,trace,blather)"`
	Pidfile        *string     `name:"pidfile" short:"j" type:"filename" placeholder:"FILENAME" help:"write the process id to FILENAME"`
	Identifier     *string     `name:"identifier" short:"i" placeholder:"STR" help:"name of this supervisord among others"`
	ChildLogDir    *string     `name:"childlogdir" short:"q" type:"directory" placeholder:"DIRECTORY" help:"make the AUTO logs of programs there"`
	NoCleanup      bool        `name:"nocleanup" short:"k" help:"keep the AUTO logs of earlier runs"`
	MinFDs         *int        `name:"minfds" short:"a" type:"number" placeholder:"NUM" help:"refuse to start with fewer open files allowed"`
	StripANSI      bool        `name:"strip_ansi" short:"t" help:"keep escape sequences out of the logs of programs"`
	MinProcs       *int        `name:"minprocs" type:"number" placeholder:"NUM" help:"refuse to start with fewer processes allowed"`
	ProfileOptions *string     `name:"profile_options" placeholder:"OPTIONS" help:"accepted, but without effect"`
	Check          bool        `name:"check" exact:"" help:"read the configuration, tell all that is wrong with it, and exit"`

	LogFormat *lines.Format `name:"log-format" exact:"" type:"logformat" placeholder:"FORMAT" help:"write the log of supervisord as text or as json, one object a line"`
}

// overrides is what the flags put in place of the file's settings.
func (f *daemonFlags) overrides() config.Overrides {
	notEmpty := func(s *string) *string {
		if s != nil && *s == "" {
			return nil
		}
		return s
	}
	return config.Overrides{
		NoDaemon: f.NoDaemon, Silent: f.Silent, NoCleanup: f.NoCleanup, StripANSI: f.StripANSI,
		User: f.User, Umask: f.Umask, Directory: f.Directory,
		Logfile: notEmpty(f.Logfile), LogfileMaxBytes: f.MaxBytes, LogfileBackups: f.Backups, LogLevel: f.LogLevel, LogFormat: f.LogFormat,
		Pidfile: notEmpty(f.Pidfile), Identifier: f.Identifier, ChildLogDir: f.ChildLogDir,
		MinFDs: f.MinFDs, MinProcs: f.MinProcs,
	}
}

// supervisord is the daemon.
func (p program) supervisord() int {
	signals := supervise.CatchSignals() // which goes on while the command line is read
	var flags daemonFlags
	words, err := p.parse(&flags, false)
	switch {
	case err != nil:
		return p.refuse(err)
	case flags.Help:
		fmt.Fprintf(p.stdout, "supervisord -- run a set of applications and keep them running.\n\nUsage: %s [options]\n\n%s\n", p.argv0, optionList(flags))
		return 0
	case flags.Version:
		fmt.Fprintln(p.stdout, version)
		return 0
	case len(words) > 0:
		for i, word := range words {
			words[i] = inifile.PythonRepr(word)
		}
		return p.refuse(fmt.Errorf("positional arguments are not supported: [%s]", strings.Join(words, ", ")))
	}
	start := supervise.Start{
		Overrides: flags.overrides(), Env: p.env, Argv0: p.argv0, Version: version,
		Args: p.words, Signals: signals,
		Stdout: p.stdout, Stderr: p.stderr,
	}
	if flags.Configuration != nil {
		start.Path = *flags.Configuration
	} else {
		if os.Getuid() == 0 {
			fmt.Fprintln(p.stderr, rootWarning)
		}
		if start.Path, err = config.Find(p.argv0); err != nil {
			return p.refuse(err)
		}
		start.Args = append([]string{"-c", start.Path}, p.words...) // no second search, no second warning
	}
	if flags.Check {
		return supervise.Check(start.Path, start.Overrides, start.Env, p.stdout)
	}
	exit, err := supervise.Run(start)
	if err != nil {
		return p.refuse(err)
	}
	return exit
}

const rootWarning = "supervisord: UserWarning: Supervisord is running as root and it is searching for its configuration file in default locations " +
	"(including its current working directory); you probably want to specify a \"-c\" argument specifying an absolute path " +
	"to a configuration file for improved security."

// ctlFlags is the command line of supervisorctl. A nil field was not given.
type ctlFlags struct {
	Configuration *string `name:"configuration" short:"c" values:"file" placeholder:"FILENAME" help:"read this file instead of searching for one"`
	Help          bool    `name:"help" short:"h" help:"show this text and exit"`
	Interactive   bool    `name:"interactive" short:"i" help:"start an interactive shell; with an action: ask for name and password if need be"`
	ServerURL     *string `name:"serverurl" short:"s" type:"url" placeholder:"URL" help:"where supervisord listens (default \"http://localhost:9001\")"`
	Username      *string `name:"username" short:"u" placeholder:"USERNAME" help:"name to give to the server"`
	Password      *string `name:"password" short:"p" placeholder:"PASSWORD" help:"password to give to the server"`
	JSON          bool    `name:"json" exact:"" help:"with status: print the processes as JSON"`
	Color         *string `name:"color" exact:"" type:"color" values:"auto,always,never" placeholder:"WHEN" help:"colours in the output of status: auto (on a terminal), always or never"`
	HistoryFile   *string `name:"history_file" short:"r" values:"file" placeholder:"FILENAME" help:"keep the lines typed in the shell in this file"`
}

const ctlActions = `action [arguments] -- what supervisord is to do, for example "status" or
"restart web". Without an action a shell starts that reads actions from the
terminal. The action "help" lists all of them.
`

// supervisorctl is the client.
func (p program) supervisorctl() int {
	var flags ctlFlags
	p.words = withUnderscore(p.words)
	words, err := p.parse(&flags, true)
	switch {
	case err != nil:
		return p.refuse(err)
	case flags.Help:
		fmt.Fprintf(p.stdout, "supervisorctl -- control applications run by supervisord.\n\nUsage: %s [options] [action [arguments]]\n\n%s\n%s\n",
			p.argv0, optionList(flags), ctlActions)
		return 0
	case len(words) == 3 && words[0] == "completion":
		return p.completeLine(words[2])
	}
	options, err := p.ctlOptions(flags)
	if err != nil {
		return p.refuse(err)
	}
	options.Args = words
	return ctl.Run(context.Background(), options)
}

// ctlOptions is what the command line and the configuration file ask supervisorctl for.
func (p program) ctlOptions(flags ctlFlags) (options ctl.Options, err error) {
	var path string
	if flags.Configuration != nil {
		path = *flags.Configuration
	} else if path, err = config.Find(p.argv0); err != nil {
		path = "" // without a file the defaults hold
	}
	settings, err := ctl.ReadSettings(path, p.env)
	if err != nil {
		return options, err
	}
	options = ctl.Options{
		ServerURL: settings.ServerURL,
		Username:  settings.Username, HasUsername: settings.HasUsername,
		Password: settings.Password, HasPassword: settings.HasPassword,
		Prompt: settings.Prompt, HistoryFile: settings.HistoryFile, Color: settings.Color,
		Interactive: flags.Interactive, JSON: flags.JSON,
		Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr,
	}
	if flags.ServerURL != nil {
		options.ServerURL = *flags.ServerURL
	}
	if flags.Username != nil {
		options.Username, options.HasUsername = *flags.Username, true
	}
	if flags.Password != nil {
		options.Password, options.HasPassword = *flags.Password, true
	}
	if flags.HistoryFile != nil {
		options.HistoryFile = *flags.HistoryFile
	}
	if flags.Color != nil {
		options.Color = *flags.Color
	}
	return options, nil
}

// completeLine tells the script of a shell what the last word of a line of it can become.
func (p program) completeLine(line string) int {
	words := ctl.SplitTyped(line)
	if len(words) == 0 {
		return 0
	}
	before, last := words[:len(words)-1], words[len(words)-1]
	var flags ctlFlags
	typed := ctl.Typed{Options: shellOptions(flags), Value: last}
	p.words = before
	words, err := p.parse(&flags, true)
	typed.Words = append(words, last)
	var open *getopt.NoArgument
	if errors.As(err, &open) {
		i := slices.IndexFunc(typed.Options, func(o ctl.Option) bool { return o.Name == "--"+open.Name })
		typed.Option = &typed.Options[i]
	} else if err != nil {
		return 0
	}
	options, err := p.ctlOptions(flags)
	if err != nil { // words are there all the same, but no names of programs
		options = ctl.Options{Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr}
	}
	return ctl.Complete(context.Background(), options, typed)
}

// shellOptions are the options that a struct of flags stands for, as a shell needs them.
func shellOptions(flags any) (table []ctl.Option) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(flags)) {
		o := ctl.Option{Name: "--" + f.Tag.Get("name")}
		switch values := f.Tag.Get("values"); values {
		case "":
		case "file":
			o.File = true
		default:
			o.Values = strings.Split(values, ",")
		}
		table = append(table, o)
	}
	return table
}

// withUnderscore lets --history-file, which Supervisor announces and refuses, stand for
// --history_file.
func withUnderscore(words []string) []string {
	words = slices.Clone(words)
	for i, w := range words {
		if rest, ok := strings.CutPrefix(w, "--history-file"); ok && (rest == "" || rest[0] == '=') {
			words[i] = "--history_file" + rest
		}
	}
	return words
}

// parse reads the command line into flags, a struct with kong's tags, and returns
// the words after the options. It does so from left to right: -h and -v end it.
func (p program) parse(flags any, positional bool) (words []string, err error) {
	target := reflect.ValueOf(flags).Elem()
	fields := reflect.VisibleFields(target.Type())
	found, words, err := getopt.Scan(options(fields), p.words)
	var unknown *getopt.Unknown
	if errors.As(err, &unknown) {
		return nil, withNearest(unknown, fields)
	}
	if err != nil || len(words) > 0 && !positional {
		return words, err
	}
	given := map[string]bool{}
	convert := converter(flags)
	for _, o := range found {
		f := fields[slices.IndexFunc(fields, func(f reflect.StructField) bool { return f.Tag.Get("name") == o.Name })]
		switch value := target.FieldByIndex(f.Index); {
		case f.Type.Kind() == reflect.Bool:
			value.SetBool(true)
		case f.Tag.Get("type") == "":
			value.Set(reflect.ValueOf(&o.Value))
		default:
			err = convert(o)
		}
		if err == nil && given[o.Name] {
			err = fmt.Errorf("conflicting command line option %s", inifile.PythonRepr(o.Spelled))
		}
		if err != nil {
			return nil, err
		}
		if o.Name == "help" || o.Name == "version" {
			return nil, nil
		}
		given[o.Name] = true
	}
	return words, nil
}

// withNearest adds to an error the option that was probably meant, if one is near.
func withNearest(unknown *getopt.Unknown, fields []reflect.StructField) error {
	var names []string
	for _, f := range fields {
		names = append(names, "--"+f.Tag.Get("name"))
	}
	word, _, _ := strings.Cut(unknown.Spelled, "=")
	if name := near.Name(word, names); name != "" && strings.HasPrefix(word, "--") {
		return fmt.Errorf("%w: did you mean %s?", unknown, name)
	}
	return unknown
}

// options are those that the fields stand for.
func options(fields []reflect.StructField) []getopt.Option {
	table := make([]getopt.Option, len(fields))
	for i, f := range fields {
		_, exact := f.Tag.Lookup("exact")
		table[i] = getopt.Option{Name: f.Tag.Get("name"), Short: f.Tag.Get("short"), Arg: f.Type.Kind() != reflect.Bool, Exact: exact}
		if table[i].Name == "help" {
			table[i].Short += "?"
		}
	}
	return table
}

// converter returns what sets a flag that has a type to the value of an option:
// kong, which takes longer to make itself acquainted with the flags than the whole
// rest of the command line does, and so is not asked before there is such a value.
func converter(flags any) func(getopt.Found) error {
	grammar := sync.OnceValues(func() (*kong.Kong, error) {
		return kong.New(flags, kong.NoDefaultHelp(),
			mapper("octal", inifile.ParseOctal), mapper("number", inifile.ParseInt), mapper("bytes", inifile.ParseBytes),
			mapper("directory", inifile.ExistingDirectory), mapper("filename", inifile.ExistingDirpath),
			mapper("level", logs.ParseLevel), mapper("logformat", config.ParseLogFormat), mapper("url", inifile.ParseURL), mapper("color", ctl.ParseColor))
	})
	return func(o getopt.Found) error {
		k, err := grammar()
		if err != nil {
			return err
		}
		f := k.Model.Flags[slices.IndexFunc(k.Model.Flags, func(f *kong.Flag) bool { return f.Name == o.Name })]
		token := kong.Token{Type: kong.FlagValueToken, Value: o.Value}
		if err := f.Parse(kong.ScanFromTokens(token), f.Target); err != nil {
			return fmt.Errorf("invalid value for %s %s: %w", o.Spelled, inifile.PythonRepr(o.Value), errors.Unwrap(err))
		}
		return nil
	}
}

// mapper lets kong use one of the converters of the configuration file for the
// flags with this type tag.
func mapper[T any](name string, parse func(string) (T, error)) kong.Option {
	return kong.NamedMapper(name, kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		value, err := parse(ctx.Scan.Pop().Value.(string))
		if err == nil {
			target.Set(reflect.ValueOf(&value))
		}
		return err
	}))
}

// optionList describes each option on a line of its own.
func optionList(flags any) string {
	var b strings.Builder
	b.WriteString("Options:\n")
	for _, f := range reflect.VisibleFields(reflect.TypeOf(flags)) {
		if short := f.Tag.Get("short"); short != "" {
			b.WriteString("-" + short + "/")
		}
		b.WriteString("--" + f.Tag.Get("name"))
		if placeholder := f.Tag.Get("placeholder"); placeholder != "" {
			b.WriteString(" " + placeholder)
		}
		b.WriteString(" -- " + f.Tag.Get("help") + "\n")
	}
	return b.String()
}
