package i18n

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"

	"github.com/causeway-fund/causeway/internal/fleet/probe/advice"
)

//go:embed catalogue/*.json
var catalogues embed.FS

// Locale is one language the pages can be shown in.
type Locale struct {
	Tag  string // BCP 47, and the name of the catalogue file
	Name string // in its own words
	Dir  string // "ltr" or "rtl"
}

// known lists languages in the order of the chooser. One without a catalogue
// file is not offered.
func known() []Locale {
	return []Locale{
		{Tag: "en", Name: "English", Dir: "ltr"},
		{Tag: "ru", Name: "Русский", Dir: "ltr"},
		{Tag: "fa", Name: "فارسی", Dir: "rtl"},
		{Tag: "zh", Name: "中文", Dir: "ltr"},
	}
}

// Catalogue is the set of languages with their messages. It is read-only
// after Load and safe for concurrent use.
type Catalogue struct {
	bundle     *goi18n.Bundle
	locales    []Locale
	localizers []*Localizer // one for each locale
	matcher    language.Matcher
}

// Load reads the embedded catalogues.
func Load() (*Catalogue, error) { return LoadFS(catalogues) }

// LoadFS reads catalogue/*.json from a file system that holds at least
// catalogue/en.json. The words about checks of servers, which are package
// advice's, come beside those of each language; a file's own words win.
func LoadFS(fsys fs.FS) (*Catalogue, error) {
	bundle := goi18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)

	c := &Catalogue{bundle: bundle}
	var tags []language.Tag
	all := map[string]texts{}
	for _, l := range known() {
		body, err := fs.ReadFile(fsys, path.Join("catalogue", l.Tag+".json"))
		if err != nil {
			if l.Tag == "en" {
				return nil, fmt.Errorf("read the English catalogue: %w", err)
			}
			continue
		}
		checks, err := advice.Catalogue(l.Tag)
		if err != nil {
			return nil, err
		}
		all[l.Tag] = texts{}
		for _, b := range [][]byte{checks, body} {
			file, err := bundle.ParseMessageFileBytes(b, l.Tag+".json")
			if err != nil {
				return nil, fmt.Errorf("parse catalogue %s: %w", l.Tag, err)
			}
			all[l.Tag].add(file.Messages)
		}
		c.locales = append(c.locales, l)
		tags = append(tags, language.Make(l.Tag))
	}
	c.matcher = language.NewMatcher(tags)
	for _, l := range c.locales {
		c.localizers = append(c.localizers, &Localizer{
			Locale:  l,
			lz:      goi18n.NewLocalizer(bundle, l.Tag, "en"),
			own:     all[l.Tag],
			english: all["en"],
			all:     c.Locales(),
		})
	}
	return c, nil
}

// Locales returns the languages on offer, English first.
func (c *Catalogue) Locales() []Locale { return append([]Locale(nil), c.locales...) }

// Pick chooses the language of a request: the first argument that names an
// offered language wins (the ?ui= parameter, then the cookie), then the
// Accept-Language header, then English. It never fails.
func (c *Catalogue) Pick(acceptLanguage string, explicit ...string) *Localizer {
	for _, tag := range explicit {
		for i, l := range c.locales {
			if tag == l.Tag {
				return c.localizers[i]
			}
		}
	}
	want, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(want) == 0 {
		return c.localizers[0]
	}
	_, i, confidence := c.matcher.Match(handMapped(want)...)
	if confidence == language.No {
		return c.localizers[0]
	}
	return c.localizers[i]
}

// handMapped adds Persian after Dari, which the CLDR matcher does not link.
func handMapped(want []language.Tag) []language.Tag {
	var out []language.Tag
	for _, t := range want {
		out = append(out, t)
		if base, _ := t.Base(); base.String() == "prs" {
			out = append(out, language.Persian)
		}
	}
	return out
}

// Localizer says messages in one language. It is read-only.
type Localizer struct {
	Locale       Locale
	lz           *goi18n.Localizer
	own, english texts
	all          []Locale
}

// Locales returns the languages on offer, for the chooser.
func (l *Localizer) Locales() []Locale { return l.all }

// T returns a message. kv are pairs of placeholder name and value. A key that
// does not exist, or whose placeholders are not all given, comes back in
// brackets, so that tests and people see it.
func (l *Localizer) T(key string, kv ...any) string {
	var data map[string]any
	if len(kv) > 0 {
		data = l.data(kv)
	}
	if s, ok := l.Try(key, data); ok {
		return s
	}
	return "⟦" + key + "⟧"
}

// N is T for a message with a count: plural forms follow n, and the
// placeholder Count holds shown, the count as it is to be written.
func (l *Localizer) N(key string, n int64, shown string, kv ...any) string {
	data := l.data(kv)
	data["Count"] = l.Isolate(shown)
	s, err := l.lz.Localize(&goi18n.LocalizeConfig{
		MessageID: key, PluralCount: n, TemplateData: data, TemplateParser: strict(),
	})
	if !said(s, err) {
		return "⟦" + key + "⟧"
	}
	return s
}

// Try returns a message and whether it exists with all its placeholders
// given.
func (l *Localizer) Try(key string, data map[string]any) (string, bool) {
	if t := l.text(key); t != nil {
		return t.say(data)
	}
	s, err := l.lz.Localize(&goi18n.LocalizeConfig{MessageID: key, TemplateData: data, TemplateParser: strict()})
	return s, said(s, err)
}

// said tells a message from a failure: falling back to English comes with a
// MessageNotFoundErr beside the text.
func said(s string, err error) bool {
	var fellBack *goi18n.MessageNotFoundErr
	return s != "" && (err == nil || errors.As(err, &fellBack))
}

func strict() template.Parser { return &template.TextParser{Option: "missingkey=error"} }

func (l *Localizer) data(kv []any) map[string]any {
	data := make(map[string]any, len(kv)/2+1)
	for i := 0; i+1 < len(kv); i += 2 {
		name, ok := kv[i].(string)
		if !ok {
			continue
		}
		data[name] = l.Isolate(fmt.Sprint(kv[i+1]))
	}
	return data
}

// Isolate keeps a value from being reordered by right-to-left text round it
// (UAX #9, FIRST STRONG ISOLATE).
func (l *Localizer) Isolate(s string) string {
	if l.Locale.Dir != "rtl" || s == "" {
		return s
	}
	return "\u2068" + s + "\u2069"
}

// Raw returns a catalogue, with the words about checks, as a map from key to
// plural form to text, for tests and for tools that check a translation. A
// message without plural forms has the single form "other".
func Raw(tag string) (map[string]map[string]string, error) {
	body, err := catalogues.ReadFile("catalogue/" + tag + ".json")
	if err != nil {
		return nil, fmt.Errorf("read catalogue %s: %w", tag, err)
	}
	checks, err := advice.Catalogue(tag)
	if err != nil {
		return nil, err
	}
	var in map[string]any
	for _, b := range [][]byte{checks, body} {
		if err := json.Unmarshal(b, &in); err != nil { // adds to what is there
			return nil, fmt.Errorf("parse catalogue %s: %w", tag, err)
		}
	}
	out := make(map[string]map[string]string, len(in))
	for key, v := range in {
		switch v := v.(type) {
		case string:
			out[key] = map[string]string{"other": v}
		case map[string]any:
			forms := make(map[string]string, len(v))
			for form, text := range v {
				forms[form] = fmt.Sprint(text)
			}
			out[key] = forms
		}
	}
	return out, nil
}

// Placeholders returns the sorted names a message text expects.
func Placeholders(text string) []string {
	seen := map[string]bool{}
	for {
		_, rest, ok := strings.Cut(text, "{{.")
		if !ok {
			break
		}
		name, after, ok := strings.Cut(rest, "}}")
		if !ok {
			break
		}
		seen[strings.TrimSpace(name)] = true
		text = after
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
