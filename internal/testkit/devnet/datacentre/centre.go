package datacentre

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the protocol's own hash
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
)

// Constructors of the messages.
const (
	reqPQMulti  = 0xbe7e8ef1
	resPQ       = 0x05162463
	vector      = 0x1cb5c415
	reqDHParams = 0xd712e4be
	pqInnerDC   = 0xa9f55f95
	dhParamsOK  = 0xd0e8075c
	dhInner     = 0xb5890dba
)

const (
	patience = 30 * time.Second // with one client
	maxFrame = 4 << 10
)

// Centre is a running data centre.
type Centre struct {
	*loopback.Server

	key   *rsa.PrivateKey
	clock clock.Clock
}

// Start runs a data centre that holds key on any free port of host.
func Start(ctx context.Context, host string, key *rsa.PrivateKey, c clock.Clock) (*Centre, error) {
	d := &Centre{key: key, clock: c}
	var err error
	d.Server, err = loopback.Listen(ctx, host, 0, "the demo's data centre", d.answer)
	return d, err
}

// answer talks with one client. What ends it is the client's business.
func (d *Centre) answer(conn net.Conn) {
	if conn.SetDeadline(d.clock.Now().Add(patience)) != nil {
		return
	}
	s, h, err := Accept(conn)
	if err != nil {
		return
	}
	e := exchange{centre: d}
	for {
		message, err := receive(s)
		if err != nil {
			return
		}
		answer, err := e.answer(message)
		if err != nil {
			_ = send(s, h, binary.LittleEndian.AppendUint32(nil, 0xfffffe6c)) // -404, and good-bye
			return
		}
		if send(s, h, d.plain(answer)) != nil {
			return
		}
	}
}

// receive reads one unencrypted message, and skips padding.
func receive(s io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(s, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n < 24 || n > maxFrame {
		return nil, errors.New("a frame of no message")
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(s, b); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(b[16:])
	if binary.LittleEndian.Uint64(b) != 0 || size > n-20 {
		return nil, errors.New("not an unencrypted message")
	}
	return b[20 : 20+size], nil
}

func send(s io.Writer, h Header, message []byte) error {
	if h.Framing == 0xdd {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		message = append(message, b[1:1+b[0]%16]...)
	}
	frame := binary.LittleEndian.AppendUint32(nil, uint32(len(message))) //nolint:gosec // at most 700 bytes
	_, err := s.Write(append(frame, message...))
	return err
}

// plain puts the header of an unencrypted message before b. Its id is the time
// times 2^32, and odd as an answer's.
func (d *Centre) plain(b []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, 0)
	out = binary.LittleEndian.AppendUint64(out, uint64(d.clock.Now().Unix())<<32|1) //nolint:gosec // after 1970
	out = binary.LittleEndian.AppendUint32(out, uint32(len(b)))                     //nolint:gosec // at most 700 bytes
	return append(out, b...)
}

// exchange is what is known of one client.
type exchange struct {
	centre      *Centre
	nonce, ours []byte // 16 bytes each, once the first message came
	pq, p, q    []byte // the number that the client has to factor
	finished    bool   // the second message was answered: nothing comes after it
}

func (e *exchange) answer(message []byte) ([]byte, error) {
	if len(message) < 4 || e.finished {
		return nil, errors.New("nothing to answer")
	}
	switch id := binary.LittleEndian.Uint32(message); {
	case id == reqPQMulti && len(message) == 20:
		return e.first(message[4:])
	case id == reqDHParams && e.nonce != nil:
		return e.second(message[4:])
	}
	return nil, errors.New("another message")
}

// first answers req_pq_multi.
func (e *exchange) first(nonce []byte) ([]byte, error) {
	e.nonce, e.ours = bytes.Clone(nonce), make([]byte, 16)
	_, _ = rand.Read(e.ours) // never fails
	p, err := rand.Prime(rand.Reader, 31)
	if err != nil {
		return nil, err
	}
	q := p
	for q.Cmp(p) == 0 {
		if q, err = rand.Prime(rand.Reader, 31); err != nil {
			return nil, err
		}
	}
	if p.Cmp(q) > 0 {
		p, q = q, p
	}
	e.p, e.q, e.pq = p.Bytes(), q.Bytes(), new(big.Int).Mul(p, q).Bytes()

	out := binary.LittleEndian.AppendUint32(nil, resPQ)
	out = slices.Concat(out, e.nonce, e.ours)
	out = appendBytes(out, e.pq)
	out = binary.LittleEndian.AppendUint32(out, vector)
	out = binary.LittleEndian.AppendUint32(out, 1)
	return binary.LittleEndian.AppendUint64(out, fingerprint(&e.centre.key.PublicKey)), nil
}

// second answers req_DH_params.
func (e *exchange) second(b []byte) ([]byte, error) {
	bad := errors.New("req_DH_params does not fit")
	if len(b) < 32 || !bytes.Equal(b[:32], slices.Concat(e.nonce, e.ours)) {
		return nil, bad
	}
	p, b, ok := cutBytes(b[32:])
	if !ok || !bytes.Equal(p, e.p) {
		return nil, bad
	}
	q, b, ok := cutBytes(b)
	if !ok || !bytes.Equal(q, e.q) || len(b) < 8 ||
		binary.LittleEndian.Uint64(b) != fingerprint(&e.centre.key.PublicKey) {
		return nil, bad
	}
	sealed, b, ok := cutBytes(b[8:])
	if !ok || len(b) != 0 || len(sealed) != keyBits/8 {
		return nil, bad
	}
	key := e.centre.key
	number := new(big.Int).Exp(new(big.Int).SetBytes(sealed), key.D, key.N)
	inner, err := unpad(number.FillBytes(make([]byte, keyBits/8)))
	if err != nil {
		return nil, err
	}
	want := binary.LittleEndian.AppendUint32(nil, pqInnerDC)
	want = appendBytes(appendBytes(appendBytes(want, e.pq), e.p), e.q)
	want = slices.Concat(want, e.nonce, e.ours)
	if !bytes.HasPrefix(inner, want) {
		return nil, bad
	}
	e.finished = true
	return e.params(inner[len(want):][:32])
}

// params is server_DH_params_ok for a client's new nonce.
func (e *exchange) params(newNonce []byte) ([]byte, error) {
	group := prime()
	secret, err := rand.Int(rand.Reader, group)
	if err != nil {
		return nil, err
	}
	inner := binary.LittleEndian.AppendUint32(nil, dhInner)
	inner = slices.Concat(inner, e.nonce, e.ours)
	inner = binary.LittleEndian.AppendUint32(inner, 3)
	inner = appendBytes(inner, group.Bytes())
	inner = appendBytes(inner, new(big.Int).Exp(big.NewInt(3), secret, group).Bytes())
	inner = binary.LittleEndian.AppendUint32(inner, uint32(e.centre.clock.Now().Unix())) //nolint:gosec // until 2106

	hash := hashed(inner)
	plain := slices.Concat(hash, inner)
	noise := make([]byte, -len(plain)&15)
	_, _ = rand.Read(noise) // never fails
	a, b, c := hashed(newNonce, e.ours), hashed(e.ours, newNonce), hashed(newNonce, newNonce)
	sealed, err := ige(slices.Concat(a, b[:12]), slices.Concat(b[12:], c, newNonce[:4]), append(plain, noise...), true)
	if err != nil {
		return nil, err
	}
	out := binary.LittleEndian.AppendUint32(nil, dhParamsOK)
	return appendBytes(slices.Concat(out, e.nonce, e.ours), sealed), nil
}

func hashed(parts ...[]byte) []byte {
	sum := sha1.Sum(slices.Concat(parts...)) //nolint:gosec // the protocol's own hash
	return sum[:]
}
