package api

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// Leaves are small, and who reads them reads all of them.
const (
	maxLeaves     = 1000
	defaultLeaves = 100
)

// GetAuditKey answers GET /v1/audit/key.
func (h *Handlers) GetAuditKey(context.Context, GetAuditKeyRequestObject) (GetAuditKeyResponseObject, error) {
	return GetAuditKey200JSONResponse{Origin: h.cfg.Origin, Key: h.cfg.AuditKey}, nil
}

// GetCheckpoint answers GET /v1/audit/checkpoint.
func (h *Handlers) GetCheckpoint(
	ctx context.Context,
	_ GetCheckpointRequestObject,
) (GetCheckpointResponseObject, error) {
	c, err := h.cfg.AuditLog.Latest(ctx)
	if err != nil {
		return nil, err
	}
	return GetCheckpoint200JSONResponse(checkpoint(c)), nil
}

func checkpoint(c audit.StoredCheckpoint) Checkpoint {
	return Checkpoint{Size: c.Size, Note: c.Note, At: c.At}
}

// ListCheckpoints answers GET /v1/audit/checkpoints.
func (h *Handlers) ListCheckpoints(
	ctx context.Context,
	r ListCheckpointsRequestObject,
) (ListCheckpointsResponseObject, error) {
	limit, err := pageLimit(r.Params.Limit, 100)
	if err != nil {
		return nil, err
	}
	last, err := openNumber("checkpoints", r.Params.Cursor, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	newest, err := h.cfg.AuditLog.Newest(ctx, optional(last), limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(newest) > limit {
		newest = newest[:limit]
		next = newCursor("checkpoints", strconv.FormatInt(newest[limit-1].Size, 10))
	}
	out := ListCheckpoints200JSONResponse{
		Body: CheckpointPage{Items: make([]Checkpoint, 0, len(newest)), NextCursor: optional(next)},
	}
	for _, c := range newest {
		out.Body.Items = append(out.Body.Items, checkpoint(c))
	}
	out.Headers.Link = linkTo("/v1/audit/checkpoints", r.Params.Limit, next)
	return out, nil
}

// ListLeaves answers GET /v1/audit/leaves.
func (h *Handlers) ListLeaves(ctx context.Context, r ListLeavesRequestObject) (ListLeavesResponseObject, error) {
	limit, err := pageLimit(r.Params.Limit, maxLeaves)
	if err != nil {
		return nil, err
	}
	if r.Params.Limit == nil {
		limit = defaultLeaves
	}
	from, err := firstLeaf(r.Params)
	if err != nil {
		return nil, err
	}
	size, err := h.cfg.AuditRows.AuditSize(ctx)
	if err != nil {
		return nil, err
	}
	leaves, err := h.cfg.AuditRows.AuditLeaves(ctx, from, int64(limit))
	if err != nil {
		return nil, err
	}
	out := ListLeaves200JSONResponse{Body: LeafPage{Items: make([]Leaf, 0, len(leaves)), Size: size}}
	for i, leaf := range leaves {
		out.Body.Items = append(out.Body.Items, Leaf{Seq: from + int64(i), Text: string(leaf)})
	}
	if end := from + int64(len(leaves)); len(leaves) == limit && end < size {
		next := newCursor("leaves", strconv.FormatInt(end, 10))
		out.Body.NextCursor = &next
		out.Headers.Link = linkTo("/v1/audit/leaves", r.Params.Limit, next)
	}
	return out, nil
}

// firstLeaf returns where a page of leaves begins: where it is told to, or where the page
// before ended.
func firstLeaf(p ListLeavesParams) (int64, error) {
	last, err := openNumber("leaves", p.Cursor, math.MaxInt64)
	switch {
	case err != nil:
		return 0, err
	case p.From == nil:
		return last, nil
	case p.Cursor != nil:
		return 0, errs.InvalidFields(
			[]errs.Field{
				{Field: "from", Code: CodeNotWanted, Message: "The cursor says where the page begins: leave this out."},
			},
		)
	case *p.From < 0:
		return 0, outOfRange("from", 0, 1<<53)
	}
	return *p.From, nil
}

// GetInclusionProof answers GET /v1/audit/proof.
func (h *Handlers) GetInclusionProof(
	ctx context.Context,
	r GetInclusionProofRequestObject,
) (GetInclusionProofResponseObject, error) {
	p, err := h.cfg.AuditLog.Inclusion(ctx, r.Params.Seq)
	if err != nil {
		return nil, err
	}
	return GetInclusionProof200JSONResponse{
		Seq:        p.Seq,
		Leaf:       p.Leaf,
		Checkpoint: p.Checkpoint,
		Hashes:     hashes(p.Hashes),
	}, nil
}

// GetConsistencyProof answers GET /v1/audit/consistency.
func (h *Handlers) GetConsistencyProof(
	ctx context.Context,
	r GetConsistencyProofRequestObject,
) (GetConsistencyProofResponseObject, error) {
	p, err := h.cfg.AuditLog.Consistency(ctx, r.Params.From)
	if err != nil {
		return nil, err
	}
	return GetConsistencyProof200JSONResponse{Old: p.Old, New: p.New, Hashes: hashes(p.Hashes)}, nil
}

func hashes(list []tlog.Hash) [][]byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i][:]
	}
	return out
}

// GetAuditBundle answers GET /v1/audit/bundle.
func (h *Handlers) GetAuditBundle(
	ctx context.Context,
	_ GetAuditBundleRequestObject,
) (GetAuditBundleResponseObject, error) {
	b, err := h.cfg.AuditLog.Export(ctx)
	if err != nil {
		return nil, err
	}
	b.Checkpoints, b.Leaves = orEmpty(b.Checkpoints), orEmpty(b.Leaves)
	return bundleResponse(b), nil
}

// bundleResponse is written by the bundle's own JSON form, which the off-line
// verifier reads.
type bundleResponse audit.Bundle

// VisitGetAuditBundleResponse writes the bundle.
func (b bundleResponse) VisitGetAuditBundleResponse(w http.ResponseWriter) error {
	body, err := json.Marshal(audit.Bundle(b))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(body)
	return err
}
