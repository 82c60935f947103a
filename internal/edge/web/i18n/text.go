package i18n

import (
	"fmt"
	"strings"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// texts are the messages of a language that have one form and nothing in them but
// words and placeholders: most of them. A page says hundreds, so that each is cut up
// once, when the catalogue is read. Nil stands for a message that go-i18n has to say.
type texts map[string]*text

// text is a message, cut at its placeholders.
type text struct {
	parts []part
	tail  string
}

// part is a placeholder and the words before it.
type part struct{ before, name string }

// add takes messages of a file that go-i18n has parsed; they win over those before.
func (ts texts) add(messages []*goi18n.Message) {
	for _, m := range messages {
		ts[m.ID] = cut(m)
	}
}

func cut(m *goi18n.Message) *text {
	if m.Other == "" || m.Zero+m.One+m.Two+m.Few+m.Many+m.LeftDelim+m.RightDelim != "" {
		return nil
	}
	t := &text{tail: m.Other}
	for {
		before, rest, found := strings.Cut(t.tail, "{{")
		if !found {
			return t
		}
		name, tail, closed := strings.Cut(rest, "}}")
		name, field := strings.CutPrefix(name, ".")
		if !closed || !field || strings.ContainsFunc(name, func(c rune) bool {
			return c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		}) {
			return nil
		}
		t.parts, t.tail = append(t.parts, part{before, name}), tail
	}
}

// say fills the placeholders in; false when a value is missing.
func (t *text) say(data map[string]any) (string, bool) {
	if len(t.parts) == 0 {
		return t.tail, true
	}
	var b strings.Builder
	for _, p := range t.parts {
		value, ok := data[p.name]
		if !ok {
			return "", false
		}
		b.WriteString(p.before)
		if s, ok := value.(string); ok {
			b.WriteString(s)
		} else {
			fmt.Fprint(&b, value)
		}
	}
	b.WriteString(t.tail)
	return b.String(), true
}

// text returns the message of the page's language, else the English one; nil when
// go-i18n has to say it, or nobody can.
func (l *Localizer) text(key string) *text {
	if t, ok := l.own[key]; ok {
		return t
	}
	return l.english[key]
}
