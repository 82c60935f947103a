package openvpn

import (
	"encoding/binary"
	"slices"
)

// Opcodes, the upper five bits of a packet's first byte. The lower three number
// the keys; a check ends long before a second set of them.
const (
	opControl     = 4
	opAck         = 5
	opDataV1      = 6
	opResetClient = 7
	opResetServer = 8
	opDataV2      = 9
)

// headerLen is the length of opcode and session, which are never encrypted.
const headerLen = 1 + 8

// maxAcks is how many acknowledgements a packet carries at most.
const maxAcks = 8

// sessionID names one side of a session.
type sessionID [8]byte

// control is a packet of the control channel, unwrapped.
type control struct {
	op      byte
	from    sessionID
	acks    []uint32
	to      sessionID // of the side that acks are for; zero without any
	id      uint32    // its number; none for opAck
	payload []byte
}

// header returns opcode and session.
func (p control) header() []byte { return append([]byte{p.op << 3}, p.from[:]...) }

// body returns what follows the header and the wrapping.
func (p control) body() []byte {
	b := []byte{byte(len(p.acks))} //nolint:gosec // at most maxAcks
	for _, id := range p.acks {
		b = binary.BigEndian.AppendUint32(b, id)
	}
	if len(p.acks) > 0 {
		b = append(b, p.to[:]...)
	}
	if p.op == opAck {
		return b
	}
	return append(binary.BigEndian.AppendUint32(b, p.id), p.payload...)
}

// parseControl reads a packet from its header and its unwrapped body. It reports
// whether the packet is one.
func parseControl(header, body []byte) (control, bool) {
	var p control
	if len(header) != headerLen || len(body) < 1 || body[0] > maxAcks {
		return p, false
	}
	p.op, p.from = header[0]>>3, sessionID(header[1:])
	n := int(body[0])
	if body = body[1:]; len(body) < 4*n {
		return p, false
	}
	for ; n > 0; n-- {
		p.acks, body = append(p.acks, binary.BigEndian.Uint32(body)), body[4:]
	}
	if len(p.acks) > 0 {
		if len(body) < len(p.to) {
			return p, false
		}
		p.to, body = sessionID(body[:len(p.to)]), body[len(p.to):]
	}
	switch {
	case p.op == opAck:
		return p, len(p.acks) > 0 && len(body) == 0
	case len(body) < 4:
		return p, false
	}
	p.id, p.payload = binary.BigEndian.Uint32(body), slices.Clone(body[4:])
	return p, true
}
