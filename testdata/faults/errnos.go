//go:build linux && amd64

package main

import "syscall"

// The numbers that package syscall does not have.
const (
	sysClone3         = 435
	sysPidfdOpen      = 434
	sysPidfdSend      = 424
	sysCloseRange     = 436
	sysRenameat2      = 316
	sysEpollPwait2    = 441
	sysFaccessat2     = 439
	sysMemfdCreate    = 319
	sysCopyFileRange  = 326
	sysGetrandom      = 318
	sysEventfd2       = 290
	sysTimerfdCreate  = 283
	sysTimerfdSettime = 286
)

// failures is what the kernel can answer, by call and, where that matters, kind of
// descriptor ("" for any). After the documentation of each call: what a disk, a
// limit, a peer or a policy can cause; not what a wrong argument does.
type failures struct {
	name  string
	fd    bool // the first argument is a descriptor
	after bool // the call does its work all the same
	short bool // it can do half of it
	kinds map[string][]syscall.Errno
}

type errs = map[string][]syscall.Errno

var (
	noDescriptor = []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM}
	pathTrouble  = []syscall.Errno{syscall.EACCES, syscall.EIO, syscall.ENOENT, syscall.ENOMEM, syscall.ENOTDIR, syscall.ELOOP}
	nameTrouble  = []syscall.Errno{syscall.EACCES, syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EDQUOT, syscall.ENOENT, syscall.EBUSY, syscall.EPERM}
)

// table is by number of the call. What is not in it cannot fail for reasons from
// outside, or belongs to Go's runtime (memory, threads, signals, futexes), which
// ends the program then.
func table() map[uint64]*failures {
	return map[uint64]*failures{
		syscall.SYS_READ: {name: "read", fd: true, short: true, kinds: errs{
			"file": {syscall.EIO, syscall.EINTR, syscall.EISDIR}, "proc": {syscall.EIO, syscall.ENOMEM},
			"pipe": {syscall.EAGAIN, syscall.EINTR, syscall.EIO}, "socket": {syscall.ECONNRESET, syscall.ETIMEDOUT, syscall.EAGAIN, syscall.EINTR, syscall.ENOMEM},
			"device": {syscall.EIO, syscall.EAGAIN}, "eventfd": {syscall.EAGAIN, syscall.EINTR}, "timerfd": {syscall.EAGAIN}, "inotify": {syscall.EAGAIN, syscall.EINTR},
		}},
		syscall.SYS_WRITE: {name: "write", fd: true, short: true, kinds: errs{
			"file": {syscall.ENOSPC, syscall.EIO, syscall.EDQUOT, syscall.EFBIG, syscall.EINTR},
			"pipe": {syscall.EPIPE, syscall.EAGAIN, syscall.EINTR}, "socket": {syscall.EPIPE, syscall.ECONNRESET, syscall.EAGAIN, syscall.EINTR, syscall.ENOBUFS},
			"device": {syscall.EIO, syscall.ENOSPC}, "eventfd": {syscall.EAGAIN},
		}},
		syscall.SYS_PREAD64: {name: "pread64", fd: true, kinds: errs{"": {syscall.EIO, syscall.EINTR, syscall.ENXIO}}},
		syscall.SYS_WRITEV: {name: "writev", fd: true, kinds: errs{
			"file": {syscall.ENOSPC, syscall.EIO}, "socket": {syscall.EPIPE, syscall.ECONNRESET, syscall.EAGAIN}}},
		syscall.SYS_OPENAT:     {name: "openat", kinds: errs{"": append(append([]syscall.Errno{syscall.EINTR, syscall.ENXIO}, noDescriptor...), append(nameTrouble, syscall.ELOOP)...)}},
		syscall.SYS_CLOSE:      {name: "close", fd: true, after: true, kinds: errs{"": {syscall.EIO, syscall.EINTR, syscall.ENOSPC}}},
		syscall.SYS_FSTAT:      {name: "fstat", fd: true, kinds: errs{"": {syscall.EIO, syscall.ENOMEM, syscall.ESTALE}}},
		syscall.SYS_NEWFSTATAT: {name: "newfstatat", kinds: errs{"": pathTrouble}},
		syscall.SYS_READLINKAT: {name: "readlinkat", kinds: errs{"": pathTrouble}},
		syscall.SYS_FACCESSAT:  {name: "faccessat", kinds: errs{"": pathTrouble}},
		sysFaccessat2:          {name: "faccessat2", kinds: errs{"": pathTrouble}},
		syscall.SYS_GETDENTS64: {name: "getdents64", fd: true, kinds: errs{"": {syscall.EIO, syscall.ENOENT}}},
		syscall.SYS_LSEEK:      {name: "lseek", fd: true, kinds: errs{"": {syscall.ESPIPE, syscall.EIO}}},
		syscall.SYS_RENAMEAT:   {name: "renameat", kinds: errs{"": nameTrouble}},
		sysRenameat2:           {name: "renameat2", kinds: errs{"": nameTrouble}},
		syscall.SYS_UNLINKAT:   {name: "unlinkat", kinds: errs{"": nameTrouble}},
		syscall.SYS_MKDIRAT:    {name: "mkdirat", kinds: errs{"": nameTrouble}},
		syscall.SYS_LINKAT:     {name: "linkat", kinds: errs{"": nameTrouble}},
		syscall.SYS_SYMLINKAT:  {name: "symlinkat", kinds: errs{"": nameTrouble}},
		syscall.SYS_FTRUNCATE:  {name: "ftruncate", fd: true, kinds: errs{"": {syscall.EIO, syscall.EINTR, syscall.EPERM}}},
		syscall.SYS_FSYNC:      {name: "fsync", fd: true, kinds: errs{"": {syscall.EIO, syscall.ENOSPC, syscall.EROFS}}},
		syscall.SYS_FCHMODAT:   {name: "fchmodat", kinds: errs{"": nameTrouble}},
		syscall.SYS_FCHMOD:     {name: "fchmod", fd: true, kinds: errs{"": {syscall.EPERM, syscall.EROFS, syscall.EIO}}},
		syscall.SYS_FCHOWNAT:   {name: "fchownat", kinds: errs{"": nameTrouble}},
		syscall.SYS_FCHOWN:     {name: "fchown", fd: true, kinds: errs{"": {syscall.EPERM, syscall.EROFS, syscall.EIO}}},
		syscall.SYS_FLOCK:      {name: "flock", fd: true, kinds: errs{"": {syscall.EINTR, syscall.ENOLCK, syscall.EWOULDBLOCK}}},

		syscall.SYS_PIPE2:             {name: "pipe2", kinds: errs{"": noDescriptor}},
		syscall.SYS_DUP3:              {name: "dup3", fd: true, kinds: errs{"": {syscall.EBUSY, syscall.EINTR, syscall.EMFILE}}},
		syscall.SYS_FCNTL:             {name: "fcntl", fd: true, kinds: errs{"": {syscall.EMFILE, syscall.EPERM, syscall.ENOMEM, syscall.EBUSY}}},
		sysEventfd2:                   {name: "eventfd2", kinds: errs{"": noDescriptor}},
		sysTimerfdCreate:              {name: "timerfd_create", kinds: errs{"": noDescriptor}},
		syscall.SYS_EPOLL_CREATE1:     {name: "epoll_create1", kinds: errs{"": noDescriptor}},
		syscall.SYS_EPOLL_CTL:         {name: "epoll_ctl", fd: true, kinds: errs{"": {syscall.ENOMEM, syscall.ENOSPC}}},
		syscall.SYS_EPOLL_PWAIT:       {name: "epoll_pwait", fd: true, kinds: errs{"": {syscall.EINTR}}},
		syscall.SYS_EPOLL_WAIT:        {name: "epoll_wait", fd: true, kinds: errs{"": {syscall.EINTR}}},
		syscall.SYS_INOTIFY_INIT1:     {name: "inotify_init1", kinds: errs{"": noDescriptor}},
		syscall.SYS_INOTIFY_ADD_WATCH: {name: "inotify_add_watch", fd: true, kinds: errs{"": {syscall.ENOSPC, syscall.ENOENT, syscall.EACCES, syscall.ENOMEM}}},
		sysMemfdCreate:                {name: "memfd_create", kinds: errs{"": noDescriptor}},

		syscall.SYS_SOCKET:      {name: "socket", kinds: errs{"": append([]syscall.Errno{syscall.EACCES, syscall.EAFNOSUPPORT, syscall.ENOBUFS}, noDescriptor...)}},
		syscall.SYS_BIND:        {name: "bind", fd: true, kinds: errs{"": {syscall.EADDRINUSE, syscall.EACCES, syscall.EADDRNOTAVAIL, syscall.ENOSPC, syscall.EROFS, syscall.ENOENT}}},
		syscall.SYS_LISTEN:      {name: "listen", fd: true, kinds: errs{"": {syscall.EADDRINUSE}}},
		syscall.SYS_CONNECT:     {name: "connect", fd: true, kinds: errs{"": {syscall.ECONNREFUSED, syscall.EAGAIN, syscall.EINTR, syscall.ETIMEDOUT, syscall.EACCES}}},
		syscall.SYS_ACCEPT4:     {name: "accept4", fd: true, kinds: errs{"": append([]syscall.Errno{syscall.ECONNABORTED, syscall.EINTR, syscall.ENOBUFS, syscall.EPERM, syscall.EPROTO, syscall.EAGAIN}, noDescriptor...)}},
		syscall.SYS_SETSOCKOPT:  {name: "setsockopt", fd: true, kinds: errs{"": {syscall.ENOPROTOOPT, syscall.ENOMEM, syscall.EINVAL}}},
		syscall.SYS_GETSOCKOPT:  {name: "getsockopt", fd: true, kinds: errs{"": {syscall.ENOPROTOOPT}}},
		syscall.SYS_GETSOCKNAME: {name: "getsockname", fd: true, kinds: errs{"": {syscall.ENOBUFS}}},
		syscall.SYS_GETPEERNAME: {name: "getpeername", fd: true, kinds: errs{"": {syscall.ENOTCONN, syscall.ENOBUFS}}},
		syscall.SYS_SENDTO:      {name: "sendto", fd: true, kinds: errs{"": {syscall.ECONNREFUSED, syscall.EAGAIN, syscall.ENOBUFS, syscall.EPIPE}}},
		syscall.SYS_RECVFROM:    {name: "recvfrom", fd: true, kinds: errs{"": {syscall.ECONNRESET, syscall.EAGAIN, syscall.EINTR}}},
		syscall.SYS_SHUTDOWN:    {name: "shutdown", fd: true, kinds: errs{"": {syscall.ENOTCONN}}},

		syscall.SYS_CLONE:     {name: "clone", kinds: errs{"": {syscall.EAGAIN, syscall.ENOMEM}}},
		sysClone3:             {name: "clone3", kinds: errs{"": {syscall.EAGAIN, syscall.ENOMEM, syscall.ENOSYS, syscall.EPERM, syscall.EINVAL}}},
		syscall.SYS_KILL:      {name: "kill", kinds: errs{"": {syscall.EPERM}}},
		sysPidfdOpen:          {name: "pidfd_open", kinds: errs{"": {syscall.EMFILE, syscall.ENOMEM, syscall.ESRCH, syscall.ENOSYS, syscall.EPERM}}},
		sysPidfdSend:          {name: "pidfd_send_signal", fd: true, kinds: errs{"": {syscall.EPERM, syscall.ENOSYS}}},
		syscall.SYS_WAIT4:     {name: "wait4", kinds: errs{"": {syscall.EINTR, syscall.ECHILD}}},
		syscall.SYS_WAITID:    {name: "waitid", kinds: errs{"": {syscall.EINTR, syscall.ECHILD}}},
		syscall.SYS_PRLIMIT64: {name: "prlimit64", kinds: errs{"": {syscall.EPERM}}},
		syscall.SYS_PRCTL:     {name: "prctl", kinds: errs{"": {syscall.EINVAL, syscall.EPERM}}},
		sysCloseRange:         {name: "close_range", kinds: errs{"": {syscall.ENOSYS, syscall.EMFILE, syscall.ENOMEM, syscall.EPERM}}},
		sysTimerfdSettime:     {name: "timerfd_settime", fd: true, kinds: errs{"": {syscall.ECANCELED}}},
		sysGetrandom:          {name: "getrandom", kinds: errs{"": {syscall.EINTR, syscall.EAGAIN, syscall.ENOSYS}}},
	}
}

var calls = table()

const cloneThread = 0x10000

// interesting reports whether a call can fail for reasons from outside. A thread is
// made by Go's runtime, which ends the program if it cannot have it.
func interesting(regs *syscall.PtraceRegs) bool {
	if regs.Orig_rax == syscall.SYS_CLONE && regs.Rdi&cloneThread != 0 {
		return false
	}
	return calls[regs.Orig_rax] != nil
}

func takesDescriptor(number uint64) bool { return calls[number] != nil && calls[number].fd }

// stallsOf lists how a call can take long: what touches a disk, a process or a name.
func stallsOf(c *call) []fault {
	switch c.kind {
	case "socket", "eventfd", "timerfd", "eventpoll", "inotify":
		return nil // a client or ourselves
	}
	switch c.number {
	case syscall.SYS_EPOLL_WAIT, syscall.SYS_EPOLL_PWAIT, syscall.SYS_ACCEPT4, sysGetrandom, syscall.SYS_WAIT4, syscall.SYS_SOCKET, syscall.SYS_FCNTL:
		return nil
	}
	return []fault{{site: c.site(), delay: stall}}
}

// stall is how long a stalled call takes, in milliseconds.
const stall = 2000

// faultsOf lists how a call can fail.
func faultsOf(c *call) []fault {
	how := calls[c.number]
	site := c.site()
	errnos, ok := how.kinds[c.kind]
	if !ok {
		errnos = how.kinds[""]
	}
	var all []fault
	for _, errno := range errnos {
		all = append(all, fault{site: site, errno: errno, after: how.after})
	}
	if how.short && c.size > 1 && (c.kind == "file" || c.kind == "pipe" || c.kind == "socket") {
		all = append(all, fault{site: site, short: true})
	}
	return all
}

// errnoNames are the names of the errors here.
var errnoNames = map[syscall.Errno]string{
	syscall.EACCES:        "EACCES",
	syscall.EADDRINUSE:    "EADDRINUSE",
	syscall.EADDRNOTAVAIL: "EADDRNOTAVAIL",
	syscall.EAFNOSUPPORT:  "EAFNOSUPPORT",
	syscall.EAGAIN:        "EAGAIN",
	syscall.EBUSY:         "EBUSY",
	syscall.ECANCELED:     "ECANCELED",
	syscall.ECHILD:        "ECHILD",
	syscall.ECONNABORTED:  "ECONNABORTED",
	syscall.ECONNREFUSED:  "ECONNREFUSED",
	syscall.ECONNRESET:    "ECONNRESET",
	syscall.EDQUOT:        "EDQUOT",
	syscall.EFBIG:         "EFBIG",
	syscall.EINTR:         "EINTR",
	syscall.EINVAL:        "EINVAL",
	syscall.EIO:           "EIO",
	syscall.EISDIR:        "EISDIR",
	syscall.ELOOP:         "ELOOP",
	syscall.EMFILE:        "EMFILE",
	syscall.ENFILE:        "ENFILE",
	syscall.ENOBUFS:       "ENOBUFS",
	syscall.ENOENT:        "ENOENT",
	syscall.ENOLCK:        "ENOLCK",
	syscall.ENOMEM:        "ENOMEM",
	syscall.ENOPROTOOPT:   "ENOPROTOOPT",
	syscall.ENOSPC:        "ENOSPC",
	syscall.ENOSYS:        "ENOSYS",
	syscall.ENOTCONN:      "ENOTCONN",
	syscall.ENOTDIR:       "ENOTDIR",
	syscall.ENXIO:         "ENXIO",
	syscall.EPERM:         "EPERM",
	syscall.EPIPE:         "EPIPE",
	syscall.EPROTO:        "EPROTO",
	syscall.EROFS:         "EROFS",
	syscall.ESPIPE:        "ESPIPE",
	syscall.ESRCH:         "ESRCH",
	syscall.ESTALE:        "ESTALE",
	syscall.ETIMEDOUT:     "ETIMEDOUT",
}
