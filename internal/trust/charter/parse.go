package charter

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// Parse reads a charter. It refuses every text that Encode would not have written, and
// every charter that breaks a rule (errs.Invalid, a code for each rule; the sentence names
// the line).
func Parse(text []byte) (Charter, error) {
	if len(text) > MaxBytes {
		return Charter{}, errs.Newf(errs.Invalid, CodeTooLong, "The charter is longer than %d bytes.", MaxBytes)
	}
	body, ends := strings.CutSuffix(string(text), "\n")
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		if strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			return Charter{}, refusal(CodeNotASCII, i+1, "holds a byte that is not printable ASCII")
		}
	}
	if lines[0] != header {
		return Charter{}, refusal(CodeMalformed, 1, "is not %s", header)
	}
	r := &reader{lines: lines, at: 1}
	c := r.charter()
	switch {
	case r.err != nil:
		return Charter{}, r.err
	case r.at < len(lines):
		return Charter{}, refusal(CodeMalformed, r.at+1, "is another than belongs there")
	case !ends:
		return Charter{}, refusal(CodeMalformed, len(lines), "does not end in a line feed")
	}
	if want := c.Encode(); !bytes.Equal(want, text) {
		return Charter{}, refusal(
			CodeNotCanonical,
			firstDifference(string(want), string(text)),
			"is not in its one spelling",
		)
	}
	if f := c.check(); f != nil {
		return Charter{}, refusal(f.code, slices.IndexFunc(lines, f.stands)+1, "%s", f.text)
	}
	return c, nil
}

func refusal(code errs.Code, line int, format string, args ...any) *errs.Error {
	return errs.Newf(errs.Invalid, code, "Line %d of the charter %s.", max(line, 1), fmt.Sprintf(format, args...))
}

// firstDifference returns the number of the first line that is not the same.
func firstDifference(a, b string) int {
	one, other := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(one), len(other)) {
		if one[i] != other[i] {
			return i + 1
		}
	}
	return min(len(one), len(other))
}

// reader takes a charter apart line by line and keeps the first fault. It only splits; that
// the text is canonical is proven by encoding it again.
type reader struct {
	lines []string
	at    int // index of the next line
	err   error
}

// fail is about the line that was read last.
func (r *reader) fail(code errs.Code, format string, args ...any) {
	if r.err == nil {
		r.err = refusal(code, r.at, format, args...)
	}
}

// next reports whether the next line begins with name.
func (r *reader) next(name string) bool {
	return r.err == nil && r.at < len(r.lines) && strings.HasPrefix(r.lines[r.at], name+" ")
}

// word returns what follows "name " on the next line.
func (r *reader) word(name string) string {
	if r.err != nil {
		return ""
	}
	there := r.next(name)
	r.at++
	if !there {
		r.fail(CodeMalformed, "should begin with %s", name)
		return ""
	}
	return strings.TrimPrefix(r.lines[r.at-1], name+" ")
}

// words splits the next line into n parts, of which the last may hold spaces.
func (r *reader) words(name string, n int) []string {
	parts := strings.SplitN(r.word(name), " ", n)
	if len(parts) < n {
		r.fail(CodeMalformed, "has less than %d parts behind %s", n, name)
		return make([]string, n)
	}
	return parts
}

func (r *reader) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		r.fail(CodeMalformed, "has something else where a whole number should be")
		return 0
	}
	return n
}

func (r *reader) amount(name string) btcutil.Amount { return btcutil.Amount(r.number(r.word(name))) }

func (r *reader) id(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil || id == uuid.Nil {
		r.fail(CodeMalformed, "has something else where an id should be")
	}
	return id
}

func (r *reader) key(text string) sshsig.Key {
	k, err := sshsig.ParseKey(text)
	if err != nil {
		r.fail(
			CodeKey,
			"has an ssh key that cannot be used: it is %s or %s and the text that ssh-keygen wrote, without its comment",
			sshsig.TypeEd25519,
			sshsig.TypeSecurityKey,
		)
	}
	return k
}

func (r *reader) charter() Charter {
	var c Charter
	network := r.words("network", 2)
	c.Network = decision.Network{Name: network[0], Genesis: network[1]}
	c.Fund = r.id(r.word("fund"))
	c.Name = r.word("name")
	c.Version = r.number(r.word("version"))
	c.Previous = r.previous()
	expires, err := time.Parse(time.RFC3339, r.word("expires"))
	if err != nil {
		r.fail(CodeMalformed, "has something else where a time should be, such as 2027-12-01T00:00:00Z")
	}
	c.Expires = expires.UTC()
	c.HoldHours = r.number(r.word("hold_hours"))
	c.Trustees = r.number(r.word("trustees"))
	if r.next("sole_operator") {
		c.SoleOperator = r.id(r.word("sole_operator"))
	}
	for r.next("treasury") {
		w := r.words("treasury", 3)
		c.Treasuries = append(
			c.Treasuries,
			Treasury{Number: r.number(w[0]), Descriptor: w[1], Birthday: r.number(w[2])},
		)
	}
	for r.next("signer") {
		w := r.words("signer", 3)
		c.Signers = append(c.Signers, Signer{Name: w[0], Fingerprint: w[1], Key: r.key(w[2])})
	}
	for r.next("approve_up_to_sat") {
		w := r.words("approve_up_to_sat", 7) // the names between the numbers are held by encoding
		c.Lines = append(c.Lines, Line{
			UpTo: btcutil.Amount(
				r.number(w[0]),
			),
			Reviewers:  r.number(w[2]),
			ByTerminal: r.number(w[4]),
			Treasurers: r.number(w[6]),
		})
	}
	c.Limits = Limits{
		Decision:       r.amount("limit_decision_sat"),
		Day:            r.amount("limit_day_sat"),
		Month:          r.amount("limit_month_sat"),
		PasskeyOnlyDay: r.amount("limit_passkey_only_day_sat"),
		FeesDay:        r.amount("limit_fees_day_sat"),
		FeeRateSatKVB: r.number(
			r.word("fee_max_feerate_sat_kvb"),
		),
		Fee:         r.amount("fee_max_sat"),
		FeePermille: r.number(r.word("fee_max_permille")),
	}
	for r.next("person") {
		c.People = append(c.People, r.person())
	}
	for r.next("revoked") {
		c.Revoked = append(c.Revoked, r.id(r.word("revoked")))
	}
	return c
}

func (r *reader) previous() decision.Digest {
	text := r.word("previous")
	if text == none {
		return decision.Digest{}
	}
	d, err := decision.ParseDigest(text)
	if err != nil {
		r.fail(CodeMalformed, "has something else where a digest or %q should be", none)
	}
	return d
}

func (r *reader) person() Person {
	w := r.words("person", 3)
	p := Person{ID: r.id(w[0]), Name: w[2]}
	for _, role := range strings.Split(w[1], ",") {
		p.Roles = append(p.Roles, Role(role))
	}
	for r.next("key") {
		k := r.words("key", 3)
		if r.id(k[0]) != p.ID {
			r.fail(CodeMalformed, "is the key of another person than the one above it")
		}
		switch k[1] {
		case "ssh":
			p.SSH = append(p.SSH, r.key(k[2]))
		case "webauthn":
			p.Passkeys = append(p.Passkeys, r.passkey(k[2]))
		default:
			r.fail(CodeKey, "has a key that is neither ssh nor webauthn")
		}
	}
	return p
}

func (r *reader) passkey(text string) Passkey {
	w := strings.Split(text, " ")
	if len(w) != 4 {
		r.fail(CodeMalformed, "should have algorithm, public key, credential and origin behind webauthn")
		return Passkey{}
	}
	public, err := base64.RawURLEncoding.Strict().DecodeString(w[1])
	credential, errCredential := base64.RawURLEncoding.Strict().DecodeString(w[2])
	if err != nil || errCredential != nil {
		r.fail(CodeKey, "has a passkey that is not base64url without padding")
	}
	return Passkey{Algorithm: w[0], Public: string(public), Credential: string(credential), Origin: w[3]}
}
