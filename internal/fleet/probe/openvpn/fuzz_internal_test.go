package openvpn

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

func FuzzControl(f *testing.F) {
	f.Add(control{op: opResetServer, from: sessionID{1}, acks: []uint32{0}, to: sessionID{2}}.header(), control{op: opResetServer, acks: []uint32{0}}.body())
	f.Add(control{op: opAck}.header(), control{op: opAck, acks: []uint32{1, 2, 3}}.body())
	f.Add(control{op: opControl}.header(), control{op: opControl, id: 7, payload: []byte("TLS")}.body())
	f.Fuzz(func(t *testing.T, header, body []byte) {
		p, ok := parseControl(header, body)
		if ok && !bytes.Equal(p.body(), body) {
			t.Errorf("%x is read as %+v", body, p)
		}
		if ok && (p.op<<3 != header[0]&^7 || !bytes.Equal(p.header()[1:], header[1:])) {
			t.Errorf("%x is read as %+v", header, p)
		}
	})
}

// wrappings returns a client's of each kind under a key of zeros.
func wrappings(tb testing.TB) map[string]wrapping {
	tb.Helper()
	out := map[string]wrapping{}
	for name, spec := range map[string]link.OpenVPN{
		"none": {}, "tls-auth": {TLSAuth: make([]byte, staticKeyLen), Auth: "SHA256"}, "tls-crypt": {TLSCrypt: make([]byte, staticKeyLen)},
	} {
		w, err := newWrapping(spec, time.Unix(1_800_000_000, 0))
		if err != nil {
			tb.Fatal(err)
		}
		out[name] = w
	}
	return out
}

// FuzzUnwrap: what is changed by a bit, or was made without the key, is refused.
func FuzzUnwrap(f *testing.F) {
	header, body := control{op: opControl}.header(), []byte("body")
	for _, w := range wrappings(f) {
		f.Add(w.wrap(header, body), uint(3))
		f.Add(w.wrap(header, nil), uint(200))
	}
	f.Fuzz(func(t *testing.T, packet []byte, bit uint) {
		for name, w := range wrappings(t) {
			before := slices.Clone(packet)
			h, b, ok := w.unwrap(packet)
			if !bytes.Equal(before, packet) {
				t.Errorf("%s changes the packet", name)
			}
			if name == "none" || !ok {
				continue
			}
			if len(h) != headerLen || len(b) > len(packet)-len(h) {
				t.Errorf("%s: %x and %x of %x", name, h, b, packet)
			}
			at := bit % uint(8*len(packet))
			packet[at/8] ^= 1 << (at % 8)
			if _, _, ok := w.unwrap(packet); ok {
				t.Errorf("%s takes a changed packet", name)
			}
			packet[at/8] ^= 1 << (at % 8)
		}
	})
}

// FuzzSession gives a session any packets: it takes none but its own, keeps
// little, and acknowledges nothing while it is quiet.
func FuzzSession(f *testing.F) {
	reset := control{op: opResetServer, from: sessionID{1}, acks: []uint32{0}}
	f.Add(frames(slices.Concat(reset.header(), reset.body()), slices.Concat(control{op: opControl, from: sessionID{1}}.header(), control{op: opControl, id: 1, payload: []byte("TLS")}.body())), false)
	f.Add(frames([]byte{opDataV2 << 3}, []byte{3 << 3}, []byte{opControl << 3}), true)
	many := [][]byte{slices.Concat(reset.header(), reset.body())}
	for id := range uint32(3 * ahead) {
		many = append(many, slices.Concat(control{op: opControl, from: sessionID{1}}.header(), control{op: opControl, id: id + 2}.body()))
	}
	many = append(many, slices.Concat(control{op: opResetServer, from: sessionID{2}}.header(), reset.body()))
	f.Add(frames(many...), false)
	f.Fuzz(func(t *testing.T, stream string, quiet bool) {
		writes := 0
		s := &session{Conn: discard{&writes}, wrap: plain{}, timer: time.AfterFunc(time.Hour, func() {}), early: map[uint32][]byte{}, quiet: quiet}
		defer s.timer.Stop()
		for rest := []byte(stream); len(rest) >= 2; {
			n := min(int(rest[0])<<8|int(rest[1]), len(rest)-2)
			known, peer := s.met, s.peer
			if err := s.handle(rest[2 : 2+n]); err != nil {
				t.Fatalf("a datagram ends the session: %v", err)
			}
			if known && s.peer != peer {
				t.Error("another session takes over")
			}
			rest = rest[2+n:]
		}
		if len(s.early) >= ahead {
			t.Errorf("%d packets wait", len(s.early))
		}
		if quiet && writes != 0 {
			t.Errorf("%d packets sent", writes)
		}
	})
}

// TestPacketsComeInOrder: whatever the order in which a window of packets comes,
// and however often, TLS reads each once and in order.
func TestPacketsComeInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var writes int
		s := &session{Conn: discard{&writes}, wrap: plain{}, early: map[uint32][]byte{}}
		var want []byte
		for next := uint32(0); next < 30; {
			n := rapid.Uint32Range(1, ahead).Draw(t, "packets")
			var ids []uint32
			for id := next; id < next+n; id++ {
				ids, want = append(ids, id), append(want, byte(id))
			}
			ids = rapid.Permutation(ids).Draw(t, "order")
			again := rapid.SliceOfN(rapid.Uint32Range(0, next+n-1), 0, 3).Draw(t, "again")
			for _, id := range append(ids, again...) {
				if err := s.take(control{id: id, payload: []byte{byte(id)}}); err != nil {
					t.Fatal(err)
				}
			}
			next += n
		}
		if got := bytes.Join(s.ready, nil); !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
	})
}

func FuzzPush(f *testing.F) {
	f.Add(settingsOfTests)
	f.Add("PUSH_REPLY,ifconfig-ipv6 fd00::2/64 fd00::1,peer-id 16777215,cipher chacha20-poly1305,key-derivation tls-ekm,push-continuation 2")
	f.Add("AUTH_FAILED,CRV1:R,E:bDBsbA==:dXNlcg==:Enter the code")
	f.Add("INFO_PRE,WEB_AUTH::https://a.example")
	f.Fuzz(func(t *testing.T, text string) {
		a := parseMessage(text)
		if a.err != nil && a.done {
			t.Error("a refusal with settings")
		}
		s, err := parseSettings(a.options, bare)
		if err != nil {
			return
		}
		if !known(s.cipher) || len(s.addrs) == 0 || len(s.addrs) > 2 || s.peer >= 1<<24 {
			t.Errorf("%+v", s)
		}
		if h, err := newHost(s.addrs); err == nil {
			h.close()
		}
	})
}

func FuzzTheirKeys(f *testing.F) {
	f.Add(slices.Concat(greeting(), make([]byte, 2*randomLen), []byte{0, 3, 'V', '4', 0}))
	f.Add([]byte("HTTP/1.1 200 OK\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := parseTheirKeys(b); ok && len(b) < len(greeting())+2*randomLen+2 {
			t.Errorf("%x has keys", b)
		}
	})
}

// FuzzData: a packet that the server did not make is refused, in each version.
func FuzzData(f *testing.F) {
	keys := make([]byte, dataKeysLen)
	for _, numbered := range []bool{true, false} {
		for _, name := range ciphers() {
			for framing := range escaped + 1 {
				c, err := newChannel(settings{cipher: name, peer: 7, numbered: numbered, framing: framing}, keys)
				if err != nil {
					f.Fatal(err)
				}
				p := c.seal([]byte("data"))
				if b, ok := c.open(p); !ok || string(b) != "data" {
					f.Fatalf("%s: %q, %v", name, b, ok)
				}
				p[len(p)-1] ^= 1
				f.Add(p)
			}
		}
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, packet []byte) {
		for _, name := range ciphers() {
			c, err := newChannel(settings{cipher: name}, bytes.Repeat([]byte{9}, dataKeysLen))
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := c.open(packet); ok {
				t.Error("a packet that nobody made is taken")
			}
			for framing := range escaped + 1 {
				if b, ok := framing.strip(packet); ok && len(b) > len(packet) {
					t.Errorf("%x of %x", b, packet)
				}
			}
		}
	})
}

// FuzzInside: the server puts any packet into the tunnel.
func FuzzInside(f *testing.F) {
	h, err := newHost([]netip.Addr{netip.MustParseAddr("10.8.0.2"), netip.MustParseAddr("fd00::2")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(h.close)
	f.Add(goodbye())
	f.Add([]byte{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0, 10, 8, 0, 1, 10, 8, 0, 2})
	f.Add(append([]byte{0x60, 0, 0, 0, 0, 0, 58, 64}, make([]byte, 40)...))
	f.Fuzz(func(_ *testing.T, b []byte) {
		h.put(b)
		for h.waiting() != nil {
		}
	})
}
