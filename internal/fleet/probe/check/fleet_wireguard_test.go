package check_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/netstack"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// wireguardServer runs wireguard-go with n peers and joins port 443 inside to
// target. It returns the peers' configurations.
func wireguardServer(t *testing.T, n int, target probe.Address) []string {
	t.Helper()
	private, public := keyPair(t)
	tun, stack, err := netstack.CreateNetTUN([]netip.Addr{insideAddr(0)}, nil, 1420)
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dev := device.NewDevice(tun, &socket{pc: pc}, &device.Logger{Verbosef: device.DiscardLogf, Errorf: device.DiscardLogf})
	t.Cleanup(dev.Close)
	var config strings.Builder
	fmt.Fprintf(&config, "private_key=%x\n", private)
	out := make([]string, n)
	for i := range out {
		ours, oursPublic := keyPair(t)
		fmt.Fprintf(&config, "public_key=%x\nallowed_ip=%s/32\n", oursPublic, insideAddr(i+1))
		out[i] = peerConfig(ours, public, insideAddr(i+1), pc.LocalAddr().String())
	}
	if err := dev.IpcSet(config.String()); err != nil {
		t.Fatal(err)
	}
	if err := dev.Up(); err != nil {
		t.Fatal(err)
	}
	ln, err := stack.ListenTCPAddrPort(netip.AddrPortFrom(insideAddr(0), 443))
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
	return out
}

// socket is a conn.Bind on one socket of 127.0.0.1.
type socket struct {
	pc   net.PacketConn
	open atomic.Bool
}

func (s *socket) Open(uint16) ([]conn.ReceiveFunc, uint16, error) {
	s.open.Store(true)
	return []conn.ReceiveFunc{func(packets [][]byte, sizes []int, from []conn.Endpoint) (int, error) {
		n, a, err := s.pc.ReadFrom(packets[0])
		if err != nil {
			return 0, net.ErrClosed
		}
		e, err := s.ParseEndpoint(a.String())
		sizes[0], from[0] = n, e
		return 1, err
	}}, 0, nil
}

func (s *socket) Send(packets [][]byte, to conn.Endpoint) error {
	ap, err := netip.ParseAddrPort(to.DstToString())
	if err != nil {
		return err
	}
	for _, p := range packets {
		if _, err := s.pc.WriteTo(p, net.UDPAddrFromAddrPort(ap)); err != nil {
			return err
		}
	}
	return nil
}

func (s *socket) ParseEndpoint(text string) (conn.Endpoint, error) {
	ap, err := netip.ParseAddrPort(text)
	return place{ap}, err
}

func (s *socket) Close() error {
	if !s.open.Load() { // a device closes its bind before it opens it, too
		return nil
	}
	return s.pc.Close()
}

func (s *socket) SetMark(uint32) error { return nil }
func (s *socket) BatchSize() int       { return 1 }

type place struct{ ap netip.AddrPort }

func (place) ClearSrc()             {}
func (place) SrcToString() string   { return "" }
func (p place) DstToString() string { return p.ap.String() }
func (p place) DstToBytes() []byte  { return p.ap.Addr().AsSlice() }
func (p place) DstIP() netip.Addr   { return p.ap.Addr() }
func (place) SrcIP() netip.Addr     { return netip.Addr{} }
