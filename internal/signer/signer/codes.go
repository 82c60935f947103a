package signer

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAnchorDropped: The replacement does not spend a coin that the batch's first transaction spends.
	CodeAnchorDropped errs.Code = "anchor_dropped"
	// CodeAttemptOrder: The attempt's number is not above the last one.
	CodeAttemptOrder errs.Code = "attempt_order"
	// CodeBadAmount: An output has an impossible amount.
	CodeBadAmount errs.Code = "bad_amount"
	// CodeBadAttemptNo: The attempt's number is negative.
	CodeBadAttemptNo errs.Code = "bad_attempt_no"
	// CodeBadBatchNote: The batch or upkeep note cannot be read.
	CodeBadBatchNote errs.Code = "bad_batch_note"
	// CodeBadChange: An output claims another derivation than the change of its batch.
	CodeBadChange errs.Code = "bad_change"
	// CodeBadDeadProof: A proof that a payment is dead does not hold.
	CodeBadDeadProof errs.Code = "bad_dead_proof"
	// CodeBadDecisionNote: A decision's note does not hold.
	CodeBadDecisionNote errs.Code = "bad_decision_note"
	// CodeBadHeaders: The block headers that show the time do not hold.
	CodeBadHeaders errs.Code = "bad_headers"
	// CodeBadInputAmount: An input has an impossible amount.
	CodeBadInputAmount errs.Code = "bad_input_amount"
	// CodeBadKeyFile: The key file does not hold a key of this program.
	CodeBadKeyFile errs.Code = "bad_key_file"
	// CodeBadLocktime: The transaction is locked by time, not by height.
	CodeBadLocktime errs.Code = "bad_locktime"
	// CodeBadPassphrase: The passphrase must not be empty.
	CodeBadPassphrase errs.Code = "bad_passphrase"
	// CodeBadPolicy: A limit of the signer is outside its range.
	CodeBadPolicy errs.Code = "bad_policy"
	// CodeBadSequence: An input has another sequence than a batch's.
	CodeBadSequence errs.Code = "bad_sequence"
	// CodeBadVoidNote: The void note cannot be read.
	CodeBadVoidNote errs.Code = "bad_void_note"
	// CodeBadWorkFactor: The work factor is outside its range.
	CodeBadWorkFactor errs.Code = "bad_work_factor"
	// CodeBatchChanged: The batch was signed before with another number.
	CodeBatchChanged errs.Code = "batch_changed"
	// CodeBatchNumberFar: The batch's number is far above the highest one so far.
	CodeBatchNumberFar errs.Code = "batch_number_far"
	// CodeBatchMismatch: The batch note is for another batch than the request.
	CodeBatchMismatch errs.Code = "batch_mismatch"
	// CodeChangeIndexReused: Another batch has this number already.
	CodeChangeIndexReused errs.Code = "change_index_reused"
	// CodeClockBack: The signer's clock is behind the last line of its journal.
	CodeClockBack errs.Code = "clock_back"
	// CodeCoinPromised: A coin belongs to another batch.
	CodeCoinPromised errs.Code = "coin_promised"
	// CodeCoinsDiffer: The upkeep note names other coins.
	CodeCoinsDiffer errs.Code = "coins_differ"
	// CodeDeadUnknown: A proof is about a decision that the request does not pay.
	CodeDeadUnknown errs.Code = "dead_unknown"
	// CodeDecisionChanged: A decision was signed before with another note.
	CodeDecisionChanged errs.Code = "decision_changed"
	// CodeDecisionTwice: A decision is shown twice.
	CodeDecisionTwice errs.Code = "decision_twice"
	// CodeDescriptorMissing: The key is one of several and nobody has said which.
	CodeDescriptorMissing errs.Code = "descriptor_missing"
	// CodeEmptyTransaction: The transaction has no input or no output.
	CodeEmptyTransaction errs.Code = "empty_transaction"
	// CodeFeeAboveBatchCap: The fee is above the batch's cap.
	CodeFeeAboveBatchCap errs.Code = "fee_above_batch_cap"
	// CodeFeeNotHigher: The replacement's fee is not above that of the transaction before.
	CodeFeeNotHigher errs.Code = "fee_not_higher"
	// CodeFeerateAboveBatchCap: The feerate is above the batch's cap.
	CodeFeerateAboveBatchCap errs.Code = "feerate_above_batch_cap"
	// CodeFeerateAboveCap: The feerate is above this signer's cap.
	CodeFeerateAboveCap errs.Code = "feerate_above_cap"
	// CodeFeerateTooLow: The fee would not be relayed.
	CodeFeerateTooLow errs.Code = "feerate_too_low"
	// CodeForeignOutput: An output pays a script that no decision names.
	CodeForeignOutput errs.Code = "foreign_output"
	// CodeHostHalted: The signer was halted on its own host.
	CodeHostHalted errs.Code = "host_halted"
	// CodeHostOnly: The call is for the signer's own host.
	CodeHostOnly errs.Code = "host_only"
	// CodeInputTwice: The transaction spends a coin twice.
	CodeInputTwice errs.Code = "input_twice"
	// CodeJournalWithoutCharter: The signer's journal has no charter.
	CodeJournalWithoutCharter errs.Code = "journal_without_charter"
	// CodeKeyComplete: The key has a descriptor already.
	CodeKeyComplete errs.Code = "key_complete"
	// CodeKeyExists: A key file is there already.
	CodeKeyExists errs.Code = "key_exists"
	// CodeMissingPayment: The transaction does not pay all decisions.
	CodeMissingPayment errs.Code = "missing_payment"
	// CodeNegativeFee: The outputs are worth more than the inputs.
	CodeNegativeFee errs.Code = "negative_fee"
	// CodeNoPayments: The batch note lists no decision.
	CodeNoPayments errs.Code = "no_payments"
	// CodeNoRoomForVoid: The caps leave no room to take the transaction back.
	CodeNoRoomForVoid errs.Code = "no_room_for_void"
	// CodeNotDead: A proof shows a transaction that does not stand in the way of its payment.
	CodeNotDead errs.Code = "not_dead"
	// CodeNoteDiffers: The batch note pays a period of a decision otherwise than its note says.
	CodeNoteDiffers errs.Code = "note_differs"
	// CodeNoteMissing: The batch note lists decisions whose notes are not shown.
	CodeNoteMissing errs.Code = "note_missing"
	// CodeNoteNotInBatch: The batch note does not list a decision that is shown.
	CodeNoteNotInBatch errs.Code = "note_not_in_batch"
	// CodeOutputCount: The transaction has another number of outputs.
	CodeOutputCount errs.Code = "output_count"
	// CodePaidByProof: The transaction of a proof pays the decision itself.
	CodePaidByProof errs.Code = "paid_by_proof"
	// CodePayeeIsTreasury: A decision pays the treasury's own change script.
	CodePayeeIsTreasury errs.Code = "payee_is_treasury"
	// CodePaymentsChanged: The replacement is about other payments or coins than the batch's first transaction.
	CodePaymentsChanged errs.Code = "payments_changed"
	// CodeRateMissing: The batch note has no rate for the currency of a decision.
	CodeRateMissing errs.Code = "rate_missing"
	// CodeRateUnused: The batch note has a rate that none of its payments uses.
	CodeRateUnused errs.Code = "rate_unused"
	// CodeRepeatDiffers: The transaction was signed before for other payments or another attempt.
	CodeRepeatDiffers errs.Code = "repeat_differs"
	// CodeSignerNotListed: The charter does not list this signer with its keys.
	CodeSignerNotListed errs.Code = "signer_not_listed"
	// CodeTooEarly: A decision may not be paid yet.
	CodeTooEarly errs.Code = "too_early"
	// CodeTooLate: A decision may no longer be paid.
	CodeTooLate errs.Code = "too_late"
	// CodeTooManyInputs: The transaction has more inputs than are allowed.
	CodeTooManyInputs errs.Code = "too_many_inputs"
	// CodeTreasuryNotInUse: The batch pays from another treasury than the one in use.
	CodeTreasuryNotInUse errs.Code = "treasury_not_in_use"
	// CodeTwoChanges: The transaction has more than one change output.
	CodeTwoChanges errs.Code = "two_changes"
	// CodeTxVersion: The transaction has another version than a batch's.
	CodeTxVersion errs.Code = "tx_version"
	// CodeUntilTooFar: The note may be signed for longer than notes may.
	CodeUntilTooFar errs.Code = "until_too_far"
	// CodeUnequalOutputs: Outputs of a split are not equal.
	CodeUnequalOutputs errs.Code = "unequal_outputs"
	// CodeUnexpectedDecisions: The request pays nobody and shows decisions.
	CodeUnexpectedDecisions errs.Code = "unexpected_decisions"
	// CodeUnexpectedField: An output is a payment and claims to be the treasury's own.
	CodeUnexpectedField errs.Code = "unexpected_field"
	// CodeVoidMismatch: The void note is for another batch than the batch note.
	CodeVoidMismatch errs.Code = "void_mismatch"
	// CodeWouldPayTwice: A transaction that was signed before pays a decision already and could confirm beside this one.
	CodeWouldPayTwice errs.Code = "would_pay_twice"
	// CodeWrongFund: A note is of another fund.
	CodeWrongFund errs.Code = "wrong_fund"
	// CodeWrongJournal: A line of the journal is for another treasury than this key.
	CodeWrongJournal errs.Code = "wrong_journal"
	// CodeWrongPassphrase: The passphrase does not open the key file.
	CodeWrongPassphrase errs.Code = "wrong_passphrase"
	// CodeFeeAbovePermille: The fee is above its share of the payments.
	CodeFeeAbovePermille errs.Code = "fee_above_permille"
)
