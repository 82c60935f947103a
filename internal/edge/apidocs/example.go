package apidocs

import (
	"cmp"
	"fmt"
	"maps"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Values for what the document says nothing else about.
const (
	sampleTime = "2026-11-22T08:59:00Z"
	sampleDay  = "2026-11-22"
	sampleUUID = "0193ac61-5b1e-7c3a-9d2f-4e8a6b7c1d20"
)

// maxPatternRepeat bounds how often an open-ended repeat of a pattern is drawn.
const maxPatternRepeat = 4

// maker makes examples: from those of the document where it has any, else from
// types, limits and patterns. The same document always gets the same ones.
type maker struct {
	doc  *document
	open []*schema // the objects that are being made, for those that hold themselves
	// sending leaves out of objects what may be left out and has no example.
	sending bool
}

// ofMedia returns an example of one form of a body.
func (m maker) ofMedia(form *media) (any, error) {
	if !form.Example.IsZero() {
		return valueOf(&form.Example)
	}
	if node, ok, err := m.named(form.Examples); ok || err != nil {
		return m.read(node, err)
	}
	return m.of(form.Schema, "")
}

// ofParameter returns an example of a parameter. There is none for one that a call
// can do without and that the document gives no example for.
func (m maker) ofParameter(p *parameter) (v any, ok bool, err error) {
	if !p.Example.IsZero() {
		v, err = valueOf(&p.Example)
		return v, true, err
	}
	if node, found, err := m.named(p.Examples); found || err != nil {
		v, err = m.read(node, err)
		return v, true, err
	}
	if !p.Required {
		return nil, false, nil
	}
	v, err = m.of(p.Schema, p.Name)
	return v, true, err
}

func (m maker) read(node *yaml.Node, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return valueOf(node)
}

// named returns the first of the examples with names.
func (m maker) named(all ordered[*example]) (*yaml.Node, bool, error) {
	if len(all) == 0 {
		return nil, false, nil
	}
	found, err := follow(m.doc.Components.Examples, all[0].Value.Ref, all[0].Value)
	if err != nil {
		return nil, true, err
	}
	return &found.Value, true, nil
}

// of returns an example of a value of s; name is that of the field that holds it.
func (m maker) of(s *schema, name string) (any, error) {
	if own, ok := s.ownExample(); ok {
		return valueOf(own)
	}
	s = m.doc.at(s)
	if s == nil {
		return nil, nil
	}
	if own, ok := s.ownExample(); ok {
		return valueOf(own)
	}
	switch {
	case m.doc.isObject(s):
		return m.object(s)
	case len(s.OneOf)+len(s.AnyOf) > 0:
		return m.of(append(slices.Clone(s.OneOf), s.AnyOf...)[0], name)
	case len(s.AllOf) > 0:
		return m.of(s.AllOf[0], name)
	case s.is("array"):
		return m.array(s, name)
	case s.is("object"):
		return m.mapping(s)
	case s.is("boolean"):
		return true, nil
	case s.is("integer"), s.is("number"):
		return s.number(name), nil
	}
	return s.text(name)
}

// ownExample returns what the document shows for this very schema.
func (s *schema) ownExample() (*yaml.Node, bool) {
	switch {
	case s == nil:
	case !s.Example.IsZero():
		return &s.Example, true
	case len(s.Examples) > 0:
		return &s.Examples[0], true
	case !s.Default.IsZero():
		return &s.Default, true
	}
	return nil, false
}

func (m maker) object(s *schema) (any, error) {
	if slices.Contains(m.open, s) {
		return object{}, nil
	}
	m.open = append(slices.Clone(m.open), s)
	fields, required := m.doc.properties(s)
	out := object{}
	for _, f := range fields {
		if !slices.Contains(required, f.Key) && (m.sending && len(required) > 0 || m.loops(f.Value)) {
			continue
		}
		v, err := m.of(f.Value, f.Key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key, err)
		}
		out = append(out, member{f.Key, v})
	}
	return out, nil
}

// loops reports whether s leads back to an object that is being made.
func (m maker) loops(s *schema) bool {
	s = m.doc.at(s)
	if s != nil && s.is("array") {
		s = m.doc.at(s.Items)
	}
	return slices.Contains(m.open, s)
}

func (m maker) array(s *schema, name string) (any, error) {
	if m.loops(s) {
		return list{}, nil
	}
	v, err := m.of(s.Items, strings.TrimSuffix(name, "s"))
	if err != nil {
		return nil, err
	}
	out := list{}
	for range max(1, s.MinItems) {
		out = append(out, v)
	}
	return out, nil
}

func (m maker) mapping(s *schema) (any, error) {
	values, err := s.additional()
	if err != nil || values == nil {
		return object{}, err
	}
	v, err := m.of(values, "")
	return object{{"key", v}}, err
}

// likely are numbers of the size that people meet in such a field, by the end of its name.
var likely = []struct {
	end   string
	value int64
}{
	{
		"status",
		409,
	},
	{"port", 443},
	{"height", 284_310},
	{"permille", 993},
	{"confirmations", 2},
	{"_kvb", 2_500},
	{"_vb", 3},
	{"fee_sat", 846},
	{"_sat", 150_000},
}

// number returns a number that s allows.
func (s *schema) number(name string) number {
	n := int64(1)
	for _, l := range likely {
		if strings.HasSuffix(name, l.end) {
			n = l.value
			break
		}
	}
	if least, err := strconv.ParseInt(s.Minimum, 10, 64); err == nil {
		n = max(n, least)
	}
	if most, err := strconv.ParseInt(s.Maximum, 10, 64); err == nil {
		n = min(n, most)
	}
	return number(strconv.FormatInt(n, 10))
}

// text returns a string that s allows.
func (s *schema) text(name string) (any, error) {
	if len(s.Enum) > 0 {
		return s.Enum[0], nil
	}
	if known, ok := map[string]string{
		"date-time": sampleTime, "date": sampleDay, "uuid": sampleUUID, "byte": "AAEC", "uri": "https://fund.example/", "ipv4": "192.0.2.1",
	}[s.Format]; ok {
		return known, nil
	}
	if s.Pattern != "" {
		return drawn(s.Pattern, s.MinLength)
	}
	text := cmp.Or(strings.ReplaceAll(name, "_", " "), "text")
	for len(text) < s.MinLength {
		text += " " + text
	}
	if s.MaxLength > 0 && len(text) > s.MaxLength {
		text = text[:s.MaxLength]
	}
	return text, nil
}

// drawn returns a string that matches pattern and has at least this many characters,
// if the pattern can be repeated so far.
func drawn(pattern string, atLeast int) (string, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("pattern %s: %w", pattern, err)
	}
	d := drawer{atLeast: atLeast}
	d.draw(re.Simplify())
	return d.b.String(), nil
}

// drawer walks over a pattern. It takes another character of a class each time, so
// that a digest does not look like zero.
type drawer struct {
	b       strings.Builder
	turn    int
	atLeast int
}

func (d *drawer) draw(re *syntax.Regexp) {
	switch re.Op { //nolint:exhaustive // all others match the empty string, or may
	case syntax.OpLiteral:
		d.b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		d.b.WriteRune(d.pick(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		d.b.WriteByte('x')
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			d.draw(sub)
		}
	case syntax.OpAlternate:
		d.draw(re.Sub[0])
	case syntax.OpPlus, syntax.OpStar:
		for range max(maxPatternRepeat, d.atLeast) {
			d.draw(re.Sub[0])
		}
	}
}

// pick takes a digit or a letter of the class, if there is one.
func (d *drawer) pick(ranges []rune) rune {
	plain := map[rune]bool{}
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1] && r <= 'z'; r++ {
			if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				plain[r] = true
			}
		}
	}
	if len(plain) == 0 {
		return ranges[0]
	}
	choice := slices.Sorted(maps.Keys(plain))
	d.turn = d.turn*5 + 3
	d.turn %= 1009
	return choice[d.turn%len(choice)]
}
