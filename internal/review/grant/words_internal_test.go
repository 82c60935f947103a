package grant

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "",
		" – … !":                             "",
		"Two relays, and TWO more":           "and more relays two",
		"café CAFE\u0301 Cafe":               "cafe",
		"Straße STRASSE":                     "strasse",
		"Ещё один прокси":                    "еще один прокси",
		"می\u200cخواهم كتاب":                 "خواهم می کتاب",
		"يك ﻳﻚ یک":                           "یک",
		"ｗｉｒｅｇｕａｒｄ ﬁve":                      "five wireguard",
		"新闻代理":                               "代 代理 新 新闻 理 闻 闻代",
		"VPN代理2":                             "2 vpn 代 代理 理",
		"socks5 for 10.000 people, since-05": "000 05 10 for people since socks5",
	} {
		if diff := cmp.Diff(want, strings.Join(words(text), " ")); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

// TestAnyPartOfATitleFindsIt searches for words of a title in another order, case and
// form.
func TestAnyPartOfATitleFindsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[a-zäéйёçşğа-яسكي代理ー]{1,8}`), 1, 8).Draw(t, "words")
		title := words(strings.Join(parts, " "))
		asked := rapid.Permutation(parts).Draw(t, "order")[:rapid.IntRange(1, len(parts)).Draw(t, "n")]
		has := map[string]bool{}
		for _, w := range title {
			has[w] = true
		}
		for _, w := range words(strings.ToUpper(strings.Join(asked, "\u00a0"))) {
			if !has[w] {
				t.Errorf("the title %q lacks %q of its own words", parts, w)
			}
		}
	})
}

func FuzzWords(f *testing.F) {
	for _, seed := range []string{"Two relays", "新闻代理", "می\u200cخواهم", "\xff\x00", strings.Repeat("ㄅ", 130)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, w := range words(text) {
			if w == "" || i > 0 && w <= words(text)[i-1] {
				t.Errorf("words of %q: %q", text, words(text))
			}
		}
		if name, ok := ParseName(text); ok && (name.Reference == "") == (name.Designation == "") {
			t.Errorf("%q is two names or none: %+v", text, name)
		}
	})
}

func TestParseName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Name{
		"GR-7K3FQ2X9":          {Reference: "GR-7K3FQ2X9"},
		" gr-7k3fq2x9\n":       {Reference: "GR-7K3FQ2X9"},
		"7k3fq2x9":             {Reference: "GR-7K3FQ2X9"},
		"Calm  cedar otter":    {Designation: "calm cedar otter"},
		"calm cedar":           {},
		"calm cedar otter 2":   {},
		"relay":                {},
		"GR-":                  {},
		"GR-7K3\x00Q2X9":       {},
		"calm cedar\x00 otter": {},
	} {
		got, ok := ParseName(text)
		if got != want || ok != (want != Name{}) {
			t.Errorf("%q: got %+v, %v", text, got, ok)
		}
	}
}
