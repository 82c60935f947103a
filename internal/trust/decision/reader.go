package decision

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
)

// reader takes a note apart line by line and keeps the first fault. It only
// splits; that the text is canonical is proven by encoding it again.
type reader struct {
	lines []string
	err   error
}

func newReader(text []byte, header string) (*reader, error) {
	body, ok := strings.CutSuffix(string(text), "\n")
	if !ok {
		return nil, badNote("does not end in a line feed")
	}
	for i := range len(body) {
		if c := body[i]; c != '\n' && (c < 0x20 || c > 0x7e) {
			return nil, badNote("holds a byte that is not printable ASCII")
		}
	}
	lines := strings.Split(body, "\n")
	if lines[0] != header {
		return nil, badNote("does not begin with %s", header)
	}
	return &reader{lines: lines[1:]}, nil
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = badNote(format, args...)
	}
}

// word returns what follows "name " on the next line.
func (r *reader) word(name string) string {
	if r.err != nil {
		return ""
	}
	if len(r.lines) == 0 {
		r.fail("has no line %s", name)
		return ""
	}
	value, ok := strings.CutPrefix(r.lines[0], name+" ")
	if !ok {
		r.fail("has another line where %s should be", name)
		return ""
	}
	r.lines = r.lines[1:]
	return value
}

// next reports whether the next line begins with "name ".
func (r *reader) next(name string) bool {
	return r.err == nil && len(r.lines) > 0 && strings.HasPrefix(r.lines[0], name+" ")
}

func (r *reader) integer(name string) int64 {
	n, err := strconv.ParseInt(r.word(name), 10, 64)
	if err != nil || n < 0 {
		r.fail("has a %s that is not a whole number", name)
	}
	return n
}

// small reads a whole number from 1 to most.
func (r *reader) small(name string, most int) int {
	n := r.integer(name)
	if n < 1 || n > int64(most) {
		r.fail("has a %s that is not 1 to %d", name, most)
		return 0
	}
	return int(n)
}

// index reads a batch's number, which is the index of its change script: not
// hardened, so it ends at 2^31 (BIP32).
func (r *reader) index(name string) uint32 {
	n := r.integer(name)
	if n >= 1<<31 {
		r.fail("has a %s that is not an index", name)
		return 0
	}
	return uint32(max(n, 0))
}

func (r *reader) digest(name string) Digest {
	d, err := ParseDigest(r.word(name))
	if err != nil {
		r.fail("has a %s that is not a digest", name)
	}
	return d
}

// outPoint reads txid:vout, the txid as people write it.
func (r *reader) outPoint(name string) wire.OutPoint {
	op, err := wire.NewOutPointFromString(r.word(name))
	if err != nil {
		r.fail("has a %s that is not txid:vout", name)
		return wire.OutPoint{}
	}
	return *op
}

// bounds reads the least and the most.
func (r *reader) bounds(name string) (least, most btcutil.Amount) {
	low, high, _ := strings.Cut(r.word(name), " ")
	l, lerr := strconv.ParseInt(low, 10, 64)
	m, merr := strconv.ParseInt(high, 10, 64)
	if lerr != nil || merr != nil {
		r.fail("has a %s line without least and most", name)
	}
	return btcutil.Amount(l), btcutil.Amount(m)
}

// schedule reads a day and how often after it something is due.
func (r *reader) schedule(name string) (first time.Time, every string) {
	day, every, _ := strings.Cut(r.word(name), " every ")
	first, err := time.Parse(dateForm, day)
	if err != nil {
		r.fail("has a %s that is not a day", name)
	}
	return first, every
}

func (r *reader) replaced(name string) Replaced {
	text := r.word(name)
	if text == none {
		return Replaced{}
	}
	digest, no, _ := strings.Cut(text, " ")
	d, derr := ParseDigest(digest)
	period, perr := strconv.Atoi(no)
	if derr != nil || perr != nil || period < 1 {
		r.fail("has a %s that is neither none nor a digest and a period", name)
	}
	return Replaced{Note: d, Period: period}
}

// payees reads lines as long as they name a payee; their numbers are proven by encoding them again.
func (r *reader) payees(name string) []Payee {
	var payees []Payee
	for r.next(name) {
		fields := strings.Split(r.word(name), " ")
		if len(fields) != 3 {
			r.fail("has a %s without number, script and address", name)
			return nil
		}
		script, err := hex.DecodeString(fields[1])
		if err != nil || len(script) == 0 || fields[2] == "" {
			r.fail("has a %s that cannot be read", name)
		}
		payees = append(payees, Payee{Script: script, Address: fields[2]})
	}
	if len(payees) == 0 {
		r.fail("has no line %s", name)
	}
	return payees
}

func (r *reader) proof(name string) AddressProof {
	text := r.word(name)
	if text == none {
		return AddressProof{}
	}
	kind, digest, _ := strings.Cut(text, " ")
	d, err := ParseDigest(digest)
	if err != nil || kind != ProofBIP322 && kind != ProofLegacy {
		r.fail("has an %s that is neither none nor a kind and a digest", name)
	}
	return AddressProof{Kind: kind, Digest: d}
}

func (r *reader) uuid(name string) uuid.UUID {
	id, err := uuid.Parse(r.word(name))
	if err != nil {
		r.fail("has a %s that is not a UUID", name)
	}
	return id
}

func (r *reader) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339, r.word(name))
	if err != nil {
		r.fail("has a %s that is not a time", name)
	}
	return t.UTC()
}

func (r *reader) network() Network {
	name, genesis, _ := strings.Cut(r.word("network"), " ")
	if r.err == nil && (name == "" || len(genesis) != 64) {
		r.fail("has a network line without name and genesis")
	}
	return Network{Name: name, Genesis: genesis}
}

func (r *reader) end() error {
	if len(r.lines) > 0 {
		r.fail("goes on after its last line")
	}
	if r.err != nil {
		return r.err
	}
	return nil
}
