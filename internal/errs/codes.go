package errs

// The codes that several packages promise.
const (
	// CodeAlreadyRunning: Another process uses this folder of PostgreSQL.
	CodeAlreadyRunning Code = "already_running"
	// CodeAttemptNotFound: There is no such transaction of ours.
	CodeAttemptNotFound Code = "attempt_not_found"
	// CodeBadDescriptor: The descriptor cannot be used.
	CodeBadDescriptor Code = "bad_descriptor"
	// CodeBadRequest: The request cannot be read.
	CodeBadRequest Code = "bad_request"
	// CodeBatchVoided: That batch was taken back and paid nobody.
	CodeBatchVoided Code = "batch_voided"
	// CodeBreakerNotFound: There is no breaker with this number.
	CodeBreakerNotFound Code = "breaker_not_found"
	// CodeCannotListen: The program cannot listen at the address.
	CodeCannotListen Code = "cannot_listen"
	// CodeCoinNotFound: There is no such coin.
	CodeCoinNotFound Code = "coin_not_found"
	// CodeDataDirDamaged: The folder of a demo is damaged.
	CodeDataDirDamaged Code = "data_dir_damaged"
	// CodeDataDirUnwritable: A folder cannot be made or written.
	CodeDataDirUnwritable Code = "data_dir_unwritable"
	// CodeDustOutput: A payment is smaller than what the network relays to that address.
	CodeDustOutput Code = "dust_output"
	// CodeEndpointNotFound: Your application has no such server.
	CodeEndpointNotFound Code = "endpoint_not_found"
	// CodeFeeAboveCap: The fee would be above the cap that was approved.
	CodeFeeAboveCap Code = "fee_above_cap"
	// CodeFileUnwritable: A file cannot be written.
	CodeFileUnwritable Code = "file_unwritable"
	// CodeFractionalSat: A satoshi cannot be split: write a whole number, without a point or a comma.
	CodeFractionalSat Code = "fractional_sat"
	// CodeInternal: The program failed. Nothing that it answered with an error was done by halves.
	CodeInternal Code = "internal"
	// CodeInvalidFields: Fields of the request break a rule; each is named, with a code of its own.
	CodeInvalidFields Code = "invalid_fields"
	// CodeKeyFileMalformed: A key file cannot be read.
	CodeKeyFileMalformed Code = "key_file_malformed"
	// CodeKeyFileMissing: A key file does not exist or was not named.
	CodeKeyFileMissing Code = "key_file_missing"
	// CodeMalformedForm: The form cannot be read.
	CodeMalformedForm Code = "malformed_form"
	// CodeMalformedJSON: The body is not JSON, has a name twice, or has something behind its object.
	CodeMalformedJSON Code = "malformed_json"
	// CodeNoJournal: There is no journal of a signer.
	CodeNoJournal Code = "no_journal"
	// CodeNoTempDir: A temporary folder cannot be made.
	CodeNoTempDir Code = "no_temp_dir"
	// CodeNodeBehind: btcd is behind its peers.
	CodeNodeBehind Code = "node_behind"
	// CodeNotANumber: The amount is not written with digits only.
	CodeNotANumber Code = "not_a_number"
	// CodeNotFound: There is nothing at this address.
	CodeNotFound Code = "not_found"
	// CodeNotPayable: The instalment cannot be paid now.
	CodeNotPayable Code = "not_payable"
	// CodeNotText: This is not a text file.
	CodeNotText Code = "not_text"
	// CodeOutOfRange: The value is outside its range.
	CodeOutOfRange Code = "out_of_range"
	// CodePortTaken: Another program listens on the port.
	CodePortTaken Code = "port_taken"
	// CodePurged: What was written here has been erased, as the fund promised.
	CodePurged Code = "purged"
	// CodeRequired: The field is missing.
	CodeRequired Code = "required"
	// CodeSecretExposed: A file with a secret can be read by other users.
	CodeSecretExposed Code = "secret_exposed"
	// CodeUntilPassed: The batch could be signed for the first time until an earlier moment.
	CodeUntilPassed Code = "until_passed"
	// CodeStaleDigest: The application was revised after you opened it.
	CodeStaleDigest Code = "stale_digest"
	// CodeTooLarge: The value is larger than is possible.
	CodeTooLarge Code = "too_large"
	// CodeTooLong: The text is longer than is accepted.
	CodeTooLong Code = "too_long"
	// CodeTooMany: The list has more entries than are accepted.
	CodeTooMany Code = "too_many"
	// CodeTooManyOutputs: The payments do not fit into one transaction.
	CodeTooManyOutputs Code = "too_many_outputs"
	// CodeTwice: This parameter stands twice.
	CodeTwice Code = "twice"
	// CodeUnjoinedNotFound: There is no such payment.
	CodeUnjoinedNotFound Code = "unjoined_not_found"
	// CodeUnknownField: The body has a field that this call does not know.
	CodeUnknownField Code = "unknown_field"
	// CodeUnknownFormat: Payments are written as csv, json, ledger, beancount or bip329.
	CodeUnknownFormat Code = "unknown_format"
	// CodeUnknownNetwork: There is no such Bitcoin network.
	CodeUnknownNetwork Code = "unknown_network"
	// CodeUnknownProtocol: There is no such protocol.
	CodeUnknownProtocol Code = "unknown_protocol"
	// CodeWrongState: The state does not allow this, or it changed in the meantime.
	CodeWrongState Code = "wrong_state"
	// CodeIdempotencyKeyForm: An Idempotency-Key has 16 to 128 characters.
	CodeIdempotencyKeyForm Code = "idempotency_key_form"
	// CodeIdempotencyMismatch: The Idempotency-Key was used with another body.
	CodeIdempotencyMismatch Code = "idempotency_mismatch"
)
