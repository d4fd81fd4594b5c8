//go:build !linux

package limits

import (
	"errors"
	"reflect"
	"syscall"
)

// NewPlan returns nil if s is empty. There is no plan for anything else on this system.
func NewPlan(s *Settings, uid int, changes bool) (*Plan, error) {
	if reflect.DeepEqual(*s, Settings{}) {
		return nil, nil
	}
	return nil, errors.New("limits of a program can be set on Linux only: remove the keys nice, oom_score_adj, cpu_affinity, ioprio, rlimit_*, capabilities and no_new_privs")
}

// Make has no calls to make on this system.
func Make(calls []Call) (failed int, errno syscall.Errno) { return 0, 0 }
