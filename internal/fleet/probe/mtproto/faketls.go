package mtproto

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net"
	"slices"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// Types of TLS records.
const (
	recordCCS       = 0x14
	recordAlert     = 0x15
	recordHandshake = 0x16
	recordData      = 0x17
)

// maxRecord is TLS's longest record with the room that its encryption may take.
const maxRecord = 1<<14 + 256

// dress sends the hello and reads the answer of a proxy dressed up as TLS:
// three records, of which the first carries a digest of all.
func dress(c net.Conn, env probe.Env, spec link.MTProto) (net.Conn, error) {
	hello, err := clientHello(env.Rand, spec.SNI, spec.Key[:], env.Clock.Now())
	if err != nil {
		return nil, err
	}
	if err := greet(c, env.Trace, hello, spec.Key[:]); err != nil {
		return nil, err
	}
	return &records{Conn: c}, nil
}

// greet sends hello and reads the answer.
func greet(c net.Conn, tr *probe.Trace, hello, key []byte) error {
	if _, err := c.Write(hello); err != nil {
		return probe.At(probe.StageHandshake, err)
	}
	var answer []byte
	for i, want := range []byte{recordHandshake, recordCCS, recordData} {
		kind, record, err := readRecord(c)
		if err != nil {
			return probe.At(probe.StageHandshake, err)
		}
		if kind != want {
			return notTheProxy(i, kind)
		}
		answer = append(answer, record...)
	}
	tr.Pass(probe.StageHandshake)
	if !signed(answer, hello[randomAt:randomAt+randomLen], key) {
		return probe.Fail(probe.StageAuth, probe.ClassAuthRejected, "another server answers the hello")
	}
	tr.Pass(probe.StageAuth)
	return nil
}

// notTheProxy maps a record of another type than a proxy sends. A proxy hands
// whom it does not know to a real site, which has answers of its own.
func notTheProxy(i int, kind byte) error {
	tls := []byte{recordCCS, recordAlert, recordHandshake, recordData}
	if !slices.Contains(tls, kind) {
		return probe.Fail(probe.StageHandshake, probe.ClassProtocolMismatch, "the answer to the hello is not TLS")
	}
	return probe.Fail(
		probe.StageAuth,
		probe.ClassAuthRejected,
		"another server answers the hello: record %d is of type %#02x",
		i+1,
		kind,
	)
}

// signed reports whether the random bytes of answer are HMAC-SHA-256 under key
// of the hello's and of the answer with zeros in their place.
func signed(answer, helloRandom, key []byte) bool {
	if len(answer) < randomAt+randomLen {
		return false
	}
	answer = slices.Clone(answer)
	got := slices.Clone(answer[randomAt : randomAt+randomLen])
	clear(answer[randomAt : randomAt+randomLen])
	mac := hmac.New(sha256.New, key)
	mac.Write(helloRandom)
	mac.Write(answer)
	return hmac.Equal(mac.Sum(nil), got)
}

// readRecord returns a record's type and all of it, header included. What is no
// TLS is said after one byte.
func readRecord(r io.Reader) (kind byte, record []byte, err error) {
	var h [5]byte
	if _, err := io.ReadFull(r, h[:1]); err != nil {
		return 0, nil, err
	}
	if h[0] < recordCCS || h[0] > recordData {
		return h[0], nil, nil
	}
	if _, err := io.ReadFull(r, h[1:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(h[3:]))
	if n > maxRecord || h[1] != 3 {
		return 0, nil, &probe.Error{Class: probe.ClassProtocolMismatch, Detail: "a record that TLS does not have"}
	}
	record = append(h[:], make([]byte, n)...)
	_, err = io.ReadFull(r, record[5:])
	return h[0], record, err
}

// records puts data into records of TLS.
type records struct {
	net.Conn
	rest []byte // of the last record read
	sent bool
}

func (c *records) Write(p []byte) (int, error) {
	var out []byte
	if !c.sent {
		out, c.sent = append(out, recordCCS, 3, 3, 0, 1, 1), true
	}
	for part := range slices.Chunk(p, 1<<14) {
		out = append(out, recordData, 3, 3)
		out = binary.BigEndian.AppendUint16(out, uint16(len(part))) //nolint:gosec // at most 16 KiB
		out = append(out, part...)
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *records) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		kind, record, err := readRecord(c.Conn)
		switch {
		case err != nil:
			return 0, err
		case kind == recordData:
			c.rest = record[5:]
		case kind != recordCCS:
			return 0, &probe.Error{Class: probe.ClassProtocolMismatch, Detail: "a record that a proxy does not send"}
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
