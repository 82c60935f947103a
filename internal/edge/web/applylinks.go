package web

import (
	"errors"
	"maps"
	"strconv"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
)

// readLinks puts the text of a chosen file into its row, in place of what was
// pasted there.
func (v *visit) readLinks(values *views.ApplyValues) error {
	for i := range values.Endpoints {
		file, err := v.upload("endpoint_file_" + strconv.Itoa(i))
		if err != nil {
			return err
		}
		if len(file) > 0 {
			values.Endpoints[i].Link = string(file)
		}
	}
	return nil
}

// understand says of each link what was understood, and returns what was refused.
func (s *Site) understand(v *visit, values *views.ApplyValues) []views.FieldError {
	if s.cfg.Endpoints == nil {
		return nil
	}
	var bad []views.FieldError
	for i := range values.Endpoints {
		e := &values.Endpoints[i]
		if e.Link == "" {
			continue
		}
		found, err := s.cfg.Endpoints.Understand(e.Link)
		if err != nil {
			bad = append(bad, linkErrors(v.page, endpointField(i, "link"), err)...)
			continue
		}
		e.Understood = &views.Understood{Protocol: string(found.Protocol), Fields: specFields(found.Fields)}
	}
	return bad
}

// linkErrors names, for each thing that was refused, its line or its parameter.
func linkErrors(p views.Page, field string, err error) []views.FieldError {
	var e *errs.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return []views.FieldError{{Field: field, Code: "link", Message: "This cannot be read."}}
	}
	var out []views.FieldError
	for _, f := range e.Fields {
		where := p.Say(views.Msg{Key: "spec." + f.Field, Text: f.Field})
		if line := f.Params["line"]; line != "" {
			where = p.T("spec.line", "N", line)
		} else if f.Field == "endpoint" {
			where = p.T("spec.whole")
		}
		params := map[string]string{}
		maps.Copy(params, f.Params)
		params["Where"], params["Words"] = where, f.Message
		out = append(
			out,
			views.FieldError{
				Field:   field,
				Code:    "link_" + string(f.Code),
				Message: where + ": " + f.Message,
				Params:  params,
			},
		)
	}
	return out
}
