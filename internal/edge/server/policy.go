package server

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// SignedIn is what a route needs that any member of staff may call.
const SignedIn identity.Permission = "signed_in"

// Header is a request header that a route cannot do without.
type Header string

// The headers that make a call safe to repeat (428 when missing).
const (
	HeaderIdempotency Header = "Idempotency-Key"
	HeaderIfMatch     Header = "If-Match"
)

// Rule says who may call a route, and how callers are counted.
type Rule struct {
	Method     string
	Path       string // Echo's template, e.g. "/v1/batches/:id"
	Permission identity.Permission
	Needs      []Header
	Limit      Limit
	MaxBody    int64         // largest body that is read; 0: MaxBodyBytes
	Timeout    time.Duration // how long an answer may take; 0: 30 s
	Takes      string        // media type of a body of the API that is not JSON; "": JSON
}

// Limits of answers that take their time.
const (
	pollTimeout     = 40 * time.Second // a long poll waits 30 seconds at most
	downloadTimeout = 55 * time.Second
)

// What a route needs: a key where something is made, the version that was read where
// something is changed that others may have changed.
var (
	keyed     = []Header{HeaderIdempotency}
	versioned = []Header{HeaderIfMatch}
	both      = []Header{HeaderIfMatch, HeaderIdempotency}
)

// maxOrderBytes holds an order of payout.MaxOrder instalments.
const maxOrderBytes = 1 << 20

const (
	get  = http.MethodGet
	post = http.MethodPost
	del  = http.MethodDelete
)

// apiRules is the part of the policy table for the API.
func apiRules() []Rule {
	return []Rule{
		{Method: get, Path: "/v1/openapi.yaml", Permission: identity.PermPublic},
		{Method: get, Path: "/v1/fund", Permission: identity.PermPublic},
		{Method: post, Path: "/v1/applications", Permission: identity.PermPublic, Limit: LimitWriting, Needs: keyed},
		{Method: get, Path: "/v1/applications", Permission: identity.PermApplicationRead},
		{Method: get, Path: "/v1/applications/:id", Permission: identity.PermApplicationRead},
		{Method: post, Path: "/v1/applications/:id/claim", Permission: identity.PermApplicationClaim},
		{Method: del, Path: "/v1/applications/:id/claim", Permission: identity.PermApplicationClaim},
		{Method: post, Path: "/v1/applications/:id/votes", Permission: identity.PermApplicationVote, Needs: keyed},
		{Method: post, Path: "/v1/applications/:id/questions", Permission: identity.PermApplicationVote, Needs: keyed},
		{
			Method:     post,
			Path:       "/v1/applications/:id/decision",
			Permission: identity.PermApplicationDecide,
			Needs:      versioned,
		},
		{Method: post, Path: "/v1/applications/:id/messages", Permission: identity.PermApplicationClaim, Needs: keyed},
		{Method: get, Path: "/v1/application", Permission: identity.PermApplicationOwn, Limit: LimitReceipt},
		{
			Method:     post,
			Path:       "/v1/application/messages",
			Permission: identity.PermApplicationOwn,
			Limit:      LimitReceipt,
			Needs:      keyed,
		},
		{Method: http.MethodPut, Path: "/v1/application", Permission: identity.PermApplicationOwn, Limit: LimitReceipt},
		{Method: post, Path: "/v1/application/withdraw", Permission: identity.PermApplicationOwn, Limit: LimitReceipt},
		{Method: post, Path: "/v1/links", Permission: identity.PermPublic, Limit: LimitWriting},
		{Method: get, Path: "/v1/application/endpoints", Permission: identity.PermApplicationOwn, Limit: LimitReceipt},
		{
			Method:     get,
			Path:       "/v1/application/endpoints/:label",
			Permission: identity.PermApplicationOwn,
			Limit:      LimitReceipt,
		},
		{
			Method:     post,
			Path:       "/v1/application/endpoints/:label/recheck",
			Permission: identity.PermApplicationOwn,
			Limit:      LimitReceipt,
		},
		{
			Method:     get,
			Path:       "/v1/application/endpoints/:label/control",
			Permission: identity.PermApplicationOwn,
			Limit:      LimitReceipt,
		},
		{
			Method:     post,
			Path:       "/v1/application/endpoints/:label/control",
			Permission: identity.PermApplicationOwn,
			Limit:      LimitReceipt,
		},
		{
			Method:     post,
			Path:       "/v1/application/endpoints/:label/control/rotate",
			Permission: identity.PermApplicationOwn,
			Limit:      LimitReceipt,
		},
		{
			Method:     post,
			Path:       "/v1/application/endpoints/:label/maintenance",
			Permission: identity.PermApplicationOwn,
			Limit:      LimitReceipt,
			Needs:      keyed,
		},
		{
			Method:     get,
			Path:       "/v1/application/endpoints/:label/uptime",
			Permission: identity.PermApplicationOwn,
			Limit:      LimitReceipt,
			Timeout:    downloadTimeout,
		},
		{
			Method:     get,
			Path:       "/v1/application/endpoints/:label/results",
			Permission: identity.PermApplicationOwn,
			Limit:      LimitReceipt,
			Timeout:    downloadTimeout,
		},
		{Method: get, Path: "/v1/applications/:id/endpoints", Permission: identity.PermEndpointRead},
		{
			Method:     get,
			Path:       "/v1/applications/:id/uptime",
			Permission: identity.PermEndpointRead,
			Timeout:    downloadTimeout,
		},
		{
			Method:     get,
			Path:       "/v1/applications/:id/results",
			Permission: identity.PermEndpointRead,
			Timeout:    downloadTimeout,
		},
		{Method: post, Path: "/v1/endpoints/:id/recheck", Permission: identity.PermEndpointCheck, Limit: LimitHeavy},
		{Method: get, Path: "/v1/fleet", Permission: identity.PermEndpointRead},
		{Method: get, Path: "/v1/charters", Permission: identity.PermCharterRead},
		{Method: get, Path: "/v1/charters/:digest", Permission: identity.PermCharterRead},
		{Method: http.MethodPut, Path: "/v1/charters/:digest", Permission: identity.PermCharterPropose},
		{Method: post, Path: "/v1/charters/:digest/sign", Permission: identity.PermCharterPropose},
		{Method: get, Path: "/v1/vantages", Permission: identity.PermEndpointRead},
		{Method: post, Path: "/v1/vantages", Permission: identity.PermVantageManage, Limit: LimitHeavy, Needs: keyed},
		{Method: get, Path: "/v1/vantages/:id", Permission: identity.PermEndpointRead},
		{Method: post, Path: "/v1/vantages/:id/disable", Permission: identity.PermVantageManage},
		{Method: post, Path: "/v1/prober/enrol", Permission: identity.PermPublic, Limit: LimitEntering},
		{Method: post, Path: "/v1/prober/lease", Permission: identity.PermPublic, Limit: LimitProber},
		{
			Method:     post,
			Path:       "/v1/prober/report",
			Permission: identity.PermPublic,
			Limit:      LimitProber,
			MaxBody:    api.MaxReportBody,
		},
		{Method: get, Path: "/v1/grants", Permission: identity.PermGrantRead},
		{Method: get, Path: "/v1/grants/:id", Permission: identity.PermGrantRead},
		{Method: get, Path: "/v1/batches", Permission: identity.PermBatchRead},
		{
			Method:     post,
			Path:       "/v1/batches",
			Permission: identity.PermBatchCompose,
			MaxBody:    maxOrderBytes,
			Needs:      keyed,
		},
		{Method: post, Path: "/v1/batch-previews", Permission: identity.PermBatchCompose, MaxBody: maxOrderBytes},
		{Method: get, Path: "/v1/batches/:id", Permission: identity.PermBatchRead},
		{Method: post, Path: "/v1/batches/:id/approve", Permission: identity.PermBatchApprove, Needs: versioned},
		{Method: post, Path: "/v1/batches/:id/cancel", Permission: identity.PermBatchCompose, Needs: versioned},
		{
			Method:     get,
			Path:       "/v1/batches/:id/watch",
			Permission: identity.PermBatchRead,
			Limit:      LimitHeavy,
			Timeout:    pollTimeout,
		},
		{Method: post, Path: "/v1/batches/:id/bump", Permission: identity.PermBatchCompose, Needs: versioned},
		{
			Method:     post,
			Path:       "/v1/batches/:id/void",
			Permission: identity.PermBatchCompose,
			Needs:      both,
			MaxBody:    maxOrderBytes,
		},
		{Method: post, Path: "/v1/batches/:id/void/approve", Permission: identity.PermBatchApprove, Needs: versioned},
		{Method: post, Path: "/v1/batches/:id/void/withdraw", Permission: identity.PermBatchCompose, Needs: versioned},
		{Method: get, Path: "/v1/batches/:id/signatures", Permission: identity.PermBatchRead},
		{Method: get, Path: "/v1/batches/:id/psbt", Permission: identity.PermBatchRead},
		{
			Method:     post,
			Path:       "/v1/batches/:id/psbt",
			Permission: identity.PermBatchCompose,
			Limit:      LimitHeavy,
			MaxBody:    api.MaxPSBTBody,
			Takes:      echo.MIMEOctetStream,
		},
		{Method: post, Path: "/v1/upkeep", Permission: identity.PermBatchCompose, Needs: keyed},
		{
			Method:     post,
			Path:       "/v1/payee-lists",
			Permission: identity.PermBatchCompose,
			Limit:      LimitHeavy,
			MaxBody:    api.MaxPayeeListBody,
			Takes:      "text/csv",
		},
		{
			Method:     get,
			Path:       "/v1/payments",
			Permission: identity.PermBatchRead,
			Limit:      LimitHeavy,
			Timeout:    downloadTimeout,
		},
		{Method: get, Path: "/v1/payments/:id/certificate", Permission: identity.PermBatchRead},
		{Method: post, Path: "/v1/coins/:outpoint/lock", Permission: identity.PermBatchCompose},
		{Method: del, Path: "/v1/coins/:outpoint/lock", Permission: identity.PermBatchCompose},
		{Method: get, Path: "/v1/unjoined", Permission: identity.PermBatchRead},
		{Method: post, Path: "/v1/unjoined/:outpoint/join", Permission: identity.PermBatchApprove},
		{Method: post, Path: "/v1/unjoined/:outpoint/separate", Permission: identity.PermBatchApprove},
		{Method: get, Path: "/v1/fee", Permission: identity.PermTreasuryRead},
		{Method: get, Path: "/v1/treasury", Permission: identity.PermTreasuryRead},
		{Method: get, Path: "/v1/breakers", Permission: identity.PermBreakerRead},
		{Method: post, Path: "/v1/breakers/:number/reset", Permission: identity.PermBreakerReset, Needs: versioned},
		{Method: get, Path: "/v1/audit/key", Permission: identity.PermPublic},
		{Method: get, Path: "/v1/audit/checkpoint", Permission: identity.PermPublic},
		{Method: get, Path: "/v1/audit/checkpoints", Permission: identity.PermPublic, Limit: LimitHeavy},
		{Method: get, Path: "/v1/audit/leaves", Permission: identity.PermAuditRead},
		{
			Method:     get,
			Path:       "/v1/audit/bundle",
			Permission: identity.PermAuditRead,
			Limit:      LimitHeavy,
			Timeout:    downloadTimeout,
		},
		{Method: get, Path: "/v1/audit/proof", Permission: identity.PermAuditRead},
		{Method: get, Path: "/v1/audit/consistency", Permission: identity.PermPublic, Limit: LimitHeavy},
		{Method: get, Path: "/v1/whoami", Permission: SignedIn},
		{Method: get, Path: "/v1/tokens", Permission: identity.PermTokenManage},
		{Method: post, Path: "/v1/tokens", Permission: identity.PermTokenManage, Limit: LimitHeavy, Needs: keyed},
		{Method: get, Path: "/v1/tokens/:id", Permission: identity.PermTokenManage},
		{Method: post, Path: "/v1/tokens/:id/revoke", Permission: identity.PermTokenManage},
	}
}

// serverRules are for what this package serves itself.
func serverRules() []Rule {
	return []Rule{
		{Method: get, Path: "/livez", Permission: identity.PermPublic, Limit: LimitFree},
		{Method: get, Path: "/readyz", Permission: identity.PermPublic, Limit: LimitFree},
		{Method: get, Path: "/healthz", Permission: identity.PermPublic, Limit: LimitFree},
		{Method: get, Path: docsPath, Permission: identity.PermPublic},
	}
}

type routeKey struct{ method, path string }
