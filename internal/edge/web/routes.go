package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/web/static"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Route is one address of the dashboard and who may call it.
type Route struct {
	Method     string
	Path       string // Echo's template
	Permission identity.Permission
	Limit      Limit

	handle echo.HandlerFunc
}

// MaxBody is the largest form that the route takes, in bytes; 0: the server's
// default. An order names up to 10,000 payments and a list of payees is a file.
func (r Route) MaxBody() int64 {
	if r.Method != http.MethodPost {
		return 0
	}
	switch r.Path {
	case "/apply": // twenty servers, each with the text of a file
		return 2 << 20
	case "/charter", "/batches", "/batches/new", "/batches/dry-run":
		return 1 << 20
	case "/batches/import":
		return 5 << 20
	case "/batches/:id/psbt":
		return 24 << 20
	}
	return 0
}

// Timeout is how long the answer may take; 0: the server's default.
func (r Route) Timeout() time.Duration {
	switch r.Path {
	case "/staff/events":
		return streamLife + 5*time.Second
	case "/audit/bundle", "/treasury/payments":
		return 55 * time.Second
	}
	return 0
}

// signedIn is the server's name for "any member of staff".
const signedIn identity.Permission = "signed_in"

// Limit says how the server counts callers of a route. Zero is an ordinary one.
type Limit int

// The limits of pages that are not ordinary.
const (
	free Limit = iota + 1
	heavy
	writing
	entering
	receipt // the form's field "code" is a receipt code
)

// String returns the server's name of the limit.
func (l Limit) String() string {
	return [...]string{"", "free", "heavy", "writing", "entering", "receipt"}[l]
}

// table lists every route. Operators' pages are public: who holds a receipt code
// shows it in a form.
func (s *Site) table() []Route {
	const (
		get, post = http.MethodGet, http.MethodPost
		public    = identity.PermPublic
		claim     = identity.PermApplicationClaim
		batches   = identity.PermBatchRead
		compose   = identity.PermBatchCompose
		staff     = identity.PermStaffManage
		session   = identity.PermSessionManage
		token     = identity.PermTokenManage
	)
	table := []Route{
		{get, static.Prefix + "*", public, free, echo.WrapHandler(s.assets.Handler())},
		{get, "/", public, 0, s.visit("", s.getHome)},
		{post, "/prefs", public, 0, s.visit("", s.postPrefs)},
		{get, "/apply", public, 0, s.visit("apply", s.getApply)},
		{post, "/apply", public, writing, s.visit("apply", s.postApply)},
		{post, "/apply/receipt", public, writing, s.visit("apply", s.postReceipt)},
		{get, "/status", public, 0, s.visit("status", s.getStatus)},
		{post, "/status", public, receipt, s.visit("status", s.postStatus)},
		{post, "/status/messages", public, receipt, s.visit("status", s.postStatusMessage)},
		{post, "/status/withdraw", public, receipt, s.visit("status", s.postStatusWithdraw)},

		{get, "/sign-in", public, 0, s.visit("", s.getSignIn)},
		{post, "/sign-in/begin", public, entering, s.visit("", s.postSignInBegin)},
		{post, "/sign-in/finish", public, entering, s.visit("", s.postSignInFinish)},
		{get, "/enrol/:token", public, entering, s.visit("", s.getEnrol)},
		{post, "/enrol/:token/begin", public, entering, s.visit("", s.postEnrolBegin)},
		{post, "/enrol/:token/finish", public, entering, s.visit("", s.postEnrolFinish)},
		{get, "/link/:token", public, entering, s.visit("", s.getLink)},
		{post, "/link/:token", public, entering, s.visit("", s.postLink)},
		{post, "/sign-out", public, 0, s.visit("", s.postSignOut)},

		{get, "/review", identity.PermApplicationRead, 0, s.visit("review", s.getQueue)},
		{get, "/review/:id", identity.PermApplicationRead, 0, s.visit("review", s.getApplication)},
		{post, "/review/:id/claim", claim, 0, s.visit("review", s.postClaim)},
		{post, "/review/:id/release", claim, 0, s.visit("review", s.postRelease)},
		{post, "/review/:id/vote", identity.PermApplicationVote, 0, s.visit("review", s.postVote)},
		{post, "/review/:id/ask", identity.PermApplicationVote, 0, s.visit("review", s.postAsk)},
		{post, "/review/:id/decide", identity.PermApplicationDecide, 0, s.visit("review", s.postDecide)},
		{post, "/review/:id/note", identity.PermApplicationVote, 0, s.visit("review", s.postNote)},
		{post, "/review/:id/message", identity.PermApplicationVote, 0, s.visit("review", s.postMessage)},

		{get, "/grants", identity.PermGrantRead, 0, s.visit("grants", s.getGrants)},
		{get, "/batches", batches, 0, s.visit("batches", s.getBatches)},
		{get, "/batches/new", compose, 0, s.visit("batches", s.getCompose)},
		{post, "/batches/new", compose, 0, s.visit("batches", s.postPicked)},
		{get, "/batches/import", compose, 0, s.visit("batches", s.getImport)},
		{post, "/batches/import", compose, heavy, s.visit("batches", s.postImport)},
		{post, "/batches/dry-run", compose, 0, s.visit("batches", s.postDryRun)},
		{post, "/batches", compose, 0, s.visit("batches", s.postCompose)},
		{get, "/batches/:id", batches, 0, s.visit("batches", s.getBatch)},
		{get, "/batches/:id/transaction", batches, 0, s.visit("batches", s.getTransaction)},
		{get, "/batches/:id/certificate", batches, 0, s.visit("batches", s.getBatchCertificate)},
		{get, "/batches/:id/psbt", batches, 0, s.visit("batches", s.getBatchPSBT)},
		{get, "/batches/:id/csv", batches, 0, s.visit("batches", s.getBatchCSV)},
		{get, "/batches/:id/note", batches, 0, s.visit("batches", s.getBatchNote)},
		{post, "/batches/:id/approve", identity.PermBatchApprove, 0, s.visit("batches", s.postApprove)},
		{post, "/batches/:id/cancel", compose, 0, s.visit("batches", s.postCancel)},
		{post, "/batches/:id/psbt", compose, heavy, s.visit("batches", s.postPSBT)},
		{post, "/batches/:id/bump", compose, 0, s.visit("batches", s.postBump)},
		{post, "/batches/:id/child", compose, 0, s.visit("batches", s.postChild)},
		{get, "/batches/:id/void", compose, 0, s.visit("batches", s.getVoid)},
		{post, "/batches/:id/void", compose, 0, s.visit("batches", s.postVoid)},
		{post, "/batches/:id/void/approve", identity.PermBatchApprove, 0, s.visit("batches", s.postVoidApprove)},
		{post, "/batches/:id/void/withdraw", compose, 0, s.visit("batches", s.postVoidWithdraw)},
		{get, "/treasury", identity.PermTreasuryRead, 0, s.visit("treasury", s.getTreasury)},
		{post, "/treasury/upkeep", compose, 0, s.visit("treasury", s.postUpkeep)},
		{post, "/treasury/coins/lock", compose, 0, s.visit("treasury", s.postCoinLock)},
		{post, "/treasury/coins/unlock", compose, 0, s.visit("treasury", s.postCoinUnlock)},
		{get, "/treasury/payments", batches, heavy, s.visit("treasury", s.getPayments)},
		{get, "/treasury/payments/:id/certificate", batches, heavy, s.visit("treasury", s.getCertificate)},
		{post, "/treasury/unjoined/join", identity.PermBatchApprove, 0, s.visit("treasury", s.postJoin)},
		{post, "/treasury/unjoined/separate", identity.PermBatchApprove, 0, s.visit("treasury", s.postSeparate)},
		{get, "/treasury/breakers", identity.PermBreakerRead, 0, s.visit("treasury", s.getBreakers)},
		{post, "/treasury/breakers/:id/reset", identity.PermBreakerReset, 0, s.visit("treasury", s.postBreakerReset)},

		{get, "/charter", identity.PermCharterRead, 0, s.visit("charter", s.getCharter)},
		{post, "/charter", identity.PermCharterPropose, 0, s.visit("charter", s.postCharter)},
		{get, "/charter/:digest", identity.PermCharterRead, 0, s.visit("charter", s.getCharterText)},
		{post, "/charter/:digest/sign", identity.PermCharterPropose, 0, s.visit("charter", s.postCharterSign)},

		{get, "/staff/events", signedIn, 0, s.getEvents},

		{get, "/audit", identity.PermAuditRead, 0, s.visit("audit", s.getAudit)},
		{get, "/audit/bundle", identity.PermAuditRead, heavy, s.visit("audit", s.getAuditBundle)},
		{get, "/staff", staff, 0, s.visit("staff", s.getStaff)},
		{post, "/staff/invite", staff, 0, s.visit("staff", s.postInvite)},
		{post, "/staff/:id/invite", staff, 0, s.visit("staff", s.postInviteAgain)},
		{post, "/staff/:id/roles", staff, 0, s.visit("staff", s.postRoles)},
		{post, "/staff/:id/disable", staff, 0, s.visit("staff", s.postDisable)},
		{post, "/staff/:id/enable", staff, 0, s.visit("staff", s.postEnable)},

		{get, "/profile", session, 0, s.visit("", s.getProfile)},
		{post, "/profile/keys", session, 0, s.visit("", s.postKeys)},
		{post, "/profile/sessions/:id/revoke", session, 0, s.visit("", s.postSessionRevoke)},
		{post, "/profile/tokens", token, 0, s.visit("", s.postToken)},
		{post, "/profile/tokens/:id/revoke", token, 0, s.visit("", s.postTokenRevoke)},
	}
	if s.cfg.Endpoints != nil {
		table = append(table, s.endpointTable()...)
	}
	return table
}

// endpointTable lists the routes of what is checked.
func (s *Site) endpointTable() []Route {
	const (
		get, post = http.MethodGet, http.MethodPost
		public    = identity.PermPublic
		read      = identity.PermEndpointRead
		manage    = identity.PermVantageManage
	)
	return []Route{
		{post, "/status/server", public, receipt, s.visit("status", s.postServer)},
		{post, "/status/server/recheck", public, receipt, s.visit("status", s.postServerRecheck)},
		{post, "/status/server/prove", public, receipt, s.visit("status", s.postServerProve)},
		{post, "/status/server/rotate", public, receipt, s.visit("status", s.postServerRotate)},
		{post, "/status/server/maintenance", public, receipt, s.visit("status", s.postServerBreak)},
		{post, "/status/server/snapshot", public, receipt, s.visit("status", s.postServerSnapshot)},

		{post, "/review/:id/servers", identity.PermApplicationUnseal, 0, s.visit("review", s.postUnseal)},
		{
			post,
			"/review/:id/servers/:server/recheck",
			identity.PermEndpointCheck,
			0,
			s.visit("review", s.postPanelRecheck),
		},

		{get, "/fleet", read, 0, s.visit("fleet", s.getFleet)},
		{get, "/fleet/vantages", read, 0, s.visit("fleet", s.getVantages)},
		{post, "/fleet/vantages", manage, 0, s.visit("fleet", s.postVantage)},
		{post, "/fleet/vantages/:id/disable", manage, 0, s.visit("fleet", s.postVantageOff)},
	}
}
