package prose

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// unspaced are the scripts that put no space between words.
var unspaced = []*unicode.RangeTable{
	unicode.Han,
	unicode.Hiragana,
	unicode.Katakana,
	unicode.Bopomofo,
	unicode.Thai,
	unicode.Lao,
	unicode.Khmer,
	unicode.Myanmar,
}

// Letters that one keyboard writes so and another one so.
var keyboards = strings.NewReplacer("ي", "ی", "ى", "ی", "ك", "ک")

// Fold returns text as its words are compared: in compatibility form (NFKD), without
// accents, case folded, and with one form of letters that keyboards write in two.
func Fold(text string) string {
	plain := strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Mn, c) {
			return -1
		}
		return c
	}, norm.NFKD.String(text))
	return keyboards.Replace(cases.Fold().String(plain))
}

// Unspaced reports whether c is of a script that puts no space between words, so that
// each character is taken for a word.
func Unspaced(c rune) bool { return unicode.In(c, unspaced...) }
