package grant

import (
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
)

// retireAll ends all claims: nobody's servers are checked for an application that
// will not be paid.
func (w *Work) retireAll() {
	for _, e := range w.Endpoints {
		w.RetireEndpoints = append(w.RetireEndpoints, e.ID)
	}
}

// provenControl refuses an approval that would pay for what nobody has proven.
func provenControl(w *Work) error {
	if !w.NeedControl {
		return nil
	}
	var unproven []string
	for _, e := range w.Endpoints {
		if !e.Proven {
			unproven = append(unproven, e.Label)
		}
	}
	switch {
	case len(w.Endpoints) == 0:
		return errs.New(
			errs.Conflict,
			CodeEndpointUnproven,
			"The fund pays only for servers whose control is proven, and this application has none that can be checked. Nothing was decided: ask the operator for a link or a configuration file of each server.",
		)
	case len(unproven) > 0:
		err := errs.Newf(
			errs.Conflict,
			CodeEndpointUnproven,
			"The fund pays only for servers whose control is proven. Not proven: %s. Nothing was decided: ask the operator to prove them on the status page, then decide again.",
			strings.Join(unproven, ", "),
		)
		err.Params = map[string]string{"endpoints": strings.Join(unproven, ", ")}
		return err
	}
	return nil
}
