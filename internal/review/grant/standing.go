package grant

// Standing is where a payment stands in words for people: its state, but for one
// that a signer was asked for. That one may be paid from then on, and says so only
// when something is off: otherwise every payment would raise an alarm on its way.
type Standing string

// The standings that are no InstalmentState.
const (
	StandingSigning Standing = "signing" // a signer was asked
	StandingSent    Standing = "sent"    // a node was told; it waits for a block
)

// StandingOf tells where a payment stands from its state, the state of its batch
// and whether something is off about that batch.
func StandingOf(s InstalmentState, batch string, alarmed bool) Standing {
	switch {
	case s != MaybePaid || alarmed:
		return Standing(s)
	case batch == "signing" || batch == "signed":
		return StandingSigning
	case batch == "broadcast":
		return StandingSent
	}
	return Standing(s) // conflicted or voiding, and whatever should not be
}
