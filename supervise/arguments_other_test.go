//go:build unix && (!linux || portable)

package supervise

import "supervisor/supervise/spawn"

func argumentTexts(a spawn.Arguments) []string { return a }
