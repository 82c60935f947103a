package control

import (
	"slices"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// Finding is what came of a proof.
type Finding string

// The findings.
const (
	Held         Finding = "held"          // the applicant controls the endpoint
	OursFailed   Finding = "ours_failed"   // the endpoint does not work with our credential
	DecoyPassed  Finding = "decoy_passed"  // it takes a credential that nobody knows
	DecoyUnclear Finding = "decoy_unclear" // it may have failed for another reason: try again
	NoAnswer     Finding = "no_answer"     // the challenge was not answered, or the record is not there
	NotKnown     Finding = "not_known"     // trouble of our own: it says nothing
)

// Findings returns all findings.
func Findings() []Finding {
	return []Finding{Held, OursFailed, DecoyPassed, DecoyUnclear, NoAnswer, NotKnown}
}

// Judge says what two full checks prove: ours with the credential that we
// derived, decoy with a random one, of the same endpoint and close together.
func Judge(p probe.Protocol, ours, decoy probe.Outcome) Finding {
	switch {
	case ours.Class.Verdict(probe.Full) == probe.Unknown || decoy.Class.Verdict(probe.Full) == probe.Unknown:
		return NotKnown
	case !ours.OK || ours.Evidence == nil || !ours.Evidence.TGProven:
		return OursFailed
	case decoy.OK || slices.Contains([]probe.Stage{probe.StageAuth, probe.StageRelay, probe.StageTarget}, decoy.Stage):
		return DecoyPassed
	case ours.Addr == "" || ours.Addr != decoy.Addr || !rejected(p, decoy):
		return DecoyUnclear
	}
	return Held
}

// rejected reports whether a failed check failed by its credential. Protocols
// that ask for a password say so, and one that does not is open to everybody.
// The others are silent, hang up or play a web site to whom they do not know,
// and cannot be made to take anybody.
func rejected(p probe.Protocol, o probe.Outcome) bool {
	switch p {
	case probe.SOCKS5, probe.HTTPConnect, probe.OpenVPN:
		return o.FailedAt == probe.StageAuth &&
			slices.Contains([]probe.Class{probe.ClassAuthRejected, probe.ClassEOF, probe.ClassReset}, o.Class)
	case probe.MTProto, probe.Trojan, probe.VLESS, probe.WireGuard:
		return slices.Contains(
			[]probe.Stage{probe.StageHandshake, probe.StageAuth, probe.StageRelay, probe.StageTarget},
			o.FailedAt,
		)
	case probe.Shadowsocks:
	}
	return false
}

// JudgeChallenge says what one attempt of Challenge or DNS proves.
func JudgeChallenge(o probe.Outcome) Finding {
	switch o.Class.Verdict(probe.Full) {
	case probe.Up:
		return Held
	case probe.Unknown:
		return NotKnown
	default:
		return NoAnswer
	}
}
