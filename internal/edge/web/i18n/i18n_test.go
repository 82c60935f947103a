package i18n_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/edge/web/i18n"
	"github.com/causeway-fund/causeway/internal/fleet/probe/advice"
)

// pluralForms are the CLDR cardinal categories of each language.
var pluralForms = map[string][]string{
	"en": {"one", "other"},
	"ru": {"few", "many", "one", "other"},
	"fa": {"one", "other"},
	"zh": {"other"},
}

// operatorKeys are the first parts of the keys that operators' pages use; a
// language that is offered has them all.
var operatorKeys = []string{
	"brand", "unit.", "ago.", "glyph.", "layout.", "nav.", "prefs.", "form.", "home.", "apply.", "receipt.", "status.",
	"timeline.", "pay.", "conf.", "state.application.", "state.payment.", "field.", "error.", "probe.",
	"server.", "spec.", "stage.", "check_kind.", "place.", "mark.", "day.", "proof.", "uptime.", "break.", "flash.",
}

// staffFields are field messages that only staff's forms give.
var staffFields = []string{"field.number_differs"}

func load(t *testing.T) *i18n.Catalogue {
	t.Helper()
	c, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func raw(t *testing.T, tag string) map[string]map[string]string {
	t.Helper()
	r, err := i18n.Raw(tag)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestKeysOfTheTemplatesExist(t *testing.T) {
	t.Parallel()
	en := raw(t, "en")
	files, err := filepath.Glob("../views/*.templ")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	more, err := filepath.Glob("../views/*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := regexp.MustCompile(`\.(T|N)\("([a-z0-9_.]+)"`)
	for _, name := range slices.Concat(files, more) {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
			continue
		}
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range used.FindAllStringSubmatch(string(body), -1) {
			forms, ok := en[m[2]]
			if !ok {
				t.Errorf("%s uses %q, which the English catalogue lacks", name, m[2])
			}
			if (m[1] == "N") != (len(forms) > 1) {
				t.Errorf("%s: %q counts in one place and not in the other", name, m[2])
			}
		}
	}
}

func TestStatesHaveWords(t *testing.T) {
	t.Parallel()
	en := raw(t, "en")
	states := map[string]string{
		"application": "submitted in_review needs_info ready approved declined withdrawn",
		"payment":     "waiting queued signing broadcast delayed confirming paid",
		"grant":       "active completed terminated",
		"instalment":  "payable held allocated signing sent maybe_paid mined paid final cancelled",
		"payout":      "payable held allocated signing sent maybe_paid mined paid final cancelled",
		"batch":       "composed approved built signing signed broadcast mined paid final cancelled conflicted voiding voided",
		"attempt":     "built signing signed broadcast mined paid final conflicted dead replaced",
		"coin":        "available reserved locked immature",
	}
	for kind, list := range states {
		for _, s := range strings.Fields(list) {
			if _, ok := en["state."+kind+"."+s]; !ok {
				t.Errorf("no words for state %s of %s", s, kind)
			}
		}
	}
}

func TestCataloguesAgree(t *testing.T) {
	t.Parallel()
	en := raw(t, "en")
	for _, l := range load(t).Locales() {
		for key, forms := range raw(t, l.Tag) {
			source, ok := en[key]
			if !ok {
				t.Errorf("%s: %q is not in the English catalogue", l.Tag, key)
				continue
			}
			checkForms(t, l.Tag, key, forms, len(source) > 1)
			want := placeholders(source)
			for form, text := range forms {
				got := i18n.Placeholders(text)
				if form != "other" && !slices.Contains(got, "Count") && slices.Contains(want, "Count") {
					got = append(got, "Count") // "One field" may spell the number
					slices.Sort(got)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: placeholders of %q (%s): %s", l.Tag, key, form, diff)
				}
			}
		}
	}
}

func placeholders(forms map[string]string) []string { return i18n.Placeholders(forms["other"]) }

func checkForms(t *testing.T, tag, key string, forms map[string]string, counts bool) {
	t.Helper()
	want := []string{"other"}
	if counts {
		want = pluralForms[tag]
	}
	var got []string
	for form, text := range forms {
		got = append(got, form)
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s: %q (%s) is empty", tag, key, form)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: plural forms of %q: %s", tag, key, diff)
	}
}

func TestOperatorsPagesAreCompleteInEveryLanguage(t *testing.T) {
	t.Parallel()
	en := raw(t, "en")
	for _, l := range load(t).Locales() {
		have := raw(t, l.Tag)
		for key := range en {
			if _, ok := have[key]; ok || slices.Contains(staffFields, key) {
				continue
			}
			if slices.ContainsFunc(operatorKeys, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
				t.Errorf("%s lacks %q", l.Tag, key)
			}
		}
	}
}

// TestWordsAboutChecksComeFromTheirPackage looks for all of them, and for a
// second source.
func TestWordsAboutChecksComeFromTheirPackage(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, l := range c.Locales() {
		loc, have := c.Pick("", l.Tag), raw(t, l.Tag)
		own, err := os.ReadFile("catalogue/" + l.Tag + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range advice.Keys() {
			text := have[key]["other"]
			if got := loc.T(key); got != text || text == "" {
				t.Errorf("%s: T(%q) = %q, want %q", l.Tag, key, got, text)
			}
			if l.Tag == "en" && text != advice.English(key) {
				t.Errorf("%q: %q on pages, %q elsewhere", key, text, advice.English(key))
			}
			if strings.Contains(string(own), `"`+key+`"`) {
				t.Errorf("%s: %q stands in two catalogues", l.Tag, key)
			}
		}
	}
}

func TestPluralsFollowTheLanguage(t *testing.T) {
	t.Parallel()
	ru := load(t).Pick("", "ru")
	var got []string
	for _, n := range []struct {
		n     int64
		shown string
	}{{1, "1"}, {3, "3"}, {5, "5"}, {21, "21"}} {
		text, _, _ := strings.Cut(ru.N("form.problems", n.n, n.shown), " нужно")
		got = append(got, text)
	}

	if diff := cmp.Diff([]string{"1 поле", "3 поля", "5 полей", "21 поле"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLanguageOfARequest(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, x := range []struct {
		name, accept string
		explicit     []string
		want         string
	}{
		{"nothing", "", nil, "en"},
		{"header", "ru-RU,ru;q=0.9,en;q=0.5", nil, "ru"},
		{"a language that is not offered", "sw", nil, "en"},
		{"parameter beats header", "en", []string{"ru", ""}, "ru"},
		{"cookie beats header", "en", []string{"", "ru"}, "ru"},
		{"parameter beats cookie", "", []string{"en", "ru"}, "en"},
		{"unknown parameter", "ru", []string{"xx"}, "ru"},
		{"broken header", ";;;q=", nil, "en"},
	} {
		if got := c.Pick(x.accept, x.explicit...).Locale.Tag; got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
	}
}

func TestALanguageIsOnlyAFile(t *testing.T) {
	t.Parallel()
	c, err := i18n.LoadFS(fstest.MapFS{
		"catalogue/en.json": {Data: []byte(`{"a": "A {{.N}}", "b": "B"}`)},
		"catalogue/fa.json": {Data: []byte(`{"a": "آ {{.N}}"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}

	fa := c.Pick("prs-AF") // Dari reads Persian

	if fa.Locale.Tag != "fa" || fa.Locale.Dir != "rtl" {
		t.Fatalf("locale = %+v", fa.Locale)
	}
	if got, want := fa.T("a", "N", 5), "آ \u20685\u2069"; got != want {
		t.Errorf("T = %q, want %q", got, want)
	}
	if got := fa.T("b"); got != "B" {
		t.Errorf("without a translation T = %q, want the English words", got)
	}
}

func TestMissingMessagesShow(t *testing.T) {
	t.Parallel()
	en := load(t).Pick("")
	if got := en.T("no.such.key"); got != "⟦no.such.key⟧" {
		t.Errorf("T = %q", got)
	}
	if got := en.T("apply.amount_hint", "Min", 1); got != "⟦apply.amount_hint⟧" {
		t.Errorf("with a placeholder missing T = %q", got)
	}
	if _, ok := en.Try("field.wrong_network", nil); ok {
		t.Error("Try says yes to a message without its placeholders")
	}
}
