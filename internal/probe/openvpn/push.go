package openvpn

import (
	"crypto/tls"
	"net/netip"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/probe"
)

// maxMessages is how many messages are read until the settings are complete, and
// maxRecord how much TLS gives at once.
const (
	maxMessages = 64
	maxRecord   = 16 << 10
)

// settings are what a server pushes, as far as a check needs it.
type settings struct {
	addrs      []netip.Addr // ours in the tunnel
	peer       uint32       // our number
	numbered   bool         // there is one
	cipher     string
	exported   bool // keys are those of TLS's exporter
	compressed bool
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
	fail := func(stage probe.Stage, class probe.Class, detail string) answer {
		return answer{err: &probe.Error{Stage: stage, Class: class, Detail: detail}}
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
			return fail(probe.StageAuth, probe.ClassAuthRequired, "the server asks for a second factor")
		case strings.Contains(rest, "cipher negotiation failed"):
			return fail(probe.StageAuth, probe.ClassProtocolMismatch, "the server has none of the ciphers "+strings.Join(ciphers(), ", "))
		}
		return fail(probe.StageAuth, probe.ClassAuthRejected, "the server does not accept the client")
	case "INFO", "INFO_PRE":
		return fail(probe.StageAuth, probe.ClassAuthRequired, "the server asks for a second factor")
	case "HALT", "RESTART", "EXIT":
		return fail(probe.StageAuth, probe.ClassEOF, "the server ended the session")
	}
	return answer{}
}

// parseSettings reads pushed options. Those it does not know, such as routes,
// mean nothing to a check.
func parseSettings(options []string) (settings, error) {
	var s settings
	for _, o := range options {
		w := strings.Fields(o)
		if len(w) < 2 {
			// compress without a method still puts a byte before each packet.
			s.compressed = s.compressed || len(w) == 1 && (w[0] == "compress" || w[0] == "comp-lzo")
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
			s.compressed = s.compressed || w[1] != "migrate" && !(w[0] == "comp-lzo" && w[1] == "no")
		}
	}
	unusable := func(detail string) error {
		return &probe.Error{Stage: probe.StageRelay, Class: probe.ClassProtocolMismatch, Detail: detail}
	}
	switch {
	case s.compressed:
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
func (v *Server) negotiate(t *tls.Conn) (settings, ownKeys, theirKeys, error) {
	var theirs theirKeys
	fail := func(err error) (settings, ownKeys, theirKeys, error) {
		return settings{}, ownKeys{}, theirs, v.refusal(probe.StageAuth, err)
	}
	ours, err := newOwnKeys(v.env.Rand)
	if err != nil {
		return fail(err)
	}
	if _, err := t.Write(v.message(ours)); err != nil {
		return fail(err)
	}
	// Each message is a record of TLS.
	b := make([]byte, maxRecord)
	n, err := t.Read(b)
	if err != nil {
		return fail(err)
	}
	var ok bool
	if theirs, ok = parseTheirKeys(b[:n]); !ok {
		return fail(&probe.Error{Class: probe.ClassProtocolMismatch, Detail: "the server's keys have another form"})
	}
	if _, err := t.Write([]byte("PUSH_REQUEST\x00")); err != nil {
		return fail(err)
	}
	var options []string
	for range maxMessages {
		n, err := t.Read(b)
		if err != nil {
			return fail(err)
		}
		for text := range strings.SplitSeq(string(b[:n]), "\x00") {
			a := parseMessage(text)
			if a.err != nil {
				return fail(a.err)
			}
			if options = append(options, a.options...); !a.done {
				continue
			}
			v.env.Trace.Pass(probe.StageAuth)
			s, err := parseSettings(options)
			if err != nil {
				return fail(err)
			}
			return s, ours, theirs, nil
		}
	}
	return fail(&probe.Error{Class: probe.ClassProtocolMismatch, Detail: "the server sends without end"})
}
