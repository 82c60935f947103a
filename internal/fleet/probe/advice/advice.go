package advice

import (
	"slices"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// prefix stands before the name of each sentence.
const prefix = "probe.advice."

// passed is the name of the empty class.
const passed = "passed"

// rule gives combinations a sentence of their own.
type rule struct {
	name      string
	classes   []probe.Class
	protocols []probe.Protocol // nil means any
	stages    []probe.Stage    // nil means any
}

func (r rule) fits(p probe.Protocol, failedAt probe.Stage, c probe.Class) bool {
	return slices.Contains(r.classes, c) &&
		(r.protocols == nil || slices.Contains(r.protocols, p)) &&
		(r.stages == nil || slices.Contains(r.stages, failedAt))
}

// Key returns the catalogue key of the sentence for a check of p that did not
// pass failedAt because of c. A c without a verdict for or against the endpoint,
// and one that is not of the closed set, has the same sentence everywhere.
func Key(p probe.Protocol, failedAt probe.Stage, c probe.Class) string {
	if !c.Valid() {
		c = probe.ClassLocalResources
	}
	for _, r := range rules() {
		if r.fits(p, failedAt, c) {
			return prefix + r.name
		}
	}
	return prefix + nameOf(c)
}

// nameOf is c's part of a key.
func nameOf(c probe.Class) string {
	if c == probe.ClassNone {
		return passed
	}
	return string(c)
}

// ProtocolKey returns the key of p's name.
func ProtocolKey(p probe.Protocol) string { return "probe.protocol." + string(p) }

// StageKey returns the key of s in few words.
func StageKey(s probe.Stage) string { return "probe.stage." + string(s) }

// ClassKey returns the key of c in few words; ClassNone is "passed".
func ClassKey(c probe.Class) string { return "probe.class." + nameOf(c) }

// ModeKey returns the key of m in few words.
func ModeKey(m probe.Mode) string { return "probe.mode." + string(m) }

// VerdictKey returns the key of v in few words.
func VerdictKey(v probe.Verdict) string { return "probe.verdict." + string(v) }

// Keys returns all keys of this package, labels first, none twice.
func Keys() []string {
	var out []string
	for _, p := range probe.Protocols() {
		out = append(out, ProtocolKey(p))
	}
	for _, s := range probe.Stages() {
		out = append(out, StageKey(s))
	}
	out = append(out, ModeKey(probe.Full), ModeKey(probe.Light),
		VerdictKey(probe.Up), VerdictKey(probe.Down), VerdictKey(probe.Unknown))
	classes := append([]probe.Class{probe.ClassNone}, probe.Classes()...)
	for _, c := range classes {
		out = append(out, ClassKey(c))
	}
	for _, c := range classes {
		out = append(out, prefix+nameOf(c))
	}
	for _, r := range rules() {
		out = append(out, prefix+r.name)
	}
	return out
}
