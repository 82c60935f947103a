package check_test

import (
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/probe"
	"github.com/causeway-fund/causeway/internal/probe/check"
	"github.com/causeway-fund/causeway/internal/probe/dctest"
	"github.com/causeway-fund/causeway/internal/probe/probetest"
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
	for name, tc := range map[string]struct{ text, want string }{
		"closed":      {file(probetest.Closed(t), "tcp", ""), "tcp refused"},
		"closed, UDP": {file(probetest.Closed(t), "udp", ""), "handshake refused"},
		"black hole":  {file(probetest.Serve(t, probetest.BlackHole), "tcp", ""), "handshake timeout"},
		"web server":  {file(probetest.Serve(t, probetest.Web), "tcp", ""), "handshake protocol_mismatch"},
		"banner":      {file(probetest.Serve(t, probetest.Banner), "tcp", ""), "handshake protocol_mismatch"},
		"a digest":    {file(probetest.Closed(t), "udp", "auth WHIRLPOOL\n<tls-auth>\n"+staticKey()+"</tls-auth>"), "parse config_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, out := range []probe.Outcome{full(t, probetest.Patience, cfg, tc.text, dc), light(t, probetest.Patience, cfg, tc.text, dc)} {
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
