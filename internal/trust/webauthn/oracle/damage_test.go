package oracle_test

import (
	"crypto/elliptic"
	"encoding/asn1"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/causeway-fund/causeway/internal/testkit/keytest"
)

// passkeys are one of each algorithm.
var passkeys = sync.OnceValue(func() []*keytest.Passkey {
	var list []*keytest.Passkey
	for _, algorithm := range []string{"es256", "eddsa", "rs256"} {
		list = append(list, keytest.NewPasskey(algorithm, keytest.Origin, keytest.Seed("oracle")))
	}
	return list
})

// newJob has a passkey answer and damages that before and after the authenticator signs.
func newJob(r *rand.Rand) job {
	p := passkeys()[r.IntN(3)]
	var challenge [32]byte
	for i := range challenge {
		challenge[i] = byte(r.Uint32())
	}
	var j job
	k := p.Key()
	j.Key.Algorithm, j.Key.Public, j.Key.Credential, j.Key.Origin = k.Algorithm, []byte(k.Public), []byte(k.Credential), k.Origin
	j.Challenge = challenge[:]
	var changes []func(*keytest.Answer)
	var done []string
	for range pick(r, 0, 1, 1, 2) {
		c := before()[r.IntN(len(before()))]
		done, changes = append(done, c.name), append(changes, func(a *keytest.Answer) { c.change(r, a) })
	}
	j.Assertion = p.Assert(challenge, changes...)
	for range pick(r, 0, 0, 1, 2) {
		c := after()[r.IntN(len(after()))]
		done = append(done, c.name)
		c.change(r, &j)
	}
	j.done = strings.Join(done, ", then ")
	return j
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

type change[T any] struct {
	name   string
	change func(r *rand.Rand, of T)
}

// before are changes that the authenticator signs.
func before() []change[*keytest.Answer] {
	text := func(name string, edit func(r *rand.Rand, s string) string) change[*keytest.Answer] {
		return change[*keytest.Answer]{name, func(r *rand.Rand, a *keytest.Answer) {
			if a.ClientData == "" {
				a.ClientData = fmt.Sprintf(`{"type":%q,"challenge":%q,"origin":%q,"crossOrigin":%t}`, a.Type, a.Challenge, a.Origin, a.CrossOrigin)
			}
			a.ClientData = edit(r, a.ClientData)
		}}
	}
	insert := func(r *rand.Rand, s, member string) string {
		if r.IntN(2) == 0 && strings.HasPrefix(s, "{") {
			return "{" + member + "," + s[1:]
		}
		return strings.TrimSuffix(s, "}") + "," + member + "}"
	}
	return []change[*keytest.Answer]{
		{"flags", func(r *rand.Rand, a *keytest.Answer) { a.Flags ^= 1 << r.IntN(8) }},
		{"many flags", func(r *rand.Rand, a *keytest.Answer) { a.Flags ^= byte(r.Uint32()) }},
		{"counter", func(r *rand.Rand, a *keytest.Answer) { a.Counter = r.Uint32() }},
		{"extensions", func(_ *rand.Rand, a *keytest.Answer) {
			a.Flags, a.Behind = a.Flags|keytest.Extensions, []byte{0xa1, 0x61, 'x', 0xf5}
		}},
		{"odd extensions", func(r *rand.Rand, a *keytest.Answer) {
			a.Flags, a.Behind = a.Flags|keytest.Extensions, []byte{byte(r.Uint32()), byte(r.Uint32())}
		}},
		{"bytes behind", func(r *rand.Rand, a *keytest.Answer) { a.Behind = append(a.Behind, make([]byte, 1+r.IntN(3))...) }},
		{"site", func(r *rand.Rand, a *keytest.Answer) {
			a.RelyingParty = pick(r, "example.org", "staff.example.org.", "STAFF.example.org", "staff.example.org:443", keytest.Origin)
		}},
		{"credential", func(r *rand.Rand, a *keytest.Answer) { a.Credential = []byte{byte(r.Uint32())} }},
		{"type", func(r *rand.Rand, a *keytest.Answer) {
			a.Type = pick(r, "webauthn.create", "payment.get", "webauthn.get ", "")
		}},
		{"challenge", func(r *rand.Rand, a *keytest.Answer) { a.Challenge += pick(r, "=", "A", " ", "\n") }},
		{"origin", func(r *rand.Rand, a *keytest.Answer) {
			a.Origin = pick(r, a.Origin+"/", a.Origin+":443", strings.ToUpper(a.Origin), strings.Replace(a.Origin, "https", "http", 1), "https://example.org", "")
		}},
		{"cross origin", func(_ *rand.Rand, a *keytest.Answer) { a.CrossOrigin = true }},
		text("top origin", func(r *rand.Rand, s string) string {
			return insert(r, s, `"topOrigin":`+pick(r, `"https://evil.example"`, `""`, "null", `"`+keytest.Origin+`"`))
		}),
		text("a member again", func(r *rand.Rand, s string) string {
			return insert(r, s, pick(r, `"type":"webauthn.get"`, `"ty\u0070e":"webauthn.create"`, `"origin":"https://evil.example"`, `"crossOrigin":true`, `"crossOrigin":null`))
		}),
		text("another member", func(r *rand.Rand, s string) string {
			return insert(r, s, pick(r, `"x":1`, `"x":[1,{"y":"\ud83d\ude00"}]`, `"x":{"y":1,"y":2}`, `"Type":"x"`, `"x":1e999`, `"x":"\ud800"`, `"__proto__":{"type":"x"}`, `"":0`))
		}),
		text("no JSON", func(r *rand.Rand, s string) string {
			return insert(r, s, pick(r, `"x":01`, `'x':1`, `x:1`, `"x":NaN`, `"x":"`+"\n"+`"`, `"x":.5`, `"x":1,`, `"x":+1`, `"x":"\x41"`))
		}),
		text("around", func(r *rand.Rand, s string) string {
			return pick(r, " "+s, s+"\n", "\ufeff"+s, s+s, "["+s+"]", s+"\x00", "\v"+s, s+" //", "\u00a0"+s)
		}),
		text("not UTF-8", func(r *rand.Rand, s string) string {
			return insert(r, s, pick(r, "\"x\":\"\xff\"", "\"\xc0\x80\":1", "\"x\":\"\xed\xa0\x80\""))
		}),
		text("long", func(r *rand.Rand, s string) string { return insert(r, s, `"x":"`+strings.Repeat("x", 3000)+`"`) }),
		text("escaped", func(_ *rand.Rand, s string) string { return strings.Replace(s, "webauthn.get", `\u0077ebauthn.get`, 1) }),
	}
}

// after are changes that nobody signs.
func after() []change[*job] {
	parts := func(j *job) []*[]byte {
		a := &j.Assertion
		return []*[]byte{&a.ClientData, &a.AuthenticatorData, &a.Signature, &a.Signature}
	}
	return []change[*job]{
		{"a flipped bit", func(r *rand.Rand, j *job) {
			part := pick(r, parts(j)...)
			if len(*part) > 0 {
				(*part)[r.IntN(len(*part))] ^= 1 << r.IntN(8)
			}
		}},
		{"a byte less", func(r *rand.Rand, j *job) {
			part := pick(r, parts(j)...)
			if len(*part) > 0 {
				i := r.IntN(len(*part))
				*part = slices.Delete(*part, i, i+1)
			}
		}},
		{"a byte more", func(r *rand.Rand, j *job) {
			part := pick(r, parts(j)...)
			*part = slices.Insert(*part, r.IntN(len(*part)+1), byte(r.Uint32()))
		}},
		{"the signature in another form", resign},
	}
}

// resign writes the numbers of a signature in another way: as its twin, or as BER may have them.
func resign(r *rand.Rand, j *job) {
	a := &j.Assertion
	if j.Key.Algorithm != "es256" {
		a.Signature = append([]byte{0}, a.Signature...)
		return
	}
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(a.Signature, &sig); err != nil || sig.R.BitLen() > 256 || sig.S.BitLen() > 256 {
		return // it was damaged before
	}
	switch r.IntN(5) {
	case 0: // the twin, which holds
		sig.S.Sub(elliptic.P256().Params().N, sig.S)
		if der, err := asn1.Marshal(sig); err == nil {
			a.Signature = der
		}
	case 1:
		sig.R, sig.S = sig.S, sig.R
		if der, err := asn1.Marshal(sig); err == nil {
			a.Signature = der
		}
	case 2: // a length in two bytes
		a.Signature = slices.Insert(slices.Clone(a.Signature), 1, 0x81)
	case 3: // numbers of a fixed size, which may look negative
		a.Signature = loose(sig.R.FillBytes(make([]byte, 32)), sig.S.FillBytes(make([]byte, 32)))
	case 4: // a length that is not told
		a.Signature = slices.Concat([]byte{0x30, 0x80}, a.Signature[2:], []byte{0, 0})
	}
}

func loose(r, s []byte) []byte {
	return slices.Concat([]byte{0x30, byte(4 + len(r) + len(s)), 2, byte(len(r))}, r, []byte{2, byte(len(s))}, s)
}
