package api

import (
	"context"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/registry"
)

// ListCharters answers GET /v1/charters.
func (h *Handlers) ListCharters(ctx context.Context, r ListChartersRequestObject) (ListChartersResponseObject, error) {
	view, err := h.cfg.Charters.Show(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(
		"charters",
		charters(view),
		paging{r.Params.Cursor, r.Params.Limit},
		grant.MaxPage,
		func(c Charter) string { return c.Digest },
	)
	if err != nil {
		return nil, err
	}
	out := ListCharters200JSONResponse{Body: CharterPage{Items: list, NextCursor: optional(next)}}
	out.Headers.Link = linkTo("/v1/charters", r.Params.Limit, next)
	return out, nil
}

// GetCharter answers GET /v1/charters/{digest}.
func (h *Handlers) GetCharter(ctx context.Context, r GetCharterRequestObject) (GetCharterResponseObject, error) {
	c, err := h.charter(ctx, r.Digest)
	if err != nil {
		return nil, err
	}
	return GetCharter200JSONResponse(c), nil
}

// ProposeCharter answers PUT /v1/charters/{digest}.
func (h *Handlers) ProposeCharter(
	ctx context.Context,
	r ProposeCharterRequestObject,
) (ProposeCharterResponseObject, error) {
	c, err := charter.Parse([]byte(r.Body.Text))
	if err != nil {
		return nil, err
	}
	if c.Digest().String() != r.Digest {
		return nil, oneOf("digest", decision.CodeBadDigest)
	}
	if err := h.cfg.Charters.Propose(ctx, actorFrom(ctx), []byte(r.Body.Text)); err != nil {
		return nil, err
	}
	out, err := h.charter(ctx, r.Digest)
	return ProposeCharter200JSONResponse(out), err
}

// SignCharter answers POST /v1/charters/{digest}/sign.
func (h *Handlers) SignCharter(ctx context.Context, r SignCharterRequestObject) (SignCharterResponseObject, error) {
	digest, err := decision.ParseDigest(r.Digest)
	if err != nil {
		return nil, err
	}
	if err := h.cfg.Charters.Sign(ctx, actorFrom(ctx), digest, []byte(r.Body.Signature)); err != nil {
		return nil, err
	}
	out, err := h.charter(ctx, r.Digest)
	return SignCharter200JSONResponse(out), err
}

func (h *Handlers) charter(ctx context.Context, digest string) (Charter, error) {
	view, err := h.cfg.Charters.Show(ctx, actorFrom(ctx))
	if err != nil {
		return Charter{}, err
	}
	for _, c := range charters(view) {
		if c.Digest == digest {
			return c, nil
		}
	}
	return Charter{}, errs.Newf(errs.NotFound, registry.CodeUnknownCharter,
		"There is no charter with digest %s. It was never proposed, or another one was taken in since.", digest)
}

// charters are the drafts, and behind them what was taken in, newest first.
func charters(view registry.View) []Charter {
	list := []Charter{}
	for _, d := range view.Drafts {
		c := Charter{
			Digest:     d.Digest.String(),
			Version:    d.Charter.Version,
			State:      "draft",
			ExpiresAt:  d.Charter.Expires,
			At:         d.At,
			ProposedBy: &d.ProposedBy,
			Text:       string(d.Text),
			Signatures: charterSignatures(d.Signatures),
			Changes:    charterChanges(d.Changes),
		}
		trustees := []CharterTrustees{}
		for _, n := range d.Counts {
			trustees = append(trustees, CharterTrustees{
				Version: n.Version, Needed: n.Needed, Signed: charterNames(n.Signed), Others: charterNames(n.Others),
			})
		}
		c.Trustees = &trustees
		list = append(list, c)
	}
	for i, v := range view.Versions {
		c := Charter{
			Digest:     v.Digest.String(),
			Version:    v.Charter.Version,
			State:      "replaced",
			ExpiresAt:  v.Charter.Expires,
			At:         v.At,
			Text:       string(v.Text),
			Signatures: charterSignatures(v.Signatures),
			Changes:    charterChanges(v.Changes),
		}
		switch {
		case i == 0:
			c.State, c.BindsAloneAt = "newest", view.BindsAlone
		case v.Binds:
			c.State = "binding"
		}
		list = append(list, c)
	}
	return list
}

func charterSignatures(list []registry.Signature) []CharterSignature {
	out := make([]CharterSignature, len(list))
	for i, s := range list {
		out[i] = CharterSignature{Key: s.Key, Signature: string(s.Armored), At: s.At}
	}
	return out
}

func charterChanges(list []charter.Change) []CharterChange {
	out := make([]CharterChange, len(list))
	for i, c := range list {
		out[i] = CharterChange{Effect: string(c.Effect), Text: c.Text}
	}
	return out
}

func charterNames(people []charter.Person) []string {
	out := make([]string, len(people))
	for i, p := range people {
		out[i] = p.Name
	}
	return out
}
