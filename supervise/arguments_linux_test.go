//go:build !portable

package supervise

import "supervisor/supervise/spawn"

func argumentTexts(a spawn.Arguments) []string { return a.Strings() }
