package config

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:embed sample.conf
var sampleText string

// Sample returns a configuration file with every section and key, most of them
// commented out, and their defaults: what echo_supervisord_conf prints.
//
// sample.conf has what is around the keys, and their order where tools rely on it: a line
// that is the name of a key, maybe with another example, is completed from the table.
// Keys that it does not name stand at the end of their section.
func Sample() string {
	var b strings.Builder
	for i, part := range strings.SplitAfter(sampleText, "\n\n") {
		if i > 0 && sampleHeader.MatchString(part) {
			part = completeSample(part)
		}
		b.WriteString(part)
	}
	return b.String()
}

var (
	sampleHeader = regexp.MustCompile(`^;?\[([^\]]+)\]`)
	sampleKey    = regexp.MustCompile(`^(;?)([a-z_]+)(?:=(\S*))?$`)
	sampleLine   = regexp.MustCompile(`^;?([a-z_.]+) ?=`)
)

// completeSample completes the lines of one section.
func completeSample(part string) string {
	lines := strings.Split(strings.TrimRight(part, "\n"), "\n")
	where := whereIs(sampleHeader.FindStringSubmatch(part)[1])
	var settings, remarks []string
	named := map[string]bool{}
	add := func(sign string, k *Key, example string) {
		settings, remarks = append(settings, sign+k.Name+"="+example), append(remarks, k.remark())
		named[k.Name] = true
	}
	for _, line := range lines {
		m := sampleKey.FindStringSubmatch(line)
		var k *Key
		if m != nil {
			k = keyOf(where, m[2])
		}
		switch {
		case k == nil: // as it is
			if m := sampleLine.FindStringSubmatch(line); m != nil {
				named[m[1]] = true
			}
			settings, remarks = append(settings, line), append(remarks, "")
		case strings.Contains(line, "="):
			add(m[1], k, m[3])
		default:
			add(m[1], k, k.Example)
		}
	}
	for i := range keys() {
		k := &keys()[i]
		shown := k.In&where != 0 && !named[k.Name]
		if shown && (where == InProgram || k.In&InProgram == 0) { // other programs have these too, as the text says
			add(";", k, k.Example)
		}
	}
	return alignSample(settings, remarks) + strings.TrimPrefix(part, strings.TrimRight(part, "\n"))
}

// remark is what the sample says of a key.
func (k *Key) remark() string {
	switch {
	case k.Required():
		return k.Text + " (required)"
	case k.Default != "":
		return k.Text + " (default " + k.Default + ")"
	}
	return k.Text + " (default: " + k.Unset + ")"
}

// alignSample puts the remarks of a section under each other, as far as that is good.
func alignSample(settings, remarks []string) string {
	const most = 32
	width := 0
	for i, line := range settings {
		if remarks[i] != "" && len(line) <= most {
			width = max(width, len(line))
		}
	}
	lines := slices.Clone(settings)
	for i, remark := range remarks {
		if remark != "" {
			lines[i] = fmt.Sprintf("%-*s ; %s", width, lines[i], remark)
		}
	}
	return strings.Join(lines, "\n")
}
