package telegram

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the protocol's own hash
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/mtproto"
)

// testDC is added to a data centre's number in messages to Telegram's test
// environment.
const testDC = 10_000

// DC names a data centre.
type DC struct {
	ID   int16 // 1 to 5 today
	Test bool  // of the test environment
}

// wire is the number of the data centre in messages and headers.
func (d DC) wire() int16 {
	if d.Test {
		return d.ID + testDC
	}
	return d.ID
}

// Dial opens a transport to dc at addr through t, a tunnel that reaches any
// address.
func Dial(ctx context.Context, t probe.Tunnel, env probe.Env, dc DC, addr probe.Address) (*mtproto.Transport, error) {
	c, err := t.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	out, err := mtproto.NewTransport(c, env.Rand, nil, mtproto.Intermediate, dc.wire())
	if err != nil {
		c.Close()
		return nil, err
	}
	return out, nil
}

// DialProxy opens a transport to dc through one of Telegram's own proxies.
func DialProxy(ctx context.Context, p *mtproto.Proxy, dc DC) (*mtproto.Transport, error) {
	return p.Dial(ctx, dc.wire())
}

// session is one exchange of messages.
type session struct {
	t     *mtproto.Transport
	env   probe.Env
	stage probe.Stage // of what is missing when nothing answers
	nonce [16]byte
}

// resPQ is what a data centre answers first.
type resPQ struct {
	serverNonce  []byte // 16 bytes
	pq           []byte
	fingerprints []uint64
}

// Ping sends req_pq_multi and reads resPQ: something behind t speaks MTProto.
// Anyone can answer so; only Prove says who does. It passes the stage relay.
func Ping(t *mtproto.Transport, env probe.Env) error {
	_, _, err := start(t, env)
	return err
}

// Prove shows that dc answers over t with one of keys. It passes the stages relay
// and target. Errors are *probe.Error: of the stage relay as long as nothing has
// been relayed, of target after that. Class rate_limited is Telegram's -429.
func Prove(t *mtproto.Transport, env probe.Env, dc DC, keys Keys) (probe.Evidence, error) {
	s, first, err := start(t, env)
	if err != nil {
		return probe.Evidence{}, err
	}
	var key *rsa.PublicKey
	var fingerprint uint64
	for _, fp := range first.fingerprints {
		if k := keys.byFingerprint[fp]; k != nil {
			key, fingerprint = k, fp
			break
		}
	}
	if key == nil {
		return probe.Evidence{}, invalid("it offers no key of Telegram")
	}
	p, q, ok := factor(number(first.pq))
	if !ok {
		return probe.Evidence{}, invalid("its number has no two factors")
	}

	var newNonce [32]byte
	if _, err := io.ReadFull(env.Rand, newNonce[:]); err != nil {
		return probe.Evidence{}, probe.At(probe.StageTarget, err)
	}
	request, err := s.request(first, p, q, fingerprint, key, newNonce[:], dc)
	if err != nil {
		return probe.Evidence{}, probe.At(probe.StageTarget, err)
	}
	answer, err := s.call(request)
	if err != nil {
		return probe.Evidence{}, err
	}
	at, err := s.read(answer, first.serverNonce, newNonce[:])
	if err != nil {
		return probe.Evidence{}, err
	}
	env.Trace.Pass(probe.StageTarget)
	return probe.Evidence{
		TGDC: int(dc.ID), TGKey: fmt.Sprintf("%016x", fingerprint), TGProven: true,
		TGTimeSkewMS: at.Sub(env.Clock.Now().Truncate(time.Second)).Milliseconds(),
	}, nil
}

// start sends req_pq_multi and reads the answer.
func start(t *mtproto.Transport, env probe.Env) (*session, resPQ, error) {
	s := &session{t: t, env: env, stage: probe.StageRelay}
	if env.Trace.Reached() == probe.StageRelay {
		s.stage = probe.StageTarget
	}
	if _, err := io.ReadFull(env.Rand, s.nonce[:]); err != nil {
		return nil, resPQ{}, probe.At(s.stage, err)
	}
	answer, err := s.call(append(appendID(nil, idReqPQMulti), s.nonce[:]...))
	if err != nil {
		return nil, resPQ{}, err
	}
	first, ok := readResPQ(answer, s.nonce[:])
	if !ok {
		return nil, resPQ{}, invalid("its first answer is not resPQ")
	}
	env.Trace.Pass(probe.StageRelay)
	s.stage = probe.StageTarget
	return s, first, nil
}

func readResPQ(b, nonce []byte) (resPQ, bool) {
	r := reader{b: b}
	r.is(idResPQ)
	r.equals(nonce)
	out := resPQ{serverNonce: r.take(16), pq: r.bytes()}
	r.is(idVector)
	n := r.u32()
	if r.bad || len(out.pq) > 8 || uint64(n)*8 > uint64(len(r.b)) {
		return resPQ{}, false
	}
	for range n {
		out.fingerprints = append(out.fingerprints, r.u64())
	}
	return out, !r.bad
}

// number reads a big-endian number of at most 8 bytes.
func number(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// shortest writes n in as few bytes as it takes.
func shortest(n uint64) []byte {
	return bytes.TrimLeft(binary.BigEndian.AppendUint64(nil, n), "\x00")
}

// request makes req_DH_params.
func (s *session) request(
	first resPQ,
	p, q, fingerprint uint64,
	key *rsa.PublicKey,
	newNonce []byte,
	dc DC,
) ([]byte, error) {
	id := int32(dc.wire())
	inner := appendBytes(appendID(nil, idPQInnerDC), first.pq)
	inner = appendBytes(appendBytes(inner, shortest(p)), shortest(q))
	inner = append(append(append(inner, s.nonce[:]...), first.serverNonce...), newNonce...)
	inner = binary.LittleEndian.AppendUint32(inner, uint32(id)) //nolint:gosec // two's complement is the wire's form
	sealed, err := rsaPad(s.env.Rand, inner, key)
	if err != nil {
		return nil, err
	}
	out := append(append(appendID(nil, idReqDHParams), s.nonce[:]...), first.serverNonce...)
	out = appendBytes(appendBytes(out, shortest(p)), shortest(q))
	out = binary.LittleEndian.AppendUint64(out, fingerprint)
	return appendBytes(out, sealed), nil
}

// read checks server_DH_params_ok and returns the data centre's time.
func (s *session) read(answer, serverNonce, newNonce []byte) (time.Time, error) {
	r := reader{b: answer}
	r.is(idDHParamsOK)
	r.equals(s.nonce[:])
	r.equals(serverNonce)
	sealed := r.bytes()
	if r.bad || len(sealed) == 0 || len(sealed)%16 != 0 {
		return time.Time{}, invalid("its second answer is not server_DH_params_ok")
	}
	sum := func(a, b []byte) []byte {
		h := sha1.Sum(bytes.Join([][]byte{a, b}, nil)) //nolint:gosec // the protocol's own hash
		return h[:]
	}
	newServer, serverNew, newNew := sum(newNonce, serverNonce), sum(serverNonce, newNonce), sum(newNonce, newNonce)
	key := bytes.Join([][]byte{newServer, serverNew[:12]}, nil)
	iv := bytes.Join([][]byte{serverNew[12:], newNew, newNonce[:4]}, nil)
	plain, err := ige(key, iv, sealed, false)
	if err != nil {
		return time.Time{}, probe.At(probe.StageTarget, err)
	}
	return readInner(plain, s.nonce[:], serverNonce)
}

// readInner reads the hash and server_DH_inner_data, behind which up to 15 bytes
// of padding stand.
func readInner(plain, nonce, serverNonce []byte) (time.Time, error) {
	r := reader{b: plain}
	hash := r.take(sha1.Size)
	data := r.b
	r.is(idDHInnerData)
	r.equals(nonce)
	r.equals(serverNonce)
	r.u32()   // g
	r.bytes() // dh_prime
	r.bytes() // g_a
	at := r.u32()
	if r.bad || len(r.b) > 15 {
		return time.Time{}, invalid("it does not hold the key that it offers: its answer does not decrypt")
	}
	//nolint:gosec // the protocol's own hash
	if got := sha1.Sum(
		data[:len(data)-len(r.b)],
	); !bytes.Equal(
		got[:],
		hash,
	) {
		return time.Time{}, invalid("it does not hold the key that it offers: its answer has a wrong hash")
	}
	return time.Unix(int64(at), 0), nil
}

// plainHeader is what stands before an unencrypted message: no key, an id, and
// the length.
const plainHeader = 20

// call sends an unencrypted message and returns the answer.
func (s *session) call(message []byte) ([]byte, error) {
	now := s.env.Clock.Now()
	out := make([]byte, plainHeader, plainHeader+len(message))
	// Seconds above, a fraction below, divisible by four: a client's message.
	id := uint64(now.Unix())<<32 | uint64(now.Nanosecond())&^3 //nolint:gosec // the wire's form
	binary.LittleEndian.PutUint64(out[8:], id)
	binary.LittleEndian.PutUint32(out[16:], uint32(len(message))) //nolint:gosec // about 400 bytes
	if err := s.t.Send(append(out, message...)); err != nil {
		return nil, probe.At(s.stage, err)
	}
	b, err := s.t.Receive()
	if err != nil {
		return nil, s.late(err)
	}
	if len(b) < plainHeader { // with padding, an error has 4 to 19 bytes
		code := int32(binary.LittleEndian.Uint32(b)) //nolint:gosec // two's complement is the wire's form
		if code == errTooManyReqs {
			return nil, probe.Fail(s.stage, probe.ClassRateLimited, "Telegram asks to come back later")
		}
		return nil, probe.Fail(s.stage, probe.ClassTargetInvalid, "transport error %d", code)
	}
	r := reader{b: b}
	key := r.u64()
	r.u64()
	body := r.take(int(r.u32()))
	if r.bad || key != 0 {
		return nil, invalid("its answer is not a plain message")
	}
	return body, nil
}

// late gives an answer that did not come its stage.
func (s *session) late(err error) error {
	var f *probe.Error
	if errors.As(err, &f) && f.Class == probe.ClassTargetInvalid {
		return probe.At(probe.StageTarget, err)
	}
	return probe.At(s.stage, err)
}

func invalid(why string) error {
	return probe.Fail(probe.StageTarget, probe.ClassTargetInvalid, "%s", why)
}
