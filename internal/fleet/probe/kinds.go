package probe

import "slices"

// Protocol is what an endpoint speaks.
type Protocol string

// The protocols.
const (
	SOCKS5      Protocol = "socks5"       // RFC 1928, RFC 1929
	HTTPConnect Protocol = "http_connect" // RFC 9110, section 9.3.6
	MTProto     Protocol = "mtproto"      // Telegram's own proxy: simple, dd, ee
	Shadowsocks Protocol = "shadowsocks"  // AEAD ciphers of 2017 (SIP004, SIP007)
	Trojan      Protocol = "trojan"
	VLESS       Protocol = "vless" // over TCP, with or without TLS
	WireGuard   Protocol = "wireguard"
	OpenVPN     Protocol = "openvpn"
)

// Protocols returns all protocols, in the order in which pages list them.
func Protocols() []Protocol {
	return []Protocol{SOCKS5, HTTPConnect, MTProto, Shadowsocks, Trojan, VLESS, WireGuard, OpenVPN}
}

// Valid reports whether p is one of Protocols.
func (p Protocol) Valid() bool { return slices.Contains(Protocols(), p) }

// Stage is a step of a check.
type Stage string

// The stages, in order. A protocol without a stage passes over it: UDP has no
// tcp, a proxy without a password no auth.
const (
	StageParse     Stage = "parse"     // the configuration makes sense
	StageGuard     Stage = "guard"     // we may connect there
	StageDNS       Stage = "dns"       // its name has addresses
	StageTCP       Stage = "tcp"       // something accepts connections
	StageHandshake Stage = "handshake" // it speaks the protocol
	StageAuth      Stage = "auth"      // it accepts our credentials
	StageRelay     Stage = "relay"     // it carries data to a target
	StageTarget    Stage = "target"    // the target proved itself through it
)

// Stages returns all stages in order.
func Stages() []Stage {
	return []Stage{StageParse, StageGuard, StageDNS, StageTCP, StageHandshake, StageAuth, StageRelay, StageTarget}
}

// Valid reports whether s is one of Stages.
func (s Stage) Valid() bool { return s.rank() > 0 }

// rank is the place of s in Stages, from 1; 0 for anything else.
func (s Stage) rank() int { return slices.Index(Stages(), s) + 1 }

// Class says what went wrong. The empty Class means that nothing did.
type Class string

// The classes.
const (
	ClassNone              Class = ""
	ClassConfigInvalid     Class = "config_invalid"     // the configuration cannot work
	ClassAddressDenied     Class = "address_denied"     // an address we never connect to
	ClassPortDenied        Class = "port_denied"        // a port we do not connect to
	ClassDNSNXDomain       Class = "dns_nxdomain"       // the name has no address
	ClassDNSError          Class = "dns_error"          // the look-up itself failed
	ClassRefused           Class = "refused"            // nothing listens
	ClassReset             Class = "reset"              // the connection was torn down
	ClassEOF               Class = "eof"                // closed in the middle of an answer
	ClassTimeout           Class = "timeout"            // no answer before the deadline
	ClassUnreachable       Class = "unreachable"        // no route to it
	ClassProtocolMismatch  Class = "protocol_mismatch"  // something else answered
	ClassAuthRequired      Class = "auth_required"      // it wants credentials we were not given
	ClassAuthRejected      Class = "auth_rejected"      // it did not accept ours
	ClassRelayRefused      Class = "relay_refused"      // it will not carry data to the target
	ClassTargetUnreachable Class = "target_unreachable" // it could not reach the target
	ClassTargetInvalid     Class = "target_invalid"     // what answered is not the target
	ClassCookieReply       Class = "cookie_reply"       // WireGuard: alive, under load
	ClassRateLimited       Class = "rate_limited"       // Telegram asks us to come back later
	ClassLocalResources    Class = "local_resources"    // our own machine failed
	ClassControlFailed     Class = "control_failed"     // our own network failed
	ClassCanceled          Class = "canceled"           // the check was called off
)

// Classes returns all classes but ClassNone.
func Classes() []Class {
	return []Class{
		ClassConfigInvalid, ClassAddressDenied, ClassPortDenied, ClassDNSNXDomain, ClassDNSError, ClassRefused,
		ClassReset, ClassEOF, ClassTimeout, ClassUnreachable, ClassProtocolMismatch, ClassAuthRequired,
		ClassAuthRejected, ClassRelayRefused, ClassTargetUnreachable, ClassTargetInvalid, ClassCookieReply,
		ClassRateLimited, ClassLocalResources, ClassControlFailed, ClassCanceled,
	}
}

// Valid reports whether c is ClassNone or one of Classes.
func (c Class) Valid() bool { return c == ClassNone || slices.Contains(Classes(), c) }

// Mode is how much a check asks for.
type Mode string

// The modes.
const (
	Full  Mode = "full"  // up to a target that proves itself
	Light Mode = "light" // as far as the protocol answers
)

// Valid reports whether m is Full or Light.
func (m Mode) Valid() bool { return m == Full || m == Light }

// Verdict is what an attempt says about its endpoint.
type Verdict string

// The verdicts.
const (
	Up      Verdict = "up"
	Down    Verdict = "down"
	Unknown Verdict = "unknown" // it says nothing: neither for nor against
)

// Verdict returns what an attempt in mode m that ended with c says. Telegram's
// rate limit is Unknown, because our own checks may have brought it about; a
// WireGuard cookie shows life and no more.
func (c Class) Verdict(m Mode) Verdict {
	switch c {
	case ClassNone:
		return Up
	case ClassLocalResources, ClassControlFailed, ClassCanceled, ClassRateLimited:
		return Unknown
	case ClassCookieReply:
		if m == Light {
			return Up
		}
		return Down
	default:
		if !c.Valid() {
			return Unknown
		}
		return Down
	}
}
