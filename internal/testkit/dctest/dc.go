package dctest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"sync"
	"testing"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/exchange"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/proto"
	"github.com/gotd/td/transport"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// ID is the number of the data centre that Serve runs.
const ID = 2

// key is made once for a test binary: it takes a while.
var key = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Keys returns what stands for Telegram's keys.
func Keys(tb testing.TB) telegram.Keys {
	tb.Helper()
	return keysOf(tb, private(tb))
}

// OtherKeys returns a key that no data centre here has.
func OtherKeys(tb testing.TB) telegram.Keys {
	tb.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return keysOf(tb, k)
}

func keysOf(tb testing.TB, k *rsa.PrivateKey) telegram.Keys {
	tb.Helper()
	keys, err := telegram.ParseKeys(
		pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&k.PublicKey)}),
	)
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

func private(tb testing.TB) *rsa.PrivateKey {
	tb.Helper()
	k, err := key()
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// Serve runs a data centre with the key of Keys.
func Serve(tb testing.TB) probe.Address {
	tb.Helper()
	k := private(tb)
	ctx := tb.Context()
	return serve(tb, func(c transport.Conn) {
		_, _ = exchange.NewExchanger(c, ID).Server(exchange.PrivateKey{RSA: k}).Run(ctx)
	})
}

// Forge runs a server that offers the genuine key's fingerprint, without having
// the key: its second answer is noise.
func Forge(tb testing.TB) probe.Address {
	tb.Helper()
	fingerprint := exchange.PrivateKey{RSA: private(tb)}.Fingerprint()
	return serve(tb, func(c transport.Conn) {
		var first mt.ReqPqMultiRequest
		if receive(tb, c, &first) != nil {
			return
		}
		var nonce bin.Int128
		_, _ = rand.Read(nonce[:])
		pq := []byte{0x17, 0xed, 0x48, 0x94, 0x1a, 0x08, 0xf9, 0x81}
		if send(
			tb,
			c,
			&mt.ResPQ{
				Nonce:                       first.Nonce,
				ServerNonce:                 nonce,
				Pq:                          pq,
				ServerPublicKeyFingerprints: []int64{fingerprint},
			},
		) != nil {
			return
		}
		var second mt.ReqDHParamsRequest
		if receive(tb, c, &second) != nil {
			return
		}
		noise := make([]byte, 592)
		_, _ = rand.Read(noise)
		if send(tb, c, &mt.ServerDHParamsOk{Nonce: first.Nonce, ServerNonce: nonce, EncryptedAnswer: noise}) == nil {
			_ = c.Recv(tb.Context(), &bin.Buffer{})
		}
	})
}

// Answer runs a server that answers the first message with pq, as the number to
// factor, and takes no second one.
func Answer(tb testing.TB, pq []byte) probe.Address {
	tb.Helper()
	fingerprint := exchange.PrivateKey{RSA: private(tb)}.Fingerprint()
	return serve(tb, func(c transport.Conn) {
		var first mt.ReqPqMultiRequest
		if receive(tb, c, &first) == nil {
			_ = send(tb, c, &mt.ResPQ{Nonce: first.Nonce, Pq: pq, ServerPublicKeyFingerprints: []int64{fingerprint}})
			_ = c.Recv(tb.Context(), &bin.Buffer{})
		}
	})
}

// Refuse runs a server that answers with a transport error, such as -429.
func Refuse(tb testing.TB, code int32) probe.Address {
	tb.Helper()
	return serve(tb, func(c transport.Conn) {
		b := &bin.Buffer{}
		if c.Recv(tb.Context(), b) == nil {
			b.Reset()
			b.PutInt32(code)
			_ = c.Send(tb.Context(), b)
			_ = c.Recv(tb.Context(), &bin.Buffer{})
		}
	})
}

// serve accepts obfuscated transports of any framing.
func serve(tb testing.TB, answer func(transport.Conn)) probe.Address {
	tb.Helper()
	return probetest.Serve(tb, func(c net.Conn) {
		if t, err := transport.Listen(transport.ObfuscatedListener(one{c})).Accept(); err == nil {
			answer(t)
		}
	})
}

// one is a listener with one connection.
type one struct{ net.Conn }

func (o one) Accept() (net.Conn, error) { return o.Conn, nil }
func (o one) Addr() net.Addr            { return o.LocalAddr() }

func receive(tb testing.TB, c transport.Conn, into bin.Decoder) error {
	tb.Helper()
	b := &bin.Buffer{}
	if err := c.Recv(tb.Context(), b); err != nil {
		return err
	}
	var m proto.UnencryptedMessage
	if err := m.Decode(b); err != nil {
		return err
	}
	return into.Decode(&bin.Buffer{Buf: m.MessageData})
}

func send(tb testing.TB, c transport.Conn, message bin.Encoder) error {
	tb.Helper()
	b := &bin.Buffer{}
	if err := message.Encode(b); err != nil {
		return err
	}
	m := proto.UnencryptedMessage{MessageID: 1, MessageData: b.Copy()}
	b.Reset()
	if err := m.Encode(b); err != nil {
		return err
	}
	return c.Send(tb.Context(), b)
}
