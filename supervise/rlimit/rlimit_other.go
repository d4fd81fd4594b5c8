//go:build !linux

package rlimit

func softLimit() int64 { return -1 }
