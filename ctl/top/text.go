package top

import (
	"strconv"
	"strings"
	"time"
)

// AppendText appends the whole list as a table of plain text, for who has no terminal: a
// line each, in the server's order, whatever is chosen, filtered or folded.
func (m *Model) AppendText(dst []byte, now time.Time) []byte {
	rows := [][]string{{"NAME", "STATE", "PID", "UPTIME", "CPU", "MEM", "RESTARTS", "LAST EVENT"}}
	for i := range m.programs {
		p := &m.programs[i]
		row := []string{p.Name, p.State.String(), "-", "-", "-", "-", strconv.Itoa(p.Restarts), p.news()}
		if p.PID > 0 {
			row[2] = strconv.Itoa(p.PID)
		}
		if p.State.Up() && !p.Start.IsZero() {
			row[3] = uptime(now.Sub(p.Start))
		}
		if h := m.usage[p.Name]; h != nil && p.PID > 0 {
			row[4], row[5] = percent(h.now.CPU), size(h.now.RSS)
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for c, text := range row {
			widths[c] = max(widths[c], cellsOf(text))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for c, text := range row {
			if c > 0 {
				line.WriteString("  ")
			}
			fill := strings.Repeat(" ", widths[c]-cellsOf(text))
			if right := c >= 2 && c <= 6; right {
				text = fill + text
			} else {
				text += fill
			}
			line.WriteString(text)
		}
		dst = append(dst, strings.TrimRight(line.String(), " ")...)
		dst = append(dst, '\n')
	}
	return dst
}
