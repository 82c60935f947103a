package check_test

import (
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/check"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// TestBadServersAreDownForOpenVPN: as the golden matrix, over both transports.
// Real servers are in the tests of package openvpn.
func TestBadServersAreDownForOpenVPN(t *testing.T) {
	t.Parallel()
	cert := probetest.NewCertificate(t, probetest.FarFuture(), "a.example")
	cfg, dc := check.Config{Keys: dctest.Keys(t)}, dctest.Serve(t)
	file := func(addr probe.Address, proto, auth string) string {
		host, port, _ := strings.Cut(addr.String(), ":")
		return "client\ndev tun\nproto " + proto + "\nremote " + host + " " + port + "\nremote-cert-tls server\n" + auth +
			"\n<ca>\n" + string(cert.CertPEM) + "</ca>\n<auth-user-pass>\nanna\nhunter22\n</auth-user-pass>\n"
	}
	const brief = 5 * probetest.Patience
	for name, tc := range map[string]struct {
		text, want string
		timeout    time.Duration
	}{
		"closed":      {file(probetest.Closed(t), "tcp", ""), "tcp refused", probetest.Enough},
		"closed, UDP": {file(probetest.ClosedUDP(t), "udp", ""), "handshake refused", probetest.Enough},
		"black hole":  {file(probetest.Serve(t, probetest.BlackHole), "tcp", ""), "handshake timeout", brief},
		"web server":  {file(probetest.Serve(t, probetest.Web), "tcp", ""), "handshake protocol_mismatch", probetest.Enough},
		"banner":      {file(probetest.Serve(t, probetest.Banner), "tcp", ""), "handshake protocol_mismatch", probetest.Enough},
		"a digest":    {file(probetest.Closed(t), "udp", "auth WHIRLPOOL\n<tls-auth>\n"+staticKey()+"</tls-auth>"), "parse config_invalid", probetest.Enough},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, out := range []probe.Outcome{full(t, tc.timeout, cfg, tc.text, dc), light(t, tc.timeout, cfg, tc.text, dc)} {
				probetest.Want(t, out, tc.want)
				if strings.Contains(out.Detail, "hunter22") || out.Evidence != nil {
					t.Errorf("%+v", out)
				}
			}
		})
	}
}

func staticKey() string {
	return "-----BEGIN OpenVPN Static key V1-----\n" + strings.Repeat(strings.Repeat("ab", 16)+"\n", 16) + "-----END OpenVPN Static key V1-----\n"
}
