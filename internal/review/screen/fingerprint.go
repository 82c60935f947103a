package screen

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/prose"
)

// Print is what is stored of an application to compare it with others.
type Print struct {
	Text   uint64 // Fingerprint of its statement
	Listed int    // servers that it names
}

// Fingerprint returns the 64-bit simhash (Charikar 2002) of a text under key:
// texts that share most of their pairs of neighbouring words differ in few bits.
// Without the key it says nothing of the words. Case, accents,
// punctuation, spacing and invisible characters do not count.
func Fingerprint(key []byte, fund uuid.UUID, text string) uint64 {
	var sums [64]int
	mac := hmac.New(sha256.New, key)
	for shingle := range shingles(words(text)) {
		mac.Reset()
		mac.Write(fund[:]) // so that funds cannot be compared
		mac.Write([]byte(shingle))
		hash := binary.BigEndian.Uint64(mac.Sum(nil))
		for bit := range sums {
			if hash>>bit&1 == 1 {
				sums[bit]++
			} else {
				sums[bit]--
			}
		}
	}
	var out uint64
	for bit, sum := range sums {
		if sum > 0 {
			out |= 1 << bit
		}
	}
	return out
}

// shingles returns the pairs of neighbouring words, each once: saying a thing again
// and again must not outweigh the rest. One word alone, or none, is a pair of its
// own.
func shingles(words []string) map[string]struct{} {
	out := make(map[string]struct{}, len(words))
	for i := 1; i < len(words); i++ {
		out[words[i-1]+" "+words[i]] = struct{}{}
	}
	if len(out) == 0 {
		out[strings.Join(words, " ")] = struct{}{}
	}
	return out
}

// words returns the words of a text as they are compared, see prose.Fold. Scripts that
// put no space between words give a word for each character.
func words(text string) []string {
	var out []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	for _, r := range prose.Fold(text) {
		switch {
		case prose.Unspaced(r):
			end()
			out = append(out, string(r))
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			word.WriteRune(r)
		case unicode.Is(unicode.Cf, r): // invisible: it parts no words
		default:
			end()
		}
	}
	end()
	return out
}
