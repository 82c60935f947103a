package link

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadEscape: A % is followed by two hexadecimal digits.
	CodeBadEscape errs.Code = "bad_escape"
	// CodeBadHost: The host name inside the secret is not one.
	CodeBadHost errs.Code = "bad_host"
	// CodeBadID: The id is a UUID.
	CodeBadID errs.Code = "bad_id"
	// CodeBadSecret: A secret is 32 hexadecimal digits, dd and 32 digits, or ee, 32 digits and a host name; or the same in base64.
	CodeBadSecret errs.Code = "bad_secret"
	// CodeColon: The user name of an HTTP proxy holds no colon.
	CodeColon errs.Code = "colon"
	// CodeContradiction: The client's certificate is not one of this key.
	CodeContradiction errs.Code = "contradiction"
	// CodeEndpointRefused: The endpoint cannot be used as it is written.
	CodeEndpointRefused errs.Code = "endpoint_refused"
	// CodeInvalid: The part of the link or configuration is not valid.
	CodeInvalid errs.Code = "invalid"
	// CodeMissing: Paste a link or the content of a configuration file.
	CodeMissing errs.Code = "missing"
	// CodeNotASetting: This is not Name = value.
	CodeNotASetting errs.Code = "not_a_setting"
	// CodeRefused: The configuration has a block that is not accepted.
	CodeRefused errs.Code = "refused"
	// CodeSeveral: This is neither a WireGuard nor an OpenVPN configuration.
	CodeSeveral errs.Code = "several"
	// CodeUnclosed: The block that begins here has no end.
	CodeUnclosed errs.Code = "unclosed"
	// CodeUnknownForm: A link begins with a scheme such as tg:// or socks5://.
	CodeUnknownForm errs.Code = "unknown_form"
	// CodeUnknownParameter: This parameter is not among those that are read.
	CodeUnknownParameter errs.Code = "unknown_parameter"
	// CodeUnknownPart: Nothing may stand between the port and the parameters.
	CodeUnknownPart errs.Code = "unknown_part"
	// CodeUnknownSection: The sections are [Interface] and [Peer].
	CodeUnknownSection errs.Code = "unknown_section"
	// CodeUnsafe: A certificate that nobody checks proves nothing.
	CodeUnsafe errs.Code = "unsafe"
	// CodeUnsupported: HTTP proxies that speak TLS themselves are not checked yet.
	CodeUnsupported errs.Code = "unsupported"
	// CodeWithoutTLS: A server name goes with security=tls.
	CodeWithoutTLS errs.Code = "without_tls"
)
