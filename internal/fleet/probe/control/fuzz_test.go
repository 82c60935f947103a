package control_test

import (
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// FuzzWith reads credentials as they come with a job from elsewhere.
func FuzzWith(f *testing.F) {
	f.Add("u", "p", "b831381d-6324-4d53-ad4f-8cda48b30811", "00112233445566778899aabbccddeeff", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=")
	f.Add("a:b", "", "x", "zz", "AAAA")
	f.Fuzz(func(t *testing.T, user, password, id, secret, key string) {
		c := control.Credential{User: user, Password: password, UUID: id, Secret: secret, PrivateKey: key}
		c.Public()
		for _, s := range []link.Spec{link.SOCKS5{}, link.HTTP{}, link.MTProto{}, link.Shadowsocks{}, link.Trojan{}, link.VLESS{}, link.WireGuard{}, link.OpenVPN{}} {
			got, err := control.With(s, c)
			if err == nil && got.Protocol() != s.Protocol() {
				t.Errorf("%s became %s", s.Protocol(), got.Protocol())
			}
		}
	})
}
