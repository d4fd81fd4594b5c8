package child

// systemPrograms are those that only one system can run.
func systemPrograms() map[string]func(args []string) int {
	return map[string]func(args []string) int{
		"background":  inBackground,
		"hung":        hung,
		"hung-server": hungServer,
		"refuse":      refuse,
	}
}
