package prose_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/causeway-fund/causeway/internal/prose"
)

var (
	line = prose.Rule{Min: 1, Max: 200}
	text = prose.Rule{Min: 1, Max: 200, Lines: true}
)

func code(s string, r prose.Rule) string {
	if f := prose.Check("title", s, r); f != nil {
		return string(f.Code)
	}
	return ""
}

// TestWhatPeopleWriteIsTaken has texts as keyboards of the languages of our operators
// produce them.
func TestWhatPeopleWriteIsTaken(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"English":                     "Relay no. 7 — “evenings only”, 50 %",
		"Russian":                     "Узел для Татарстана: ёмкость 200 человек",
		"Persian with non-joiners":    "می\u200cخواهم سرور\u200cها را نگه دارم",
		"Persian, end of a part":      "خانه\u200c ما",
		"Persian digits, a mark":      "\u200fسرور ۱۲۳",
		"Arabic with vowels":          "مُحَمَّدٌ",
		"Chinese":                     "给朋友用的代理服务器（晚上）",
		"a rare ideograph, selected":  "葛\U000e0100城",
		"Hindi with a joiner":         "क्\u200dष और र्\u200dय",
		"Bengali":                     "ব্যবহারকারী",
		"Burmese, with breaks":        "မြန်မာ\u200bနိုင်ငံ",
		"Thai":                        "เซิร์ฟเวอร์\u200bสำหรับ",
		"Vietnamese, decomposed":      "Ti\u0065\u0302\u0301ng Vie\u0302\u0323t",
		"Hebrew with an accent":       "בְּרֵאשִׁ֖ית",
		"emoji of several":            "family 👨\u200d👩\u200d👧, heart ❤\ufe0f, key 1\ufe0f\u20e3, flag 🏳\ufe0f\u200d🌈, hand 👋🏽",
		"no-break space":              "200\u00a0000 sat",
		"Korean":                      "서버 운영",
		"Amharic":                     "አገልጋይ",
		"end of a verse, a sign over": "\u06dd١",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if f := prose.Check("title", prose.Tidy(s), line); f != nil {
				t.Errorf("refused: %+v", f)
			}
			if f := prose.Check("body", prose.Tidy("a\n\t"+s), text); f != nil {
				t.Errorf("refused in several lines: %+v", f)
			}
		})
	}
}

func TestWhatDeceivesIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ s, line, text string }{
		"NUL":                         {"a\x00b", "bad_character", "bad_character"},
		"escape sequence":             {"a\x1b[2Jb", "bad_character", "bad_character"},
		"C1 control":                  {"a\u009bb", "bad_character", "bad_character"},
		"backspace":                   {"a\bb", "bad_character", "bad_character"},
		"line break":                  {"a\nb", "line_break", ""},
		"vertical tab":                {"a\vb", "line_break", "bad_character"},
		"tab":                         {"a\tb", "bad_character", ""},
		"override":                    {"invoice\u202etxt.exe", "bad_character", "bad_character"},
		"isolate":                     {"a\u2066b", "bad_character", "bad_character"},
		"pop without a push":          {"a\u2069b", "bad_character", "bad_character"},
		"non-joiner in Latin":         {"pay\u200cpal", "bad_character", "bad_character"},
		"non-joiner at the start":     {"\u200cمن", "bad_character", "bad_character"},
		"joiner in Latin":             {"pay\u200dpal", "bad_character", "bad_character"},
		"joiner after an emoji":       {"👍\u200d", "bad_character", "bad_character"},
		"invisible space in Latin":    {"pay\u200bpal", "bad_character", "bad_character"},
		"word joiner":                 {"a\u2060b", "bad_character", "bad_character"},
		"direction mark in Latin":     {"a\u200fb", "bad_character", "bad_character"},
		"a selector on a letter":      {"a\ufe0f", "bad_character", "bad_character"},
		"a selector alone":            {"\ufe0fa", "bad_character", "bad_character"},
		"tags":                        {"a\U000e0041", "bad_character", "bad_character"},
		"private use":                 {"a\ue000", "bad_character", "bad_character"},
		"unassigned":                  {"a\u0378", "bad_character", "bad_character"},
		"noncharacter":                {"a\ufdd0", "bad_character", "bad_character"},
		"Hangul filler":               {"a\u3164b", "bad_character", "bad_character"},
		"grapheme joiner":             {"a\u034fb", "bad_character", "bad_character"},
		"accents over the line above": {"a" + strings.Repeat("\u0301", 12), "bad_character", "bad_character"},
		"interlinear mark":            {"a\ufff9b", "bad_character", "bad_character"},
		"not UTF-8":                   {"a\xffb", "not_text", "not_text"},
		"half a surrogate pair":       {"a\xed\xa0\x80", "not_text", "not_text"},
		"only spaces":                 {" \u00a0\u3000", "required", "required"},
		"only a braille blank":        {"\u2800\u2800", "required", "required"},
		"nothing":                     {"", "required", "required"},
		"too much":                    {strings.Repeat("я", 201), "too_long", "too_long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := code(tt.s, line); got != tt.line {
				t.Errorf("on one line: %q, want %q", got, tt.line)
			}
			if got := code(tt.s, text); got != tt.text {
				t.Errorf("in several lines: %q, want %q", got, tt.text)
			}
		})
	}
}

func TestTidyKeepsWhatShows(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"\ufeff Relay \r\n":     "Relay",
		"a\r\nb\rc\u2028d":      "a\nb\nc\nd",
		"Donau\u00addampfer":    "Donaudampfer",
		"می\u200cخواهم":         "می\u200cخواهم",
		"200\u00a0000":          "200\u00a0000",
		"\u202etxt":             "\u202etxt", // not taken out in silence: it is refused
		"\u200fسرور ۱۲۳\u00a0 ": "\u200fسرور ۱۲۳",
	} {
		if got := prose.Tidy(s); got != want {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
	}
}

// FuzzCheck: what passes shows no control character and reads back the same.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"a", "می\u200cخواهم", "👨\u200d👩", "a\u202eb", "\xff", "e\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tidy := prose.Tidy(s)
		if utf8.ValidString(s) && prose.Tidy(tidy) != tidy {
			t.Fatalf("tidied twice: %q, %q", tidy, prose.Tidy(tidy))
		}
		if prose.Check("x", tidy, line) != nil {
			return
		}
		for _, c := range tidy {
			if c < 0x20 || c >= 0x7f && c < 0xa0 || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
				t.Fatalf("%q passed with %U", tidy, c)
			}
		}
		if prose.Check("x", tidy, text) != nil {
			t.Fatalf("%q passes on one line and not in several", tidy)
		}
	})
}

func TestIsolateSetsApartWhatMayTurn(t *testing.T) {
	t.Parallel()
	if got := prose.Isolate("سرور 12"); got != "\u2068سرور 12\u2069" {
		t.Errorf("%q", got)
	}
	if got := prose.Isolate("Relay 12"); got != "Relay 12" {
		t.Errorf("%q", got)
	}
}
