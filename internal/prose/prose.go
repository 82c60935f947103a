package prose

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Rule is what one field asks for, in characters. A Max of 0 bounds nothing.
type Rule struct {
	Min, Max int
	Lines    bool // may have line breaks and tabs
}

// maxMarks is the most combining marks that follow one letter: Hebrew with accents
// has four. More of them grow over the lines above and below.
const maxMarks = 6

var dropped = strings.NewReplacer(
	"\r\n",
	"\n",
	"\r",
	"\n",
	"\u0085",
	"\n",
	"\u2028",
	"\n",
	"\u2029",
	"\n",
	"\u00ad",
	"",
	"\ufeff",
	"",
)

// Tidy returns s as it is kept: without white space at its ends, with line feeds for
// every kind of line break, and without byte-order marks and soft hyphens.
func Tidy(s string) string { return strings.TrimSpace(dropped.Replace(s)) }

// Check returns what is wrong with a field's value, or nil. Codes: required, too_short
// (min), too_long (max), not_text, line_break, bad_character (code_point, what).
func Check(field, value string, r Rule) *errs.Field {
	bad := func(code errs.Code, message string, params map[string]string) *errs.Field {
		return &errs.Field{Field: field, Code: code, Message: message, Params: params}
	}
	if !utf8.ValidString(value) {
		return bad(errs.CodeNotText, "This is not readable text.", nil)
	}
	switch n := utf8.RuneCountInString(value); {
	case n == 0 && r.Min > 0, n > 0 && r.Min > 0 && blank(value):
		return bad(errs.CodeRequired, "Please fill this in.", nil)
	case n < r.Min:
		return bad(
			CodeTooShort,
			"Please write a little more: at least "+strconv.Itoa(r.Min)+" characters.",
			map[string]string{"min": strconv.Itoa(r.Min)},
		)
	case r.Max > 0 && n > r.Max:
		return bad(
			errs.CodeTooLong,
			"Please make this shorter: "+strconv.Itoa(r.Max)+" characters at most.",
			map[string]string{"max": strconv.Itoa(r.Max)},
		)
	}
	if !r.Lines && strings.ContainsAny(value, "\n\r\u0085\u2028\u2029\v\f") {
		return bad(CodeLineBreak, "Write this on one line.", nil)
	}
	if c, why := firstBad(value, r.Lines); why != "" {
		point := fmt.Sprintf("U+%04X", c)
		return bad(CodeBadCharacter, "This holds "+why+" ("+point+"). Take it out, or type the text again.",
			map[string]string{"code_point": point, "what": why})
	}
	return nil
}

// blank reports whether nothing of s shows.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return unicode.IsGraphic(c) && !unicode.IsSpace(c) && !unicode.In(c, unicode.Mn, unicode.Me) && c != '\u2800'
	})
}

// firstBad returns the first character that may not stand where it stands, and what
// it is in words.
func firstBad(s string, lines bool) (rune, string) {
	text := []rune(s)
	rightToLeft := strings.ContainsFunc(s, isRightToLeft)
	marks := 0
	for i, c := range text {
		if unicode.In(c, unicode.Mn, unicode.Me) {
			marks++
		} else {
			marks = 0
		}
		if why := reason(text, i, lines, rightToLeft, marks); why != "" {
			return c, why
		}
	}
	return 0, ""
}

func reason(text []rune, i int, lines, rightToLeft bool, marks int) string {
	switch c := text[i]; {
	case c == '\n' || c == '\t':
		if !lines {
			return "a control character"
		}
	case unicode.IsControl(c):
		return "a control character"
	case c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069:
		return "an invisible mark that turns the direction of the text"
	case c == zwnj || c == zwj:
		if !joins(text, i) {
			return "an invisible character where its script does not need it"
		}
	case c == 0x200e || c == 0x200f || c == 0x061c:
		if !rightToLeft {
			return "an invisible direction mark in a text without letters written from right to left"
		}
	case c == 0x200b:
		if !between(text, i, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) {
			return "an invisible space"
		}
	case isSelector(c):
		if i == 0 || !selectable(text[i-1]) {
			return "an invisible variation selector without a character that it changes"
		}
	case isHidden(c) || unicode.Is(unicode.Cf, c) && !unicode.Is(unicode.Prepended_Concatenation_Mark, c):
		return "an invisible character"
	case unicode.Is(unicode.Co, c):
		return "a character for private use, which others see as something else"
	case !unicode.In(c, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cf):
		return "a code point that stands for no character"
	case marks > maxMarks:
		return "too many accents on one letter"
	}
	return ""
}

const (
	zwnj = '\u200c'
	zwj  = '\u200d'
)

// joining are the scripts whose letters change with a joiner or non-joiner between
// them (UAX 31, 2.3).
var joining = []*unicode.RangeTable{
	unicode.Arabic,
	unicode.Syriac,
	unicode.Mongolian,
	unicode.Nko,
	unicode.Devanagari,
	unicode.Bengali,
	unicode.Gurmukhi,
	unicode.Gujarati,
	unicode.Oriya,
	unicode.Tamil,
	unicode.Telugu,
	unicode.Kannada,
	unicode.Malayalam,
	unicode.Sinhala,
	unicode.Myanmar,
	unicode.Khmer,
}

// joins reports whether a joiner or non-joiner is needed at i. Persian writes a
// non-joiner inside words, also at the end of an abbreviation; emoji are joined by a
// joiner.
func joins(text []rune, i int) bool {
	if i == 0 {
		return false
	}
	if before := text[i-1]; unicode.In(before, joining...) && (unicode.IsLetter(before) || unicode.IsMark(before)) {
		return true
	}
	if text[i] == zwnj || i+1 == len(text) {
		return false
	}
	emoji := func(c rune) bool { return unicode.Is(unicode.So, c) || unicode.Is(unicode.Sk, c) || isSelector(c) }
	return emoji(text[i-1]) && emoji(text[i+1])
}

func between(text []rune, i int, scripts ...*unicode.RangeTable) bool {
	return i > 0 && i+1 < len(text) && unicode.In(text[i-1], scripts...) && unicode.In(text[i+1], scripts...)
}

func isSelector(c rune) bool { return c >= 0xfe00 && c <= 0xfe0f || c >= 0xe0100 && c <= 0xe01ef }

// selectable reports whether a variation selector has an effect on c.
func selectable(c rune) bool {
	return unicode.In(c, unicode.So, unicode.Sm, unicode.Han, unicode.Mongolian, unicode.Myanmar) || c == '#' ||
		c == '*' ||
		c >= '0' && c <= '9' ||
		c == '\u203c' ||
		c == '\u2049' ||
		c == '\u3030' ||
		c == '\u303d'
}

// isHidden reports whether a letter or mark shows nothing at all.
func isHidden(c rune) bool {
	switch c {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u3164', '\uffa0':
		return true
	}
	return c >= 0xe0000 && c <= 0xe0fff
}

func isRightToLeft(c rune) bool {
	return unicode.In(
		c,
		unicode.Arabic,
		unicode.Hebrew,
		unicode.Syriac,
		unicode.Thaana,
		unicode.Nko,
		unicode.Samaritan,
		unicode.Mandaic,
		unicode.Adlam,
		unicode.Hanifi_Rohingya,
	)
}

// Open and Close set what somebody else wrote apart from the sentence around it, in
// whatever direction it runs (UAX 9, FSI and PDI): for terminals and files, as <bdi>
// does it on a page.
const (
	Open  = "\u2068"
	Close = "\u2069"
)

// Isolate returns s between Open and Close when it may run from right to left, else
// as it is: most terminals show the marks of others as boxes.
func Isolate(s string) string {
	if strings.ContainsFunc(s, isRightToLeft) {
		return Open + s + Close
	}
	return s
}
