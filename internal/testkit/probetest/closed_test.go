package probetest_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// TestAClosedPortStaysClosed opens sockets until the kernel has gone through many ports:
// none is given the closed one, and it still refuses.
func TestAClosedPortStaysClosed(t *testing.T) {
	t.Parallel()
	tcp, udp := probetest.Closed(t), probetest.ClosedUDP(t)
	for range 2000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if l.Addr().String() == tcp.String() {
			t.Fatalf("%s was given to another socket", tcp)
		}
	}
	if _, err := net.Listen("tcp", tcp.String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("another socket listens at %s: %v", tcp, err)
	}
	if _, err := net.Dial("tcp", tcp.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("TCP: %v", err)
	}
	c, err := net.Dial("udp", udp.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("UDP: %v", err)
	}
}
