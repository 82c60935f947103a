package server

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBodyTooLarge: The body is larger than this call accepts.
	CodeBodyTooLarge errs.Code = "body_too_large"
	// CodeCrossOrigin: This form was sent from another site.
	CodeCrossOrigin errs.Code = "cross_origin"
	// CodeHeaderRequired: A header that this call needs is missing.
	CodeHeaderRequired errs.Code = "header_required"
	// CodeLimitOutOfRange: A --limit-… flag is outside its range.
	CodeLimitOutOfRange errs.Code = "limit_out_of_range"
	// CodeMalformedParameter: A parameter of the request cannot be read.
	CodeMalformedParameter errs.Code = "malformed_parameter"
	// CodeMalformedValue: An identifier or a time in the JSON is malformed.
	CodeMalformedValue errs.Code = "malformed_value"
	// CodeMethodNotAllowed: This address does not accept that method.
	CodeMethodNotAllowed errs.Code = "method_not_allowed"
	// CodeNotWhole: The field is not a whole number.
	CodeNotWhole errs.Code = "not_whole"
	// CodeRateLimitedCaller: You have sent many requests in a short time.
	CodeRateLimitedCaller errs.Code = "rate_limited_caller"
	// CodeRateLimitedClient: Many requests came from your network in a short time.
	CodeRateLimitedClient errs.Code = "rate_limited_client"
	// CodeRateLimitedEverybody: Many people are using this at once.
	CodeRateLimitedEverybody errs.Code = "rate_limited_everybody"
	// CodeReceiptRequired: The call needs the header Causeway-Receipt.
	CodeReceiptRequired errs.Code = "receipt_required"
	// CodeTimeout: The request took too long and was stopped.
	CodeTimeout errs.Code = "timeout"
	// CodeTrustedProxy: --trusted-proxy is neither an address nor a network.
	CodeTrustedProxy errs.Code = "trusted_proxy"
	// CodeUnsupportedMediaType: The body is not of the media type that this call reads.
	CodeUnsupportedMediaType errs.Code = "unsupported_media_type"
	// CodeWrongType: The field has a value of another type.
	CodeWrongType errs.Code = "wrong_type"
)
