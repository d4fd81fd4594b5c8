// Command supervisor is supervisord, supervisorctl, echo_supervisord_conf and
// pidproxy in one binary. The role is the name it is called by, else its first
// argument.
package main

func main() {}
