package notify

import (
	"bytes"
	"strconv"
)

// parseStat reads what /proc/PID/stat says: "PID (NAME) STATE PARENT …", where NAME may
// have anything in it, and as the 22nd the start in ticks since boot.
func parseStat(data []byte) (process, bool) {
	end := bytes.LastIndexByte(data, ')')
	if end < 0 {
		return process{}, false
	}
	const parent, start = 1, 19 // counted behind NAME
	fields := bytes.Fields(data[end+1:])
	if len(fields) <= start {
		return process{}, false
	}
	pid, err := strconv.Atoi(string(fields[parent]))
	if err != nil || pid < 0 {
		return process{}, false
	}
	ticks, err := strconv.ParseUint(string(fields[start]), 10, 64)
	if err != nil {
		return process{}, false
	}
	return process{pid, ticks}, true
}
