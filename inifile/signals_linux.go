package inifile

import "syscall"

// stackFault is SIGSTKFLT, a name that package syscall does not have on mips.
const stackFault syscall.Signal = 16

// signals is every name that Python knows on Linux.
var signals = [...]signalName{
	{"ABRT", syscall.SIGABRT}, {"ALRM", syscall.SIGALRM}, {"BUS", syscall.SIGBUS},
	{"CHLD", syscall.SIGCHLD}, {"CLD", syscall.SIGCHLD}, {"CONT", syscall.SIGCONT},
	{"FPE", syscall.SIGFPE}, {"HUP", syscall.SIGHUP}, {"ILL", syscall.SIGILL},
	{"INT", syscall.SIGINT}, {"IO", syscall.SIGIO}, {"IOT", syscall.SIGIOT},
	{"KILL", syscall.SIGKILL}, {"PIPE", syscall.SIGPIPE}, {"POLL", syscall.SIGPOLL},
	{"PROF", syscall.SIGPROF}, {"PWR", syscall.SIGPWR}, {"QUIT", syscall.SIGQUIT},
	{"RTMAX", 64}, {"RTMIN", 34}, // the C library keeps 32 and 33 for itself
	{"SEGV", syscall.SIGSEGV}, {"STKFLT", stackFault}, {"STOP", syscall.SIGSTOP},
	{"SYS", syscall.SIGSYS}, {"TERM", syscall.SIGTERM}, {"TRAP", syscall.SIGTRAP},
	{"TSTP", syscall.SIGTSTP}, {"TTIN", syscall.SIGTTIN}, {"TTOU", syscall.SIGTTOU},
	{"URG", syscall.SIGURG}, {"USR1", syscall.SIGUSR1}, {"USR2", syscall.SIGUSR2},
	{"VTALRM", syscall.SIGVTALRM}, {"WINCH", syscall.SIGWINCH}, {"XCPU", syscall.SIGXCPU},
	{"XFSZ", syscall.SIGXFSZ},
}
