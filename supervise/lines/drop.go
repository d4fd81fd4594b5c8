package lines

import (
	"bytes"
	"time"
)

const (
	// Patience is how long a program is held up by a target that takes no more.
	Patience = time.Second
	// reportPeriod is how often it is said that lines were dropped, at most.
	reportPeriod = time.Minute
)

// Drop stands between output and a target that may not take it just now, such as a pipe
// that nobody reads. For Patience what the target does not take is kept, and the program
// is to be held up: its output is not to be read. After that whole lines are dropped
// and counted, until the target takes all that it is offered. Of a line that the target
// has the beginning of, it gets the end too (up to MaxLine bytes), so that what it has
// is whole lines at any rate.
//
// The zero value is for a target at the beginning of a line. One goroutine at a time may
// use it.
type Drop struct {
	rest     []byte    // that the target has not taken; it comes next
	torn     bool      // the target has the beginning of a line
	skipping bool      // what comes next from the program belongs to a dropped line
	since    time.Time // when the target did not take all; zero if it does
	dropping bool      // Patience is over, and the target does still not take all
	gone     bool

	lines, bytes         uint64 // dropped
	saidLines, saidBytes uint64 // of them, in reports
	said                 time.Time
}

// Write offers p to the target behind what is left of before. take writes what the target
// takes without waiting, and returns how many bytes that was. p is not kept.
func (d *Drop) Write(p []byte, now time.Time, take func([]byte) int) {
	if d.gone {
		d.discard(p)
		return
	}
	if len(d.rest) > 0 {
		d.rest = d.rest[:copy(d.rest, d.rest[d.offer(d.rest, take):])]
	}
	if len(d.rest) == 0 {
		p = d.skip(p)
		n := d.offer(p, take)
		if n == len(p) {
			// While lines are dropped, it is no sign that there was nothing to take.
			if n > 0 || !d.dropping {
				d.since, d.dropping = time.Time{}, false
			}
			return
		}
		p = p[n:]
	}
	if d.since.IsZero() {
		d.since = now
	}
	if d.dropping = d.dropping || now.Sub(d.since) >= Patience; !d.dropping {
		d.rest = append(d.rest, p...)
		return
	}
	d.keepTorn()
	d.add(p)
}

// Retry is for when the target may take something again, and for when the program has
// been held up until what Hold returned.
func (d *Drop) Retry(now time.Time, take func([]byte) int) { d.Write(nil, now, take) }

// Hold returns until when the program is to be held up, zero if it is not. It ends
// earlier if Retry finds that the target takes all.
func (d *Drop) Hold() time.Time {
	if d.since.IsZero() || d.dropping || d.gone {
		return time.Time{}
	}
	return d.since.Add(Patience)
}

// Waiting reports whether the target is to be watched for room, and Retry to be called.
func (d *Drop) Waiting() bool { return len(d.rest) > 0 }

// Gone is for a target that will never take anything again: all is dropped.
func (d *Drop) Gone() {
	d.gone = true
	d.discard(d.rest)
	d.rest = nil
}

// Dropped is how much was dropped so far. A line of which a part was dropped counts.
func (d *Drop) Dropped() (lines, bytes uint64) { return d.lines, d.bytes }

// Report returns how much was dropped since the last report, and reports true if it is
// time to say so: something was, and the last report is a minute ago.
func (d *Drop) Report(now time.Time) (lines, bytes uint64, due bool) {
	if next := d.NextReport(); next.IsZero() || now.Before(next) {
		return 0, 0, false
	}
	lines, bytes = d.lines-d.saidLines, d.bytes-d.saidBytes
	d.saidLines, d.saidBytes, d.said = d.lines, d.bytes, now
	return lines, bytes, true
}

// NextReport returns when there is something to report, zero for never. It may be in the
// past.
func (d *Drop) NextReport() time.Time {
	switch {
	case d.bytes == d.saidBytes:
		return time.Time{}
	case d.said.IsZero():
		return time.Unix(0, 0)
	}
	return d.said.Add(reportPeriod)
}

// offer has the target take what it takes of p.
func (d *Drop) offer(p []byte, take func([]byte) int) int {
	if len(p) == 0 {
		return 0
	}
	n := take(p)
	if n > 0 {
		d.torn = p[n-1] != '\n'
	}
	return n
}

// skip takes from p what belongs to a line that was dropped.
func (d *Drop) skip(p []byte) []byte {
	if !d.skipping {
		return p
	}
	end := bytes.IndexByte(p, '\n') + 1
	if end == 0 {
		end = len(p)
	}
	d.discard(p[:end])
	return p[end:]
}

// keepTorn drops what is left but for the end of a line that the target has begun.
func (d *Drop) keepTorn() {
	n := 0
	if d.torn {
		if n = bytes.IndexByte(d.rest, '\n') + 1; n == 0 {
			n = len(d.rest)
		}
	}
	all := d.rest
	d.rest = all[:n]
	d.discard(all[n:])
}

// add drops p but for what it has of that end.
func (d *Drop) add(p []byte) {
	if d.torn && !bytes.HasSuffix(d.rest, []byte("\n")) {
		n := bytes.IndexByte(p, '\n') + 1
		if n == 0 {
			n = len(p)
		}
		room := MaxLine - len(d.rest)
		if n > room {
			n = max(room, 0)
			d.rest = append(append(d.rest, p[:n]...), '\n')
		} else {
			d.rest = append(d.rest, p[:n]...)
		}
		p = p[n:]
	}
	d.discard(p)
}

// discard counts what is dropped.
func (d *Drop) discard(p []byte) {
	if len(p) == 0 {
		return
	}
	d.bytes += uint64(len(p))
	d.lines += uint64(bytes.Count(p, []byte("\n")))
	if d.skipping {
		d.lines-- // its line was counted when it began; undone below if it goes on
	}
	if d.skipping = p[len(p)-1] != '\n'; d.skipping {
		d.lines++
	}
}
