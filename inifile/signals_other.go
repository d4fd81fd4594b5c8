//go:build !linux

package inifile

import "syscall"

// signals is every name that Python knows on the BSDs and macOS alike.
var signals = [...]signalName{
	{"ABRT", syscall.SIGABRT}, {"ALRM", syscall.SIGALRM}, {"BUS", syscall.SIGBUS},
	{"CHLD", syscall.SIGCHLD}, {"CONT", syscall.SIGCONT}, {"EMT", syscall.SIGEMT},
	{"FPE", syscall.SIGFPE}, {"HUP", syscall.SIGHUP}, {"ILL", syscall.SIGILL},
	{"INFO", syscall.SIGINFO}, {"INT", syscall.SIGINT}, {"IO", syscall.SIGIO},
	{"IOT", syscall.SIGIOT}, {"KILL", syscall.SIGKILL}, {"PIPE", syscall.SIGPIPE},
	{"PROF", syscall.SIGPROF}, {"QUIT", syscall.SIGQUIT}, {"SEGV", syscall.SIGSEGV},
	{"STOP", syscall.SIGSTOP}, {"SYS", syscall.SIGSYS}, {"TERM", syscall.SIGTERM},
	{"TRAP", syscall.SIGTRAP}, {"TSTP", syscall.SIGTSTP}, {"TTIN", syscall.SIGTTIN},
	{"TTOU", syscall.SIGTTOU}, {"URG", syscall.SIGURG}, {"USR1", syscall.SIGUSR1},
	{"USR2", syscall.SIGUSR2}, {"VTALRM", syscall.SIGVTALRM}, {"WINCH", syscall.SIGWINCH},
	{"XCPU", syscall.SIGXCPU}, {"XFSZ", syscall.SIGXFSZ},
}
