package xmlrpc

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds on what a document may make us keep. Calls nest 14 deep at most.
const (
	maxDepth      = 512
	maxAttributes = 64 // of one element, and of namespaces in force
)

// SyntaxError says where a text stops being XML.
type SyntaxError struct {
	Offset int // in bytes
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason)
}

type token int

const (
	tokenNone  token = iota // end of the document, or an error
	tokenStart              // of the element name
	tokenEnd                // of the element that started last and has not ended
	tokenText               // text, or a part of it: adjacent ones belong together
)

// scanner is a pull parser for the XML that expat accepts without a DTD. A DTD
// is refused: entities of one's own are good for attacks only.
type scanner struct {
	src string
	pos int
	// lenient lets control characters and broken UTF-8 pass: the original puts
	// the bytes of a log into its answers as they are.
	lenient bool

	name string // of tokenStart; empty if it is in a namespace and so nothing we know
	text string // of tokenText

	open     []string // elements that have not ended
	selfEnd  bool     // the element started last was <a/>
	complete bool     // the root element has ended
	bindings []binding
}

// binding is one xmlns attribute in force.
type binding struct {
	depth  int
	prefix string // empty for the default namespace
	none   bool   // xmlns="": no namespace again
}

// begin sets the scanner to the start of src.
func (s *scanner) begin(src string, lenient bool) error {
	s.src, s.lenient = src, lenient
	if !lenient {
		if at := illegalAt(src); at >= 0 {
			return &SyntaxError{at, "character not allowed"}
		}
	}
	s.skip("\ufeff")
	if strings.HasPrefix(s.rest(), "<?xml") && len(s.rest()) > 5 && isXMLSpace(s.rest()[5]) {
		s.pos += 5
		return s.declaration()
	}
	return nil
}

func (s *scanner) rest() string { return s.src[s.pos:] }

func (s *scanner) fail(reason string) error { return &SyntaxError{s.pos, reason} }

// skip moves past prefix if it is next.
func (s *scanner) skip(prefix string) bool {
	if !strings.HasPrefix(s.rest(), prefix) {
		return false
	}
	s.pos += len(prefix)
	return true
}

// skipSpace moves past white space and reports whether there was any.
func (s *scanner) skipSpace() bool {
	start := s.pos
	for s.pos < len(s.src) && isXMLSpace(s.src[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

// until returns what stands before end and moves behind end.
func (s *scanner) until(end string) (string, bool) {
	text, _, found := strings.Cut(s.rest(), end)
	if found {
		s.pos += len(text) + len(end)
	}
	return text, found
}

// next returns the next token. At the end of a complete document it is
// tokenNone without error.
func (s *scanner) next() (token, error) {
	if s.selfEnd {
		s.selfEnd = false
		return s.ended()
	}
	for s.pos < len(s.src) {
		switch {
		case s.src[s.pos] != '<':
			if len(s.open) > 0 {
				return s.characters()
			}
			if !s.skipSpace() {
				return tokenNone, s.fail("text outside the root element")
			}
		case s.skip("</"):
			return s.endTag()
		case s.skip("<!--"):
			if _, ok := s.until("--"); !ok || !s.skip(">") {
				return tokenNone, s.fail("comment does not end well")
			}
		case s.skip("<?"):
			if err := s.instruction(); err != nil {
				return tokenNone, err
			}
		case len(s.open) > 0 && s.skip("<![CDATA["):
			text, ok := s.until("]]>")
			if !ok {
				return tokenNone, s.fail("CDATA does not end")
			}
			s.text = newlines(text)
			return tokenText, nil
		case strings.HasPrefix(s.rest(), "<!"):
			return tokenNone, s.fail("no DTD allowed")
		default:
			s.pos++
			return s.startTag()
		}
	}
	if !s.complete {
		return tokenNone, s.fail("unexpected end")
	}
	return tokenNone, nil
}

// characters reads text up to the next markup.
func (s *scanner) characters() (token, error) {
	raw, _, found := strings.Cut(s.rest(), "<")
	if !found {
		return tokenNone, s.fail("unexpected end")
	}
	if strings.Contains(raw, "]]>") {
		return tokenNone, s.fail("]]> in text")
	}
	var err error
	if s.text, err = s.unescape(raw); err != nil {
		return tokenNone, err
	}
	s.pos += len(raw)
	return tokenText, nil
}

func (s *scanner) startTag() (token, error) {
	name, err := s.qualifiedName()
	if err != nil {
		return tokenNone, err
	}
	if s.complete || len(s.open) == maxDepth {
		return tokenNone, s.fail("second root element, or too deep")
	}
	s.open = append(s.open, name)
	if !s.skip(">") { // the usual tag has no attributes
		if err := s.attributes(); err != nil {
			return tokenNone, err
		}
	}
	s.name = ""
	switch prefix, ok := s.bound(name); {
	case !ok:
		return tokenNone, s.fail("unbound prefix " + prefix)
	case prefix == "":
		s.name = name
	}
	return tokenStart, nil
}

func (s *scanner) endTag() (token, error) {
	if len(s.open) == 0 || !s.skip(s.open[len(s.open)-1]) {
		return tokenNone, s.fail("end tag does not match")
	}
	s.skipSpace()
	if !s.skip(">") {
		return tokenNone, s.fail("end tag does not match")
	}
	return s.ended()
}

// ended closes the innermost element.
func (s *scanner) ended() (token, error) {
	depth := len(s.open)
	for n := len(s.bindings); n > 0 && s.bindings[n-1].depth == depth; n-- {
		s.bindings = s.bindings[:n-1]
	}
	s.open = s.open[:depth-1]
	s.complete = depth == 1
	return tokenEnd, nil
}

// attributes reads the attributes of the tag that is being read, and its end.
// Only those that say a namespace matter.
func (s *scanner) attributes() error {
	var names []string
	for {
		space := s.skipSpace()
		if s.skip(">") {
			break
		}
		if s.skip("/>") {
			s.selfEnd = true
			break
		}
		if !space || len(names) == maxAttributes {
			return s.fail("not an attribute, or too many")
		}
		name, err := s.qualifiedName()
		if err != nil {
			return err
		}
		value, err := s.attributeValue()
		if err != nil {
			return err
		}
		for _, other := range names {
			if other == name {
				return s.fail("duplicate attribute")
			}
		}
		names = append(names, name)
		if err := s.bind(name, value); err != nil {
			return err
		}
	}
	for _, name := range names {
		if prefix, _, found := strings.Cut(name, ":"); found && prefix != "xmlns" {
			if _, ok := s.bound(name); !ok {
				return s.fail("unbound prefix " + prefix)
			}
		}
	}
	return nil
}

// attributeValue reads the equals sign and the quoted value behind it.
func (s *scanner) attributeValue() (string, error) {
	s.skipSpace()
	if !s.skip("=") {
		return "", s.fail("attribute without value")
	}
	s.skipSpace()
	quote := `"`
	if !s.skip(quote) {
		if quote = "'"; !s.skip(quote) {
			return "", s.fail("attribute without quotes")
		}
	}
	raw, ok := s.until(quote)
	if !ok || strings.Contains(raw, "<") {
		return "", s.fail("attribute does not end")
	}
	return s.unescape(raw)
}

// The namespaces that are bound without being declared.
const (
	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
)

// bind takes note of the attribute if it declares a namespace.
func (s *scanner) bind(attribute, value string) error {
	prefix, isPrefix := strings.CutPrefix(attribute, "xmlns:")
	if !isPrefix {
		if attribute != "xmlns" {
			return nil
		}
		prefix = ""
	}
	reserved := prefix == "xmlns" || value == xmlnsNamespace || (prefix == "xml") != (value == xmlNamespace)
	if reserved || isPrefix && value == "" || strings.Contains(value, "}") || len(s.bindings) == maxAttributes {
		return s.fail("namespace " + value + " not allowed")
	}
	s.bindings = append(s.bindings, binding{depth: len(s.open), prefix: prefix, none: value == ""})
	return nil
}

// bound looks up the namespace of a name. Ok is false if the name has a prefix
// that nothing declares. The prefix is empty if the name is in no namespace.
func (s *scanner) bound(name string) (prefix string, ok bool) {
	if len(s.bindings) == 0 && strings.IndexByte(name, ':') < 0 {
		return "", true
	}
	prefix, _, found := strings.Cut(name, ":")
	if !found {
		prefix = ""
	}
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if b := s.bindings[i]; b.prefix == prefix {
			if b.none {
				return "", true
			}
			return "namespace", true
		}
	}
	return prefix, prefix == "" || prefix == "xml"
}

// instruction reads a processing instruction, which means nothing to us.
func (s *scanner) instruction() error {
	target, err := s.localName()
	if err != nil {
		return err
	}
	if strings.EqualFold(target, "xml") {
		return s.fail("misplaced XML declaration")
	}
	if s.skip("?>") {
		return nil
	}
	if !s.skipSpace() {
		return s.fail("bad processing instruction")
	}
	if _, ok := s.until("?>"); !ok {
		return s.fail("processing instruction does not end")
	}
	return nil
}

// declaration reads the XML declaration behind its first word. Version and
// encoding may be any: what we read has been UTF-8 all along.
func (s *scanner) declaration() error {
	var seen []string
	for {
		space := s.skipSpace()
		if s.skip("?>") {
			break
		}
		name, err := s.localName()
		if err != nil {
			return err
		}
		value, err := s.attributeValue()
		if err != nil {
			return err
		}
		ok := space && strings.Trim(value, "0123456789.-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
		switch name {
		case "version":
			ok = ok && len(seen) == 0
		case "encoding":
			ok = ok && len(seen) == 1 && value != "" && isLetter(value[0])
		case "standalone":
			ok = ok && len(seen) > 0 && seen[len(seen)-1] != name && (value == "yes" || value == "no")
		default:
			ok = false
		}
		if !ok {
			return s.fail("bad XML declaration")
		}
		seen = append(seen, name)
	}
	if len(seen) == 0 {
		return s.fail("XML declaration without version")
	}
	return nil
}

// qualifiedName reads a name that may have a prefix.
func (s *scanner) qualifiedName() (string, error) {
	start := s.pos
	_, err := s.localName()
	if err == nil && s.skip(":") {
		_, err = s.localName()
	}
	return s.src[start:s.pos], err
}

// localName reads a name without colon.
func (s *scanner) localName() (string, error) {
	start := s.pos
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s.rest())
			if !isNameRune(r, s.pos == start) {
				break
			}
			s.pos += size
			continue
		}
		if !isLetter(c) && c != '_' && (s.pos == start || c != '-' && c != '.' && (c < '0' || c > '9')) {
			break
		}
		s.pos++
	}
	if s.pos == start {
		return "", s.fail("name expected")
	}
	return s.src[start:s.pos], nil
}

func isXMLSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isNameRune reports whether a character beyond ASCII may stand in a name, in
// its first place or later.
func isNameRune(r rune, first bool) bool {
	switch {
	case r == 0xB7, 0x300 <= r && r <= 0x36F, 0x203F <= r && r <= 0x2040:
		return !first
	case r < 0xC0, r == 0xD7, r == 0xF7, r == 0x37E, 0x2000 <= r && r <= 0x200B,
		0x200E <= r && r <= 0x206F, 0x2190 <= r && r <= 0x2BFF, 0x2FF0 <= r && r <= 0x3000,
		0xD800 <= r && r <= 0xF8FF, 0xFDD0 <= r && r <= 0xFDEF, r == 0xFEFF, r >= 0xFFFD:
		return false
	}
	return true
}

// unescape replaces references by what they stand for, and line ends by LF.
func (s *scanner) unescape(raw string) (string, error) {
	raw = newlines(raw)
	amp := strings.IndexByte(raw, '&')
	if amp < 0 {
		return raw, nil
	}
	var b strings.Builder
	b.Grow(len(raw))
	for amp >= 0 {
		b.WriteString(raw[:amp])
		name, after, ok := strings.Cut(raw[amp+1:], ";")
		if !ok || !s.reference(&b, name) {
			return "", s.fail("unknown entity")
		}
		raw = after
		amp = strings.IndexByte(raw, '&')
	}
	b.WriteString(raw)
	return b.String(), nil
}

// reference writes what &name; stands for.
func (s *scanner) reference(b *strings.Builder, name string) bool {
	switch name {
	case "amp":
		b.WriteByte('&')
	case "lt":
		b.WriteByte('<')
	case "gt":
		b.WriteByte('>')
	case "quot":
		b.WriteByte('"')
	case "apos":
		b.WriteByte('\'')
	default:
		number, ok := strings.CutPrefix(name, "#")
		r := characterNumber(number)
		if !ok || r < 0 || r == 0 || !s.lenient && !allowed(r) {
			return false
		}
		b.WriteRune(r)
	}
	return true
}

// characterNumber returns the character of a reference without "&#" and ";", or
// -1 if there is none.
func characterNumber(digits string) rune {
	base := rune(10)
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		base, digits = 16, hex
	}
	n := rune(0)
	for i := range len(digits) {
		d := rune(digits[i])
		switch {
		case '0' <= d && d <= '9':
			d -= '0'
		case base == 16 && isLetter(byte(d)) && d|0x20 <= 'f':
			d = d | 0x20 - 'a' + 10
		default:
			return -1
		}
		if n = n*base + d; n > utf8.MaxRune {
			return -1
		}
	}
	if digits == "" || 0xD800 <= n && n < 0xE000 {
		return -1
	}
	return n
}

// newlines makes CR LF and CR a LF, as XML asks.
func newlines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// allowed reports whether XML 1.0 has the character.
func allowed(r rune) bool {
	return r >= 0x20 && r != 0xFFFE && r != 0xFFFF || r == '\n' || r == '\t' || r == '\r'
}

// illegalAt returns where the first character is that XML does not have, or the
// first byte that is not UTF-8; -1 if there is none.
func illegalAt(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < 0x20 && !isXMLSpace(c) {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if size == 1 || !allowed(r) {
			return i
		}
		i += size
	}
	return -1
}
