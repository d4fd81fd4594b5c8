package inifile

// Notice is something to log about the reading of the files, once there is a log.
type Notice struct {
	Warning bool // else information
	Text    string
}

// Include carries out [include] if the file has such a section: it replaces
// %(here)s, reads the files, and merges them. The files setting can refer to
// here, host_node_name and the variables of env, which is the environment of
// the process. The notices are in the order of events, also beside an error.
func (f *File) Include(env map[string]string, hostNodeName string) ([]Notice, error) {
	return nil, nil
}
