package charter

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"fmt"
	"net/url"
	"strings"
)

const (
	maxCredential = 1023 // WebAuthn, section 4
	minModulus    = 256  // 2,048 bits
	maxModulus    = 512
)

// checkKeys holds the order of keys, what each may be, and that each stands once.
func (c Charter) checkKeys() *fault {
	seen := map[string]bool{}
	for _, p := range c.People {
		if f := p.checkSSH(seen); f != nil {
			return f
		}
		if f := p.checkPasskeys(c.Network.Name, seen); f != nil {
			return f
		}
	}
	for _, s := range c.Signers {
		if f := once(seen, "signer "+s.Name, string(s.Key.Public[:])); f != nil {
			return f
		}
	}
	return nil
}

func (p Person) checkSSH(seen map[string]bool) *fault {
	for i, k := range p.SSH {
		line := fmt.Sprintf("key %s ssh %s", p.ID, k)
		if i > 0 && p.SSH[i-1].String() > k.String() {
			return broken(CodeOrder, line, "has a key that is not in the order of their text")
		}
		if f := once(seen, line, string(k.Public[:])); f != nil {
			return f
		}
	}
	return nil
}

func (p Person) checkPasskeys(network string, seen map[string]bool) *fault {
	for i, k := range p.Passkeys {
		line := fmt.Sprintf("key %s webauthn %s", p.ID, k)
		switch {
		case i > 0 && p.Passkeys[i-1].String() > k.String():
			return broken(CodeOrder, line, "has a key that is not in the order of their text")
		case !k.usable():
			return broken(
				CodeKey,
				line,
				"has a passkey whose public key or credential is not one of its algorithm (es256, eddsa or rs256)",
			)
		case !isOrigin(k.Origin, network):
			return broken(
				CodeKey,
				line,
				"has an origin that no passkey of this network has; it looks like https://staff.example.org",
			)
		}
		if f := once(seen, line, k.Public); f != nil {
			return f
		}
		if f := once(seen, line, "credential "+k.Credential); f != nil {
			return f
		}
	}
	return nil
}

func once(seen map[string]bool, line, key string) *fault {
	if seen[key] {
		return broken(CodeKeyTwice, line, "has a key that stands in another line too")
	}
	seen[key] = true
	return nil
}

func (k Passkey) usable() bool {
	if k.Credential == "" || len(k.Credential) > maxCredential {
		return false
	}
	switch k.Algorithm {
	case "es256":
		_, err := ecdh.P256().NewPublicKey([]byte(k.Public)) // 65 bytes, on the curve
		return err == nil
	case "eddsa":
		return len(k.Public) == ed25519.PublicKeySize
	case "rs256":
		n := k.Public
		return len(n) >= minModulus && len(n) <= maxModulus && n[0] != 0 && n[len(n)-1]%2 == 1
	}
	return false
}

// isOrigin reports whether a browser would write s as the origin of a page that may use
// passkeys: https, or off mainnet this machine.
func isOrigin(s, network string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Hostname() == "" || s != u.Scheme+"://"+strings.ToLower(u.Host) {
		return false
	}
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Port() != "443"
	case "http":
		local := u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost")
		return local && network != mainnet && u.Port() != "80"
	}
	return false
}
