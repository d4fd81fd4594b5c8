//go:build !linux

package child

// systemPrograms are those that only one system can run.
func systemPrograms() map[string]func(args []string) int { return nil }
