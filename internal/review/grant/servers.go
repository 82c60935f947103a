package grant

import (
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// Servers are those of one application, under the lock of the use case. Package endpoint keeps
// them; what is changed of them is written with the application, in one transaction.
type Servers interface {
	// Claim has the application claim these and no others from a revision on, which counts from
	// 1. What describes them is sealed under key.
	Claim(c claim.Claims, revision int, key *seal.DataKey) error
	// Retire ends every claim: they are no longer checked.
	Retire()
	// Control says whether the fund pays for servers only whose control is proven, how many are
	// claimed that can be checked, and the labels of those that are not proven.
	Control() (needed bool, claimed int, unproven []string)
}

// provenControl refuses an approval that would pay for what nobody has proven.
func provenControl(servers Servers) error {
	needed, claimed, unproven := servers.Control()
	switch {
	case !needed:
		return nil
	case claimed == 0:
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
