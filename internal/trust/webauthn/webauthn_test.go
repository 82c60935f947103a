package webauthn_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/webauthn"
)

func challenge() [sha256.Size]byte { return sha256.Sum256([]byte("a statement")) }

func algorithms() []string { return []string{"es256", "eddsa", "rs256"} }

func passkey(algorithm string) *keytest.Passkey {
	return keytest.NewPasskey(algorithm, keytest.Origin, keytest.Seed("passkey"))
}

// client returns client data for the challenge with a member replaced or added.
func client(member, value string) func(*keytest.Answer) {
	return func(a *keytest.Answer) {
		members := []string{"type", "challenge", "origin", "crossOrigin"}
		values := map[string]string{
			"type": `"webauthn.get"`, "challenge": `"` + a.Challenge + `"`, "origin": `"` + a.Origin + `"`, "crossOrigin": "false",
		}
		if _, there := values[member]; !there {
			members = append(members, member)
		}
		values[member] = value
		parts := make([]string, len(members))
		for i, m := range members {
			parts[i] = fmt.Sprintf("%q:%s", m, values[m])
		}
		a.ClientData = "{" + strings.Join(parts, ",") + "}"
	}
}

// wrapped replaces client data by what change makes of it.
func wrapped(change func(string) string) func(*keytest.Answer) {
	return func(a *keytest.Answer) {
		client("crossOrigin", "false")(a)
		a.ClientData = change(a.ClientData)
	}
}

func flags(set, unset byte, behind ...byte) func(*keytest.Answer) {
	return func(a *keytest.Answer) { a.Flags, a.Behind = a.Flags&^unset|set, behind }
}

func TestWhatBrowsersAnswerHolds(t *testing.T) {
	t.Parallel()
	extension := []byte{0xa1, 0x61, 'x', 0xf5} // {"x": true}
	for name, change := range map[string]func(*keytest.Answer){
		"as it comes":          func(*keytest.Answer) {},
		"a counter":            func(a *keytest.Answer) { a.Counter = 7 },
		"a synced key":         flags(keytest.BackupEligible|keytest.BackedUp, 0),
		"extensions":           flags(keytest.Extensions, 0, extension...),
		"extensions unread":    flags(keytest.Extensions, 0, 0xff),
		"another member":       client("other_keys_can_be_added_here", `"do not compare clientDataJSON against a template"`),
		"a list and an object": client("extra", `[{"type":"webauthn.create"},[1,2.5e300,null]]`),
		"escaped":              wrapped(func(s string) string { return strings.Replace(s, "webauthn.get", `webauthn\u002eget`, 1) }),
		"white space":          wrapped(func(s string) string { return " \n" + strings.ReplaceAll(s, ",", ",\t") + "\r\n" }),
		"no crossOrigin":       wrapped(func(s string) string { return strings.Replace(s, `,"crossOrigin":false`, "", 1) }),
		"members in any order": wrapped(func(s string) string {
			return `{"crossOrigin":false,` + strings.TrimSuffix(s[1:], `,"crossOrigin":false}`) + "}"
		}),
	} {
		for _, algorithm := range algorithms() {
			p := passkey(algorithm)
			if err := p.Assert(challenge(), change).Verify(webauthn.Key(p.Key()), challenge()); err != nil {
				t.Errorf("%s, %s: %v", name, algorithm, err)
			}
		}
	}
}

func TestOriginsWithAPort(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"http://localhost:8080", "https://staff.example.org:8443"} {
		p := keytest.NewPasskey("es256", origin, keytest.Seed("passkey"))
		if err := p.Assert(challenge()).Verify(webauthn.Key(p.Key()), challenge()); err != nil {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*keytest.Answer)
		code   errs.Code
	}{
		"another credential":       {func(a *keytest.Answer) { a.Credential = []byte("another") }, "webauthn_credential"},
		"no credential":            {func(a *keytest.Answer) { a.Credential = nil }, "webauthn_credential"},
		"an enrolment":             {client("type", `"webauthn.create"`), "webauthn_type"},
		"a payment":                {client("type", `"payment.get"`), "webauthn_type"},
		"another challenge":        {client("challenge", `"AAAA"`), "webauthn_challenge"},
		"padding":                  {func(a *keytest.Answer) { a.Challenge += "=" }, "webauthn_challenge"},
		"another origin":           {client("origin", `"https://staff.example.com"`), "webauthn_origin"},
		"a port":                   {client("origin", `"https://staff.example.org:443"`), "webauthn_origin"},
		"a slash":                  {client("origin", `"https://staff.example.org/"`), "webauthn_origin"},
		"capitals":                 {client("origin", `"https://Staff.example.org"`), "webauthn_origin"},
		"another scheme":           {client("origin", `"http://staff.example.org"`), "webauthn_origin"},
		"inside another page":      {client("crossOrigin", "true"), "webauthn_cross_origin"},
		"a page around":            {client("topOrigin", `"https://evil.example"`), "webauthn_cross_origin"},
		"crossOrigin null":         {client("crossOrigin", "null"), "webauthn_client_data"},
		"crossOrigin a text":       {client("crossOrigin", `"false"`), "webauthn_client_data"},
		"type a list":              {client("type", `["webauthn.get"]`), "webauthn_client_data"},
		"no origin":                {wrapped(func(s string) string { return strings.Replace(s, "origin", "Origin", 1) }), "webauthn_client_data"},
		"type twice":               {wrapped(func(s string) string { return `{"type":"webauthn.create",` + s[1:] }), "webauthn_client_data"},
		"type twice, escaped":      {wrapped(func(s string) string { return `{"t\u0079pe":"webauthn.create",` + s[1:] }), "webauthn_client_data"},
		"a member twice, within":   {client("extra", `{"a":1,"a":2}`), "webauthn_client_data"},
		"a member twice in a list": {client("extra", `[{"a":1,"a":2}]`), "webauthn_client_data"},
		"a member of a like name":  {client("Type", `"webauthn.create"`), "webauthn_client_data"},
		"a long s":                 {client("croſsOrigin", `true`), "webauthn_client_data"},
		"not UTF-8":                {client("extra", "\"\xff\""), "webauthn_client_data"},
		"a byte order mark":        {wrapped(func(s string) string { return "\uFEFF" + s }), "webauthn_client_data"},
		"a byte behind":            {wrapped(func(s string) string { return s + "x" }), "webauthn_client_data"},
		"two objects":              {wrapped(func(s string) string { return s + s }), "webauthn_client_data"},
		"a list":                   {wrapped(func(s string) string { return "[" + s + "]" }), "webauthn_client_data"},
		"a comment":                {wrapped(func(s string) string { return s + "//" }), "webauthn_client_data"},
		"cut short":                {wrapped(func(s string) string { return s[:len(s)-1] }), "webauthn_client_data"},
		"long":                     {client("extra", `"`+strings.Repeat("x", webauthn.MaxClientData)+`"`), "webauthn_too_long"},
		"long credential":          {func(a *keytest.Answer) { a.Credential = make([]byte, 1024) }, "webauthn_too_long"},
		"long authenticator data":  {flags(keytest.Extensions, 0, make([]byte, 1024)...), "webauthn_too_long"},
		"another site":             {func(a *keytest.Answer) { a.RelyingParty = "example.org" }, "webauthn_relying_party"},
		"not touched":              {flags(0, keytest.UserPresent), "webauthn_user_absent"},
		"not verified":             {flags(0, keytest.UserVerified), "webauthn_user_unverified"},
		"a byte more":              {flags(0, 0, 0), "webauthn_authenticator_data"},
		"extensions that lack":     {flags(keytest.Extensions, 0), "webauthn_authenticator_data"},
		"a key that lacks":         {flags(keytest.Attested, 0), "webauthn_authenticator_data"},
		"backed up by no way":      {flags(keytest.BackedUp, 0), "webauthn_authenticator_data"},
	} {
		p := passkey("es256")
		if err := p.Assert(challenge(), c.change).Verify(webauthn.Key(p.Key()), challenge()); !errs.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func TestWhatDoesNotBelongToTheSignatureIsRefused(t *testing.T) {
	t.Parallel()
	for _, algorithm := range algorithms() {
		p := passkey(algorithm)
		key := webauthn.Key(p.Key())
		other := webauthn.Key(keytest.NewPasskey(algorithm, keytest.Origin, keytest.Seed("other")).Key())
		another := key
		another.Public = other.Public
		for name, c := range map[string]struct {
			key    webauthn.Key
			change func(*webauthn.Assertion)
			code   errs.Code
		}{
			"another key":       {another, func(*webauthn.Assertion) {}, "webauthn_signature"},
			"no signature":      {key, func(a *webauthn.Assertion) { a.Signature = nil }, "webauthn_signature"},
			"a byte more":       {key, func(a *webauthn.Assertion) { a.Signature = append(a.Signature, 0) }, "webauthn_signature"},
			"a byte less":       {key, func(a *webauthn.Assertion) { a.Signature = a.Signature[:len(a.Signature)-1] }, "webauthn_signature"},
			"another counter":   {key, func(a *webauthn.Assertion) { a.AuthenticatorData[36]++ }, "webauthn_signature"},
			"white space":       {key, func(a *webauthn.Assertion) { a.ClientData = append(a.ClientData, ' ') }, "webauthn_signature"},
			"cut short":         {key, func(a *webauthn.Assertion) { a.AuthenticatorData = a.AuthenticatorData[:36] }, "webauthn_authenticator_data"},
			"nothing":           {key, func(a *webauthn.Assertion) { a.AuthenticatorData = nil }, "webauthn_authenticator_data"},
			"a long signature":  {key, func(a *webauthn.Assertion) { a.Signature = make([]byte, 513) }, "webauthn_too_long"},
			"another challenge": {key, func(a *webauthn.Assertion) { *a = p.Assert([32]byte{1}) }, "webauthn_challenge"},
		} {
			a := p.Assert(challenge())
			c.change(&a)
			if err := a.Verify(c.key, challenge()); !errs.Is(err, c.code) {
				t.Errorf("%s, %s: %v, want %s", algorithm, name, err, c.code)
			}
		}
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]webauthn.Key{
		"no algorithm": {}, "es384": {Algorithm: "es384"}, "an empty point": {Algorithm: "es256"},
		"not on the curve": {Algorithm: "es256", Public: "\x04" + strings.Repeat("x", 64)},
		"a short key":      {Algorithm: "eddsa", Public: "short"},
		"RSA of 1,024":     {Algorithm: "rs256", Public: strings.Repeat("\xff", 128)},
		"RSA of 8,192":     {Algorithm: "rs256", Public: strings.Repeat("\xff", 1024)},
		"a leading zero":   {Algorithm: "rs256", Public: "\x00" + strings.Repeat("\xff", 256)},
	} {
		p := passkey("es256")
		k.Credential, k.Origin = p.Key().Credential, p.Key().Origin
		if err := p.Assert(challenge()).Verify(k, challenge()); !errs.Is(err, "webauthn_key") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnOriginWithoutHostIsNoSite(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"", "https://", "staff.example.org", "https://staff.example.org:port", "%"} {
		p := passkey("es256")
		k := webauthn.Key(p.Key())
		k.Origin = origin
		a := p.Assert(challenge(), func(a *keytest.Answer) { a.Origin = origin })
		if err := a.Verify(k, challenge()); !errs.Is(err, "webauthn_relying_party") {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

// TestEachFlippedBitIsRefused flips each bit of each part.
func TestEachFlippedBitIsRefused(t *testing.T) {
	t.Parallel()
	count := 0
	for _, algorithm := range algorithms() {
		p := passkey(algorithm)
		good := p.Assert(challenge())
		for _, part := range []func(*webauthn.Assertion) *[]byte{
			func(a *webauthn.Assertion) *[]byte { return &a.Credential },
			func(a *webauthn.Assertion) *[]byte { return &a.ClientData },
			func(a *webauthn.Assertion) *[]byte { return &a.AuthenticatorData },
			func(a *webauthn.Assertion) *[]byte { return &a.Signature },
		} {
			for bit := range len(*part(&good)) * 8 {
				a := good
				changed := bytes.Clone(*part(&a))
				changed[bit/8] ^= 1 << (bit % 8)
				*part(&a) = changed
				if a.Verify(webauthn.Key(p.Key()), challenge()) == nil {
					t.Errorf("%s: bit %d was flipped, and it was accepted", algorithm, bit)
				}
				count++
			}
		}
	}
	t.Logf("%d flipped bits, each refused", count)
}

// FuzzVerify: nothing but the answer itself is accepted, whatever the parts, and reading never
// fails otherwise than by an error.
func FuzzVerify(f *testing.F) {
	p := passkey("eddsa")
	good := p.Assert(challenge())
	f.Add(good.ClientData, good.AuthenticatorData, good.Signature)
	f.Add([]byte(`{"type":"webauthn.get","type":"x"}`), good.AuthenticatorData[:36], []byte{})
	f.Add([]byte(`[[[{"a":{"a":1}}]]]`), append(good.AuthenticatorData, 1), good.Signature[1:])
	f.Fuzz(func(t *testing.T, client, data, signature []byte) {
		a := webauthn.Assertion{Credential: good.Credential, ClientData: client, AuthenticatorData: data, Signature: signature}
		if a.Verify(webauthn.Key(p.Key()), challenge()) != nil {
			return
		}
		if !bytes.Equal(client, good.ClientData) || !bytes.Equal(data, good.AuthenticatorData) || !bytes.Equal(signature, good.Signature) {
			t.Error("an answer was forged")
		}
	})
}

// FuzzClientData: what is accepted, encoding/json reads in the same way.
func FuzzClientData(f *testing.F) {
	p := passkey("eddsa")
	for _, text := range []string{
		string(p.Assert(challenge()).ClientData), `{"type":"webauthn.get","crossOrigin":false,"a":[{"b":null}]}`, `{"a":1,"a":2}`, "[1,2",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := p.Assert(challenge(), func(a *keytest.Answer) { a.ClientData = text })
		if a.Verify(webauthn.Key(p.Key()), challenge()) != nil || text == "" {
			return
		}
		var read struct {
			Type, Challenge, Origin string
		}
		if err := json.Unmarshal([]byte(text), &read); err != nil || read.Type != "webauthn.get" || read.Origin != keytest.Origin {
			t.Errorf("accepted %q, which reads %+v: %v", text, read, err)
		}
	})
}
