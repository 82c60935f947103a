package charter_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// sole is the charter of a donor alone, on mainnet.
func sole() charter.Charter {
	c := example(&chaincfg.MainNetParams)
	single, err := wallet.DescriptorFromSeed(seed(9), wallet.KindWPKH, &chaincfg.MainNetParams)
	if err != nil {
		panic(err)
	}
	c.SoleOperator, c.Trustees, c.HoldHours, c.Revoked = id(11), 1, 0, nil
	c.Treasuries = []charter.Treasury{{Descriptor: single.String()}}
	c.Signers = []charter.Signer{{Name: "A", Fingerprint: single.Fingerprints()[0], Key: sshKey(101)}}
	c.People = c.People[:1]
	c.People[0].Roles = []charter.Role{"trustee", "reviewer", "treasurer"}
	c.Lines = []charter.Line{{Reviewers: 1, ByTerminal: 1, Treasurers: 1}}
	return c
}

func TestASoleOperatorIsAllowedWithTheWord(t *testing.T) {
	t.Parallel()
	if _, err := charter.Parse(sole().Encode()); err != nil {
		t.Error(err)
	}
	if _, err := charter.Parse(example(&chaincfg.MainNetParams).Encode()); err != nil {
		t.Errorf("several people on mainnet: %v", err)
	}
}

// change is a change of a charter and the refusal that it must get.
type change struct {
	name string
	of   func(c *charter.Charter)
	code errs.Code
	line string // how the line begins that the refusal names
}

func TestEachRuleRefuses(t *testing.T) {
	t.Parallel()
	rs256 := func(n string) charter.Passkey {
		return charter.Passkey{Algorithm: "rs256", Public: n, Credential: "x", Origin: "https://staff.example.org"}
	}
	origin := func(o string) func(c *charter.Charter) {
		return func(c *charter.Charter) { c.People[0].Passkeys[0].Origin = o }
	}
	for _, tc := range []change{
		{"no such network", func(c *charter.Charter) { c.Network.Name = "nonet" }, "charter_network", "network"},
		{"another genesis", func(c *charter.Charter) { c.Network.Genesis = decision.NetworkOf(&chaincfg.MainNetParams).Genesis }, "charter_network", "network"},
		{"no name", func(c *charter.Charter) { c.Name = "" }, "charter_malformed", "name"},
		{"space before the name", func(c *charter.Charter) { c.Name = " x" }, "charter_malformed", "name"},
		{"version 0", func(c *charter.Charter) { c.Version = 0 }, "charter_malformed", "version"},
		{"version 1 follows something", func(c *charter.Charter) { c.Previous[0] = 1 }, "charter_previous", "previous"},
		{"version 2 follows nothing", func(c *charter.Charter) { c.Version = 2 }, "charter_previous", "previous"},
		{"a hold without end", func(c *charter.Charter) { c.HoldHours = 2161 }, "charter_hold", "hold_hours"},
		{"people out of order", func(c *charter.Charter) { c.People[0], c.People[1] = c.People[1], c.People[0] }, "charter_order", "person " + id(11).String()},
		{"a person twice", func(c *charter.Charter) { c.People[1].ID = id(11) }, "charter_order", "person " + id(11).String()},
		{"no such role", func(c *charter.Charter) { c.People[1].Roles = []charter.Role{"admin"} }, "charter_person", "person " + id(12).String()},
		{"roles out of order", func(c *charter.Charter) { c.People[0].Roles = []charter.Role{"reviewer", "trustee"} }, "charter_person", "person " + id(11).String()},
		{"a role twice", func(c *charter.Charter) { c.People[1].Roles = []charter.Role{"treasurer", "treasurer"} }, "charter_person", "person " + id(12).String()},
		{"no name of a person", func(c *charter.Charter) { c.People[1].Name = "" }, "charter_person", "person " + id(12).String()},
		{"two of one name", func(c *charter.Charter) { c.People[1].Name = "ADA" }, "charter_person", "person " + id(12).String()},
		{"no key", func(c *charter.Charter) { c.People[1].Passkeys = nil }, "charter_person", "person " + id(12).String()},
		{"reviewer and treasurer", func(c *charter.Charter) { c.People[0].Roles = []charter.Role{"trustee", "reviewer", "treasurer"} }, "charter_reviewer_and_treasurer", "person " + id(11).String()},
		{"a trustee without ssh", func(c *charter.Charter) { c.People[0].SSH = nil }, "charter_trustee_without_ssh", "person " + id(11).String()},
		{"revoked out of order", func(c *charter.Charter) { c.Revoked = []uuid.UUID{id(19), id(18)} }, "charter_order", "revoked " + id(18).String()},
		{"revoked twice", func(c *charter.Charter) { c.Revoked = []uuid.UUID{id(19), id(19)} }, "charter_order", "revoked " + id(19).String()},
		{"revoked and listed", func(c *charter.Charter) { c.Revoked[0] = id(12) }, "charter_revoked", "revoked " + id(12).String()},
		{"ssh keys out of order", func(c *charter.Charter) { c.People[0].SSH = descending() }, "charter_order", "key " + id(11).String()},
		{"an ssh key twice", func(c *charter.Charter) { c.People[3].SSH[0] = sshKey(11) }, "charter_key_twice", "key " + id(14).String()},
		{"an ssh key as another kind", func(c *charter.Charter) { c.People[3].SSH[0] = securityKey(11) }, "charter_key_twice", "key " + id(14).String()},
		{"a passkey twice", func(c *charter.Charter) { c.People[1].Passkeys = c.People[0].Passkeys }, "charter_key_twice", "key " + id(12).String()},
		{"a credential twice", func(c *charter.Charter) { c.People[1].Passkeys[0].Credential = "credential 11" }, "charter_key_twice", "key " + id(12).String()},
		{"a signer with a person's key", func(c *charter.Charter) { c.Signers[1].Key = sshKey(11) }, "charter_key_twice", "signer B"},
		{"signers with one key", func(c *charter.Charter) { c.Signers[1].Key = c.Signers[0].Key }, "charter_key_twice", "signer B"},
		{"passkeys out of order", func(c *charter.Charter) { c.People[0].Passkeys = []charter.Passkey{rs256(modulus()), passkey(11)} }, "charter_order", "key " + id(11).String()},
		{"no such algorithm", func(c *charter.Charter) { c.People[0].Passkeys[0].Algorithm = "es384" }, "charter_key", "key " + id(11).String()},
		{"not on the curve", func(c *charter.Charter) { c.People[0].Passkeys[0].Public = "\x04" + strings.Repeat("x", 64) }, "charter_key", "key " + id(11).String()},
		{"a short Ed25519 key", func(c *charter.Charter) { c.People[0].Passkeys[0].Algorithm = "eddsa" }, "charter_key", "key " + id(11).String()},
		{"RSA of 1,024 bits", func(c *charter.Charter) { c.People[0].Passkeys[0] = rs256(modulus()[:128]) }, "charter_key", "key " + id(11).String()},
		{"RSA of an even modulus", func(c *charter.Charter) { c.People[0].Passkeys[0] = rs256(modulus()[:255] + "\x02") }, "charter_key", "key " + id(11).String()},
		{"RSA with a zero before it", func(c *charter.Charter) { c.People[0].Passkeys[0] = rs256("\x00" + modulus()) }, "charter_key", "key " + id(11).String()},
		{"no credential", func(c *charter.Charter) { c.People[0].Passkeys[0].Credential = "" }, "charter_key", "key " + id(11).String()},
		{"a long credential", func(c *charter.Charter) { c.People[0].Passkeys[0].Credential = strings.Repeat("x", 1024) }, "charter_key", "key " + id(11).String()},
		{"a path behind the origin", origin("https://staff.example.org/"), "charter_key", "key " + id(11).String()},
		{"capitals in the origin", origin("https://Staff.example.org"), "charter_key", "key " + id(11).String()},
		{"the port that is left out", origin("https://staff.example.org:443"), "charter_key", "key " + id(11).String()},
		{"a port that is none", origin("https://staff.example.org:"), "charter_key", "key " + id(11).String()},
		{"http elsewhere", origin("http://staff.example.org"), "charter_key", "key " + id(11).String()},
		{"no host", origin("https://"), "charter_key", "key " + id(11).String()},
		{"a person in the origin", origin("https://a@staff.example.org"), "charter_key", "key " + id(11).String()},
		{"one trustee signs", func(c *charter.Charter) { c.Trustees = 1 }, "charter_trustees_few", "trustees"},
		{"all trustees sign", func(c *charter.Charter) { c.Trustees = 3 }, "charter_trustees_spare", "trustees"},
		{"no treasury", func(c *charter.Charter) { c.Treasuries = nil }, "charter_treasury", "trustees"},
		{"no checksum", func(c *charter.Charter) {
			c.Treasuries[0].Descriptor, _, _ = strings.Cut(c.Treasuries[0].Descriptor, "#")
		}, "charter_treasury", "treasury 0"},
		{"a treasury of another network", func(c *charter.Charter) { c.Treasuries[0].Descriptor, _ = multisig(&chaincfg.MainNetParams, 2) }, "charter_treasury", "treasury 0"},
		{"treasuries out of order", func(c *charter.Charter) { c.Treasuries = append(c.Treasuries, c.Treasuries[0]) }, "charter_order", "treasury 0"},
		{"a descriptor twice", func(c *charter.Charter) {
			c.Treasuries = append(c.Treasuries, charter.Treasury{Number: 1, Descriptor: c.Treasuries[0].Descriptor})
		}, "charter_treasury", "treasury 1"},
		{"a birthday that is no height", func(c *charter.Charter) { c.Treasuries[0].Birthday = 1 << 31 }, "charter_treasury", "treasury 0"},
		{"signers out of order", func(c *charter.Charter) { c.Signers[0].Name = "C" }, "charter_order", "signer B"},
		{"a signer with a security key", func(c *charter.Charter) { c.Signers[1].Key = securityKey(99) }, "charter_key", "signer B"},
		{"a signer with a long name", func(c *charter.Charter) { c.Signers[1].Name = strings.Repeat("B", 41) }, "charter_signer", "signer B"},
		{"a descriptor in another spelling", func(c *charter.Charter) { c.Treasuries[0].Descriptor = respelled(c.Treasuries[0].Descriptor) }, "charter_treasury", "treasury 0"},
		{"a signer of no treasury", func(c *charter.Charter) { c.Signers[1].Fingerprint = "00000000" }, "charter_signer", "signer B"},
		{"two signers with one treasury key", func(c *charter.Charter) { c.Signers[1].Fingerprint = c.Signers[0].Fingerprint }, "charter_signer", "signer B"},
		{"no signer", func(c *charter.Charter) { c.Signers = nil }, "charter_no_signer", "treasury 0"},
		{"no lines", func(c *charter.Charter) { c.Lines = nil }, "charter_lines", "signer A"},
		{"the last line ends", func(c *charter.Charter) { c.Lines[1].UpTo = 5_000_000 }, "charter_lines", "approve_up_to_sat 5000000"},
		{"a line without end in the middle", func(c *charter.Charter) { c.Lines[0].UpTo = 0 }, "charter_lines", "approve_up_to_sat 0"},
		{"amounts fall", func(c *charter.Charter) { c.Lines = append([]charter.Line{c.Lines[0]}, c.Lines...) }, "charter_lines", "approve_up_to_sat 1000000"},
		{"more than all bitcoin", func(c *charter.Charter) { c.Lines[0].UpTo = 1 << 60 }, "charter_lines", fmt.Sprint("approve_up_to_sat ", 1<<60)},
		{"fewer reviewers for more", func(c *charter.Charter) { c.Lines[0].Reviewers = 3; c.Lines[1].Reviewers = 2 }, "charter_lines", "approve_up_to_sat 0"},
		{"fewer by terminal for more", func(c *charter.Charter) { c.Lines[0].ByTerminal = 2; c.Lines[1].ByTerminal = 1 }, "charter_lines", "approve_up_to_sat 0"},
		{"fewer treasurers for more", func(c *charter.Charter) { c.Lines[0].Treasurers = 2; c.Lines[1].Treasurers = 1 }, "charter_lines", "approve_up_to_sat 0"},
		{"more by terminal than reviewers", func(c *charter.Charter) { c.Lines[0].ByTerminal = 3 }, "charter_lines", "approve_up_to_sat 1000000"},
		{"one reviewer", func(c *charter.Charter) { c.Lines[0].Reviewers = 1 }, "charter_reviewers_few", "approve_up_to_sat 1000000"},
		{"no treasurer", func(c *charter.Charter) { c.Lines[0].Treasurers = 0 }, "charter_treasurers_few", "approve_up_to_sat 1000000"},
		{"nobody by terminal", func(c *charter.Charter) { c.Lines[0].ByTerminal = 0 }, "charter_by_terminal", "approve_up_to_sat 1000000"},
		{"reviewers who are not there", func(c *charter.Charter) { c.Lines[1].Reviewers = 4 }, "charter_line_unmet", "approve_up_to_sat 0"},
		{"ssh keys that are not there", func(c *charter.Charter) { c.Lines[1].ByTerminal = 3 }, "charter_line_unmet", "approve_up_to_sat 0"},
		{"treasurers who are not there", func(c *charter.Charter) { c.Lines[1].Treasurers = 3 }, "charter_line_unmet", "approve_up_to_sat 0"},
		{"nothing may be paid", func(c *charter.Charter) { c.Limits.Day = 0 }, "charter_limit", "limit_day_sat"},
		{"more than there is", func(c *charter.Charter) { c.Limits.Month = 1 << 60 }, "charter_limit", "limit_month_sat"},
		{"no fee", func(c *charter.Charter) { c.Limits.Fee = 0 }, "charter_limit", "fee_max_sat"},
		{"any feerate", func(c *charter.Charter) { c.Limits.FeeRateSatKVB = 10_000_001 }, "charter_limit", "fee_max_feerate_sat_kvb"},
		{"more fee than payments", func(c *charter.Charter) { c.Limits.FeePermille = 1001 }, "charter_limit", "fee_max_permille"},
	} {
		refused(t, example(&chaincfg.SimNetParams), tc)
	}
}

func TestEachRuleOfMainnetRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []change{
		{"a hold of less than a day", func(c *charter.Charter) { c.HoldHours = 23 }, "charter_mainnet_hold", "hold_hours"},
		{"one of three", func(c *charter.Charter) { c.Treasuries[0].Descriptor, _ = multisig(&chaincfg.MainNetParams, 1) }, "charter_mainnet_treasury", "treasury 0"},
		{"one key", func(c *charter.Charter) { c.Treasuries = sole().Treasuries }, "charter_mainnet_treasury", "treasury 0"},
		{"a page of this machine", func(c *charter.Charter) { c.People[0].Passkeys[0].Origin = "http://localhost:8080" }, "charter_key", "key " + id(11).String()},
	} {
		refused(t, example(&chaincfg.MainNetParams), tc)
	}
}

func TestEachRuleOfASoleOperatorRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []change{
		{"somebody else", func(c *charter.Charter) { c.SoleOperator = id(12) }, "charter_sole_operator", "sole_operator"},
		{"two people", func(c *charter.Charter) { c.People = example(&chaincfg.MainNetParams).People[:2] }, "charter_sole_operator", "sole_operator"},
		{"not all roles", func(c *charter.Charter) { c.People[0].Roles = c.People[0].Roles[:2] }, "charter_sole_operator", "sole_operator"},
		{"two trustees", func(c *charter.Charter) { c.Trustees = 2 }, "charter_sole_operator", "trustees"},
		{"two reviewers", func(c *charter.Charter) { c.Lines[0].Reviewers = 2 }, "charter_sole_operator", "approve_up_to_sat 0"},
		{"no treasurer", func(c *charter.Charter) { c.Lines[0].Treasurers = 0 }, "charter_sole_operator", "approve_up_to_sat 0"},
		{"two by terminal", func(c *charter.Charter) { c.Lines[0].ByTerminal = 2 }, "charter_sole_operator", "approve_up_to_sat 0"},
		{"nobody by terminal", func(c *charter.Charter) { c.Lines[0].ByTerminal = 0 }, "charter_by_terminal", "approve_up_to_sat 0"},
		{"no ssh key", func(c *charter.Charter) { c.People[0].SSH = nil }, "charter_trustee_without_ssh", "person " + id(11).String()},
	} {
		refused(t, sole(), tc)
	}
}

// refused makes the change and holds the code, and that the sentence names the line.
func refused(t *testing.T, c charter.Charter, tc change) {
	t.Helper()
	if _, err := charter.Parse(c.Encode()); err != nil {
		t.Fatalf("before the change: %v", err)
	}
	tc.of(&c)
	text := string(c.Encode())
	_, err := charter.Parse([]byte(text))
	var refusal *errs.Error
	if !errs.Is(err, tc.code) || !errors.As(err, &refusal) || refusal.Kind != errs.Invalid {
		t.Errorf("%s: %v, want %s", tc.name, err, tc.code)
		return
	}
	var number int
	if _, err := fmt.Sscanf(refusal.Message, "Line %d of the charter", &number); err != nil {
		t.Errorf("%s: %q names no line", tc.name, refusal.Message)
		return
	}
	if line := strings.Split(text, "\n")[number-1]; !strings.HasPrefix(line, tc.line) {
		t.Errorf("%s: %q is about %q", tc.name, refusal.Message, line)
	}
}

func descending() []sshsig.Key {
	a, b := sshKey(31), sshKey(32)
	if a.String() < b.String() {
		return []sshsig.Key{b, a}
	}
	return []sshsig.Key{a, b}
}

// respelled writes hardened steps as ' and gives the checksum that fits (BIP 380).
func respelled(descriptor string) string {
	const (
		inputs = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
		code   = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	)
	payload, _, _ := strings.Cut(descriptor, "#")
	payload = strings.ReplaceAll(payload, "h/", "'/")
	payload = strings.ReplaceAll(payload, "h]", "']")
	sum := uint64(1)
	add := func(value int) {
		top := sum >> 35
		sum = (sum&0x7ffffffff)<<5 ^ uint64(value)
		for i, g := range []uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	group, n := 0, 0
	for _, r := range payload {
		at := strings.IndexRune(inputs, r)
		add(at & 31)
		group, n = group*3+at>>5, n+1
		if n == 3 {
			add(group)
			group, n = 0, 0
		}
	}
	if n > 0 {
		add(group)
	}
	for range 8 {
		add(0)
	}
	sum ^= 1
	payload += "#"
	for i := range 8 {
		payload += code[sum>>(5*(7-i))&31:][:1]
	}
	return payload
}

func TestRespelledDescriptorsHold(t *testing.T) {
	t.Parallel()
	want, _ := multisig(&chaincfg.SimNetParams, 2)
	d, err := wallet.ParseChecksummed(respelled(want), &chaincfg.SimNetParams)
	if err != nil || d.String() != want || respelled(want) == want {
		t.Errorf("another spelling of a descriptor cannot be read: %v", err)
	}
}

func modulus() string { return strings.Repeat("\xf1", 256) }

func TestOtherKeysAreAccepted(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]charter.Passkey{
		"RSA":          {Algorithm: "rs256", Public: modulus(), Credential: "x", Origin: "https://staff.example.org:8443"},
		"Ed25519":      {Algorithm: "eddsa", Public: strings.Repeat("k", 32), Credential: strings.Repeat("x", 1023), Origin: "http://localhost:8080"},
		"this machine": {Algorithm: "eddsa", Public: strings.Repeat("k", 32), Credential: "x", Origin: "http://staff.localhost:8080"},
	} {
		c := example(&chaincfg.SimNetParams)
		c.People[0].Passkeys[0] = k
		if _, err := charter.Parse(c.Encode()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOtherTextsAreRefused: what Encode does not write.
func TestOtherTextsAreRefused(t *testing.T) {
	t.Parallel()
	good := string(example(&chaincfg.SimNetParams).Encode())
	replace := func(old, now string) string {
		if !strings.Contains(good, old) {
			t.Errorf("there is no %q", old)
		}
		return strings.Replace(good, old, now, 1)
	}
	key := sshKey(11).String()
	before, _, _ := strings.Cut(good, "limit_day")
	for name, tc := range map[string]struct {
		text string
		code errs.Code
		line int
	}{
		"empty":                  {"", "charter_malformed", 1},
		"another note":           {replace("charter/v1", "charter/v2"), "charter_malformed", 1},
		"too long":               {good + strings.Repeat("x", 64<<10), "charter_too_long", 0},
		"not ASCII":              {replace("Demo", "D\u00e9mo"), "charter_not_ascii", 4},
		"a tab":                  {replace("Demo fund", "Demo\tfund"), "charter_not_ascii", 4},
		"CR LF":                  {strings.ReplaceAll(good, "\n", "\r\n"), "charter_not_ascii", 1},
		"no last line feed":      {strings.TrimSuffix(good, "\n"), "charter_malformed", 34},
		"an empty line at last":  {good + "\n", "charter_malformed", 35},
		"a line more":            {good + "more\n", "charter_malformed", 35},
		"a line missing":         {replace("hold_hours 48\n", ""), "charter_malformed", 8},
		"cut short":              {before, "charter_malformed", 16},
		"a zero before":          {replace("hold_hours 48", "hold_hours 048"), "charter_not_canonical", 8},
		"a sign":                 {replace("hold_hours 48", "hold_hours +48"), "charter_not_canonical", 8},
		"below zero":             {replace("hold_hours 48", "hold_hours -48"), "charter_malformed", 8},
		"no number":              {replace("hold_hours 48", "hold_hours two"), "charter_malformed", 8},
		"more than 64 bits":      {replace("hold_hours 48", "hold_hours 99999999999999999999"), "charter_malformed", 8},
		"capitals in an id":      {replace("0198c0de", "0198C0DE"), "charter_not_canonical", 3},
		"no id":                  {replace("0198c0de", "x198c0de"), "charter_malformed", 3},
		"the id of nobody":       {replace(id(1).String(), uuid.Nil.String()), "charter_malformed", 3},
		"another time zone":      {replace("00:00:00Z", "00:00:00+00:00"), "charter_not_canonical", 7},
		"parts of a second":      {replace("00:00:00Z", "00:00:00.5Z"), "charter_not_canonical", 7},
		"no time":                {replace("2027-12-01T", "tomorrow "), "charter_malformed", 7},
		"no digest":              {replace("previous none", "previous nothing"), "charter_malformed", 6},
		"another word in a line": {replace("by_terminal", "terminal"), "charter_not_canonical", 13},
		"a short line":           {replace(" treasurers 1", ""), "charter_malformed", 13},
		"a comment in a key":     {replace(key, key+" ada@laptop"), "charter_key", 24},
		"an RSA key":             {replace(key, "ssh-rsa AAAAB3NzaC1yc2E="), "charter_key", 24},
		"another kind of key":    {replace("ssh "+key, "gpg "+key), "charter_key", 24},
		"another person's key":   {replace("key "+id(11).String(), "key "+id(12).String()), "charter_malformed", 24},
		"padding in a passkey":   {replace(" Y3JlZGVudGlhbCAxMQ ", " Y3JlZGVudGlhbCAxMQ== "), "charter_key", 25},
		"a passkey with less":    {replace(" https://staff.example.org", ""), "charter_malformed", 25},
		"keys of no order":       {reordered(good), "charter_not_canonical", 24},
	} {
		_, err := charter.Parse([]byte(tc.text))
		if !errs.Is(err, tc.code) || tc.line > 0 && !strings.Contains(err.Error(), fmt.Sprintf(": Line %d of the charter ", tc.line)) {
			t.Errorf("%s: %v, want %s in line %d", name, err, tc.code, tc.line)
		}
	}
}

// reordered has the ssh key of the first person behind the passkey.
func reordered(text string) string {
	lines := strings.Split(text, "\n")
	lines[23], lines[24] = lines[24], lines[23]
	return strings.Join(lines, "\n")
}

// TestEveryByteCounts flips a bit of each byte: the charter is refused, or is another.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	c := example(&chaincfg.SimNetParams)
	text := c.Encode()
	for i := range text {
		text[i] ^= 1
		if got, err := charter.Parse(text); err == nil && got.Digest() == c.Digest() {
			t.Errorf("byte %d does not count", i)
		}
		text[i] ^= 1
	}
}

// TestEachCodeIsTested: no rule without its refusal above.
func TestEachCodeIsTested(t *testing.T) {
	t.Parallel()
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	tests := read("refusals_test.go") + read("charter_test.go")
	codes := regexp.MustCompile(`errs\.Code = ("charter_[a-z_]+")`).FindAllStringSubmatch(read("codes.go"), -1)
	if len(codes) < 25 {
		t.Errorf("found %d codes", len(codes))
	}
	for _, code := range codes {
		if !strings.Contains(tests, code[1]) {
			t.Errorf("no test gets %s", code[1])
		}
	}
}
