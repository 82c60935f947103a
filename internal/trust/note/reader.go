package note

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Kind is a kind of note.
type Kind struct {
	Name     string // as people call it: "halt note"
	Header   string // the first line
	MaxBytes int
}

// Reader takes a note apart line by line.
type Reader struct {
	kind  Kind
	text  []byte
	lines []string
	at    int // index of the next line
	err   error
}

// NewReader begins to read a note behind its header.
func NewReader(kind Kind, text []byte) *Reader {
	r := &Reader{kind: kind, text: text, at: 1}
	if len(text) > kind.MaxBytes {
		r.err = errs.Newf(errs.Invalid, CodeTooLong, "The %s is longer than %d bytes.", kind.Name, kind.MaxBytes)
		return r
	}
	body, ends := strings.CutSuffix(string(text), "\n")
	r.lines = strings.Split(body, "\n")
	for i, line := range r.lines {
		if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }) {
			r.at = i + 1
			r.Fail("holds a byte that is not printable ASCII")
			return r
		}
	}
	if r.lines[0] != kind.Header {
		r.Fail("is not %s", kind.Header)
	} else if !ends {
		r.at = len(r.lines)
		r.Fail("does not end in a line feed")
	}
	return r
}

// Fail keeps a fault of the line that was read last, unless there is one already.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = errs.Newf(
			errs.Invalid,
			CodeMalformed,
			"Line %d of the %s %s.",
			r.at,
			r.kind.Name,
			fmt.Sprintf(format, args...),
		)
	}
}

// Next reports whether the next line begins with name.
func (r *Reader) Next(name string) bool {
	return r.err == nil && r.at < len(r.lines) && strings.HasPrefix(r.lines[r.at], name+" ")
}

// Rest returns what follows name on the next line.
func (r *Reader) Rest(name string) string {
	if r.err != nil {
		return ""
	}
	there := r.Next(name)
	r.at++
	if !there {
		r.Fail("should begin with %s", name)
		return ""
	}
	return strings.TrimPrefix(r.lines[r.at-1], name+" ")
}

// Words splits what follows name into n words.
func (r *Reader) Words(name string, n int) []string {
	words := strings.Split(r.Rest(name), " ")
	if len(words) != n {
		r.Fail("should have %d words behind %s", n, name)
		return make([]string, n)
	}
	return words
}

// Network reads the name and the genesis block of a chain.
func (r *Reader) Network() (name, genesis string) {
	words := r.Words("network", 2)
	r.Digest(words[1])
	return words[0], words[1]
}

// ID makes an id of a word.
func (r *Reader) ID(word string) uuid.UUID {
	id, err := uuid.Parse(word)
	if err != nil || id == uuid.Nil {
		r.Fail("has something else where an id should be")
		return uuid.Nil
	}
	return id
}

// Digest makes a SHA-256 of a word.
func (r *Reader) Digest(word string) [sha256.Size]byte {
	b, err := hex.DecodeString(word)
	if err != nil || len(b) != sha256.Size {
		r.Fail("has something else where 64 hexadecimal digits should be")
		return [sha256.Size]byte{}
	}
	return [sha256.Size]byte(b)
}

// Number makes a whole number from low to high of a word.
func (r *Reader) Number(word string, low, high int64) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || n < low || n > high {
		r.Fail("has something else where a number from %d to %d should be", low, high)
		return low
	}
	return n
}

// Time makes a time in whole seconds of a word.
func (r *Reader) Time(word string) time.Time {
	t, err := time.Parse(time.RFC3339, word)
	if err != nil {
		r.Fail("has something else where a time such as 2027-12-01T00:00:00Z should be")
		return time.Time{}
	}
	return t.UTC()
}

// End returns the first fault: of a line, of what is left, or that encoded, which is the one
// spelling of what was read, is another text.
func (r *Reader) End(encoded func() []byte) error {
	if r.err == nil && r.at < len(r.lines) {
		r.at++
		r.Fail("is another than belongs there")
	}
	if r.err != nil {
		return r.err
	}
	if want := encoded(); !bytes.Equal(want, r.text) {
		r.at = firstDifference(want, r.lines)
		r.Fail("is not in its one spelling")
	}
	return r.err
}

// firstDifference returns the number of the first line that is not the same.
func firstDifference(want []byte, lines []string) int {
	for i, line := range strings.Split(string(want), "\n") {
		if i == len(lines) || line != lines[i] {
			return i + 1
		}
	}
	return len(lines)
}
