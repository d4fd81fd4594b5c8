// A function without a body, as rlimit_linux.go has one, needs a file like this in
// its package.
