package views

// tone is the class that gives a state its colour and the shape of its dot:
// filled new, half at work, ring waiting for a person, square bad.
func tone(kind, state string) string {
	switch kind + "." + state {
	case "batch.composed":
		return "tone-info"
	case "batch.approved", "coin.reserved":
		return "tone-half"
	case "coin.locked", "vantage.distrusted":
		return "tone-bad"
	case "vantage.seen":
		return "tone-ok"
	case "vantage.new":
		return "tone-new"
	case "vantage.silent":
		return "tone-info"
	}
	switch state {
	case "submitted", "payable":
		return "tone-new"
	case "in_review", "built", "signing", "signed", "broadcast", "mined", "allocated", "active",
		"queued", "sent", "confirming", "replaced":
		return "tone-half"
	case "needs_info",
		"held",
		"stuck",
		"maybe_paid",
		"delayed",
		"immature",
		"waiting",
		"disabled",
		"voiding":
		return "tone-info"
	case "approved", "ready", "paid", "final", "completed", "available":
		return "tone-ok"
	case "declined", "conflicted", "terminated", "voided", "dead":
		return "tone-bad"
	}
	return ""
}

// BatchStep is how far a batch of this state has come on the road of the
// batch page: the index of the step at work, 5 when all are done.
func BatchStep(state string) int {
	switch state {
	case "approved", "built", "signing":
		return 2
	case "signed", "broadcast", "conflicted", "voiding", "voided":
		return 3
	case "mined":
		return 4
	case "paid", "final":
		return 5
	}
	return 1
}

func langOr(lang string) string {
	if lang == "" {
		return "und"
	}
	return lang
}
