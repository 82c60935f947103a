package advice

import "github.com/causeway-fund/causeway/internal/fleet/probe"

// rules returns what is known better than from the class alone; the first that
// fits wins. Each follows from what package probe's protocols report where.
func rules() []rule {
	type (
		classes   = []probe.Class
		protocols = []probe.Protocol
		stages    = []probe.Stage
	)
	closed := classes{probe.ClassEOF, probe.ClassReset}
	silent := append(classes{probe.ClassTimeout}, closed...)
	mismatch := classes{probe.ClassProtocolMismatch}
	required, rejected := classes{probe.ClassAuthRequired}, classes{probe.ClassAuthRejected}
	refused, slow := classes{probe.ClassRelayRefused}, classes{probe.ClassTimeout}
	unreachable, invalid := classes{probe.ClassTargetUnreachable}, classes{probe.ClassTargetInvalid}
	config := classes{probe.ClassConfigInvalid}

	parse, dns, tcp := stages{probe.StageParse}, stages{probe.StageDNS}, stages{probe.StageTCP}
	handshake, auth := stages{probe.StageHandshake}, stages{probe.StageAuth}
	relay, target := stages{probe.StageRelay}, stages{probe.StageTarget}
	through := stages{probe.StageRelay, probe.StageTarget}

	socks5, http, mtproto := protocols{probe.SOCKS5}, protocols{probe.HTTPConnect}, protocols{probe.MTProto}
	shadowsocks, trojan, vless := protocols{probe.Shadowsocks}, protocols{probe.Trojan}, protocols{probe.VLESS}
	wireguard, openvpn := protocols{probe.WireGuard}, protocols{probe.OpenVPN}
	vpn := protocols{probe.WireGuard, probe.OpenVPN}

	return []rule{
		{"socks5.mismatch", mismatch, socks5, handshake},
		{"socks5.auth_required", required, socks5, nil},
		{"socks5.auth_rejected", rejected, socks5, nil},
		{"socks5.odd_login", mismatch, socks5, auth},
		{"socks5.relay_refused", refused, socks5, nil},

		{"http_connect.mismatch", mismatch, http, handshake},
		// The answer to CONNECT is the handshake, and comes when the target was reached.
		{"http_connect.timeout", slow, http, handshake},
		{"http_connect.auth_required", required, http, nil},
		{"http_connect.auth_rejected", rejected, http, nil},
		{"http_connect.relay_refused", refused, http, nil},
		{"http_connect.target_unreachable", unreachable, http, nil},

		{"mtproto.auth_rejected", rejected, mtproto, nil},
		// Only a proxy dressed up as TLS has a handshake of its own.
		{"mtproto.not_tls", mismatch, mtproto, handshake},
		{"mtproto.hello_dropped", silent, mtproto, handshake},
		// The others meet a wrong secret with silence, or hand it to a website.
		{"mtproto.silent", silent, mtproto, relay},
		{"mtproto.target_invalid", invalid, mtproto, nil},

		{"shadowsocks.config", config, shadowsocks, parse},
		// A wrong password is silence, by design.
		{"shadowsocks.silent", silent, shadowsocks, relay},
		{"shadowsocks.other_key", mismatch, shadowsocks, handshake},

		// A wrong password leads to the website behind the server.
		{"trojan.website", invalid, trojan, nil},
		{"trojan.silent", silent, trojan, relay},
		{"trojan.certificate", mismatch, trojan, handshake},

		{"vless.mismatch", mismatch, vless, handshake},
		{"vless.silent", silent, vless, relay},

		{"wireguard.config", config, wireguard, parse},
		// WireGuard answers nobody whom it does not know.
		{"wireguard.silent", slow, wireguard, handshake},
		{"wireguard.mismatch", mismatch, wireguard, handshake},
		{"wireguard.auth_rejected", rejected, wireguard, nil},

		{"openvpn.config", config, openvpn, parse},
		// tls-auth and tls-crypt drop what is not signed with their key.
		{"openvpn.silent", slow, openvpn, handshake},
		{"openvpn.closed", closed, openvpn, handshake},
		{"openvpn.static_key", rejected, openvpn, handshake},
		{"openvpn.mismatch", mismatch, openvpn, handshake},
		{"openvpn.auth_required", required, openvpn, nil},
		{"openvpn.auth_rejected", rejected, openvpn, nil},
		{"openvpn.no_settings", silent, openvpn, auth},
		// No cipher in common shows at once, the rest when the settings are used.
		{"openvpn.settings", mismatch, openvpn, stages{probe.StageAuth, probe.StageRelay}},

		// An ICMP answer: UDP has no stage tcp.
		{"udp.refused", classes{probe.ClassRefused}, vpn, handshake},
		{"tunnel.no_way_out", classes{probe.ClassTimeout, probe.ClassTargetUnreachable}, vpn, relay},

		{"dns.address_denied", classes{probe.ClassAddressDenied}, nil, dns},
		{"dns.timeout", slow, nil, dns},
		{"tcp.timeout", slow, nil, tcp},
		{"handshake.timeout", slow, nil, handshake},
		{"handshake.closed", closed, nil, handshake},
		{"relay.timeout", slow, nil, relay},
		{"relay.closed", closed, nil, relay},
		{"relay.garbled", mismatch, nil, through},
		{"target.timeout", slow, nil, target},
		{"target.closed", closed, nil, target},
	}
}
