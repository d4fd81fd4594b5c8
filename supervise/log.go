package supervise

// Level is the weight of a log line, Supervisor's number for it.
type Level int
