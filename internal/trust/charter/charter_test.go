package charter_test

import (
	"bytes"
	"crypto/ecdh"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

func id(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("0198c0de-0000-7000-8000-%012d", n)) }

func seed(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 32) }

func sshKey(n int) sshsig.Key { return keytest.NewSSH(seed(n)).Key() }

func securityKey(n int) sshsig.Key { return keytest.NewSecurityKey(seed(n), keytest.Application).Key() }

func passkey(n int) charter.Passkey {
	private, err := ecdh.P256().NewPrivateKey(seed(n))
	if err != nil {
		panic(err)
	}
	return charter.Passkey{
		Algorithm: "es256", Public: string(private.PublicKey().Bytes()), Credential: fmt.Sprintf("credential %d", n), Origin: "https://staff.example.org",
	}
}

func multisig(net *chaincfg.Params, k int) (descriptor string, fingerprints []string) {
	var keys []string
	for n := range 3 {
		key, err := wallet.KeyExpression(seed(n+1), wallet.KindWSH, net)
		if err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
	d, err := wallet.MultisigDescriptor(k, keys, net)
	if err != nil {
		panic(err)
	}
	return d.String(), d.Fingerprints()
}

// example is a charter as a fund of six people might have it.
func example(net *chaincfg.Params) charter.Charter {
	descriptor, fingerprints := multisig(net, 2)
	return charter.Charter{
		Network: decision.NetworkOf(net), Fund: id(1), Name: "Demo fund", Version: 1,
		Expires: time.Date(2027, 12, 1, 0, 0, 0, 0, time.UTC), HoldHours: 48, Trustees: 2,
		Treasuries: []charter.Treasury{{Number: 0, Descriptor: descriptor, Birthday: 100}},
		Signers: []charter.Signer{
			{Name: "A", Fingerprint: fingerprints[0], Key: sshKey(101)}, {Name: "B", Fingerprint: fingerprints[1], Key: sshKey(102)},
		},
		Lines: []charter.Line{
			{UpTo: 1_000_000, Reviewers: 2, ByTerminal: 1, Treasurers: 1}, {Reviewers: 3, ByTerminal: 2, Treasurers: 2},
		},
		Limits: charter.Limits{
			Decision: 100_000_000, Day: 50_000_000, Month: 500_000_000, PasskeyOnlyDay: 0, FeesDay: 1_000_000,
			FeeRateSatKVB: 60_000, Fee: 200_000, FeePermille: 50,
		},
		People: []charter.Person{
			{ID: id(11), Roles: []charter.Role{"trustee", "reviewer"}, Name: "Ada", SSH: []sshsig.Key{sshKey(11)}, Passkeys: []charter.Passkey{passkey(11)}},
			{ID: id(12), Roles: []charter.Role{"treasurer"}, Name: "Lin", Passkeys: []charter.Passkey{passkey(12)}},
			{ID: id(13), Roles: []charter.Role{"trustee", "reviewer"}, Name: "Noor", SSH: []sshsig.Key{securityKey(13)}},
			{ID: id(14), Roles: []charter.Role{"trustee", "treasurer"}, Name: "Sam", SSH: []sshsig.Key{sshKey(14)}},
			{ID: id(15), Roles: []charter.Role{"reviewer"}, Name: "Vera", Passkeys: []charter.Passkey{passkey(15)}},
		},
		Revoked: []uuid.UUID{id(19)},
	}
}

// next is a version that follows the example and changes most of what can change.
func next() charter.Charter {
	c := example(&chaincfg.SimNetParams)
	c.Version, c.Previous = 2, c.Digest()
	c.Name, c.HoldHours, c.Expires = "Our fund", 24, c.Expires.AddDate(0, 6, 0)
	single, err := wallet.DescriptorFromSeed(seed(9), wallet.KindWPKH, &chaincfg.SimNetParams)
	if err != nil {
		panic(err)
	}
	c.Treasuries = append(c.Treasuries, charter.Treasury{Number: 1, Descriptor: single.String(), Birthday: 200})
	c.Signers = []charter.Signer{c.Signers[0], {Name: "C", Fingerprint: single.Fingerprints()[0], Key: sshKey(103)}}
	c.Lines = []charter.Line{{UpTo: 500_000, Reviewers: 2, ByTerminal: 1, Treasurers: 1}, {Reviewers: 3, ByTerminal: 1, Treasurers: 1}}
	c.Limits.Day, c.Limits.Fee = 60_000_000, 100_000
	c.People[0].Roles, c.People[0].SSH = []charter.Role{"trustee"}, []sshsig.Key{sshKey(21)}
	c.People[1].Name = "Linda"
	c.People[4] = charter.Person{ID: id(16), Roles: []charter.Role{"reviewer"}, Name: "Wim", SSH: []sshsig.Key{sshKey(16)}}
	c.People = append(c.People, charter.Person{ID: id(17), Roles: []charter.Role{"reviewer"}, Name: "Yao", Passkeys: []charter.Passkey{passkey(17)}})
	c.Revoked = []uuid.UUID{id(15)}
	return c
}

// golden compares text with a file, or writes it under UPDATE_GOLDEN=1.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]charter.Charter{"simnet-1.charter": example(&chaincfg.SimNetParams), "simnet-2.charter": next()} {
		golden(t, name, string(c.Encode()))
		got, err := charter.Parse(c.Encode())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got.Digest() != c.Digest() {
			t.Errorf("%s: another digest", name)
		}
	}
}

func TestDiffInPlainWords(t *testing.T) {
	t.Parallel()
	old, c := example(&chaincfg.SimNetParams), next()
	words := func(changes []charter.Change) string {
		var b strings.Builder
		for _, ch := range changes {
			fmt.Fprintf(&b, "%s: %s\n", ch.Effect, ch.Text)
		}
		return b.String()
	}
	golden(t, "forward.diff", words(charter.Diff(old, c)))
	golden(t, "backward.diff", words(charter.Diff(c, old)))
	if same := charter.Diff(c, c); len(same) > 0 {
		t.Errorf("a charter differs from itself: %v", same)
	}
}

// TestWhatTightensOneWayLoosensTheOther: but for what loosens both ways, no change is called
// tight in both directions.
func TestWhatTightensOneWayLoosensTheOther(t *testing.T) {
	t.Parallel()
	for name, change := range changes() {
		old, c := example(&chaincfg.SimNetParams), example(&chaincfg.SimNetParams)
		change(&c)
		forward, backward := charter.Diff(old, c), charter.Diff(c, old)
		if len(forward) != 1 || len(backward) != 1 {
			t.Errorf("%s: %v and back %v", name, forward, backward)
			continue
		}
		if forward[0].Effect == charter.Tightens && backward[0].Effect != charter.Loosens || forward[0].Effect == charter.Neither {
			t.Errorf("%s: %v and back %v", name, forward, backward)
		}
	}
}

// changes are single changes of the example.
func changes() map[string]func(c *charter.Charter) {
	return map[string]func(c *charter.Charter){
		"another fund": func(c *charter.Charter) { c.Fund = id(2) }, "expires": func(c *charter.Charter) { c.Expires = c.Expires.Add(-time.Second) },
		"hold": func(c *charter.Charter) { c.HoldHours++ }, "trustees": func(c *charter.Charter) { c.Trustees-- },
		"sole": func(c *charter.Charter) { c.SoleOperator = id(11) }, "treasury": func(c *charter.Charter) { c.Treasuries[0].Descriptor += "x" },
		"treasury gone": func(c *charter.Charter) { c.Treasuries = nil }, "signer": func(c *charter.Charter) { c.Signers[1].Key = sshKey(9) },
		"signer gone": func(c *charter.Charter) { c.Signers = c.Signers[:1] }, "reviewers": func(c *charter.Charter) { c.Lines[0].Reviewers++ },
		"terminal": func(c *charter.Charter) { c.Lines[0].ByTerminal-- }, "treasurers": func(c *charter.Charter) { c.Lines[1].Treasurers-- },
		"decision": func(c *charter.Charter) { c.Limits.Decision++ }, "month": func(c *charter.Charter) { c.Limits.Month-- },
		"passkeys": func(c *charter.Charter) { c.Limits.PasskeyOnlyDay++ }, "fees": func(c *charter.Charter) { c.Limits.FeesDay++ },
		"feerate": func(c *charter.Charter) { c.Limits.FeeRateSatKVB++ }, "permille": func(c *charter.Charter) { c.Limits.FeePermille-- },
		"role": func(c *charter.Charter) { c.People[0].Roles = c.People[0].Roles[:1] }, "key": func(c *charter.Charter) { c.People[0].SSH = nil },
		"passkey": func(c *charter.Charter) { c.People[1].Passkeys = nil }, "revoked": func(c *charter.Charter) { c.Revoked = nil },
	}
}

func TestFollows(t *testing.T) {
	t.Parallel()
	old, c := example(&chaincfg.SimNetParams), next()
	if err := c.Follows(old); err != nil {
		t.Error(err)
	}
	for name, tc := range map[string]struct {
		change func(c *charter.Charter)
		code   errs.Code
	}{
		"another fund":    {func(c *charter.Charter) { c.Fund = id(2) }, "charter_other_fund"},
		"another network": {func(c *charter.Charter) { c.Network.Name = "regtest" }, "charter_other_fund"},
		"version 3":       {func(c *charter.Charter) { c.Version = 3 }, "charter_not_next"},
		"version 1":       {func(c *charter.Charter) { c.Version = 1 }, "charter_not_next"},
		"a fork":          {func(c *charter.Charter) { c.Previous[0]++ }, "charter_not_next"},
	} {
		changed := next()
		tc.change(&changed)
		if err := changed.Follows(old); !errs.Is(err, tc.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParse: what is accepted is what Encode writes, and its difference to itself is none.
func FuzzParse(f *testing.F) {
	f.Add(example(&chaincfg.SimNetParams).Encode())
	f.Add(next().Encode())
	f.Add(sole().Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := charter.Parse(text)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Encode(), text) {
			t.Errorf("accepted another text than is encoded:\n%s", c.Encode())
		}
		if len(charter.Diff(c, c)) > 0 {
			t.Error("differs from itself")
		}
	})
}
