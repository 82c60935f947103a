package i18n

import (
	"testing"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// TestTheShortWaySaysWhatTheLibrarySays holds every message that is cut up beforehand
// against go-i18n, in every language: with all values, with one missing, and with none.
func TestTheShortWaySaysWhatTheLibrarySays(t *testing.T) {
	t.Parallel()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Raw("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.localizers {
		short := 0
		for key, forms := range raw {
			cut := l.text(key)
			if cut == nil {
				if len(forms) == 1 && l.Locale.Tag == "en" {
					t.Errorf("%s: %s is said the long way, though it has one form", l.Locale.Tag, key)
				}
				continue
			}
			short++
			all := map[string]any{"Beside": 7}
			for _, p := range cut.parts {
				all[p.name] = "a <b> {{.N}} " + p.name
			}
			holes := []map[string]any{nil, all}
			for _, p := range cut.parts {
				hole := map[string]any{p.name: nil}
				for name, value := range all {
					hole[name] = value
				}
				delete(hole, p.name)
				holes = append(holes, hole)
			}
			for _, data := range holes {
				want, err := l.lz.Localize(&goi18n.LocalizeConfig{MessageID: key, TemplateData: data, TemplateParser: strict()})
				got, ok := cut.say(data)
				if ok != said(want, err) || ok && got != want {
					t.Errorf("%s: %s with %v says %q (%v), want %q (%v)", l.Locale.Tag, key, data, got, ok, want, err)
				}
			}
		}
		if short < 1000 {
			t.Errorf("%s: only %d messages are cut up", l.Locale.Tag, short)
		}
	}
}
