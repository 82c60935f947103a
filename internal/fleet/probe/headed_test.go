package probe_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// TestTheHeadGoesFirstAndOnce reads and writes at the same time: whichever comes first,
// the head is sent before the data, and once.
func TestTheHeadGoesFirstAndOnce(t *testing.T) {
	t.Parallel()
	for range 100 {
		here, there := net.Pipe()
		c := probe.Headed(here, []byte("head "))
		go func() {
			_, _ = c.Write([]byte("data"))
		}()
		go func() {
			_, _ = c.Read(make([]byte, 1))
			_ = here.Close()
		}()
		got := make([]byte, 9)
		if _, err := io.ReadFull(there, got); err != nil || !bytes.Equal(got, []byte("head data")) {
			t.Fatalf("the other side read %q, %v", got, err)
		}
		if _, err := there.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(there); err != nil || len(rest) != 0 {
			t.Fatalf("after the data came %q, %v", rest, err)
		}
	}
}
