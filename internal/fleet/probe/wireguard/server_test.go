package wireguard_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/netstack"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// inside is the server's address in the tunnel, and ours.
func inside() (server, client netip.Addr) {
	return netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.0.2")
}

func keyPair(t *testing.T) (private, public [32]byte) {
	t.Helper()
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(k.Bytes()), [32]byte(k.PublicKey().Bytes())
}

// server runs wireguard-go with one peer, and joins port 443 inside to target.
// It returns that peer's configuration.
func server(t *testing.T, psk [32]byte, target probe.Address) link.WireGuard {
	t.Helper()
	private, public := keyPair(t)
	ours, oursPublic := keyPair(t)
	in, client := inside()
	tun, stack, err := netstack.CreateNetTUN([]netip.Addr{in}, nil, 1420)
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dev := device.NewDevice(tun, &loopback{pc: pc}, &device.Logger{Verbosef: device.DiscardLogf, Errorf: device.DiscardLogf})
	t.Cleanup(dev.Close)
	config := fmt.Sprintf("private_key=%x\npublic_key=%x\npreshared_key=%x\nallowed_ip=%s/32\n", private, oursPublic, psk, client)
	if err := dev.IpcSet(config); err != nil {
		t.Fatal(err)
	}
	if err := dev.Up(); err != nil {
		t.Fatal(err)
	}
	ln, err := stack.ListenTCPAddrPort(netip.AddrPortFrom(in, 443))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				probetest.Join(t.Context(), struct {
					io.Reader
					io.Writer
				}{c, c}, target.String())
			}()
		}
	}()
	return link.WireGuard{
		Addr: probe.AddressOf(netip.MustParseAddrPort(pc.LocalAddr().String())), PrivateKey: ours, PeerKey: public, PSK: psk,
		Addresses: []netip.Prefix{netip.PrefixFrom(client, 32)},
	}
}

// loopback is a conn.Bind on one socket of 127.0.0.1: the stock one listens
// everywhere.
type loopback struct {
	pc   net.PacketConn
	open atomic.Bool
}

func (l *loopback) Open(uint16) ([]conn.ReceiveFunc, uint16, error) {
	l.open.Store(true)
	return []conn.ReceiveFunc{func(packets [][]byte, sizes []int, from []conn.Endpoint) (int, error) {
		n, a, err := l.pc.ReadFrom(packets[0])
		if err != nil {
			return 0, net.ErrClosed
		}
		e, err := l.ParseEndpoint(a.String())
		sizes[0], from[0] = n, e
		return 1, err
	}}, 0, nil
}

func (l *loopback) Send(packets [][]byte, to conn.Endpoint) error {
	for _, p := range packets {
		if _, err := l.pc.WriteTo(p, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to.DstToString()))); err != nil {
			return err
		}
	}
	return nil
}

func (l *loopback) ParseEndpoint(s string) (conn.Endpoint, error) {
	ap, err := netip.ParseAddrPort(s)
	return peerAt{ap}, err
}

func (l *loopback) Close() error {
	if !l.open.Load() { // a device closes its bind before it opens it, too
		return nil
	}
	return l.pc.Close()
}

func (l *loopback) SetMark(uint32) error { return nil }
func (l *loopback) BatchSize() int       { return 1 }

type peerAt struct{ ap netip.AddrPort }

func (peerAt) ClearSrc()             {}
func (peerAt) SrcToString() string   { return "" }
func (e peerAt) DstToString() string { return e.ap.String() }
func (e peerAt) DstToBytes() []byte  { return e.ap.Addr().AsSlice() }
func (e peerAt) DstIP() netip.Addr   { return e.ap.Addr() }
func (peerAt) SrcIP() netip.Addr     { return netip.Addr{} }

// silent is a UDP port that takes datagrams and hands them to answer.
func silent(t *testing.T, answer func(pc net.PacketConn, from net.Addr, b []byte)) probe.Address {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			answer(pc, from, b[:n])
		}
	}()
	return probe.AddressOf(netip.MustParseAddrPort(pc.LocalAddr().String()))
}
