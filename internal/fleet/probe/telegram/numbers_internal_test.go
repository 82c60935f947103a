package telegram

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"math/big"
	"net"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/mtproto"
)

func TestFactor(t *testing.T) {
	t.Parallel()
	// The example of core.telegram.org/mtproto/samples-auth_key.
	if p, q, ok := factor(0x17ED48941A08F981); !ok || p != 0x494C553B || q != 0x53911073 {
		t.Errorf("%x %x %v", p, q, ok)
	}
	for _, n := range []uint64{0, 1, 2, 3, 5, 7, 1<<63 - 25, 1 << 63, 1<<64 - 59} {
		if p, q, ok := factor(n); ok {
			t.Errorf("%d = %d * %d", n, p, q)
		}
	}
	for _, n := range []uint64{4, 6, 9, 25, 2147483647 * 2147483647, 3 * 3074457345618258599, 1 << 62} {
		if p, q, ok := factor(n); !ok || p*q != n || p == 1 || p > q {
			t.Errorf("%d: %d * %d, %v", n, p, q, ok)
		}
	}
}

func TestFactorFindsTwoPrimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		prime := func(name string) uint64 {
			n := rapid.Uint64Range(3, 1<<31-1).Draw(t, name) | 1
			for !new(big.Int).SetUint64(n).ProbablyPrime(0) {
				n += 2
			}
			return n
		}
		a, b := prime("a"), prime("b")
		if a*b>>63 != 0 {
			return
		}
		p, q, ok := factor(a * b)
		if !ok || p != min(a, b) || q != max(a, b) {
			t.Fatalf("%d * %d: %d %d %v", a, b, p, q, ok)
		}
	})
}

// TestIGE: that it is MTProto's IGE, the data centre of gotd/td shows.
func TestIGE(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		iv := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "iv")
		in := rapid.SliceOfN(rapid.Byte(), 16, 160).Draw(t, "in")
		in = in[:len(in)/16*16]
		sealed, err := ige(key, iv, in, true)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ige(key, iv, sealed, false); err != nil || !bytes.Equal(back, in) {
			t.Fatalf("%x, want %x, %v", back, in, err)
		}
	})
	if _, err := ige(make([]byte, 32), make([]byte, 32), make([]byte, 15), true); err == nil {
		t.Error("15 bytes are taken")
	}
}

// TestFingerprintsOfTelegramsKeys holds them as other clients know them.
func TestFingerprintsOfTelegramsKeys(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/telegram.pem")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b25898df208d2603", "d09d1d85de64fd85"}, keys.Fingerprints()); diff != "" {
		t.Error(diff)
	}
}

// reply is a connection that answers with what the test says, decrypted to it
// whatever the key: the transport is taken off before.
type reply struct {
	net.Conn
	io.Reader
}

func (r reply) Read(p []byte) (int, error)  { return r.Reader.Read(p) }
func (r reply) Write(p []byte) (int, error) { return len(p), nil }
func (r reply) Close() error                { return nil }

func FuzzAnswers(f *testing.F) {
	nonce := make([]byte, 16)
	good, err := hex.DecodeString("63241605" + "00000000000000000000000000000000" + "11111111111111111111111111111111" +
		"0817ed48941a08f981000000" + "15c4b51c" + "01000000" + "85fd64de851d9dd0")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:40])
	f.Add(bytes.Repeat([]byte{0xfe}, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		if first, ok := readResPQ(b, nonce); ok {
			if len(first.serverNonce) != 16 || len(first.pq) > 8 || len(first.fingerprints)*8 > len(b) {
				t.Errorf("%+v", first)
			}
			factor(number(first.pq))
		}
		if _, err := readInner(b, nonce, nonce); err != nil && probe.ClassOf(err) != probe.ClassTargetInvalid {
			t.Errorf("%v", err)
		}
		c, err := mtproto.NewTransport(reply{Reader: bytes.NewReader(b)}, rand.Reader, nil, mtproto.Intermediate, 2)
		if err != nil {
			t.Fatal(err)
		}
		s := &session{t: c, env: probe.Env{Clock: clock.Real{}, Rand: rand.Reader, Trace: probe.NewTrace(clock.Real{})}, stage: probe.StageRelay}
		if _, err := s.call([]byte("x")); err != nil && probe.ClassOf(err) == probe.ClassLocalResources {
			t.Errorf("%v is held to be our own trouble", err)
		}
		_, _ = s.read(b, nonce, make([]byte, 32))
	})
}

// TestInnerData: each part of an answer that decrypts is checked by itself.
func TestInnerData(t *testing.T) {
	t.Parallel()
	ours, theirs := bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 16)
	data := append(appendID(nil, idDHInnerData), slices.Concat(ours, theirs, []byte{3, 0, 0, 0})...)
	data = appendBytes(appendBytes(data, make([]byte, 256)), make([]byte, 256))
	data = appendID(data, 1_800_000_256)
	hash := sha1.Sum(data)
	plain := slices.Concat(hash[:], data, make([]byte, 12))

	if at, err := readInner(plain, ours, theirs); err != nil || at.Unix() != 1_800_000_256 {
		t.Errorf("%v, %v", at, err)
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"hash":              func(b []byte) []byte { b[0] ^= 1; return b },
		"constructor":       func(b []byte) []byte { b[20] ^= 1; return b },
		"our nonce":         func(b []byte) []byte { return rehashed(b, 24) },
		"the server's":      func(b []byte) []byte { return rehashed(b, 40) },
		"time":              func(b []byte) []byte { b[len(b)-13] ^= 1; return b },
		"cut":               func(b []byte) []byte { return b[:len(b)-14] },
		"too much behind":   func(b []byte) []byte { return append(b, make([]byte, 16)...) },
		"a length too long": func(b []byte) []byte { b[57] = 0xff; return b },
	} {
		if _, err := readInner(spoil(bytes.Clone(plain)), ours, theirs); probe.ClassOf(err) != probe.ClassTargetInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// rehashed changes a byte and sets the hash right again.
func rehashed(b []byte, at int) []byte {
	b[at] ^= 1
	hash := sha1.Sum(b[20 : len(b)-12])
	copy(b, hash[:])
	return b
}
