package telegram_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/mtproto"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// direct is a tunnel that is none; it may cut reads short.
type direct struct {
	env   probe.Env
	short bool
}

func (d direct) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	c, err := d.env.Dialer.Dial(ctx, probe.TCP, to, d.env.Trace)
	if err == nil && d.short {
		c = shortReads{c}
	}
	return c, err
}

func (direct) Close() error { return nil }

type shortReads struct{ net.Conn }

func (s shortReads) Read(p []byte) (int, error) { return s.Conn.Read(p[:min(len(p), 7)]) }

// prove proves what answers at addr.
func prove(ctx context.Context, env probe.Env, addr probe.Address, dc telegram.DC, keys telegram.Keys, short bool) (probe.Evidence, error) {
	t, err := telegram.Dial(ctx, direct{env, short}, env, dc, addr)
	if err != nil {
		return probe.Evidence{}, err
	}
	defer t.Close()
	return telegram.Prove(t, env, dc, keys)
}

func TestOnlyTheHolderOfTheKeyIsProven(t *testing.T) {
	t.Parallel()
	dc := telegram.DC{ID: dctest.ID}
	keys, others := dctest.Keys(t), dctest.OtherKeys(t)
	for name, tc := range map[string]struct {
		addr    probe.Address
		dc      telegram.DC
		keys    telegram.Keys
		short   bool
		timeout time.Duration
		want    string
	}{
		"genuine":             {dctest.Serve(t), dc, keys, false, probetest.Enough, "ok target"},
		"genuine, in pieces":  {dctest.Serve(t), dc, keys, true, probetest.Enough, "ok target"},
		"another data centre": {dctest.Serve(t), telegram.DC{ID: 4}, keys, false, probetest.Enough, "target eof"},
		"of the test network": {dctest.Serve(t), telegram.DC{ID: dctest.ID, Test: true}, keys, false, probetest.Enough, "target eof"},
		"unknown key":         {dctest.Serve(t), dc, others, false, probetest.Enough, "target target_invalid"},
		"forger":              {dctest.Forge(t), dc, keys, false, probetest.Enough, "target target_invalid"},
		"rate limited":        {dctest.Refuse(t, -429), dc, keys, false, probetest.Enough, "relay rate_limited"},
		"transport error":     {dctest.Refuse(t, -404), dc, keys, false, probetest.Enough, "relay target_invalid"},
		"nothing to factor":   {dctest.Answer(t, nil), dc, keys, false, probetest.Enough, "target target_invalid"},
		"a prime":             {dctest.Answer(t, []byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xe7}), dc, keys, false, probetest.Enough, "target target_invalid"},
		"a long number":       {dctest.Answer(t, make([]byte, 200)), dc, keys, false, probetest.Enough, "target target_invalid"},
		"black hole":          {probetest.Serve(t, probetest.BlackHole), dc, keys, false, probetest.Patience, "relay timeout"},
		"banner":              {probetest.Serve(t, probetest.Banner), dc, keys, false, probetest.Enough, "target target_invalid"},
		"closed":              {probetest.Closed(t), dc, keys, false, probetest.Enough, "tcp refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ev probe.Evidence
			out := probetest.Run(t, tc.timeout, func(ctx context.Context, env probe.Env) (err error) {
				ev, err = prove(ctx, env, tc.addr, tc.dc, tc.keys, tc.short)
				return err
			})
			if name == "banner" && out.Class == probe.ClassEOF { // noise may begin like a short frame
				return
			}
			probetest.Want(t, out, tc.want)
			if ev.TGProven != out.OK {
				t.Errorf("evidence %+v", ev)
			}
			if out.OK && (ev.TGDC != dctest.ID || ev.TGKey != tc.keys.Fingerprints()[0] || ev.TGTimeSkewMS > 60_000 || ev.TGTimeSkewMS < -60_000) {
				t.Errorf("evidence %+v", ev)
			}
		})
	}
}

func TestAForgerPassesPingButNotTheProof(t *testing.T) {
	t.Parallel()
	addr := dctest.Forge(t)
	out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		c, err := telegram.Dial(ctx, direct{env: env}, env, telegram.DC{ID: dctest.ID}, addr)
		if err != nil {
			return err
		}
		defer c.Close()
		return telegram.Ping(c, env)
	})
	probetest.Want(t, out, "ok relay")
}

const (
	secretKey   = "0123456789abcdef0123456789abcdef"
	maskedHost  = "6d61736b65642e6578616d706c65"
	otherHost   = "6f746865722e6578616d706c65"
	otherSecret = "ffffffffffffffffffffffffffffffff"
)

// secret reads a secret as a link has it.
func secret(t *testing.T, s string) link.MTProto {
	t.Helper()
	spec, err := link.Parse("tg://proxy?server=a.example&port=443&secret=" + s)
	if err != nil {
		t.Fatal(err)
	}
	out, ok := spec.(link.MTProto)
	if !ok {
		t.Fatalf("%T", spec)
	}
	return out
}

func TestThroughTelegramsOwnProxies(t *testing.T) {
	t.Parallel()
	dc, keys := dctest.Serve(t), dctest.Keys(t)
	forged, closed := dctest.Forge(t), probetest.Closed(t)
	for name, tc := range map[string]struct {
		server, client string
		dc             probe.Address
		number         int16
		want           string
	}{
		"simple":                  {secretKey, secretKey, dc, dctest.ID, "ok target"},
		"padded":                  {"dd" + secretKey, "dd" + secretKey, dc, dctest.ID, "ok target"},
		"TLS":                     {"ee" + secretKey + maskedHost, "ee" + secretKey + maskedHost, dc, dctest.ID, "ok target"},
		"forged behind TLS":       {"ee" + secretKey + maskedHost, "ee" + secretKey + maskedHost, forged, dctest.ID, "target target_invalid"},
		"forged behind simple":    {secretKey, secretKey, forged, dctest.ID, "target target_invalid"},
		"wrong secret, simple":    {secretKey, otherSecret, dc, dctest.ID, "relay eof"},
		"wrong secret, padded":    {"dd" + secretKey, "dd" + otherSecret, dc, dctest.ID, "relay eof"},
		"wrong secret, TLS":       {"ee" + secretKey + maskedHost, "ee" + otherSecret + maskedHost, dc, dctest.ID, "auth auth_rejected"},
		"wrong name, TLS":         {"ee" + secretKey + maskedHost, "ee" + secretKey + otherHost, dc, dctest.ID, "auth auth_rejected"},
		"unknown data centre":     {secretKey, secretKey, dc, 4, "relay eof"},
		"no way to a data centre": {"ee" + secretKey + maskedHost, "ee" + secretKey + maskedHost, closed, dctest.ID, "relay eof"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := secret(t, tc.client)
			spec.Addr = dctest.Proxy(t, secret(t, tc.server), tc.dc)
			out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
				return viaProxy(ctx, env, spec, telegram.DC{ID: tc.number}, keys)
			})
			if tc.want == "relay eof" && out.FailedAt == probe.StageRelay && out.Class == probe.ClassReset {
				return // as the kernel pleases: bytes of ours were unread
			}
			probetest.Want(t, out, tc.want)
		})
	}
}

func viaProxy(ctx context.Context, env probe.Env, spec link.MTProto, dc telegram.DC, keys telegram.Keys) error {
	c, err := telegram.DialProxy(ctx, mtproto.New(spec, env), dc)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = telegram.Prove(c, env, dc, keys)
	return err
}

// TestAClockThatIsWrongIsRejected: a proxy dressed up as TLS takes a hello for a
// few seconds only, so that it cannot be played again.
func TestAClockThatIsWrongIsRejected(t *testing.T) {
	t.Parallel()
	spec := secret(t, "ee"+secretKey+maskedHost)
	spec.Addr = dctest.Proxy(t, spec, dctest.Serve(t))
	out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		env.Clock = clock.NewFake(time.Now().Add(-time.Minute))
		return viaProxy(ctx, env, spec, telegram.DC{ID: dctest.ID}, dctest.Keys(t))
	})
	probetest.Want(t, out, "auth auth_rejected")
}

func TestBadServersInPlaceOfAProxy(t *testing.T) {
	t.Parallel()
	keys := dctest.Keys(t)
	tlsHead := "\x16\x03\x03\x00\x7a" + strings.Repeat("a", 0x7a)
	for name, tc := range map[string]struct {
		secret  string
		serve   func(net.Conn)
		timeout time.Duration
		want    string
	}{
		"black hole, TLS":     {"ee" + secretKey + maskedHost, probetest.BlackHole, probetest.Patience, "handshake timeout"},
		"black hole, padded":  {"dd" + secretKey, probetest.BlackHole, probetest.Patience, "relay timeout"},
		"web server, TLS":     {"ee" + secretKey + maskedHost, probetest.Web, probetest.Enough, "handshake protocol_mismatch"},
		"banner, TLS":         {"ee" + secretKey + maskedHost, probetest.Banner, probetest.Enough, "handshake protocol_mismatch"},
		"alert, TLS":          {"ee" + secretKey + maskedHost, probetest.AfterFirst("\x15\x03\x01\x00\x02\x02\x28"), probetest.Enough, "auth auth_rejected"},
		"two hellos, TLS":     {"ee" + secretKey + maskedHost, probetest.AfterFirst(tlsHead + tlsHead), probetest.Enough, "auth auth_rejected"},
		"short hello, TLS":    {"ee" + secretKey + maskedHost, probetest.AfterFirst("\x16\x03\x03\x00\x01a\x14\x03\x03\x00\x01a\x17\x03\x03\x00\x01a"), probetest.Enough, "auth auth_rejected"},
		"endless record, TLS": {"ee" + secretKey + maskedHost, probetest.AfterFirst("\x16\x03\x03\xff\xffaaaa"), probetest.Enough, "handshake protocol_mismatch"},
		"cut, TLS":            {"ee" + secretKey + maskedHost, cut(tlsHead[:20]), probetest.Enough, "handshake eof"},
		"drip, TLS":           {"ee" + secretKey + maskedHost, probetest.Drip(tlsHead), probetest.Patience, "handshake timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := secret(t, tc.secret)
			spec.Addr = probetest.Serve(t, tc.serve)
			out := probetest.Run(t, tc.timeout, func(ctx context.Context, env probe.Env) error {
				return viaProxy(ctx, env, spec, telegram.DC{ID: dctest.ID}, keys)
			})
			probetest.Want(t, out, tc.want)
		})
	}
}

// cut sends text when all of the hello has come, and closes.
func cut(text string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, 517)); err == nil {
			_, _ = io.WriteString(c, text)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": "", "no key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	} {
		if _, err := telegram.ParseKeys([]byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
