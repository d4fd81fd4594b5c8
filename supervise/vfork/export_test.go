//go:build linux && !portable

package vfork

// Old makes s do without clone3, as on a system that has none.
func (s *Starter) Old() { s.can.clone3 = false }
