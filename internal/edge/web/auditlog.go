package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/review/grant"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

const (
	auditPage = 50
	// A filter has no index, so one request reads no more rows than this and
	// leaves the rest to the next page's link.
	auditStretch = 5000
	auditChunk   = 500
)

// auditActions are offered in the filter; any other can stand in the address.
var auditActions = strings.Fields(
	`application.submitted application.opened application.claimed application.released application.voted_approve
application.voted_decline application.asked application.answered application.revised application.approved application.declined application.withdrawn
application.unsealed application.endpoints_unsealed fund.titles_unsealed application.internal_note application.message_from_operator
application.message_to_operator instalment.created payment.joined payment.separated
batch.composed batch.approved batch.cancelled batch.lapsed batch.built batch.signing batch.signed batch.broadcast batch.mined batch.paid batch.final
batch.conflicted batch.reorged batch.dead batch.bump_asked batch.bumped batch.signature_brought batch.void_asked batch.void_withdrawn
batch.void_lapsed batch.void_approved batch.void_built batch.voided batch.recovered breaker.tripped breaker.consented breaker.reset staff.invited staff.reinvited
staff.passkey_enrolled staff.signed_in staff.login_link staff.roles_set staff.disabled staff.enabled session.revoked token.created token.revoked`,
)

var auditParams = []string{"actor", "action", "object", "cursor", "ui"}

func (s *Site) getAudit(v *visit) error {
	q := v.QueryParams()
	view := views.Audit{
		Actor:     strings.TrimSpace(q.Get("actor")),
		Action:    q.Get("action"),
		Object:    strings.TrimSpace(q.Get("object")),
		BundleURL: "/audit/bundle",
		Command:   "causewayctl audit verify --key '" + s.cfg.AuditKey + "' --bundle causeway-audit.json",
	}
	for _, action := range auditActions {
		view.Actions = append(view.Actions, views.Option{Value: action, Label: action})
	}
	known := true
	for name := range q {
		known = known && slices.Contains(auditParams, name)
	}
	if known {
		if err := s.listAudit(v, &view, q); err != nil {
			return err
		}
	}
	var err error
	if view.Checkpoint, err = s.checkpoint(v.ctx()); err != nil {
		return err
	}
	return v.show(http.StatusOK, views.AuditPage(v.page, view))
}

// listAudit fills in the newest rows that fit, walking back from the cursor.
func (s *Site) listAudit(v *visit, view *views.Audit, q url.Values) error {
	end, err := s.cfg.AuditRows.AuditSize(v.ctx())
	if err != nil {
		return err
	}
	cursor := q.Get("cursor")
	if cursor != "" {
		n, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil || n < 0 {
			return errs.New(errs.Malformed, grant.CodeBadCursor, "The cursor is not valid. Start from the first page.")
		}
		end = min(end, n)
	}
	names, err := s.staffNames(v.ctx())
	if err != nil {
		return err
	}
	for stop := max(end-auditStretch, 0); end > stop && len(view.Rows) < auditPage; {
		from := max(end-auditChunk, stop)
		leaves, err := s.cfg.AuditRows.AuditLeaves(v.ctx(), from, end-from)
		if err != nil {
			return err
		}
		for i := len(leaves) - 1; i >= 0 && len(view.Rows) < auditPage; i-- {
			leaf, err := audit.ParseLeaf(leaves[i])
			if err != nil {
				return err
			}
			end = leaf.Seq
			if row := v.auditRow(leaf, names); fits(*view, row, leaf) {
				view.Rows = append(view.Rows, row)
			}
		}
		if len(leaves) == 0 {
			break
		}
	}
	next := ""
	if end > 0 {
		next = strconv.FormatInt(end, 10)
	}
	view.Paging = paging(
		"/audit",
		url.Values{"actor": {view.Actor}, "action": {view.Action}, "object": {view.Object}},
		cursor,
		next,
	)
	return nil
}

// staffNames maps actors of the log to what colleagues call them.
func (s *Site) staffNames(ctx context.Context) (map[string]string, error) {
	people, err := s.cfg.Identity.ListStaff(ctx, identity.System("web"))
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(people))
	for _, p := range people {
		names["staff:"+p.ID.String()] = p.Name
	}
	return names, nil
}

func (v *visit) auditRow(leaf audit.Leaf, names map[string]string) views.AuditRow {
	row := views.AuditRow{
		Seq:    leaf.Seq,
		Actor:  orElse(names[leaf.Actor], leaf.Actor),
		Action: leaf.Action,
		Object: leaf.ObjectKind + " " + leaf.ObjectID,
		Digest: leaf.Digest,
	}
	if at, err := time.Parse(time.RFC3339, leaf.At); err == nil {
		row.At = at
	}
	switch {
	case leaf.ObjectKind == "application" && v.by.Can(identity.PermApplicationRead):
		row.ObjectURL = "/review/" + leaf.ObjectID
	case leaf.ObjectKind == "batch" && v.by.Can(identity.PermBatchRead):
		row.ObjectURL = "/batches/" + leaf.ObjectID
	}
	return row
}

func fits(filter views.Audit, row views.AuditRow, leaf audit.Leaf) bool {
	holds := func(text, part string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(part)) }
	return holds(row.Actor+" "+leaf.Actor, filter.Actor) && holds(row.Object, filter.Object) &&
		(filter.Action == "" || filter.Action == leaf.Action)
}

// checkpoint reads the newest signed head for people; none yet is an empty one.
func (s *Site) checkpoint(ctx context.Context) (views.Checkpoint, error) {
	latest, err := s.cfg.AuditLog.Latest(ctx)
	if errs.Is(err, audit.CodeNoCheckpoint) {
		return views.Checkpoint{}, nil
	}
	if err != nil {
		return views.Checkpoint{}, err
	}
	view := views.Checkpoint{Text: latest.Note, Size: latest.Size, At: latest.At}
	lines := strings.SplitN(latest.Note, "\n", 4) // origin, size, root, signatures (C2SP tlog-checkpoint)
	if len(lines) == 4 {
		view.Origin, view.Root = lines[0], lines[2]
	}
	return view, nil
}

// getAuditBundle sends the whole log, for the off-line verifier.
func (s *Site) getAuditBundle(v *visit) error {
	bundle, err := s.cfg.AuditLog.Export(v.ctx())
	if err != nil {
		return err
	}
	body, err := json.Marshal(bundle)
	if err != nil {
		return err
	}
	return v.file("causeway-audit.json", echo.MIMEApplicationJSON, body)
}
