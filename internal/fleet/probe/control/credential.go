package control

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// Kinds returns the ways in which control of an endpoint of p can be proven, the
// best first. KindDNS is of use only where the endpoint has a name, and never
// enough by itself.
func Kinds(p probe.Protocol) []Kind {
	switch p {
	case probe.Shadowsocks: // one password for all
		return []Kind{KindPort, KindDNS}
	case probe.SOCKS5, probe.HTTPConnect, probe.MTProto, probe.Trojan, probe.VLESS, probe.WireGuard, probe.OpenVPN:
		return []Kind{KindCredential, KindPort, KindDNS}
	}
	return nil
}

// Sufficient reports whether k alone proves control of a server: a name may point
// at a server of somebody else.
func (k Kind) Sufficient() bool { return k == KindCredential || k == KindPort }

// material is how many bytes a credential is made of.
const material = 64

// Derive returns the credential of an endpoint: the same for the same secret,
// endpoint, generation and protocol, and unlike any other. secret is a key of 32
// bytes. It reports false for a protocol that has no credential to give, and for
// a secret too short to be one.
func Derive(secret []byte, endpoint uuid.UUID, generation int, p probe.Protocol) (Credential, bool) {
	if len(secret) < sha256.Size || generation < 1 {
		return Credential{}, false
	}
	info := fmt.Sprintf("causeway/control/credential/v1/%s/%d/%s", endpoint, generation, p)
	b, err := hkdf.Key(sha256.New, secret, nil, info, material)
	if err != nil {
		return Credential{}, false
	}
	return of(b, p)
}

// Random returns a credential of the form of Derive's that no server knows. It
// reports false where Derive does, and when r gives too little.
func Random(r io.Reader, p probe.Protocol) (Credential, bool) {
	b := make([]byte, material)
	if _, err := io.ReadFull(r, b); err != nil {
		return Credential{}, false
	}
	return of(b, p)
}

// of makes a credential of random bytes. User and password hold letters and
// digits only, so that no configuration needs to quote them.
func of(b []byte, p probe.Protocol) (Credential, bool) {
	text := func(b []byte) string {
		return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
	}
	switch p {
	case probe.SOCKS5, probe.HTTPConnect, probe.OpenVPN:
		return Credential{User: "u" + text(b[:10]), Password: text(b[32:57])}, true
	case probe.Trojan:
		return Credential{Password: text(b[32:57])}, true
	case probe.MTProto:
		return Credential{Secret: hex.EncodeToString(b[:16])}, true
	case probe.VLESS:
		return Credential{UUID: UUID([16]byte(b)).String()}, true
	case probe.WireGuard:
		k := b[:32]
		k[0], k[31] = k[0]&248, k[31]&127|64 // RFC 7748, section 5; some tools insist on it
		return Credential{PrivateKey: base64.StdEncoding.EncodeToString(k)}, true
	case probe.Shadowsocks:
	}
	return Credential{}, false
}

// UUID returns a name of version 4 (RFC 9562) that holds what b has room for there.
func UUID(b [16]byte) uuid.UUID {
	return uuid.Must(uuid.NewRandomFromReader(bytes.NewReader(b[:]))) // it reads 16 bytes, and there are 16
}

// Public returns what the operator puts into the server's configuration. It holds
// secrets too, all but WireGuard's private key, which stays with us.
func (c Credential) Public() Public {
	out := Public{User: c.User, Password: c.Password, UUID: c.UUID, Secret: c.Secret}
	if k, ok := c.key(); ok {
		out.PublicKey = base64.StdEncoding.EncodeToString(k.PublicKey().Bytes())
	}
	return out
}

// key returns WireGuard's private key.
func (c Credential) key() (*ecdh.PrivateKey, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(c.PrivateKey)
	if err != nil {
		return nil, false
	}
	k, err := ecdh.X25519().NewPrivateKey(b)
	return k, err == nil
}

// With returns s with c in place of what users have. The rest of s stays: an
// MTProto proxy's kind and server name, a tunnel's addresses and certificates.
// The error is Invalid with code control_credential where c is not of s's
// protocol.
func With(s link.Spec, c Credential) (link.Spec, error) {
	bad := errs.New(
		errs.Invalid,
		CodeControlCredential,
		"The credential does not fit the endpoint's protocol. Nothing was sent to it.",
	)
	login := c.User != "" && c.Password != "" && len(c.User) <= 255 && len(c.Password) <= 255 &&
		!strings.Contains(c.User, ":")
	switch s := s.(type) {
	case link.SOCKS5:
		if login {
			s.User, s.Password = c.User, c.Password
			return s, nil
		}
	case link.HTTP:
		if login {
			s.User, s.Password = c.User, c.Password
			return s, nil
		}
	case link.OpenVPN:
		if login {
			s.User, s.Password = c.User, c.Password
			return s, nil
		}
	case link.Trojan:
		if c.Password != "" {
			s.Password = c.Password
			return s, nil
		}
	case link.MTProto:
		b, err := hex.DecodeString(c.Secret)
		if err == nil && len(b) == len(s.Key) {
			s.Key = [16]byte(b)
			return s, nil
		}
	case link.VLESS:
		if id, err := uuid.Parse(c.UUID); err == nil && len(c.UUID) == 36 {
			s.ID = id
			return s, nil
		}
	case link.WireGuard:
		if k, ok := c.key(); ok {
			s.PrivateKey = [32]byte(k.Bytes())
			return s, nil
		}
	}
	return nil, bad
}
