package sse

import (
	"bytes"
	"strconv"
)

// ContentType is that of a stream of events.
const ContentType = "text/event-stream"

// KeepAlive is a remark that readers ignore, for connections on which nothing happens.
const KeepAlive = ":\n\n"

// AppendEvent appends an event as it is sent: its serial number as id, its type and its
// data. The type is a word without control characters. Ends of lines in data arrive as
// LF; JSON has none.
func AppendEvent(dst []byte, serial uint64, event string, data []byte) []byte {
	dst = append(dst, "id: "...)
	dst = strconv.AppendUint(dst, serial, 10)
	dst = append(dst, "\nevent: "...)
	dst = append(dst, event...)
	for {
		dst = append(dst, "\ndata: "...)
		end := bytes.IndexAny(data, "\r\n")
		if end < 0 {
			break
		}
		dst = append(dst, data[:end]...)
		if bytes.HasPrefix(data[end:], []byte("\r\n")) {
			end++
		}
		data = data[end+1:]
	}
	dst = append(dst, data...)
	return append(dst, "\n\n"...)
}

// LastEventID reads the header of that name: the serial number that AppendEvent sent. It
// returns false if the header has none of ours.
func LastEventID(header string) (serial uint64, ok bool) {
	serial, err := strconv.ParseUint(header, 10, 64)
	return serial, err == nil
}
