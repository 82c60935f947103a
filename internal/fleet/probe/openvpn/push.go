package openvpn

import (
	"crypto/tls"
	"net/netip"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// maxMessages is how many messages are read until the settings are complete, and
// maxRecord how much TLS gives at once.
const (
	maxMessages = 64
	maxRecord   = 16 << 10
)

// settings are what a server pushes, as far as a check needs it.
type settings struct {
	addrs    []netip.Addr // ours in the tunnel
	peer     uint32       // our number
	numbered bool         // there is one
	cipher   string
	exported bool // keys are those of TLS's exporter
	framing  framing
}

// answer is what a message of the server means: it pushes settings, more of
// which may come; or it refuses; or it is of no use, with all fields zero.
type answer struct {
	options []string
	done    bool
	err     error
}

// parseMessage reads one message of the control channel.
func parseMessage(text string) answer {
	kind, rest, _ := strings.Cut(text, ",")
	fail := func(class probe.Class, detail string) answer {
		return answer{err: &probe.Error{Class: class, Detail: detail}}
	}
	switch kind {
	case "PUSH_REPLY":
		a := answer{options: strings.Split(rest, ","), done: true}
		for _, o := range a.options {
			if o == "push-continuation 2" {
				a.done = false
			}
		}
		return a
	case "AUTH_FAILED":
		switch {
		case strings.HasPrefix(rest, "CRV1"):
			return fail(probe.ClassAuthRequired, "the server asks for a second factor")
		case strings.Contains(rest, "cipher negotiation failed"):
			return fail(
				probe.ClassProtocolMismatch,
				"the server has none of the ciphers "+strings.Join(ciphers(), ", "),
			)
		}
		return fail(probe.ClassAuthRejected, "the server does not accept the client")
	case "INFO", "INFO_PRE":
		return fail(probe.ClassAuthRequired, "the server asks for a second factor")
	case "HALT", "RESTART", "EXIT":
		return fail(probe.ClassEOF, "the server ended the session")
	}
	return answer{}
}

// parseSettings reads pushed options, of which framing wins over the profile's.
// Those it does not know, such as routes, mean nothing to a check.
func parseSettings(options []string, framing framing) (settings, error) {
	s, compressed := settings{framing: framing}, false
	for _, o := range options {
		w := strings.Fields(o)
		if len(w) == 1 && (w[0] == "compress" || w[0] == "comp-lzo") {
			w = append(w, "")
		}
		if len(w) < 2 {
			continue
		}
		switch w[0] {
		case "ifconfig":
			if a, err := netip.ParseAddr(w[1]); err == nil && a.Is4() {
				s.addrs = append(s.addrs, a)
			}
		case "ifconfig-ipv6":
			if p, err := netip.ParsePrefix(w[1]); err == nil && p.Addr().Is6() {
				s.addrs = append(s.addrs, p.Addr())
			}
		case "peer-id":
			n, err := strconv.ParseUint(w[1], 10, 24)
			s.peer, s.numbered = uint32(n), err == nil
		case "cipher":
			s.cipher = strings.ToUpper(w[1])
		case "key-derivation":
			s.exported = s.exported || w[1] == "tls-ekm"
		case "protocol-flags":
			for _, f := range w[1:] {
				s.exported = s.exported || f == "tls-ekm"
			}
		case "compress", "comp-lzo":
			f, ok := framings()[w[0]+" "+w[1]]
			s.framing, compressed = f, compressed || !ok
		}
	}
	unusable := func(detail string) error {
		return &probe.Error{Stage: probe.StageRelay, Class: probe.ClassProtocolMismatch, Detail: detail}
	}
	switch {
	case compressed:
		return s, unusable("the server compresses, which gives away what is encrypted")
	case len(s.addrs) == 0 || len(s.addrs) > 2:
		return s, unusable("the server gives no address in the tunnel")
	case !known(s.cipher):
		return s, unusable("the server chose none of the ciphers " + strings.Join(ciphers(), ", "))
	}
	return s, nil
}

// negotiate exchanges keys and reads settings until they are complete. It passes
// the stage auth.
func (v *Server) negotiate(t *tls.Conn) (deal, error) {
	d, err := v.exchange(t)
	if err != nil {
		return d, v.refusal(probe.StageAuth, err)
	}
	options, err := pushed(t)
	if err != nil {
		return d, v.refusal(probe.StageAuth, err)
	}
	v.env.Trace.Pass(probe.StageAuth)
	d.settings, err = parseSettings(options, map[string]framing{"comp-lzo": before, "compress": swapped}[v.spec.Stub])
	return d, err
}

// exchange exchanges keys and asks for settings.
func (v *Server) exchange(t *tls.Conn) (d deal, err error) {
	if d.ours, err = newOwnKeys(v.env.Rand); err != nil {
		return d, err
	}
	if _, err := t.Write(v.message(d.ours)); err != nil {
		return d, err
	}
	// Each message is a record of TLS.
	b := make([]byte, maxRecord)
	n, err := t.Read(b)
	if err != nil {
		return d, err
	}
	var ok bool
	if d.theirs, ok = parseTheirKeys(b[:n]); !ok {
		return d, &probe.Error{Class: probe.ClassProtocolMismatch, Detail: "the server's keys have another form"}
	}
	_, err = t.Write([]byte("PUSH_REQUEST\x00"))
	return d, err
}

// pushed reads options until they are complete.
func pushed(t *tls.Conn) ([]string, error) {
	var options []string
	b := make([]byte, maxRecord)
	for range maxMessages {
		n, err := t.Read(b)
		if err != nil {
			return nil, err
		}
		for text := range strings.SplitSeq(string(b[:n]), "\x00") {
			a := parseMessage(text)
			if options = append(options, a.options...); a.err != nil || a.done {
				return options, a.err
			}
		}
	}
	return nil, &probe.Error{Class: probe.ClassProtocolMismatch, Detail: "the server sends without end"}
}
