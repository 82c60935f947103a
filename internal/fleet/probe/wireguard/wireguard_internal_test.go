package wireguard

import (
	"crypto/ecdh"
	"crypto/rand"
	"testing"
	"time"
)

func FuzzAnswers(f *testing.F) {
	f.Add(make([]byte, responseLen))
	f.Add(append([]byte{typeResponse, 0, 0, 0}, make([]byte, responseLen-4)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		peer, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		i, first, err := initiate(rand.Reader, time.Unix(1_800_000_000, 0), [32]byte{1}, [32]byte(peer.PublicKey().Bytes()), [32]byte{})
		if err != nil || len(withCookie(first, nil)) != initiationLen {
			t.Fatalf("%d bytes, %v", len(first), err)
		}
		m := make([]byte, responseLen)
		copy(m, b)
		if _, err := i.cookie(m[:cookieLen]); err == nil {
			t.Error("a cookie that nobody made is taken")
		}
		if err := i.finish(m); err == nil {
			t.Error("an answer that nobody made is taken")
		}
	})
}
