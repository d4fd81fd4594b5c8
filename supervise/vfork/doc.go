//go:build !linux || portable

// Package vfork is for Linux alone, and there empty, but for what needs no fork, with the
// build tag portable.
package vfork
