package datacentre_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/exchange"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/mtproxy"
	"github.com/gotd/td/mtproxy/obfuscated2"
	"github.com/gotd/td/proto"
	"github.com/gotd/td/transport"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/datacentre"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// keyFile is made once: a key takes a while.
var keyFile = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func start(t *testing.T) (*datacentre.Centre, *rsa.PrivateKey) {
	t.Helper()
	key, err := keyFile()
	if err != nil {
		t.Fatal(err)
	}
	d, err := datacentre.Start(t.Context(), loopback.DrawWorld().Host(0, 1), key, clock.Real{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, key
}

type direct struct{ env probe.Env }

func (d direct) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	return d.env.Dialer.Dial(ctx, probe.TCP, to, d.env.Trace)
}

func (direct) Close() error { return nil }

// prove makes the prober's own proof.
func prove(t *testing.T, d *datacentre.Centre, keys telegram.Keys) (probe.Evidence, probe.Outcome) {
	t.Helper()
	to, err := probe.ParseAddress(d.Addr)
	if err != nil {
		t.Fatal(err)
	}
	var ev probe.Evidence
	out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		c, err := telegram.Dial(ctx, direct{env}, env, telegram.DC{ID: 3}, to)
		if err != nil {
			return err
		}
		defer c.Close()
		ev, err = telegram.Prove(c, env, telegram.DC{ID: 3}, keys)
		return err
	})
	return ev, out
}

func TestAProberProvesTheKey(t *testing.T) {
	t.Parallel()
	d, key := start(t)
	keys, err := telegram.ParseKeys([]byte(datacentre.PublicPEM(key)))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // numbers of any length, nonces that begin with zeros
		ev, out := prove(t, d, keys)
		probetest.Want(t, out, "ok target")
		if !ev.TGProven || ev.TGKey != keys.Fingerprints()[0] || max(ev.TGTimeSkewMS, -ev.TGTimeSkewMS) > 60_000 {
			t.Fatalf("evidence %+v", ev)
		}
	}
	_, out := prove(t, d, dctest.OtherKeys(t))
	probetest.Want(t, out, "target target_invalid")
}

// sent keeps the constructors of what a client has sent.
type sent struct {
	transport.Conn
	ids []uint32
}

func (s *sent) Send(ctx context.Context, b *bin.Buffer) error {
	var m proto.UnencryptedMessage
	if err := m.Decode(&bin.Buffer{Buf: bytes.Clone(b.Buf)}); err == nil {
		id, _ := (&bin.Buffer{Buf: m.MessageData}).PeekID()
		s.ids = append(s.ids, id)
	}
	return s.Conn.Send(ctx, b)
}

type obfuscated struct {
	net.Conn
	*obfuscated2.Obfuscated2
}

func (o obfuscated) Read(p []byte) (int, error)  { return o.Obfuscated2.Read(p) }
func (o obfuscated) Write(p []byte) (int, error) { return o.Obfuscated2.Write(p) }

// TestAnotherClientBelievesIt: gotd/td takes every step of the key exchange as far
// as the data centre goes with it, and then sends what comes after a good answer.
func TestAnotherClientBelievesIt(t *testing.T) {
	t.Parallel()
	d, key := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	o := obfuscated{conn, obfuscated2.NewObfuscated2(rand.Reader, conn)}
	if err := o.Handshake([4]byte{0xdd, 0xdd, 0xdd, 0xdd}, 2, mtproxy.Secret{}); err != nil {
		t.Fatal(err)
	}
	c, err := transport.NewProtocol(transport.PaddedIntermediate.CodecNoHeader).Handshake(o)
	if err != nil {
		t.Fatal(err)
	}
	seen := &sent{Conn: c}
	if _, err := exchange.NewExchanger(seen, 2).Client([]exchange.PublicKey{{RSA: &key.PublicKey}}).Run(ctx); err == nil {
		t.Error("an authorization key came about")
	}
	want := []uint32{mt.ReqPqMultiRequestTypeID, mt.ReqDHParamsRequestTypeID, mt.SetClientDHParamsRequestTypeID}
	if len(seen.ids) != 3 || seen.ids[2] != want[2] {
		t.Errorf("sent %x, want %x", seen.ids, want)
	}
}

func TestTheKeyIsKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	first, err := datacentre.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := datacentre.LoadKey(path)
	if err != nil || !first.Equal(second) {
		t.Errorf("another key, %v", err)
	}
}
