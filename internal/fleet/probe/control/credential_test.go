package control_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

func secret() []byte { return []byte("a secret of thirty-two bytes ...") }

// specs is a configuration of every protocol.
func specs(t *testing.T) map[probe.Protocol]link.Spec {
	t.Helper()
	const id = "b831381d-6324-4d53-ad4f-8cda48b30811"
	out := map[probe.Protocol]link.Spec{
		probe.OpenVPN: link.OpenVPN{CA: "ca", User: "operator", Password: "operators"},
	}
	for _, s := range []string{
		"socks5://operator:operators@1.1.1.1:1080", "http://1.1.1.1:8080", "tg://proxy?server=1.1.1.1&port=443&secret=ee0123456789abcdef0123456789abcdef6d61736b65642e6578616d706c65",
		"ss://aes-256-gcm:operators@1.1.1.1:8388", "trojan://operators@1.1.1.1:443?sni=a.example", "vless://" + id + "@1.1.1.1:443?security=tls&sni=a.example",
		"[Interface]\nAddress = 10.0.0.2\n[Peer]\nPublicKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\nEndpoint = 1.1.1.1:51820\n",
	} {
		spec, err := link.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		out[spec.Protocol()] = spec
	}
	if len(out) != len(probe.Protocols()) {
		t.Fatal("a protocol is missing")
	}
	return out
}

func TestCredentialsChangeWhatUsersHaveAndNothingElse(t *testing.T) {
	t.Parallel()
	for p, spec := range specs(t) {
		c, ok := control.Derive(secret(), uuid.UUID{1}, 1, p)
		if p == probe.Shadowsocks {
			if _, random := control.Random(rand.Reader, p); ok || random {
				t.Error("Shadowsocks has a credential of its own")
			}
			continue
		}
		if !ok {
			t.Errorf("%s: none", p)
			continue
		}
		got, err := control.With(spec, c)
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		var changed []string
		before := map[string]string{}
		for _, f := range spec.Fields() {
			before[f.Name] = f.Value
		}
		for _, f := range got.Fields() {
			if before[f.Name] != f.Value {
				changed = append(changed, f.Name)
			}
			delete(before, f.Name)
		}
		want := map[probe.Protocol][]string{
			probe.SOCKS5: {"user", "password"}, probe.HTTPConnect: {"user", "password"}, probe.OpenVPN: {"user", "password"},
			probe.MTProto: {"secret"}, probe.Trojan: {"password"}, probe.VLESS: {"id"}, probe.WireGuard: {"private_key"},
		}[p]
		if diff := cmp.Diff(want, changed); diff != "" || len(before) != 0 {
			t.Errorf("%s: %s, gone %v", p, diff, before)
		}
	}
}

func TestCredentialsFitTheirProtocolOnly(t *testing.T) {
	t.Parallel()
	all := specs(t)
	for p, spec := range all {
		for other := range all {
			c, ok := control.Random(rand.Reader, other)
			login := []probe.Protocol{probe.SOCKS5, probe.HTTPConnect, probe.OpenVPN}
			same := p == other || contains(login, p) && contains(login, other) || p == probe.Trojan && contains(login, other)
			if _, err := control.With(spec, c); (err == nil) != (ok && same) {
				t.Errorf("a credential of %s for %s: %v", other, p, err)
			}
		}
		for _, c := range []control.Credential{{}, {Secret: "00"}, {UUID: "x"}, {PrivateKey: "AAAA"}, {User: "a"}} {
			if _, err := control.With(spec, c); err == nil {
				t.Errorf("%#v is taken for %s", c.Public(), p)
			}
		}
	}
}

func TestLoginsThatCannotBeSentAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []control.Credential{{User: "a:b", Password: "c"}, {User: strings.Repeat("a", 256), Password: "b"}, {User: "a", Password: strings.Repeat("b", 256)}, {Password: "b"}} {
		for _, spec := range []link.Spec{link.SOCKS5{}, link.HTTP{}, link.OpenVPN{}} {
			if _, err := control.With(spec, c); err == nil {
				t.Errorf("%#v is taken for %s", c.Public(), spec.Protocol())
			}
		}
	}
}

func contains(list []probe.Protocol, p probe.Protocol) bool {
	for _, l := range list {
		if l == p {
			return true
		}
	}
	return false
}

func TestCredentialsAreDerived(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(probe.Protocols()).Filter(func(p probe.Protocol) bool { return p != probe.Shadowsocks }).Draw(t, "protocol")
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "endpoint"))
		generation := rapid.IntRange(1, 1<<20).Draw(t, "generation")
		derive := func(secret []byte, id uuid.UUID, generation int) control.Credential {
			c, ok := control.Derive(secret, id, generation, p)
			if !ok {
				t.Fatal("none")
			}
			return c
		}
		c := derive(secret(), id, generation)
		if c != derive(secret(), id, generation) {
			t.Error("not the same twice")
		}
		other := id
		other[15]++
		for what, d := range map[string]control.Credential{
			"generation": derive(secret(), id, generation+1), "endpoint": derive(secret(), other, generation),
			"secret": derive([]byte("another secret of 32 bytes ....."), id, generation),
		} {
			if c == d {
				t.Errorf("the same for another %s", what)
			}
		}
	})
	for _, p := range append(probe.Protocols(), "gopher") {
		if _, ok := control.Derive([]byte("short"), uuid.UUID{1}, 1, p); ok {
			t.Errorf("%s: a short secret is taken", p)
		}
		if _, ok := control.Derive(secret(), uuid.UUID{1}, 0, p); ok {
			t.Errorf("%s: generation 0 is taken", p)
		}
		if _, ok := control.Random(strings.NewReader("short"), p); ok {
			t.Errorf("%s: little randomness is taken", p)
		}
	}
	if _, ok := control.Derive(secret(), uuid.UUID{1}, 1, "gopher"); ok {
		t.Error("an unknown protocol has a credential")
	}
}

func TestTheOperatorSeesWireGuardsPublicKeyOnly(t *testing.T) {
	t.Parallel()
	c, _ := control.Derive(secret(), uuid.UUID{1}, 1, probe.WireGuard)
	pub := c.Public()
	b, err := base64.StdEncoding.DecodeString(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ecdh.X25519().NewPrivateKey(b)
	if err != nil || pub != (control.Public{PublicKey: base64.StdEncoding.EncodeToString(k.PublicKey().Bytes())}) {
		t.Errorf("%+v, %v", pub, err)
	}
	if b[0]&7 != 0 || b[31]>>6 != 1 {
		t.Errorf("the private key %x is not clamped", b)
	}
	vless, _ := control.Derive(secret(), uuid.UUID{1}, 1, probe.VLESS)
	if id, err := uuid.Parse(vless.UUID); err != nil || id.Version() != 4 || id.Variant() != uuid.RFC4122 {
		t.Errorf("%v, %v", id, err)
	}
	login, _ := control.Derive(secret(), uuid.UUID{1}, 1, probe.SOCKS5)
	if p := login.Public(); p.User != login.User || p.Password != login.Password || len(p.Password) < 32 {
		t.Errorf("%+v", p)
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	t.Parallel()
	c := control.Credential{User: "hunter", Password: "hunter2"}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", slog.Any("credential", c))
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), b.String()} {
		if strings.Contains(s, "hunter") {
			t.Error(s)
		}
	}
}

func TestKindsOfProof(t *testing.T) {
	t.Parallel()
	for _, p := range probe.Protocols() {
		kinds := control.Kinds(p)
		_, has := control.Derive(secret(), uuid.UUID{1}, 1, p)
		if len(kinds) == 0 || (kinds[0] == control.KindCredential) != has || !kinds[0].Sufficient() {
			t.Errorf("%s: %v", p, kinds)
		}
	}
	if control.KindDNS.Sufficient() || control.Kind("file").Sufficient() || control.Kinds("gopher") != nil {
		t.Error("a name alone, a file or an unknown protocol proves something")
	}
}
