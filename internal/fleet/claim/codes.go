package claim

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeEndpointTwice: This server is already in the list.
	CodeEndpointTwice errs.Code = "endpoint_twice"
	// CodeLinkRefused: This cannot be read.
	CodeLinkRefused errs.Code = "link_refused"
	// CodeNotAHost: This is not a host name or an IP address.
	CodeNotAHost errs.Code = "not_a_host"
	// CodeNotAPort: A port is a number from 1 to 65535.
	CodeNotAPort errs.Code = "not_a_port"
)
