package certificate

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadCertificate: The certificate cannot be read.
	CodeBadCertificate errs.Code = "bad_certificate"
	// CodeCertificateRefused: The certificate does not hold.
	CodeCertificateRefused errs.Code = "certificate_refused"
)
