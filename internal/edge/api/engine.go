package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// MaxPSBTBody is the largest PSBT that is read, as text in hex.
const MaxPSBTBody = 2*txbuild.MaxPSBTBytes + 64<<10

// BumpBatch answers POST /v1/batches/{id}/bump.
func (h *Handlers) BumpBatch(ctx context.Context, r BumpBatchRequestObject) (BumpBatchResponseObject, error) {
	version, err := versionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	b, err := h.cfg.Payouts.Bump(ctx, actorFrom(ctx), r.Id, version, r.Body.FeerateSatKvb)
	if err != nil {
		return nil, withYourVersion(err, version)
	}
	out := BumpBatch200JSONResponse{Body: batchSummary(b)}
	out.Headers.ETag = etag(b.Version)
	return out, nil
}

// AskVoid answers POST /v1/batches/{id}/void.
func (h *Handlers) AskVoid(ctx context.Context, r AskVoidRequestObject) (AskVoidResponseObject, error) {
	version, err := versionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := errs.InvalidFields(atLeastOne("feerate_sat_kvb", r.Body.FeerateSatKvb)); err != nil {
		return nil, err
	}
	b, err := makeOnce(ctx, h, "askVoid", r.Params.IdempotencyKey, r, func(ctx context.Context) (payout.Batch, error) {
		return h.cfg.Payouts.AskVoid(ctx, actorFrom(ctx), r.Id, version, payout.VoidOrder{
			Reason: r.Body.Reason, CancelIDs: value(r.Body.CancelIds), FeeRateSatKVB: value(r.Body.FeerateSatKvb),
		})
	}, h.madeBatch)
	if err != nil {
		return nil, withYourVersion(err, version)
	}
	out := AskVoid201JSONResponse{Body: batchSummary(b)}
	out.Headers.ETag, out.Headers.Location = etag(b.Version), batchLocation(b)
	return out, nil
}

// ApproveVoid answers POST /v1/batches/{id}/void/approve.
func (h *Handlers) ApproveVoid(ctx context.Context, r ApproveVoidRequestObject) (ApproveVoidResponseObject, error) {
	version, err := versionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	digest, err := grant.DecisionDigest("digest", r.Body.Digest)
	if err != nil {
		return nil, err
	}
	b, err := h.cfg.Payouts.ApproveVoid(ctx, actorFrom(ctx), r.Id, version, digest)
	if err != nil {
		return nil, withYourVersion(err, version)
	}
	out := ApproveVoid200JSONResponse{Body: batchSummary(b)}
	out.Headers.ETag = etag(b.Version)
	return out, nil
}

// WithdrawVoid answers POST /v1/batches/{id}/void/withdraw.
func (h *Handlers) WithdrawVoid(ctx context.Context, r WithdrawVoidRequestObject) (WithdrawVoidResponseObject, error) {
	version, err := versionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	b, err := h.cfg.Payouts.WithdrawVoid(ctx, actorFrom(ctx), r.Id, version)
	if err != nil {
		return nil, withYourVersion(err, version)
	}
	out := WithdrawVoid200JSONResponse{Body: batchSummary(b)}
	out.Headers.ETag = etag(b.Version)
	return out, nil
}

// GetSignatures answers GET /v1/batches/{id}/signatures.
func (h *Handlers) GetSignatures(
	ctx context.Context,
	r GetSignaturesRequestObject,
) (GetSignaturesResponseObject, error) {
	record, err := h.cfg.Payouts.Batch(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	status, err := h.cfg.Payouts.Signatures(ctx, record)
	if err != nil {
		return nil, err
	}
	return GetSignatures200JSONResponse(signatures(status)), nil
}

// ExportPsbt answers GET /v1/batches/{id}/psbt.
func (h *Handlers) ExportPsbt(ctx context.Context, r ExportPsbtRequestObject) (ExportPsbtResponseObject, error) {
	format := Binary
	if r.Params.Format != nil {
		format = *r.Params.Format
	}
	if !format.Valid() {
		return nil, oneOf("format", errs.CodeUnknownFormat)
	}
	out, _, err := h.cfg.Payouts.ExportPSBT(ctx, actorFrom(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	name := "batch-" + r.Id.String() + ".psbt"
	if format == Base64 {
		return file{
			name: name + ".txt",
			kind: "text/plain; charset=utf-8",
			body: []byte(base64.StdEncoding.EncodeToString(out.PSBT) + "\n"),
		}, nil
	}
	return file{name: name, kind: "application/octet-stream", body: out.PSBT}, nil
}

// ImportPsbt answers POST /v1/batches/{id}/psbt.
func (h *Handlers) ImportPsbt(ctx context.Context, r ImportPsbtRequestObject) (ImportPsbtResponseObject, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	status, err := h.cfg.Payouts.ImportPSBT(ctx, actorFrom(ctx), r.Id, raw)
	if err != nil {
		return nil, err
	}
	return ImportPsbt200JSONResponse(signatures(status)), nil
}

// file is an answer that people save: its bytes go out as they are.
type file struct {
	name, kind string
	body       []byte
}

func (f file) visit(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(f.body)))
	w.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	_, err := bytes.NewReader(f.body).WriteTo(w)
	return err
}

// VisitExportPsbtResponse writes a PSBT.
func (f file) VisitExportPsbtResponse(w http.ResponseWriter) error { return f.visit(w) }

// VisitExportPaymentsResponse writes an export.
func (f file) VisitExportPaymentsResponse(w http.ResponseWriter) error { return f.visit(w) }

// VisitGetCertificateResponse writes a certificate.
func (f file) VisitGetCertificateResponse(w http.ResponseWriter) error { return f.visit(w) }
