package openvpn

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// Limits of the control channel. A server's window is at least eight packets; a
// record of TLS is cut into pieces that every path carries.
const (
	window    = 4    // packets under way
	ahead     = 12   // packets taken before the one that is missing
	maxPiece  = 1000 // bytes of TLS in a packet
	maxPacket = 4096 // bytes of a packet from the server
	carried   = 4    // acknowledgements on a packet that has something else to say
)

// When a packet over UDP is sent again. A first one may reach somebody who did
// not ask for it: few copies, and the longer the fewer. A server that has
// answered is one that waits, and its own copies come seconds apart.
const (
	maxTries = 3
	retry    = time.Second
	metTries = 12
	metRetry = 600 * time.Millisecond
)

// session is the control channel: packets with numbers, acknowledged, over one
// connection. It is the net.Conn under TLS. It belongs to one goroutine and
// reads only when that asks for something.
type session struct {
	net.Conn
	stream bool // TCP: packets with their length in front, none lost
	quiet  bool // acknowledge nothing
	wrap   wrapping
	data   func(packet []byte) // takes packets of the data channel; may be nil

	own, peer sessionID
	met       bool // the server's first packet came
	odd       error

	flight [][]byte // bodies that are not acknowledged, with their numbers
	number uint32   // the next one
	timer  *time.Timer
	late   atomic.Bool // it is time to send the flight again
	tries  int

	recent []uint32          // packets that are acknowledged, again and again: an acknowledgement may be lost
	expect uint32            // the server's next packet
	early  map[uint32][]byte // what came before it
	ready  [][]byte          // what TLS has not read yet
	buf    []byte
}

// newSession returns a session on c. It must be closed.
func newSession(c net.Conn, stream bool, w wrapping, random io.Reader) (*session, error) {
	s := &session{Conn: c, stream: stream, wrap: w, early: map[uint32][]byte{}, buf: make([]byte, maxPacket)}
	if _, err := io.ReadFull(random, s.own[:]); err != nil {
		return nil, err
	}
	s.timer = time.AfterFunc(time.Hour, func() {
		s.late.Store(true)
		_ = c.SetReadDeadline(time.Unix(1, 0))
	})
	s.timer.Stop()
	return s, nil
}

// reset sends the client's first packet and waits for the server's.
func (s *session) reset() error {
	if err := s.send(opResetClient, nil); err != nil {
		return err
	}
	for !s.met {
		if err := s.step(); err != nil {
			return err
		}
	}
	return nil
}

// frame returns a packet as the connection carries it.
func (s *session) frame(packet []byte) []byte {
	if !s.stream {
		return packet
	}
	//nolint:gosec // none of ours is longer than two pieces
	return append(
		binary.BigEndian.AppendUint16(nil, uint16(len(packet))),
		packet...)
}

// emit sends a packet of the control channel, with acknowledgements.
func (s *session) emit(p control) error {
	p.from, p.to = s.own, s.peer
	n := carried
	if p.op == opAck {
		n = maxAcks
	}
	p.acks = s.recent[max(0, len(s.recent)-n):]
	_, err := s.Conn.Write(s.frame(s.wrap.wrap(p.header(), p.body())))
	return err
}

// send sends a packet that is to be acknowledged.
func (s *session) send(op byte, payload []byte) error {
	for len(s.flight) >= window {
		if err := s.step(); err != nil {
			return err
		}
	}
	p := control{op: op, id: s.number, payload: payload}
	s.number++
	s.flight = append(s.flight, append([]byte{op}, p.body()[1:]...))
	if !s.stream {
		s.tries = 1
		s.timer.Reset(s.wait())
	}
	return s.emit(p)
}

// wait returns how long an answer is waited for after the last copy; 0 for no
// other copy.
func (s *session) wait() time.Duration {
	switch {
	case s.met && s.tries < metTries:
		return metRetry
	case !s.met && s.tries < maxTries:
		return retry << (s.tries - 1)
	}
	return 0
}

// again sends what is not acknowledged another time.
func (s *session) again() error {
	_ = s.SetReadDeadline(time.Time{}) // of a closed connection, the next read tells
	if s.wait() == 0 || len(s.flight) == 0 {
		return nil
	}
	s.tries++
	if wait := s.wait(); wait > 0 {
		s.timer.Reset(wait)
	}
	for _, f := range s.flight {
		if err := s.emit(control{op: f[0], id: binary.BigEndian.Uint32(f[1:]), payload: f[5:]}); err != nil {
			return err
		}
	}
	return nil
}

// step reads one packet and does what it asks for, or sends again what is late.
func (s *session) step() error {
	packet, err := s.receive()
	switch {
	case err != nil && probe.ClassOf(err) == probe.ClassTimeout && s.late.Swap(false):
		return s.again()
	case err != nil && probe.ClassOf(err) == probe.ClassTimeout && s.odd != nil && !s.met:
		return s.odd
	case err != nil:
		return err
	}
	return s.handle(packet)
}

// receive reads one packet, which is valid until the next call.
func (s *session) receive() ([]byte, error) {
	if !s.stream {
		n, err := s.Conn.Read(s.buf)
		return s.buf[:n], err
	}
	if _, err := io.ReadFull(s.Conn, s.buf[:2]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(s.buf))
	if n == 0 || n > len(s.buf) {
		return nil, &probe.Error{Class: probe.ClassProtocolMismatch, Detail: "what answers is not OpenVPN"}
	}
	_, err := io.ReadFull(s.Conn, s.buf[:n])
	return s.buf[:n], err
}

// strange takes note of a packet that is not of this session. Anyone can send
// such a datagram, so it is passed over; in a stream it is the server's word.
func (s *session) strange(class probe.Class, detail string) error {
	s.odd = &probe.Error{Class: class, Detail: detail}
	if s.stream {
		return s.odd
	}
	return nil
}

func (s *session) handle(packet []byte) error {
	if len(packet) == 0 {
		return s.strange(probe.ClassProtocolMismatch, "what answers is not OpenVPN")
	}
	switch op := packet[0] >> 3; op {
	case opDataV1, opDataV2:
		if s.data != nil {
			s.data(packet)
		}
		return nil
	case opControl, opAck, opResetServer:
	default:
		if s.met {
			return nil // of no use to a check, such as an exchange of new keys
		}
		return s.strange(probe.ClassProtocolMismatch, "what answers is not OpenVPN")
	}
	header, body, ok := s.wrap.unwrap(packet)
	if !ok {
		return s.strange(probe.ClassAuthRejected, "the answer is not under the profile's static key")
	}
	p, ok := parseControl(header, body)
	switch {
	case !ok || packet[0]&7 != 0:
		return s.strange(probe.ClassProtocolMismatch, "what answers is not OpenVPN")
	case len(p.acks) > 0 && p.to != s.own, s.met && p.from != s.peer:
		return s.strange(probe.ClassProtocolMismatch, "the answer is for another session")
	case !s.met && (p.op != opResetServer || len(p.acks) == 0):
		return s.strange(probe.ClassProtocolMismatch, "the answer does not begin a session")
	}
	s.met, s.peer = true, p.from
	s.acknowledged(p.acks)
	if p.op == opAck {
		return nil
	}
	return s.take(p)
}

// acknowledged takes packets out of the flight.
func (s *session) acknowledged(ids []uint32) {
	before := len(s.flight)
	s.flight = slices.DeleteFunc(
		s.flight,
		func(f []byte) bool { return slices.Contains(ids, binary.BigEndian.Uint32(f[1:])) },
	)
	switch {
	case len(s.flight) == 0:
		s.timer.Stop()
	case len(s.flight) < before && !s.stream:
		s.tries = 1 // something got through: the rest has all its copies before it
		s.timer.Reset(s.wait())
	}
}

// take puts a packet into its place and acknowledges it.
func (s *session) take(p control) error {
	if p.id-s.expect >= ahead && p.id >= s.expect {
		return nil // the server will send it again
	}
	if p.id >= s.expect {
		s.early[p.id] = p.payload
	}
	for {
		payload, ok := s.early[s.expect]
		if !ok {
			break
		}
		delete(s.early, s.expect)
		s.expect++
		if len(payload) > 0 {
			s.ready = append(s.ready, payload)
		}
	}
	if s.quiet {
		return nil
	}
	s.recent = append(s.recent[max(0, len(s.recent)+1-maxAcks):], p.id)
	return s.emit(control{op: opAck})
}

// Read reads TLS.
func (s *session) Read(p []byte) (int, error) {
	for len(s.ready) == 0 {
		if err := s.step(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.ready[0])
	if s.ready[0] = s.ready[0][n:]; len(s.ready[0]) == 0 {
		s.ready = s.ready[1:]
	}
	return n, nil
}

// Write sends TLS.
func (s *session) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		n := min(len(p)-sent, maxPiece)
		if err := s.send(opControl, p[sent:sent+n]); err != nil {
			return sent, err
		}
		sent += n
	}
	return len(p), nil
}

// SetDeadline does nothing: the check's deadline holds, and the session uses the
// connection's own for sending again.
func (*session) SetDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (*session) SetWriteDeadline(time.Time) error { return nil }

// Close closes the connection.
func (s *session) Close() error {
	s.timer.Stop()
	return s.Conn.Close()
}
