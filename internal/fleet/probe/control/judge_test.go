package control_test

import (
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
)

func passed() probe.Outcome {
	return probe.Outcome{OK: true, Stage: probe.StageTarget, Addr: "1.1.1.1:443", Evidence: &probe.Evidence{TGKey: "d09d1d85de64fd85", TGProven: true}}
}

func failed(last, at probe.Stage, c probe.Class) probe.Outcome {
	return probe.Outcome{Stage: last, FailedAt: at, Class: c, Addr: "1.1.1.1:443"}
}

func TestOnlyARefusedDecoyProvesControl(t *testing.T) {
	t.Parallel()
	const tcp, handshake, auth, relay, target = probe.StageTCP, probe.StageHandshake, probe.StageAuth, probe.StageRelay, probe.StageTarget
	elsewhere := failed(handshake, auth, probe.ClassAuthRejected)
	elsewhere.Addr = "1.1.1.2:443"
	unproven := passed()
	unproven.Evidence = nil
	for name, tc := range map[string]struct {
		p           probe.Protocol
		ours, decoy probe.Outcome
		want        control.Finding
	}{
		"a password that counts":        {probe.SOCKS5, passed(), failed(handshake, auth, probe.ClassAuthRejected), control.Held},
		"hangs up on a wrong password":  {probe.SOCKS5, passed(), failed(handshake, auth, probe.ClassEOF), control.Held},
		"an open proxy":                 {probe.SOCKS5, passed(), passed(), control.DecoyPassed},
		"any password, a full relay":    {probe.HTTPConnect, passed(), failed(relay, target, probe.ClassTimeout), control.DecoyPassed},
		"any password, target down":     {probe.SOCKS5, passed(), failed(auth, relay, probe.ClassTargetUnreachable), control.DecoyPassed},
		"HTTP too busy for the decoy":   {probe.HTTPConnect, passed(), failed(handshake, relay, probe.ClassTargetUnreachable), control.DecoyUnclear},
		"SOCKS closed for the decoy":    {probe.SOCKS5, passed(), failed(tcp, handshake, probe.ClassEOF), control.DecoyUnclear},
		"SOCKS silent for the decoy":    {probe.SOCKS5, passed(), failed(tcp, handshake, probe.ClassTimeout), control.DecoyUnclear},
		"the decoy not answered at all": {probe.VLESS, passed(), failed(probe.StageGuard, tcp, probe.ClassRefused), control.DecoyUnclear},
		"another server for the decoy":  {probe.SOCKS5, passed(), elsewhere, control.DecoyUnclear},
		"ours down":                     {probe.SOCKS5, failed(handshake, auth, probe.ClassAuthRejected), failed(handshake, auth, probe.ClassAuthRejected), control.OursFailed},
		"ours without a proof":          {probe.SOCKS5, unproven, failed(handshake, auth, probe.ClassAuthRejected), control.OursFailed},
		"our network, with ours":        {probe.SOCKS5, failed(tcp, handshake, probe.ClassControlFailed), failed(handshake, auth, probe.ClassAuthRejected), control.NotKnown},
		"our network, with the decoy":   {probe.SOCKS5, passed(), failed(tcp, handshake, probe.ClassControlFailed), control.NotKnown},
		"WireGuard silent":              {probe.WireGuard, passed(), failed(probe.StageGuard, handshake, probe.ClassTimeout), control.Held},
		"WireGuard knows the decoy":     {probe.WireGuard, passed(), failed(auth, relay, probe.ClassTargetUnreachable), control.DecoyPassed},
		"MTProto masked":                {probe.MTProto, passed(), failed(handshake, auth, probe.ClassAuthRejected), control.Held},
		"MTProto hangs up":              {probe.MTProto, passed(), failed(tcp, handshake, probe.ClassEOF), control.Held},
		"Trojan's web site":             {probe.Trojan, passed(), failed(handshake, target, probe.ClassTargetInvalid), control.Held},
		"VLESS hangs up":                {probe.VLESS, passed(), failed(tcp, relay, probe.ClassEOF), control.Held},
		"OpenVPN says no":               {probe.OpenVPN, passed(), failed(handshake, auth, probe.ClassAuthRejected), control.Held},
		"OpenVPN silent":                {probe.OpenVPN, passed(), failed(probe.StageGuard, handshake, probe.ClassTimeout), control.DecoyUnclear},
		"Shadowsocks has none":          {probe.Shadowsocks, passed(), failed(tcp, relay, probe.ClassTimeout), control.DecoyUnclear},
	} {
		if got := control.Judge(tc.p, tc.ours, tc.decoy); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestJudgeChallenge(t *testing.T) {
	t.Parallel()
	for want, o := range map[control.Finding]probe.Outcome{
		control.Held: passed(), control.NoAnswer: failed(probe.StageTCP, probe.StageTarget, probe.ClassTargetInvalid),
		control.NotKnown: failed(probe.StageGuard, probe.StageTCP, probe.ClassControlFailed),
	} {
		if got := control.JudgeChallenge(o); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if len(control.Findings()) != 6 {
		t.Error("a finding is not listed")
	}
}
