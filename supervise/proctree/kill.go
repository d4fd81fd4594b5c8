package proctree

// Mark says how the processes of a tree are recognised. What one of the fields has is
// enough; a process that was recognised once stays so, and so is what descends from it.
type Mark struct {
	// Root is the root: it, what descends from it, and what is in its process group or
	// its session. The root may have ended, see Identify. The zero value is none.
	Root Process
	// Known are processes that were in the tree at some time, see Tree.
	Known []Process
	// Environ are variables, "NAME=value" each. Whatever has all of them in the environment
	// that it was started with is meant, for example grandchildren that have left the
	// session and whose parents have ended. Without variables nothing is. Processes in
	// another PID namespace than ours are not meant.
	Environ []string
	// Cgroup is the directory of a control group of the unified hierarchy: all that is in
	// it and below. "" is none.
	Cgroup string
	// Spare are pids that are not touched, whatever they look like. This process, its
	// ancestors and process 1 are spared by themselves.
	Spare []int
}

// Result is what has become of a tree.
type Result struct {
	Killed []Process // have ended
	Left   []Process // have not ended in time, or may not be signalled by us
}
