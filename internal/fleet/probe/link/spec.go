package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// Spec is an endpoint as it was understood: one of the types below, which hold
// what their Parse has validated.
type Spec interface {
	Protocol() probe.Protocol
	Server() probe.Address
	// Fields returns all that was understood, in a fixed order.
	Fields() []Field
}

// Field is one thing that was understood.
type Field struct {
	Name   string // stable, e.g. "server"
	Value  string
	Secret bool // Value must not be shown
}

// Public returns the fields of s with the values of secrets replaced by "set".
func Public(s Spec) []Field {
	fields := s.Fields()
	for i, f := range fields {
		if f.Secret {
			fields[i].Value = "set"
		}
	}
	return fields
}

// Secrets returns the secret values of s, for probe.Attempt.
func Secrets(s Spec) []string {
	var out []string
	for _, f := range s.Fields() {
		if f.Secret {
			out = append(out, f.Value)
		}
	}
	return out
}

// Digest returns HMAC-SHA-256 under key of all that was understood, secrets
// included. key is the service's; without one, a digest would let anyone who
// sees a record try passwords.
func Digest(key []byte, s Spec) [sha256.Size]byte {
	mac := hmac.New(sha256.New, key)
	put := func(v string) {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(v)))) //nolint:gosec // a text of at most maxText bytes
		mac.Write([]byte(v))
	}
	put("causeway/endpoint/v1")
	put(string(s.Protocol()))
	for _, f := range s.Fields() {
		put(f.Name)
		put(f.Value)
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

// set returns the fields that have a value.
func set(fields ...Field) []Field {
	var out []Field
	for _, f := range fields {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

// SOCKS5 is a SOCKS5 proxy. User "" means that it asks for nothing.
type SOCKS5 struct {
	Addr           probe.Address
	User, Password string // at most 255 bytes each, RFC 1929
}

// HTTP is a proxy that is asked with CONNECT. User "" means that it asks for
// nothing.
type HTTP struct {
	Addr           probe.Address
	User, Password string // User holds no colon, RFC 7617
}

// SecretKind is how an MTProto proxy is spoken to.
type SecretKind string

// The kinds of MTProto secrets.
const (
	SecretSimple SecretKind = "simple"
	SecretPadded SecretKind = "dd" // random padding
	SecretTLS    SecretKind = "ee" // dressed up as TLS
)

// MTProto is a proxy of Telegram's own protocol.
type MTProto struct {
	Addr probe.Address
	Kind SecretKind
	Key  [16]byte
	SNI  string // only for SecretTLS: the server name to show
}

// Shadowsocks is a Shadowsocks server.
type Shadowsocks struct {
	Addr     probe.Address
	Method   string // one of Methods
	Password string
}

// Trojan is a Trojan server: TLS with a valid certificate for SNI.
type Trojan struct {
	Addr     probe.Address
	Password string
	SNI      string // the name of the certificate; "" for an address without a name
}

// VLESS is a VLESS server over TCP.
type VLESS struct {
	Addr probe.Address
	ID   uuid.UUID
	TLS  bool
	SNI  string // only with TLS
}

// WireGuard is a WireGuard peer.
type WireGuard struct {
	Addr       probe.Address
	PrivateKey [32]byte // ours; zero where the checker's own key is to be used
	PeerKey    [32]byte
	PSK        [32]byte // zero for none, as in WireGuard
	Addresses  []netip.Prefix
	DNS        []netip.Addr
	AllowedIPs []netip.Prefix
	MTU        int // 0 where the file has none
}

// OpenVPN is an OpenVPN server.
type OpenVPN struct {
	Addr         probe.Address
	TCP          bool
	CA           string // PEM
	Cert, Key    string // PEM; "" where the server asks for no certificate
	TLSAuth      []byte // 256 bytes, or nil
	TLSCrypt     []byte // 256 bytes, or nil
	KeyDirection int    // of TLSAuth: 0, 1, or -1 for both ways
	Auth         string // digest of TLSAuth and the data channel, "" for the default
	Ciphers      []string
	VerifyName   string // the name the server's certificate must have; "" for none
	ServerUsage  bool   // the certificate must be one for servers (remote-cert-tls)
	User         string
	Password     string
	Stub         string // "comp-lzo" or "compress": packets carry a byte for compression though nothing is compressed; "" for none
}

// Methods returns the Shadowsocks ciphers that are spoken.
func Methods() []string {
	return []string{"chacha20-ietf-poly1305", "aes-256-gcm", "aes-128-gcm"}
}

// Protocol returns probe.SOCKS5.
func (SOCKS5) Protocol() probe.Protocol { return probe.SOCKS5 }

// Protocol returns probe.HTTPConnect.
func (HTTP) Protocol() probe.Protocol { return probe.HTTPConnect }

// Protocol returns probe.MTProto.
func (MTProto) Protocol() probe.Protocol { return probe.MTProto }

// Protocol returns probe.Shadowsocks.
func (Shadowsocks) Protocol() probe.Protocol { return probe.Shadowsocks }

// Protocol returns probe.Trojan.
func (Trojan) Protocol() probe.Protocol { return probe.Trojan }

// Protocol returns probe.VLESS.
func (VLESS) Protocol() probe.Protocol { return probe.VLESS }

// Protocol returns probe.WireGuard.
func (WireGuard) Protocol() probe.Protocol { return probe.WireGuard }

// Protocol returns probe.OpenVPN.
func (OpenVPN) Protocol() probe.Protocol { return probe.OpenVPN }

// Server returns the proxy's address.
func (s SOCKS5) Server() probe.Address { return s.Addr }

// Server returns the proxy's address.
func (s HTTP) Server() probe.Address { return s.Addr }

// Server returns the proxy's address.
func (s MTProto) Server() probe.Address { return s.Addr }

// Server returns the server's address.
func (s Shadowsocks) Server() probe.Address { return s.Addr }

// Server returns the server's address.
func (s Trojan) Server() probe.Address { return s.Addr }

// Server returns the server's address.
func (s VLESS) Server() probe.Address { return s.Addr }

// Server returns the peer's address.
func (s WireGuard) Server() probe.Address { return s.Addr }

// Server returns the server's address.
func (s OpenVPN) Server() probe.Address { return s.Addr }

// Fields returns server, user and password.
func (s SOCKS5) Fields() []Field { return proxyFields(s.Addr, s.User, s.Password) }

// Fields returns server, user and password.
func (s HTTP) Fields() []Field { return proxyFields(s.Addr, s.User, s.Password) }

func proxyFields(a probe.Address, user, password string) []Field {
	return set(
		Field{Name: "server", Value: a.String()},
		Field{Name: "user", Value: user},
		Field{Name: "password", Value: password, Secret: true},
	)
}

// Fields returns server, kind, secret and sni.
func (s MTProto) Fields() []Field {
	return set(
		Field{Name: "server", Value: s.Addr.String()},
		Field{Name: "kind", Value: string(s.Kind)},
		Field{Name: "secret", Value: hex.EncodeToString(s.Key[:]), Secret: true},
		Field{Name: "sni", Value: s.SNI},
	)
}

// Fields returns server, method and password.
func (s Shadowsocks) Fields() []Field {
	return set(
		Field{Name: "server", Value: s.Addr.String()},
		Field{Name: "method", Value: s.Method},
		Field{Name: "password", Value: s.Password, Secret: true},
	)
}

// Fields returns server, sni and password.
func (s Trojan) Fields() []Field {
	return set(
		Field{Name: "server", Value: s.Addr.String()},
		Field{Name: "sni", Value: s.SNI},
		Field{Name: "password", Value: s.Password, Secret: true},
	)
}

// Fields returns server, id, security and sni.
func (s VLESS) Fields() []Field {
	security := "none"
	if s.TLS {
		security = "tls"
	}
	return set(
		Field{Name: "server", Value: s.Addr.String()},
		Field{Name: "id", Value: s.ID.String(), Secret: true},
		Field{Name: "security", Value: security},
		Field{Name: "sni", Value: s.SNI},
	)
}

// Fields returns server, keys, addresses, dns, allowed_ips and mtu.
func (s WireGuard) Fields() []Field {
	mtu := ""
	if s.MTU != 0 {
		mtu = strconv.Itoa(s.MTU)
	}
	return set(
		Field{Name: "server", Value: s.Addr.String()},
		Field{Name: "peer_key", Value: hex.EncodeToString(s.PeerKey[:])},
		Field{Name: "private_key", Value: keyHex(s.PrivateKey), Secret: true},
		Field{Name: "preshared_key", Value: keyHex(s.PSK), Secret: true},
		Field{Name: "addresses", Value: joined(s.Addresses)},
		Field{Name: "dns", Value: joined(s.DNS)},
		Field{Name: "allowed_ips", Value: joined(s.AllowedIPs)},
		Field{Name: "mtu", Value: mtu},
	)
}

// Fields returns server, transport, certificates, keys and options.
func (s OpenVPN) Fields() []Field {
	transport, direction, usage := "udp", "", ""
	if s.TCP {
		transport = "tcp"
	}
	if s.TLSAuth != nil && s.KeyDirection >= 0 {
		direction = strconv.Itoa(s.KeyDirection)
	}
	if s.ServerUsage {
		usage = "server"
	}
	return set(
		Field{Name: "server", Value: s.Addr.String()},
		Field{Name: "transport", Value: transport},
		Field{Name: "ca", Value: s.CA},
		Field{Name: "cert", Value: s.Cert},
		Field{Name: "key", Value: s.Key, Secret: true},
		Field{Name: "tls_auth", Value: hex.EncodeToString(s.TLSAuth), Secret: true},
		Field{Name: "tls_crypt", Value: hex.EncodeToString(s.TLSCrypt), Secret: true},
		Field{Name: "key_direction", Value: direction},
		Field{Name: "auth", Value: s.Auth},
		Field{Name: "ciphers", Value: strings.Join(s.Ciphers, ":")},
		Field{Name: "verify_name", Value: s.VerifyName},
		Field{Name: "remote_cert", Value: usage},
		Field{Name: "user", Value: s.User},
		Field{Name: "password", Value: s.Password, Secret: true},
		Field{Name: "stub", Value: s.Stub},
	)
}

func keyHex(k [32]byte) string {
	if k == ([32]byte{}) {
		return ""
	}
	return hex.EncodeToString(k[:])
}

func joined[T interface{ String() string }](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.String()
	}
	return strings.Join(out, ", ")
}
