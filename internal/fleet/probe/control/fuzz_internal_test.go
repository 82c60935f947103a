package control

import (
	"bytes"
	"testing"
)

func FuzzAsked(f *testing.F) {
	f.Add(append([]byte(question), make([]byte, 32)...))
	f.Add([]byte(answer))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		nonce, ok := asked(b)
		if !ok {
			return
		}
		if out := packet("token", nonce); len(nonce) != nonceLen || len(out) > len(b) || bytes.Equal(out, b) {
			t.Errorf("%q is answered with %q", b, out)
		}
	})
}
