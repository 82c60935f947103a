package wireguard_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/device"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/fleet/probe/wireguard"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// target is port 443 of the server inside the tunnel.
func target(port uint16) probe.Address {
	in, _ := inside()
	return probe.AddressOf(netip.AddrPortFrom(in, port))
}

func ping(t *testing.T, timeout time.Duration, spec link.WireGuard, own [32]byte) probe.Outcome {
	t.Helper()
	return probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) error {
		p, err := wireguard.New(spec, env, own)
		if err != nil {
			return err
		}
		defer known(t, env, spec)
		return p.Ping(ctx)
	})
}

// known expects that the server's key is noted once the server has shown it.
func known(t *testing.T, env probe.Env, spec link.WireGuard) {
	t.Helper()
	want := ""
	if sum := sha256.Sum256(spec.PeerKey[:]); slices.Contains([]probe.Stage{probe.StageAuth, probe.StageRelay, probe.StageTarget}, env.Trace.Reached()) {
		want = hex.EncodeToString(sum[:])
	}
	if got := env.Trace.ServerKey(); got != want {
		t.Errorf("the server's key is %q at stage %s, want %q", got, env.Trace.Reached(), want)
	}
}

// through opens the tunnel of spec as far as an echo inside.
func through(t *testing.T, timeout time.Duration, spec link.WireGuard, to probe.Address) probe.Outcome {
	t.Helper()
	return probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) error {
		p, err := wireguard.New(spec, env, [32]byte{})
		if err != nil {
			return err
		}
		tunnel, err := p.Open(ctx)
		if err != nil {
			return err
		}
		defer known(t, env, spec)
		return probetest.Through(ctx, env, tunnel, to)
	})
}

// closedUDP is an address where no datagram is taken.
func closedUDP(t *testing.T) probe.Address {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	return probe.AddressOf(netip.MustParseAddrPort(pc.LocalAddr().String()))
}

func TestHandshakesAndTunnels(t *testing.T) {
	t.Parallel()
	echo := probetest.Serve(t, probetest.Echo)
	psk := [32]byte{7}
	with := func(change func(*link.WireGuard)) link.WireGuard {
		spec := server(t, psk, echo)
		change(&spec)
		return spec
	}
	stranger, strangerPublic := keyPair(t)
	for name, tc := range map[string]struct {
		spec       link.WireGuard
		to         probe.Address
		timeout    time.Duration
		ping, full string
	}{
		"right":               {with(func(*link.WireGuard) {}), target(443), probetest.Enough, "ok auth", "ok target"},
		"no preshared key":    {server(t, [32]byte{}, echo), target(443), probetest.Enough, "ok auth", "ok target"},
		"closed inside":       {with(func(*link.WireGuard) {}), target(444), probetest.Enough, "ok auth", "relay target_unreachable"},
		"unknown to it":       {with(func(s *link.WireGuard) { s.PrivateKey = stranger }), target(443), probetest.Patience, "handshake timeout", "handshake timeout"},
		"another server":      {with(func(s *link.WireGuard) { s.PeerKey = strangerPublic }), target(443), probetest.Patience, "handshake timeout", "handshake timeout"},
		"closed port":         {with(func(s *link.WireGuard) { s.Addr = closedUDP(t) }), target(443), probetest.Enough, "handshake refused", "handshake refused"},
		"black hole":          {with(func(s *link.WireGuard) { s.Addr = silent(t, func(net.PacketConn, net.Addr, []byte) {}) }), target(443), probetest.Patience, "handshake timeout", "handshake timeout"},
		"no key of WireGuard": {with(func(s *link.WireGuard) { s.PeerKey = [32]byte{} }), target(443), probetest.Patience, "parse config_invalid", "handshake timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			probetest.Want(t, ping(t, tc.timeout, tc.spec, [32]byte{}), tc.ping)
			if strings.HasPrefix(tc.full, "ok") || tc.ping == "ok auth" {
				// A server takes one handshake of a peer in 20 ms.
				<-time.After(50 * time.Millisecond)
			}
			probetest.Want(t, through(t, tc.timeout, tc.spec, tc.to), tc.full)
		})
	}
}

func TestAnotherPresharedKeyIsRejected(t *testing.T) {
	t.Parallel()
	spec := server(t, [32]byte{7}, probetest.Closed(t))
	spec.PSK = [32]byte{8}
	probetest.Want(t, ping(t, probetest.Enough, spec, [32]byte{}), "auth auth_rejected")
}

func TestTheCheckersOwnKey(t *testing.T) {
	t.Parallel()
	spec := server(t, [32]byte{}, probetest.Closed(t))
	own := spec.PrivateKey
	spec.PrivateKey = [32]byte{}
	probetest.Want(t, ping(t, probetest.Enough, spec, own), "ok auth")
	probetest.Want(t, ping(t, probetest.Enough, spec, [32]byte{}), "parse config_invalid")
}

func TestTelegramThroughATunnel(t *testing.T) {
	t.Parallel()
	spec := server(t, [32]byte{}, dctest.Serve(t))
	keys := dctest.Keys(t)
	out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		p, err := wireguard.New(spec, env, [32]byte{})
		if err != nil {
			return err
		}
		tunnel, err := p.Open(ctx)
		if err != nil {
			return err
		}
		defer tunnel.Close()
		c, err := telegram.Dial(ctx, tunnel, env, telegram.DC{ID: dctest.ID}, target(443))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = telegram.Prove(c, env, telegram.DC{ID: dctest.ID}, keys)
		return err
	})
	probetest.Want(t, out, "ok target")
}

func TestOtherServersAreNotTakenForWireGuard(t *testing.T) {
	t.Parallel()
	_, public := keyPair(t)
	private, _ := keyPair(t)
	for name, tc := range map[string]struct {
		answer func(b []byte) []byte
		want   string
	}{
		"echo":           {bytes.Clone, "handshake protocol_mismatch"},
		"short":          {func([]byte) []byte { return []byte{2} }, "handshake protocol_mismatch"},
		"a made-up one":  {func(b []byte) []byte { return shaped(b, 2, 92, 8) }, "auth auth_rejected"},
		"a made-up code": {func(b []byte) []byte { return shaped(b, 3, 64, 4) }, "handshake protocol_mismatch"},
		"for another":    {func([]byte) []byte { return append([]byte{2, 0, 0, 0, 1, 1, 1, 1, 1}, make([]byte, 83)...) }, "handshake protocol_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := silent(t, func(pc net.PacketConn, from net.Addr, b []byte) {
				if _, err := pc.WriteTo(tc.answer(b), from); err != nil {
					t.Error(err)
				}
			})
			spec := link.WireGuard{Addr: addr, PrivateKey: private, PeerKey: public}
			timeout := probetest.Enough
			if name == "echo" || name == "short" || name == "for another" {
				timeout = probetest.Patience // what is no answer is passed over until the end
			}
			probetest.Want(t, ping(t, timeout, spec, [32]byte{}), tc.want)
		})
	}
}

// shaped is an answer of the right shape to b, with nothing true in it.
func shaped(b []byte, kind byte, length, at int) []byte {
	out := bytes.Repeat([]byte{9}, length)
	copy(out, []byte{kind, 0, 0, 0})
	copy(out[at:], b[4:8])
	return out
}

func TestNoGoroutineIsLeftBehind(t *testing.T) { //nolint:paralleltest // counts goroutines
	spec := link.WireGuard{PrivateKey: [32]byte{1}, PeerKey: [32]byte{9}, Addr: closedUDP(t)}
	_, client := inside()
	spec.Addresses = []netip.Prefix{netip.PrefixFrom(client, 32)}
	through(t, probetest.Patience, spec, target(443))
	before := runtime.NumGoroutine()
	for range 10 {
		through(t, probetest.Patience, spec, target(443))
	}
	deadline := time.Now().Add(probetest.Enough)
	for runtime.NumGoroutine() > before+2 && time.Now().Before(deadline) {
		<-time.After(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines, then %d", before, after)
	}
}

// TestACookieIsAnsweredOnce: wireguard-go's own half makes the cookie and checks
// the code made from it.
func TestACookieIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	private, _ := keyPair(t)
	_, public := keyPair(t)
	var checker device.CookieChecker
	checker.Init(device.NoisePublicKey(public))
	codes := make(chan bool, 8)
	addr := silent(t, func(pc net.PacketConn, from net.Addr, b []byte) {
		codes <- checker.CheckMAC1(b) && checker.CheckMAC2(b, []byte(from.String()))
		reply, err := checker.CreateReply(b, binary.LittleEndian.Uint32(b[4:]), []byte(from.String()))
		if err != nil {
			t.Error(err)
			return
		}
		var out bytes.Buffer
		if err := binary.Write(&out, binary.LittleEndian, reply); err != nil {
			t.Error(err)
		}
		if _, err := pc.WriteTo(out.Bytes(), from); err != nil {
			t.Error(err)
		}
	})

	out := ping(t, probetest.Enough, link.WireGuard{Addr: addr, PrivateKey: private, PeerKey: public}, [32]byte{})

	probetest.Want(t, out, "handshake cookie_reply")
	if out.Class.Verdict(probe.Light) != probe.Up {
		t.Error("alive and under load is not up")
	}
	if first, second := <-codes, <-codes; first || !second || len(codes) != 0 {
		t.Errorf("first code %v, second %v, %d more messages", first, second, len(codes))
	}
}
