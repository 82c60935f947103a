package httpconnect

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

func FuzzReadHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nA: b\r\n\r\nrest"))
	f.Add([]byte("HTTP/1.0 407\n\n"))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"))
	f.Add([]byte("\x05\x00"))
	f.Add([]byte(strings.Repeat("HTTP/1.1 100\r\n\r\n", 2000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bytes.NewReader(b)
		status, err := readHead(bufio.NewReader(in))
		if read := len(b) - in.Len(); read > maxHead+8192 {
			t.Errorf("%d bytes were read", read)
		}
		if err == nil && (status < 200 || status > 999) {
			t.Errorf("status %d", status)
		}
		if err != nil && probe.ClassOf(err) == probe.ClassLocalResources {
			t.Errorf("%v is held to be our own trouble", err)
		}
	})
}
