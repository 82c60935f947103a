package api

import (
	"errors"
	"strconv"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

func outOfRange(field string, least, most int64) error {
	return errs.InvalidFields([]errs.Field{
		{
			Field:   field,
			Code:    errs.CodeOutOfRange,
			Message: "must be from " + strconv.FormatInt(least, 10) + " to " + strconv.FormatInt(most, 10),
			Params:  map[string]string{"min": strconv.FormatInt(least, 10), "max": strconv.FormatInt(most, 10)},
		},
	})
}

func oneOf(field string, code errs.Code) error {
	return errs.InvalidFields([]errs.Field{{Field: field, Code: code, Message: "is not one of the values that exist"}})
}

// etag writes a version as an entity tag (RFC 9110 section 8.8.3).
func etag(version int64) *string {
	tag := `"` + strconv.FormatInt(version, 10) + `"`
	return &tag
}

// versionOf reads what etag wrote. Neither weak tags, nor lists, nor "*" say
// which version the caller has read.
func versionOf(ifMatch string) (int64, error) {
	bad := errs.InvalidFields(
		[]errs.Field{
			{Field: "If-Match", Code: CodeBadEtag, Message: `must be one ETag as it was sent, for example "7"`},
		},
	)
	if len(ifMatch) < 3 || ifMatch[0] != '"' || ifMatch[len(ifMatch)-1] != '"' {
		return 0, bad
	}
	version, err := strconv.ParseInt(ifMatch[1:len(ifMatch)-1], 10, 64)
	if err != nil || version < 1 || *etag(version) != ifMatch {
		return 0, bad
	}
	return version, nil
}

// withYourVersion names both versions in a stale_version conflict.
func withYourVersion(err error, version int64) error {
	var stale *errs.Error
	if !errors.As(err, &stale) || stale.Code != grant.CodeStaleVersion {
		return err
	}
	both := *stale
	both.Params = map[string]string{"your_version": strconv.FormatInt(version, 10)}
	for k, v := range stale.Params {
		both.Params[k] = v
	}
	both.Cause = err
	return &both
}

// optional returns nil for the zero value, so that it is left out of the JSON.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func proposal(n *NewApplication) grant.Proposal {
	p := grant.Proposal{
		Title: n.Title, Narrative: n.Narrative, Contact: value(n.Contact),
		Region: n.Region, Language: n.Language, AmountSat: n.AmountSat, PayoutAddress: n.PayoutAddress,
	}
	for _, e := range n.Endpoints {
		p.Endpoints = append(p.Endpoints, claim.Endpoint{
			Protocol: string(
				e.Protocol,
			),
			Host:     e.Host,
			Port:     int(e.Port),
			Username: value(e.Username),
			Secret:   value(e.Secret),
			Note:     value(e.Note),
			Link:     value(e.Link),
		})
	}
	return p
}
