package control

import "log/slog"

// Kind is a way to prove control.
type Kind string

// The kinds of proof.
const (
	KindCredential Kind = "credential" // ours works, another does not
	KindPort       Kind = "port"       // a challenge is answered on the endpoint's own address and port
	KindDNS        Kind = "dns"        // a TXT record, and the name's address is the tested one
)

// Credential is what we check an endpoint with. Only the fields of its protocol
// are set. It does not print.
type Credential struct {
	User       string `json:"user,omitempty"`
	Password   string `json:"password,omitempty"`
	UUID       string `json:"uuid,omitempty"`
	Secret     string `json:"secret,omitempty"`      // MTProto, 32 hex digits
	PrivateKey string `json:"private_key,omitempty"` // WireGuard, base64
}

// Public is what the operator puts into the server's configuration.
type Public struct {
	User      string `json:"user,omitempty"`
	Password  string `json:"password,omitempty"`
	UUID      string `json:"uuid,omitempty"`
	Secret    string `json:"secret,omitempty"`
	PublicKey string `json:"public_key,omitempty"` // WireGuard, base64
}

const redacted = "[redacted]"

// String hides the credential.
func (Credential) String() string { return redacted }

// GoString hides the credential.
func (Credential) GoString() string { return redacted }

// LogValue hides the credential.
func (Credential) LogValue() slog.Value { return slog.StringValue(redacted) }
