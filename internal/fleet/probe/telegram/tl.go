package telegram

import (
	"encoding/binary"
)

// Constructors of the messages, core.telegram.org/mtproto/auth_key.
const (
	idReqPQMulti   = 0xbe7e8ef1
	idResPQ        = 0x05162463
	idPQInnerDC    = 0xa9f55f95
	idReqDHParams  = 0xd712e4be
	idDHParamsOK   = 0xd0e8075c
	idDHInnerData  = 0xb5890dba
	idVector       = 0x1cb5c415
	errTooManyReqs = -429
)

// appendBytes appends b as TL's bytes: a length, b, and zeros up to a multiple of
// four.
func appendBytes(to, b []byte) []byte {
	start := len(to)
	if n := len(b); n < 254 {
		to = append(to, byte(n))
	} else {
		to = append(to, 254, byte(n), byte(n>>8), byte(n>>16)) //nolint:gosec // three bytes of the length
	}
	to = append(to, b...)
	for (len(to)-start)%4 != 0 {
		to = append(to, 0)
	}
	return to
}

func appendID(to []byte, id uint32) []byte { return binary.LittleEndian.AppendUint32(to, id) }

// reader reads TL. After the first mistake all it gives is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// is reads a constructor, which must be id.
func (r *reader) is(id uint32) {
	if r.u32() != id {
		r.bad = true
	}
}

// equals reads len(want) bytes, which must be want.
func (r *reader) equals(want []byte) {
	if string(r.take(len(want))) != string(want) {
		r.bad = true
	}
}

// bytes reads TL's bytes.
func (r *reader) bytes() []byte {
	head := 1
	var n int
	switch b := r.take(1); {
	case b == nil:
		return nil
	case b[0] < 254:
		n = int(b[0])
	case b[0] == 254:
		l := r.take(3)
		if l == nil {
			return nil
		}
		head, n = 4, int(l[0])|int(l[1])<<8|int(l[2])<<16
	default:
		r.bad = true
		return nil
	}
	out := r.take(n)
	r.take((4 - (head+n)%4) % 4)
	if r.bad {
		return nil
	}
	return out
}
