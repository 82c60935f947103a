package views

// tone is the class that gives a state its colour and the shape of its dot:
// filled new, half at work, ring waiting for a person, square bad.
func tone(kind, state string) string {
	switch kind + "." + state {
	case "balance.available", "coin.available":
		return "tone-ok"
	case "batch.open", "batch.composed":
		return "tone-new"
	}
	switch state {
	case "submitted", "new", "scheduled", "received", "unused":
		return "tone-new"
	case "in_review", "screening", "verifying", "frozen", "built", "signing", "signed", "announced", "broadcast",
		"seen", "witnessed", "mined", "confirming", "queued", "in_batch", "allocated", "maybe_paid", "active", "checked",
		"eligible", "confirmed", "reserved", "appealed":
		return "tone-half"
	case "needs_info", "held", "paused", "stuck", "escalated", "on_hold", "reorged", "immature", "voiding", "waiting", "disabled":
		return "tone-info"
	case "approved", "ready", "paid", "final", "completed", "done", "approve":
		return "tone-ok"
	case "declined", "ineligible", "conflicted", "dead", "suspended", "terminated", "spam", "decline", "failed":
		return "tone-bad"
	}
	return ""
}

func langOr(lang string) string {
	if lang == "" {
		return "und"
	}
	return lang
}
