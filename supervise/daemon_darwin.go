package supervise

// limitValue makes a number of the type that a limit has here.
func limitValue[T int | uint64](n T) uint64 { return uint64(n) }
