package grant

import "github.com/causeway-fund/causeway/internal/errs"

// What one person may leave for reviewers to read. The limits are constants: they
// bound what a script can pile up, far above what anybody needs, so no fund has a
// reason to set them.
const (
	// MaxUnanswered is how many messages of an operator may wait for the team's next
	// word to them. A conversation takes turns; ten are a long letter in parts.
	MaxUnanswered = 10

	// MaxOpenOfPayee is how many undecided applications may name one payout address.
	// Reviewers ask for an address of its own anyway (what goes to one address is seen
	// to belong together), so a few are a mistake that they can mend, and more are a
	// flood. Whoever is refused can give another address.
	MaxOpenOfPayee = 5
)

// TooManyOfPayee is the refusal of one more undecided application for an address.
func TooManyOfPayee() error {
	return errs.InvalidFields([]errs.Field{
		{
			Field: "payout_address",
			Code:  CodeTooManyOpen,
			Message: "There are already " + itoa(
				MaxOpenOfPayee,
			) + " undecided applications with this address, and no more " +
				"are accepted. Nothing was saved: give another address, or wait for a decision.",
			Params: map[string]string{"limit": itoa(MaxOpenOfPayee)},
		},
	})
}

func tooManyUnanswered() error {
	return errs.InvalidFields([]errs.Field{
		{
			Field: "text",
			Code:  CodeTooManyUnanswered,
			Message: "Your last " + itoa(
				MaxUnanswered,
			) + " messages are unanswered, and no more are accepted until there " +
				"is an answer. This one was not sent.",
			Params: map[string]string{"limit": itoa(MaxUnanswered)},
		},
	})
}
