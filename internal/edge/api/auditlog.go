package api

import (
	"context"
	"encoding/json"
	"net/http"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/trust/audit"
)

const maxLeaves = 1000

// GetAuditKey answers GET /v1/audit/key.
func (h *Handlers) GetAuditKey(context.Context, GetAuditKeyRequestObject) (GetAuditKeyResponseObject, error) {
	return GetAuditKey200JSONResponse{Origin: h.cfg.Origin, Key: h.cfg.AuditKey}, nil
}

// GetCheckpoint answers GET /v1/audit/checkpoint.
func (h *Handlers) GetCheckpoint(ctx context.Context, _ GetCheckpointRequestObject) (GetCheckpointResponseObject, error) {
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
func (h *Handlers) ListCheckpoints(ctx context.Context, r ListCheckpointsRequestObject) (ListCheckpointsResponseObject, error) {
	limit, err := pageLimit(r.Params.Limit, 100)
	if err != nil {
		return nil, err
	}
	newest, err := h.cfg.AuditLog.Newest(ctx, r.Params.Before, limit)
	if err != nil {
		return nil, err
	}
	out := ListCheckpoints200JSONResponse{Items: []Checkpoint{}}
	for _, c := range newest {
		out.Items = append(out.Items, checkpoint(c))
	}
	return out, nil
}

// ListLeaves answers GET /v1/audit/leaves.
func (h *Handlers) ListLeaves(ctx context.Context, r ListLeavesRequestObject) (ListLeavesResponseObject, error) {
	limit, err := pageLimit(r.Params.Limit, maxLeaves)
	if err != nil {
		return nil, err
	}
	from := value(r.Params.From)
	if from < 0 {
		return nil, outOfRange("from", 0, 1<<53)
	}
	size, err := h.cfg.AuditRows.AuditSize(ctx)
	if err != nil {
		return nil, err
	}
	leaves, err := h.cfg.AuditRows.AuditLeaves(ctx, from, int64(limit))
	if err != nil {
		return nil, err
	}
	out := ListLeaves200JSONResponse{Items: make([]Leaf, 0, len(leaves)), Size: size}
	for i, leaf := range leaves {
		out.Items = append(out.Items, Leaf{Seq: from + int64(i), Text: string(leaf)})
	}
	return out, nil
}

// GetInclusionProof answers GET /v1/audit/proof.
func (h *Handlers) GetInclusionProof(ctx context.Context, r GetInclusionProofRequestObject) (GetInclusionProofResponseObject, error) {
	p, err := h.cfg.AuditLog.Inclusion(ctx, r.Params.Seq)
	if err != nil {
		return nil, err
	}
	return GetInclusionProof200JSONResponse{Seq: p.Seq, Leaf: p.Leaf, Checkpoint: p.Checkpoint, Hashes: hashes(p.Hashes)}, nil
}

// GetConsistencyProof answers GET /v1/audit/consistency.
func (h *Handlers) GetConsistencyProof(ctx context.Context, r GetConsistencyProofRequestObject) (GetConsistencyProofResponseObject, error) {
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
func (h *Handlers) GetAuditBundle(ctx context.Context, _ GetAuditBundleRequestObject) (GetAuditBundleResponseObject, error) {
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
