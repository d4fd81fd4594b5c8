package supervise

import _ "embed"

//go:embed sample.conf
var sample string

// Sample returns a configuration file with every section and key, most of them
// commented out, and their defaults: what echo_supervisord_conf prints.
func Sample() string { return sample }
