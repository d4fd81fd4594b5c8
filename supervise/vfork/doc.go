//go:build !linux

// Package vfork is for Linux alone.
package vfork
