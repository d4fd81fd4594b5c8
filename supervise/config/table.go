package config

import (
	"io/fs"
	"strings"
	"syscall"
	"time"

	"supervisor/inifile"
	"supervisor/supervise/backoff"
	"supervisor/supervise/life"
	"supervisor/supervise/limits"
	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
	"supervisor/supervise/order"
)

// keyTable is every key of every section. A new one is a row here and a field in the
// struct that it is read into.
func keyTable() []Key {
	var table []Key
	for _, rows := range [][]Key{daemonKeys(), serverKeys(), groupKeys(), programKeys(), additionKeys(), limitKeys(), socketKeys(), processKeys(), otherKeys()} {
		table = append(table, rows...)
	}
	return table
}

// daemonKeys are those of [supervisord].
func daemonKeys() []Key {
	const in = InSupervisord
	number := func(field func(*Config) *int) []value { return []value{into(ofDaemon, numberKind, field)} }
	flag := func(field func(*Config) *bool) []value { return []value{into(ofDaemon, boolKind, field)} }
	return []Key{
		{Name: "minfds", In: in, Default: "1024", Since: "3.0", Text: "open files it must be allowed to have", Example: "1024",
			values: number(func(c *Config) *int { return &c.MinFDs })},
		{Name: "minprocs", In: in, Default: "200", Since: "3.0", Text: "processes it must be allowed to have", Example: "200",
			values: number(func(c *Config) *int { return &c.MinProcs })},
		{Name: "directory", In: in, Unset: "where it was started", Since: "3.0", Text: "where a daemon in the background works", Example: "/tmp",
			values: []value{into(ofDaemon, directoryKind, func(c *Config) *string { return &c.Directory })}},
		{Name: "user", In: in, Unset: "no change", Since: "3.0", Text: "account to become; set it if started by root", Example: "supervisord",
			values: []value{special(ofDaemon, accountKind, (*reading).readDaemonUser)}},
		{Name: "umask", In: in, Default: "022", Since: "3.0", Text: "of a daemon in the background, octal", Example: "022",
			values: []value{into(ofDaemon, octalKind, func(c *Config) *int { return &c.Umask })}},
		{Name: "logfile", In: in, Default: "supervisord.log", Since: "3.0", Text: "the daemon's own log, or syslog", Example: "/tmp/supervisord.log",
			values: []value{into(ofDaemon, fileKind, func(c *Config) *string { return &c.Logfile })}},
		{Name: "logfile_maxbytes", In: in, Default: "50MB", Since: "3.0", Text: "size at which it is rotated, 0: never", Example: "50MB",
			values: []value{into(ofDaemon, bytesKind, func(c *Config) *int64 { return &c.LogfileMaxBytes })}},
		{Name: "logfile_backups", In: in, Default: "10", Since: "3.0", Text: "how many old ones are kept, 0: none", Example: "10",
			values: number(func(c *Config) *int { return &c.LogfileBackups })},
		{Name: "loglevel", In: in, Default: "info", Since: "3.0", Text: "critical, error, warn, info, debug, trace or blather", Example: "info",
			values: []value{into(ofDaemon, levelKind, func(c *Config) *logs.Level { return &c.LogLevel })}},
		{Name: "pidfile", In: in, Default: "supervisord.pid", Since: "3.0", Text: "where the process id is written", Example: "/tmp/supervisord.pid",
			values: []value{into(ofDaemon, fileKind, func(c *Config) *string { return &c.Pidfile })}},
		{Name: "identifier", In: in, Default: "supervisor", Since: "3.0", Text: "name of this daemon among others", Example: "supervisor",
			values: []value{into(ofDaemon, textKind, func(c *Config) *string { return &c.Identifier })}},
		{Name: "nodaemon", In: in, Default: "false", Since: "3.0", Text: "true: stay in the foreground", Example: "false",
			values: flag(func(c *Config) *bool { return &c.NoDaemon })},
		{Name: "silent", In: in, Default: "false", Since: "4.2.0", Text: "true: in the foreground, do not show the log", Example: "false",
			values: flag(func(c *Config) *bool { return &c.Silent })},
		{Name: "childlogdir", In: in, Unset: "the directory for temporary files", Since: "3.0", Text: "where AUTO logs are made", Example: "/tmp",
			values: []value{special(ofDaemon, directoryKind.name, (*reading).readChildLogDir)}},
		{Name: "nocleanup", In: in, Default: "false", Since: "3.0", Text: "true: keep AUTO logs of earlier runs", Example: "true",
			values: flag(func(c *Config) *bool { return &c.NoCleanup })},
		{Name: "strip_ansi", In: in, Default: "false", Since: "3.0", Text: "true: keep escape sequences out of the logs of programs", Example: "false",
			values: flag(func(c *Config) *bool { return &c.StripANSI })},
		{Name: "subreaper", In: in, Default: "false", Since: Ours, Text: "true: look after orphans of programs too; Linux only", Example: "false",
			values: flag(func(c *Config) *bool { return &c.Subreaper })},
		{Name: "log_format", In: in, Default: "text", Since: Ours, Text: "of the daemon's own log: text or json", Example: "text",
			values: []value{into(ofDaemon, daemonFormatKind, func(c *Config) *lines.Format { return &c.LogFormat })}},
		{Name: "environment_file", In: in, Unset: "none", Since: Ours, Text: "files of variables for every program, as in [program:x]", Example: "/etc/default/apps",
			values: []value{into(ofDaemon, filesKind, func(c *Config) *[]string { return &c.EnvironmentFiles })}},
		{Name: "exit_on_fatal", In: in, Default: "false", Since: Ours, Text: "true: end when any program is FATAL", Example: "false",
			values: flag(func(c *Config) *bool { return &c.ExitOnFatal })},
		{Name: "exit_when_empty", In: in, Default: "false", Since: Ours, Text: "true: end when nothing runs or will be started", Example: "false",
			values: flag(func(c *Config) *bool { return &c.ExitWhenEmpty })},
		{Name: "exit_status", In: in, Default: "program", Since: Ours, Text: "what it then returns: the status of that program, or 0", Example: "program",
			values: []value{into(ofDaemon, exitStatusKind, func(c *Config) *bool { return &c.ExitStatus })}},
		{Name: "environment", In: in, Unset: "nothing", Since: "3.0", Text: `for every program: KEY="value",KEY2="value2"`, Example: `KEY="value"`,
			values: []value{special(ofDaemon, pairsKind, (*reading).readDaemonEnvironment)}},
	}
}

// serverKeys are those of [unix_http_server] and [inet_http_server].
func serverKeys() []Key {
	return []Key{
		{Name: "file", In: InUnixServer, Since: "3.0", Text: "the socket that supervisorctl connects to", Example: "/tmp/supervisor.sock",
			values: []value{special(ofServer, pathKind, (*reading).readSocketFile)}},
		{Name: "username", In: inServers, Unset: "none, everybody may connect", Since: "3.0", Text: "name to ask for", Example: "user",
			values: []value{into(ofServer, textKind, func(c *Server) *string { return &c.Username })}},
		{Name: "password", In: inServers, Unset: "none", Since: "3.0", Text: "password, or {SHA} and its SHA-1 in hexadecimal", Example: "123",
			values: []value{special(ofServer, textKind.name, (*reading).readPassword)}},
		{Name: "chown", In: InUnixServer, Unset: "who starts supervisord", Since: "3.0", Text: "its owner, USER or USER:GROUP", Example: "nobody:nogroup",
			values: []value{owner(ofServer, "Invalid sockchown value ", func(c *Server) (uid, gid *int) { return &c.UID, &c.GID })}},
		{Name: "chmod", In: InUnixServer, Default: "0700", Since: "3.0", Text: "its mode", Example: "0700",
			values: []value{into(ofServer, modeKind("Invalid chmod value "), func(c *Server) *fs.FileMode { return &c.Mode })}},
		{Name: "port", In: InInetServer, Since: "3.0", Text: "HOST:PORT; *:PORT or PORT alone for all addresses", Example: "127.0.0.1:9001",
			values: []value{special(ofServer, addressKind, (*reading).readPort)}},
		{Name: "allowed_hosts", In: InInetServer, Unset: "its own without password on loopback, else any", Since: Ours, Text: "names it may be asked for, *: any", Example: "box,box.lan",
			values: []value{into(ofServer, listKind, func(c *Server) *[]string { return &c.AllowedHosts })}},
	}
}

// groupKeys are those of groups, of which each program outside a [group:x] is one.
func groupKeys() []Key {
	group := into(ofGroup, numberKind, func(g *groupDraft) *int { return &g.Priority })
	program := into(ofProgram, numberKind, func(d *draft) *int { return &d.Priority })
	return []Key{
		{Name: "programs", In: InGroup, Unset: "nothing", Since: "3.0", Text: "each the x of a [program:x] or [fcgi-program:x]", Example: "progname1,progname2",
			values: []value{into(ofGroup, listKind, func(g *groupDraft) *[]string { return &g.members })}},
		{Name: "priority", In: InGroup | InProgram | InProgramDefault | InFastCGI, Default: "999", Since: "3.0", Text: "lower ones start first and stop last", Example: "999",
			values: []value{group, program}},
		{Name: "priority", In: InListener, Unset: "-1 among groups, 999 within the pool", Since: "3.0", Text: "lower ones start first and stop last", Example: "-1",
			values: []value{group.or("-1"), program.or("999")}},
		{Name: "buffer_size", In: InListener, Default: "10", Since: "3.0", Text: "how many events wait for a listener that is busy", Example: "10",
			values: []value{then(into(ofGroup, numberKind, func(g *groupDraft) *int { return &g.BufferSize }), (*reading).checkBufferSize)}},
		{Name: "result_handler", In: InListener, Default: standardResultHandler, Since: "3.0", Text: "or supervisor_stdout:event_handler: results go to stdout", Example: standardResultHandler,
			values: []value{then(into(ofGroup, textKind, func(g *groupDraft) *string { return &g.ResultHandler }), (*reading).checkResultHandler)}},
		{Name: "events", In: InListener, Since: "3.0", Text: "types of events, EVENT for all: PROCESS_STATE,TICK_60", Example: "EVENT",
			values: []value{special(ofGroup, listKind.name, (*reading).readEvents)}},
		{Name: "redirect_stderr", In: InListener, Default: "false", Since: "3.0", Text: "must be false: stdout belongs to the protocol", Example: "false",
			values: []value{special(ofGroup, "false", (*reading).readRedirect), into(ofProgram, boolKind, func(d *draft) *bool { return &d.RedirectStderr })}},
	}
}

// programKeys are those of programs of all kinds that are the same for all processes.
func programKeys() []Key {
	const in = inPrograms
	number := func(field func(*draft) *int) []value { return []value{into(ofProgram, numberKind, field)} }
	flag := func(field func(*draft) *bool) []value { return []value{into(ofProgram, boolKind, field)} }
	seconds := func(field func(*draft) *time.Duration) []value { return []value{into(ofProgram, secondsKind, field)} }
	duration := func(field func(*draft) *time.Duration) []value { return []value{into(ofProgram, durationKind, field)} }
	table := []Key{
		{Name: "autostart", In: in, Default: "true", Since: "3.0", Text: "start together with supervisord", Example: "true",
			values: flag(func(d *draft) *bool { return &d.Autostart })},
		{Name: "autorestart", In: in, Default: "unexpected", Since: "3.0", Text: "when it ends: true, false, or unexpected: unless exitcodes has its status", Example: "unexpected",
			values: []value{into(ofProgram, restartKind, func(d *draft) *life.Autorestart { return &d.Autorestart })}},
		{Name: "startsecs", In: in, Default: "1", Since: "3.0", Text: "seconds it must stay up to count as started", Example: "1",
			values: seconds(func(d *draft) *time.Duration { return &d.StartSecs })},
		{Name: "startretries", In: in, Default: "3", Since: "3.0", Text: "how often a failed start is repeated", Example: "3",
			values: number(func(d *draft) *int { return &d.Restart.Retries })},
		{Name: "restart_delay", In: in, Unset: "as Supervisor, and at most once a second after 10 lives of less", Since: Ours, Example: "5",
			Text:   "pause before it is started again: seconds, or 500ms, 2m, 1h; 0: never one",
			values: duration(func(d *draft) *time.Duration { return &d.Restart.Delay })},
		{Name: "restart_factor", In: in, Default: "1", Since: Ours, Text: "each pause in a row is so many times the one before", Example: "1",
			values: []value{into(ofProgram, factorKind, func(d *draft) *float64 { return &d.Restart.Factor })}},
		{Name: "restart_delay_max", In: in, Default: "60s", Since: Ours, Text: "the longest pause", Example: "60s",
			values: duration(func(d *draft) *time.Duration { return &d.Restart.Max })},
		{Name: "restart_jitter", In: in, Default: "0%", Since: Ours, Text: "how much a pause may be longer or shorter by chance", Example: "0%",
			values: []value{into(ofProgram, partKind, func(d *draft) *float64 { return &d.Restart.Jitter })}},
		{Name: "restart_reset", In: in, Default: "60s", Since: Ours, Text: "when it has been up for so long, pauses begin anew", Example: "60s",
			values: duration(func(d *draft) *time.Duration { return &d.Restart.Reset })},
		{Name: "restart_limit", In: in, Unset: "none", Since: Ours, Text: "more restarts within a time than this, and it is FATAL", Example: "5/60s",
			values: []value{into(ofProgram, limitKind, func(d *draft) *backoff.Limit { return &d.Restart.Limit })}},
		{Name: "restart_forever", In: in, Default: "false", Since: Ours, Text: "true: a failed start is repeated without end", Example: "false",
			values: flag(func(d *draft) *bool { return &d.Restart.Forever })},
		{Name: "fatal_retry", In: in, Unset: "never", Since: Ours, Text: "after how long a program that is FATAL is tried again", Example: "10m",
			values: []value{into(ofProgram, pauseKind, func(d *draft) *time.Duration { return &d.Restart.FatalRetry })}},
		{Name: "stopsignal", In: in, Default: "TERM", Since: "3.0", Text: "what asks it to stop", Example: "QUIT",
			values: []value{into(ofProgram, signalKind, func(d *draft) *syscall.Signal { return &d.StopSignal })}},
		{Name: "stopwaitsecs", In: in, Default: "10", Since: "3.0", Text: "seconds until SIGKILL if it does not", Example: "10",
			values: seconds(func(d *draft) *time.Duration { return &d.StopWait })},
		{Name: "stop_sequence", In: in, Unset: "stopsignal and stopwaitsecs", Since: Ours, Text: "signals and how long to wait after each, in place of these; SIGKILL is the last", Example: "TERM 10s, INT 5s",
			values: []value{into(ofProgram, sequenceKind, func(d *draft) *[]life.StopStep { return &d.StopSequence })}},
		{Name: "stopasgroup", In: in, Default: "false", Since: "3.0", Text: "true: stopsignal goes to its whole process group", Example: "false",
			values: flag(func(d *draft) *bool { return &d.StopAsGroup })},
		{Name: "killasgroup", In: in, Unset: "as stopasgroup", Since: "3.0", Text: "true: SIGKILL goes to its whole process group", Example: "false",
			values: []value{special(ofProgram, boolKind.name, func(_ *reading, s *inifile.Reader, key string, d *draft) {
				d.KillAsGroup = s.Bool(key, d.StopAsGroup)
			})}},
		{Name: "exitcodes", In: in, Default: "0", Since: "3.0", Text: "exit statuses that are expected: 0,2", Example: "0",
			values: []value{into(ofProgram, exitCodesKind, func(d *draft) *[]int { return &d.ExitCodes })}},
		{Name: "redirect_stderr", In: in &^ InListener, Default: "false", Since: "3.0", Text: "true: stderr goes where stdout goes", Example: "true",
			values: flag(func(d *draft) *bool { return &d.RedirectStderr })},
		{Name: "numprocs", In: in, Default: "1", Since: "3.0", Text: "how many processes", Example: "1",
			values: []value{then(into(ofProgram, numberKind, func(d *draft) *int { return &d.count }), checkCount)}},
		{Name: "numprocs_start", In: in, Default: "0", Since: "3.0", Text: "number of the first one", Example: "0",
			values: number(func(d *draft) *int { return &d.first })},
	}
	for _, c := range []logs.Channel{logs.Stdout, logs.Stderr} {
		table = append(table,
			Key{Name: c.String() + "_capture_maxbytes", In: in, Default: "0", Since: "3.0", Text: "most bytes of a PROCESS_COMMUNICATION event, 0: off", Example: "1MB",
				values: []value{into(ofProgram, bytesKind, func(d *draft) *int64 { return &d.Logs[c].CaptureMaxBytes })}},
			Key{Name: c.String() + "_events_enabled", In: in, Default: "false", Since: "3.0", Text: "true: PROCESS_LOG events for what it writes", Example: "false",
				values: flag(func(d *draft) *bool { return &d.Logs[c].EventsEnabled })},
		)
	}
	return append(table,
		Key{Name: "serverurl", In: in, Default: "AUTO", Since: "3.0", Text: "SUPERVISOR_SERVER_URL for it", Example: "AUTO",
			values: []value{then(into(ofProgram, textKind, func(d *draft) *string { return &d.ServerURL }), (*reading).settleServerURL)}},
		Key{Name: "user", In: in, Unset: "that of supervisord", Since: "3.0", Text: "account to run it as; only for root", Example: "chrism",
			values: []value{special(ofSocket, accountKind, (*reading).readSocketUser), special(ofProgram, accountKind, (*reading).readUser)}},
		Key{Name: "umask", In: in, Unset: "that of supervisord", Since: "3.0", Text: "file creation mask, octal", Example: "022",
			values: []value{into(ofProgram, octalKind, func(d *draft) *int { return &d.Umask }).or("-1")}},
		Key{Name: "process_name", In: in, Default: "%(program_name)s", Since: "3.0", Text: "name of a process; needs %(process_num)d if there are several", Example: "%(program_name)s",
			values: []value{into(ofProgram, nameKind, func(d *draft) *string { return &d.nameFormat })}},
	)
}

// additionKeys are those of ours that say when a program may start, when it is up and what
// its end means.
func additionKeys() []Key {
	const in = InProgram | InProgramDefault | InFastCGI
	return []Key{
		{Name: "exit_on", In: inPrograms, Default: "never", Since: Ours, Text: "which end of it ends supervisord: exit, unexpected, fatal, or never", Example: "never",
			values: []value{into(ofProgram, exitOnKind, func(d *draft) *ExitOn { return &d.ExitOn })}},
		{Name: "depends_on", In: in, Unset: "nothing", Since: Ours, Text: "what has to be up (NAME), ready (NAME:ready) or done (NAME:done) before it starts", Example: "db:ready, cache",
			values: []value{into(ofProgram, needsKind, func(d *draft) *[]order.Need { return &d.Needs })}},
		{Name: "depends_timeout", In: in, Default: "0", Since: Ours, Text: "how long to wait for all of them, 0: for ever", Example: "60s",
			values: []value{into(ofProgram, durationKind, func(d *draft) *time.Duration { return &d.DependsTimeout })}},
		{Name: "ready", In: inPrograms, Default: "startsecs", Since: Ours, Text: "what makes it RUNNING: startsecs, notify, fd:N, log:REGEX or health", Example: "startsecs",
			values: []value{into(ofProgram, readyKind, func(d *draft) *Readiness { return &d.Ready })}},
		{Name: "ready_timeout", In: inPrograms, Default: "60s", Since: Ours, Text: "how long that may take, 0: for ever", Example: "60s",
			values: []value{into(ofProgram, durationKind, func(d *draft) *time.Duration { return &d.ReadyTimeout })}},
		{Name: "watchdog", In: in, Unset: "none", Since: Ours, Text: "with ready=notify: WATCHDOG=1 comes at least so often", Example: "30s",
			values: []value{into(ofProgram, pauseKind, func(d *draft) *time.Duration { return &d.Watchdog })}},
		{Name: "health_interval", In: in, Default: "10s", Since: Ours, Text: "how often its health is checked", Example: "10s",
			values: []value{into(ofProgram, pauseKind, func(d *draft) *time.Duration { return &d.Health.Interval })}},
		{Name: "health_timeout", In: in, Default: "3s", Since: Ours, Text: "how long a check may take", Example: "3s",
			values: []value{into(ofProgram, pauseKind, func(d *draft) *time.Duration { return &d.Health.Timeout })}},
		{Name: "health_retries", In: in, Default: "3", Since: Ours, Text: "how many failures in a row are too many", Example: "3",
			values: []value{into(ofProgram, countKind, func(d *draft) *int { return &d.Health.Retries })}},
		{Name: "health_grace", In: in, Default: "30s", Since: Ours, Text: "how long after it is up failures do not count", Example: "30s",
			values: []value{into(ofProgram, durationKind, func(d *draft) *time.Duration { return &d.Health.Grace })}},
		{Name: "health_action", In: in, Default: "restart", Since: Ours, Text: "what then: restart, stop or none", Example: "restart",
			values: []value{into(ofProgram, healthActionKind, func(d *draft) *HealthAction { return &d.Health.Action })}},
		{Name: "log_format", In: in, Default: "raw", Since: Ours, Text: "raw, text: whole lines behind log_prefix, or json", Example: "text",
			values: []value{into(ofProgram, formatKind, func(d *draft) *lines.Format { return &d.Lines.Format })}},
		{Name: "log_timestamps", In: in, Default: "none", Since: Ours, Text: "with log_format=text, before the prefix: iso8601, unix or none", Example: "iso8601",
			values: []value{into(ofProgram, timestampsKind, func(d *draft) *lines.Timestamps { return &d.Lines.Timestamps })}},
		{Name: "log_prefix", In: in, Default: defaultPrefix, Since: Ours, Text: "before each line of text; %(process_num)d, %(group_name)s and %(channel)s too", Example: defaultPrefix,
			values: []value{{kind: textKind.name}}}, // see readProcess
		{Name: "log_when_blocked", In: in, Default: "wait", Since: Ours, Text: "what if nobody reads the log: wait, or drop whole lines after a second", Example: "drop",
			values: []value{into(ofProgram, blockedKind, func(d *draft) *bool { return &d.Lines.Drop })}},
		{Name: "user_environment", In: inPrograms, Default: "false", Since: Ours, Text: "true: HOME, USER, LOGNAME and SHELL of its user, unless environment says otherwise", Example: "false",
			values: []value{into(ofProgram, boolKind, func(d *draft) *bool { return &d.UserEnvironment })}},
		{Name: "environment_file", In: inPrograms, Unset: "none", Since: Ours, Text: "files with a KEY=VALUE a line, read at each start; with a - before it, one may be missing", Example: "-/etc/default/app",
			values: []value{into(ofProcess, filesKind, func(d *draft) *[]string { return &d.EnvironmentFiles })}},
		{Name: "health_command", In: in, Unset: "none", Since: Ours, Text: "a command that exits with 0 if it is healthy", Example: "/usr/bin/check %(process_num)d",
			values: []value{into(ofProcess, checkCommandKind, func(d *draft) *string { return &d.Health.Command })}},
		{Name: "health_http", In: in, Unset: "none", Since: Ours, Text: "an address that answers 2xx or 3xx if it is healthy", Example: "http://localhost:8080/health",
			values: []value{into(ofProcess, urlKind, func(d *draft) *string { return &d.Health.HTTP })}},
		{Name: "health_tcp", In: in, Unset: "none", Since: Ours, Text: "an address that can be connected to if it is healthy", Example: "localhost:5432",
			values: []value{into(ofProcess, hostPortKind, func(d *draft) *string { return &d.Health.TCP })}},
	}
}

// limitKeys are those of package limits.
func limitKeys() []Key {
	about := map[string][2]string{
		"nice":          {"10", "its priority, -20 to 19: more is nicer to others"},
		"oom_score_adj": {"-500", "-1000 to 1000: less makes the kernel spare it when memory is short"},
		"cpu_affinity":  {"0-3,6", "the processors it may run on"},
		"ioprio":        {"best-effort:6", "idle, or best-effort or realtime with a level from 0 to 7"},
		"capabilities":  {"CAP_NET_BIND_SERVICE", "the capabilities it has, whoever its user is"},
		"no_new_privs":  {"true", "true: no setuid program gives it more privileges"},
		"rlimit_nofile": {"4096:65536", "its limit of open files, soft:hard, or one value for both"},
	}
	var table []Key
	for _, name := range limits.Keys() {
		k := Key{Name: name, In: inPrograms, Unset: "as supervisord", Since: Ours, Text: "its " + strings.ToUpper(name) + ", soft:hard, or one value for both; unlimited", Example: "unlimited"}
		kind := "a limit" // whose error says for itself what to write
		if name == "no_new_privs" {
			k.Unset, k.Default, kind = "", "false", boolKind.name
		}
		if a, ok := about[name]; ok {
			k.Example, k.Text = a[0], a[1]
		}
		k.values = []value{special(ofProgram, kind, func(_ *reading, s *inifile.Reader, key string, d *draft) {
			if !s.Has(key) {
				return
			}
			if err := d.Limits.Set(key, s.String(key, "")); err != nil {
				s.Fail(key, err)
			}
		})}
		table = append(table, k)
	}
	return table
}

// socketKeys are those of [fcgi-program:x] alone.
func socketKeys() []Key {
	return []Key{
		{Name: "socket_backlog", In: InFastCGI, Unset: "as many as the system allows", Since: "3.4.0", Text: "connections that may wait", Example: "128",
			values: []value{special(ofSocket, "a number from 1 to 65535", (*reading).readBacklog)}},
		{Name: "socket_owner", In: InFastCGI, Unset: "user, if it is set", Since: "3.0", Text: "of a unix socket, USER or USER:GROUP", Example: "nobody:nogroup",
			values: []value{owner(ofSocket, "Invalid socket_owner value ", func(socket *FastCGISocket) (uid, gid *int) { return &socket.OwnerUID, &socket.OwnerGID })}},
		{Name: "socket_mode", In: InFastCGI, Default: "0700", Since: "3.0", Text: "of a unix socket", Example: "0700",
			values: []value{into(ofSocket, modeKind("Invalid socket_mode value "), func(socket *FastCGISocket) *fs.FileMode { return &socket.Mode })}},
		{Name: "socket", In: InFastCGI, Since: "3.0", Text: "unix:///PATH or tcp://HOST:PORT", Example: "unix:///tmp/fcgi.sock",
			values: []value{special(ofSocket, socketKind, (*reading).readSocketURL)}},
	}
}

// processKeys are those of programs of all kinds that each process has for itself: they
// can refer to its number and to environment, which therefore comes first.
func processKeys() []Key {
	const in = inPrograms
	table := []Key{
		{Name: "environment", In: in, Unset: "nothing", Since: "3.0", Text: "added to that of supervisord", Example: `A="1",B="2"`,
			values: []value{{kind: pairsKind}}}, // see readProcess
		{Name: "directory", In: in, Unset: "where supervisord does", Since: "3.0", Text: "where it works", Example: "/tmp",
			values: []value{special(ofProcess, anyDirectory, func(_ *reading, s *inifile.Reader, key string, d *draft) {
				d.Directory, d.ChangeDir = s.String(key, ""), s.Has(key)
			})}},
	}
	for _, c := range []logs.Channel{logs.Stdout, logs.Stderr} {
		table = append(table,
			Key{Name: c.String() + "_logfile", In: in, Default: "AUTO", Since: "3.0", Text: "path, NONE, or AUTO for a file in childlogdir", Example: "/a/path",
				values: []value{special(ofProcess, logPathKind, func(_ *reading, s *inifile.Reader, key string, d *draft) { d.readLogfile(s, key, c) })}},
			Key{Name: c.String() + "_logfile_backups", In: in, Default: "10", Since: "3.0", Text: "how many old ones are kept, 0: none", Example: "10",
				values: []value{into(ofProcess, numberKind, func(d *draft) *int { return &d.Logs[c].Backups })}},
			Key{Name: c.String() + "_logfile_maxbytes", In: in, Default: "50MB", Since: "3.0", Text: "size at which it is rotated, 0: never", Example: "1MB",
				values: []value{into(ofProcess, bytesKind, func(d *draft) *int64 { return &d.Logs[c].MaxBytes })}},
			Key{Name: c.String() + "_syslog", In: in, Default: "false", Since: "4.0.0", Text: "true: to syslog as well", Example: "false",
				values: []value{into(ofProcess, boolKind, func(d *draft) *bool { return &d.Logs[c].Syslog })}},
		)
	}
	return append(table, Key{Name: "command", In: in, Since: "3.0", Text: "what to run: a path, or a name to look up in PATH, and arguments", Example: "/bin/cat",
		values: []value{special(ofProcess, commandKind, func(_ *reading, s *inifile.Reader, key string, d *draft) {
			d.Command = s.Required(key, "program section "+s.Section().Name()+" does not specify a command")
		})}})
}

// otherKeys are that of [api], and those that are read elsewhere: by supervisorctl, by the
// include, or as references to Python code.
func otherKeys() []Key {
	return []Key{
		{Name: "supervisor.rpcinterface_factory", In: InRPCInterface, Since: "3.0", Text: "what makes the interface", Example: standardInterface},
		{Name: "serverurl", In: InCtl, Default: "http://localhost:9001", Since: "3.0", Text: "unix://PATH of [unix_http_server]", Example: "unix:///tmp/supervisor.sock"},
		{Name: "username", In: InCtl, Unset: "none", Since: "3.0", Text: "as configured there", Example: "chris"},
		{Name: "password", In: InCtl, Unset: "none", Since: "3.0", Text: "as configured there", Example: "123"},
		{Name: "prompt", In: InCtl, Default: "supervisor", Since: "3.0", Text: `what the shell shows before "> "`, Example: "mysupervisor"},
		{Name: "history_file", In: InCtl, Unset: "nowhere", Since: "3.0", Text: "where the shell keeps its history", Example: "~/.sc_history"},
		{Name: "color", In: InCtl, Unset: "auto in the shell, else never", Since: Ours, Text: "colours in the output: auto, always or never", Example: "auto"},
		{Name: "supervisor.ctl_factory", In: InCtlPlugin, Since: "3.0", Text: "what makes the commands", Example: "package.module:make_controller"},
		{Name: "enabled", In: InAPI, Default: "true", Since: Ours, Text: "true: offer the JSON API where XML-RPC is offered", Example: "true",
			values: []value{into(ofAPI, boolKind, func(c *Config) *bool { return &c.API })}},
		{Name: "files", In: InInclude, Since: "3.0", Text: "patterns of names of files", Example: "relative/directory/*.ini"},
	}
}
