package grant

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/prose"
)

// MaxSearch is how long a search may be, in characters: as long as a title.
const MaxSearch = MaxTitle

// words returns the distinct words of a text as they are compared, see prose.Fold. A
// word is a run of letters and digits; in scripts without spaces each character and each
// pair of neighbours is one, so that a part of a title is found.
func words(text string) []string {
	var list []string
	for _, run := range strings.FieldsFunc(prose.Fold(text), func(c rune) bool { return !unicode.In(c, unicode.L, unicode.N, unicode.Mc) }) {
		list = append(list, runWords(run)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// runWords cuts a run where a script without spaces begins or ends.
func runWords(run string) []string {
	var list []string
	begin := 0
	for i, c := range run {
		if !prose.Unspaced(c) {
			continue
		}
		if begin < i {
			list = append(list, run[begin:i])
		}
		begin = i + utf8.RuneLen(c)
		list = append(list, run[i:begin])
		if next, size := utf8.DecodeRuneInString(run[begin:]); size > 0 && prose.Unspaced(next) {
			list = append(list, run[i:begin+size])
		}
	}
	if begin < len(run) {
		list = append(list, run[begin:])
	}
	return list
}

// hashWords returns what is stored of a text's words: 64 bits of a keyed hash each,
// sorted. Whoever has no key learns which titles share a word, not which word.
func (s *Service) hashWords(text string) []int64 {
	list := words(text)
	hashes := make([]int64, len(list))
	for i, w := range list {
		mac := hmac.New(sha256.New, s.wordKey)
		mac.Write([]byte(w))
		hashes[i] = int64(binary.BigEndian.Uint64(mac.Sum(nil))) //nolint:gosec // bits, not a number
	}
	slices.Sort(hashes)
	return slices.Compact(hashes)
}

// Name is the public name of one application, as somebody types it: its reference or
// its whole designation. One of them is empty.
type Name struct{ Reference, Designation string }

var (
	referenceForm   = regexp.MustCompile(`^(?:GR-[0-9A-Z]{4,16}|[0-9A-Z]{8})$`)
	designationForm = regexp.MustCompile(`^[a-z]+ [a-z]+ [a-z]+$`)
)

// ParseName reads text as a name; ok is false for text that can be none.
func ParseName(text string) (name Name, ok bool) {
	text = strings.Join(strings.Fields(text), " ")
	if code := strings.ToUpper(text); referenceForm.MatchString(code) {
		return Name{Reference: "GR-" + strings.TrimPrefix(code, "GR-")}, true
	}
	if lower := strings.ToLower(text); designationForm.MatchString(lower) {
		return Name{Designation: lower}, true
	}
	return Name{}, false
}

func checkSearch(text string) error {
	if !utf8.ValidString(text) {
		return errs.InvalidFields(
			[]errs.Field{{Field: "search", Code: errs.CodeNotText, Message: "This is not readable text."}},
		)
	}
	if utf8.RuneCountInString(text) > MaxSearch {
		return errs.InvalidFields([]errs.Field{
			{
				Field:   "search",
				Code:    errs.CodeTooLong,
				Message: "Search for less: at most " + itoa(MaxSearch) + " characters.",
				Params:  map[string]string{"max": itoa(MaxSearch)},
			},
		})
	}
	return nil
}
