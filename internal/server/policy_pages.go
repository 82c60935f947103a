package server

import "github.com/causeway-fund/causeway/internal/identity"

// PageRules is the part of the policy table for the dashboard. Operators' pages
// are public: who holds a receipt code shows it in a form.
func PageRules() []Rule {
	const (
		public  = identity.PermPublic
		read    = identity.PermApplicationRead
		claim   = identity.PermApplicationClaim
		compose = identity.PermBatchCompose
		batches = identity.PermBatchRead
		staff   = identity.PermStaffManage
		session = identity.PermSessionManage
		token   = identity.PermTokenManage
	)
	return []Rule{
		{Method: get, Path: "/", Permission: public},
		{Method: get, Path: "/static/*", Permission: public},
		{Method: post, Path: "/prefs", Permission: public},
		{Method: get, Path: "/apply", Permission: public},
		{Method: post, Path: "/apply", Permission: public, PerMinute: slowPerMinute},
		{Method: post, Path: "/apply/receipt", Permission: public, PerMinute: slowPerMinute},
		{Method: get, Path: "/status", Permission: public},
		{Method: post, Path: "/status", Permission: public, PerMinute: receiptPerMinute},
		{Method: post, Path: "/status/messages", Permission: public, PerMinute: slowPerMinute},

		{Method: get, Path: "/sign-in", Permission: public},
		{Method: post, Path: "/sign-in", Permission: public, PerMinute: slowPerMinute},
		{Method: post, Path: "/sign-in/passkey/begin", Permission: public, PerMinute: slowPerMinute},
		{Method: post, Path: "/sign-in/passkey/finish", Permission: public, PerMinute: slowPerMinute},
		{Method: get, Path: "/sign-in/link", Permission: public, PerMinute: slowPerMinute},
		{Method: get, Path: "/enrol", Permission: public, PerMinute: slowPerMinute},
		{Method: post, Path: "/enrol/begin", Permission: public, PerMinute: slowPerMinute},
		{Method: post, Path: "/enrol/finish", Permission: public, PerMinute: slowPerMinute},
		{Method: post, Path: "/sign-out", Permission: session},

		{Method: get, Path: "/review", Permission: read},
		{Method: get, Path: "/review/:id", Permission: read},
		{Method: post, Path: "/review/:id/claim", Permission: claim},
		{Method: post, Path: "/review/:id/release", Permission: claim},
		{Method: post, Path: "/review/:id/vote", Permission: identity.PermApplicationVote},
		{Method: post, Path: "/review/:id/decide", Permission: identity.PermApplicationDecide},
		{Method: post, Path: "/review/:id/note", Permission: claim},
		{Method: post, Path: "/review/:id/message", Permission: claim},

		{Method: get, Path: "/grants", Permission: identity.PermGrantRead},
		{Method: get, Path: "/batches", Permission: batches},
		{Method: get, Path: "/batches/new", Permission: compose},
		{Method: post, Path: "/batches/dry-run", Permission: compose},
		{Method: post, Path: "/batches", Permission: compose},
		{Method: get, Path: "/batches/:id", Permission: batches},
		{Method: get, Path: "/batches/:id/live", Permission: batches},
		{Method: get, Path: "/batches/:id/psbt", Permission: batches},
		{Method: get, Path: "/batches/:id/csv", Permission: batches},
		{Method: post, Path: "/batches/:id/approve", Permission: identity.PermBatchApprove},
		{Method: post, Path: "/batches/:id/cancel", Permission: compose},
		{Method: get, Path: "/treasury", Permission: identity.PermTreasuryRead},

		{Method: get, Path: "/audit", Permission: identity.PermAuditRead},
		{Method: get, Path: "/audit/bundle", Permission: identity.PermAuditRead, PerMinute: slowPerMinute},
		{Method: get, Path: "/staff", Permission: staff},
		{Method: post, Path: "/staff/invite", Permission: staff},
		{Method: post, Path: "/staff/:id/roles", Permission: staff},
		{Method: post, Path: "/staff/:id/disable", Permission: staff},

		{Method: get, Path: "/profile", Permission: session},
		{Method: post, Path: "/profile/keys", Permission: session},
		{Method: post, Path: "/profile/sessions/:id/revoke", Permission: session},
		{Method: post, Path: "/profile/tokens", Permission: token},
		{Method: post, Path: "/profile/tokens/:id/revoke", Permission: token},
	}
}
